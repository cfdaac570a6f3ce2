"""Sets single keys of a network's files by name, as `--set conv1.epsW=0.02` does.

Which of the two files a key belongs to is what the layer's type declares.  The files' text is
edited, so that a run's checkpoints and its folder hold the network that was trained.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from convnet.display import harmless, quoted
from convnet.errors import SpecError
from convnet.language import Entry, Problem, Problems, Section, SpecFile
from convnet.language.edit import Editor
from convnet.language.fields import Field
from convnet.language.parse import DEFAULT
from convnet.language.specs import RunDefaults, Specs
from convnet.layers import LAYER_TYPES

OPTION = "--set"
File = Literal["layers", "params"]
# What `convnet.language` would read as the end of the value: see docs/dialect.md, 1.
_COMMENT = re.compile(r"[^;]*[ \t];")


@dataclass(frozen=True)
class _Place:
    """Where a key is: the file, the section, and the key as its field spells it."""

    file: File
    section: str
    key: str


class _Unknown(Exception):
    """There is no such key.  hint: what may have been meant."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def set_keys(
    specs: Specs, given: Iterable[tuple[str, str]], option: str = OPTION
) -> tuple[Specs, list[str]]:
    """Return the files with keys set, parsed, and a line for each value that changed.

    Parameters:
        specs: The files.  If they have errors of syntax already, they are returned as they are.
        given: Names such as "conv1.epsW" and values as a file would have them.  Of equal names the
            last counts.  The section is a layer, "run" or "data" of the parameter file, or DEFAULT.
        option: How values were given, for messages.

    Raises:
        SpecError: If there is no such section or key, or a value is no single line.
    """
    if specs.problems.errors:
        return specs, []
    found: list[Problem] = []
    lines: list[str] = []
    for name, text in given:
        where = f"{option} {name}"
        try:
            place = _place(specs, name)
            _check_value(text)
        except _Unknown as bad:
            found.append(Problem(None, f"{harmless(where)}: {bad}", bad.hint))
            continue
        before = _entry(specs, place)
        if before is None or before.value.text != text:
            old = "(none)" if before is None else " ".join(before.value.text.split())
            lines.append(f"{place.section}: {place.key} {old} -> {text}")
            specs = _edited(specs, place, text, where)
    if found:
        raise SpecError(found)
    return specs, lines


def file_of(specs: Specs, name: str, option: str = OPTION) -> File:
    """Return which file "layer.key" is in.  SpecError if there is no such key."""
    try:
        return _place(specs, name).file
    except _Unknown as bad:
        raise SpecError([Problem(None, f"{option} {harmless(name)}: {bad}", bad.hint)]) from None


def changes(specs: Specs, name: str, text: str) -> bool:
    """Return whether a key, which there is, would get another value."""
    before = _entry(specs, _place(specs, name))
    return before is None or before.value.text != text


def is_of_run(name: str) -> bool:
    """Return whether "section.key" is a setting of the run, such as "run.epochs"."""
    section, _, key = name.rpartition(".")
    return key.lower() in RunDefaults.sections.get(section, ())


def _place(specs: Specs, name: str) -> _Place:
    section, _, key = name.rpartition(".")
    place = _in_layer(specs, section, key) or _in_run(section, key) or _in_defaults(section, key)
    if place is None:
        layer = specs.layers.get(section)
        raise _unknown_key(layer, key) if layer else _unknown_section(specs, section)
    if place.file == "params" and specs.params is None:
        raise _Unknown(f"{quoted(place.key)} is a key of the parameter file, and there is none")
    if section == DEFAULT and _file(specs, place.file).defaults is None:
        where = harmless(_file(specs, place.file).source.path)
        raise _Unknown(f"{where} has no section [{DEFAULT}]", "name a layer")
    return place


def _in_layer(specs: Specs, section: str, key: str) -> _Place | None:
    layer = specs.layers.get(section)
    fields = _fields(layer)
    field = next((f for f in fields if f.key.lower() == key.lower()), None)
    if field is None:
        return None
    return _Place(_file_of_field(field, specs, section), section, field.key)


def _file_of_field(field: Field, specs: Specs, section: str) -> File:
    if field.file != "either":
        return field.file
    layer = specs.layers.get(section)
    params = specs.params.get(section) if specs.params else None
    is_above = layer is not None and field.key.lower() in layer.entries
    return "params" if params and field.key.lower() in params.entries and not is_above else "layers"


def _in_run(section: str, key: str) -> _Place | None:
    keys = RunDefaults.sections.get(section, ())
    return _Place("params", section, key.lower()) if key.lower() in keys else None


def _in_defaults(section: str, key: str) -> _Place | None:
    """In the section of defaults of the file that most types have the key in."""
    if section != DEFAULT:
        return None
    of_types = (f for cls in LAYER_TYPES.values() for f in cls.fields.values())
    field = next((f for f in of_types if f.key.lower() == key.lower()), None)
    if field is None:
        raise _Unknown(f"no layer type has a key {quoted(key)}")
    return _Place("params" if field.file == "params" else "layers", section, field.key)


def _fields(layer: Section | None) -> list[Field]:
    entry = layer.entries.get("type") if layer else None
    kind = LAYER_TYPES.get(entry.value.text) if entry else None
    return list(kind.fields.values()) if kind else []


def _unknown_key(layer: Section, key: str) -> _Unknown:
    fields = _fields(layer)
    if not fields:
        return _Unknown(f"{layer.name} has no layer type that is known ({layer.span})")
    kind = layer.entries["type"].value.text
    near = Problems().similar(key, [field.key for field in fields])
    hint = near or f"`convnet layers {kind}` lists its keys"
    return _Unknown(f"{kind} layers have no key {quoted(key)}", hint)


def _unknown_section(specs: Specs, section: str) -> _Unknown:
    keys = RunDefaults.sections.get(section)
    if keys:
        return _Unknown(f"[{section}] has the keys {', '.join(keys)}")
    names = [each.name for each in specs.layers.sections]
    where = harmless(specs.layers.source.path)
    near = Problems().similar(section, [*names, *RunDefaults.sections])
    return _Unknown(f"{where} has no layer {quoted(section)}", near)


def _check_value(text: str) -> None:
    if not text.isprintable():
        raise _Unknown("a value cannot contain control characters or line ends")
    if _COMMENT.match(text):
        raise _Unknown("in a value ';' behind a space starts a comment", "leave out the space")


def _file(specs: Specs, file: File) -> SpecFile:
    found = specs.layers if file == "layers" else specs.params
    if found is None:
        raise ValueError(f"no {file} file")
    return found


def _entry(specs: Specs, place: _Place) -> Entry | None:
    file = _file(specs, place.file)
    section = file.defaults if place.section == DEFAULT else file.get(place.section)
    return section.entries.get(place.key.lower()) if section else None


def _edited(specs: Specs, place: _Place, text: str, option: str) -> Specs:
    editor = Editor(_file(specs, place.file))
    editor.set(place.section, place.key, text, option)
    if place.file == "layers":
        return Specs.parse(editor.source(), specs.params.source if specs.params else None)
    return Specs.parse(specs.layers.source, editor.source())
