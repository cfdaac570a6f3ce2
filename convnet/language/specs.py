"""A pair of spec files as the commands take them, and what they say of the run itself."""

from dataclasses import dataclass
from pathlib import Path

from convnet.language import (
    MalformedValue,
    Problems,
    Source,
    SpecFile,
    did_you_mean,
    parse,
    read_source,
)
from convnet.language.fields import Field, integer, text


@dataclass
class Specs:
    """The two parsed files, with what was found suspicious so far."""

    layers: SpecFile
    params: SpecFile | None
    problems: Problems

    @classmethod
    def read(cls, layers_path, params_path=None) -> "Specs":
        sources = [read_source(layers_path), read_source(params_path) if params_path else None]
        return cls.parse(*sources)

    @classmethod
    def parse(cls, layers: Source, params: Source | None) -> "Specs":
        problems = Problems()
        files = [parse(source, problems) if source else None for source in (layers, params)]
        return cls(*files, problems)


class RunDefaults:
    """What the params file says of the run itself, in `[run]` and `[data]` (our extension)."""

    epochs = integer(50, ge=1, le=10**6, help="passes over the training set")
    minibatch = integer(128, ge=1, le=1 << 20, help="cases in a minibatch")
    source = text(None, help="data set: a built-in name or a folder, relative to this file")

    sections = {"run": ("epochs", "minibatch"), "data": ("source",)}

    def __init__(self, params: SpecFile | None, problems: Problems):
        for name, cls_field in vars(type(self)).items():
            if isinstance(cls_field, Field):
                setattr(self, name, cls_field.default)
        for section_name, names in self.sections.items():
            section = params.get(section_name) if params else None
            if section is not None:
                self._read(section, names, problems)
        if self.source is not None:
            self.source = _beside(self.source, params.source.path)

    def _read(self, section, names, problems):
        for key, entry in section.entries.items():
            if key not in names:
                hint = did_you_mean(entry.key, names)
                problems.warn(entry.key_span, f"[{section.name}] has no key '{entry.key}'", hint)
                continue
            try:
                setattr(self, key, vars(type(self))[key].read(entry.value, 1))
            except MalformedValue as bad:
                problems.error(bad.span, bad.message, bad.hint)


def _beside(source: str, params_path: str) -> str:
    """A folder named in a params file is sought beside that file first."""
    folder = Path(params_path).parent / source
    return str(folder) if folder.is_dir() else source
