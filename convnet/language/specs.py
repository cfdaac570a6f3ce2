"""A pair of spec files, layers and params, as the commands take them; the settings of the run."""

import os
from dataclasses import dataclass
from pathlib import Path

from convnet.language import (
    MalformedValue,
    Problems,
    Section,
    Source,
    SpecFile,
    did_you_mean,
    parse,
    read_source,
)
from convnet.language.fields import Field, integer, text


@dataclass
class Specs:
    """The two parsed files, and the problems found so far."""

    layers: SpecFile
    params: SpecFile | None
    problems: Problems

    @classmethod
    def read(cls, layers_path: Path | str, params_path: Path | str | None = None) -> "Specs":
        """Read and parse the files.  Raises SpecError if one cannot be read."""
        return cls.parse(
            read_source(layers_path), read_source(params_path) if params_path else None
        )

    @classmethod
    def parse(cls, layers: Source, params: Source | None) -> "Specs":
        """Parse the files; errors go to `problems`."""
        problems = Problems()
        layers_file = parse(layers, problems)
        return cls(layers_file, parse(params, problems) if params else None, problems)


class RunDefaults:
    """Settings of the run in the params file, in `[run]` and `[data]` (our extension).

    Errors and warnings go to `problems`.
    """

    epochs = integer(50, ge=1, le=10**6, help="passes over the training set")
    minibatch = integer(128, ge=1, le=1 << 20, help="cases in a minibatch")
    source = text(None, help="data set: a built-in name or a folder, relative to this file")

    sections = {"run": ("epochs", "minibatch"), "data": ("source",)}

    def __init__(self, params: SpecFile | None, problems: Problems) -> None:
        for name, cls_field in vars(type(self)).items():
            if isinstance(cls_field, Field):
                setattr(self, name, cls_field.default)
        for section_name, names in self.sections.items():
            section = params.get(section_name) if params else None
            if section is not None:
                self._read(section, names, problems)
        if self.source is not None and params is not None:
            self.source = _relative_to(self.source, params.source.path)

    def _read(self, section: Section, names: tuple[str, ...], problems: Problems) -> None:
        for key, entry in section.entries.items():
            if key not in names:
                hint = did_you_mean(entry.key, names)
                problems.warn(entry.key_span, f"[{section.name}] has no key '{entry.key}'", hint)
                continue
            try:
                setattr(self, key, vars(type(self))[key].read(entry.value, 1))
            except MalformedValue as bad:
                problems.error(bad.span, bad.message, bad.hint)


def _relative_to(source: str, params_path: str) -> str:
    """Return a folder relative to the params file that names it, if it exists, else `source`."""
    folder = Path(params_path).parent / source
    return str(folder) if os.path.isdir(folder) else source
