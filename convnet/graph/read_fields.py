"""Reading a layer's fields from its two sections; every error is reported where it is written."""

from collections.abc import Iterator
from functools import cache

from convnet.language import Entry, MalformedValue, Problems, Section, Span, Value
from convnet.language.fields import Field
from convnet.layers.base import LAYER_TYPES, Layer


@cache
def known_keys() -> frozenset[str]:
    """Return every key that some layer type of some dialect reads, in lower case."""
    return frozenset(f.key.lower() for cls in LAYER_TYPES.values() for f in cls.fields.values())


class FieldReader:
    """Sets one layer's attributes from its section of the layer file and of the params file.

    values: the text of each field, for the location of errors that later checks find.
    """

    def __init__(
        self, layer: Layer, section: Section, params: Section | None, problems: Problems
    ) -> None:
        self.layer, self.section, self.params = layer, section, params
        self.problems = problems
        self.values: dict[str, Value] = {}
        self.misspelt: set[str] = set()  # unknown keys that are reported as misspelt required ones
        self.good = True

    def read_all(self, inputs: int | None, params_given: bool) -> bool:
        """Set every field; return False if one is wrong.  inputs: their number, None if unknown."""
        for name, field in self.layer.fields.items():
            if name not in ("type", "neuron"):
                self._read(name, field, inputs, params_given)
        self._warn_unknown()
        return self.good

    def error(self, span: Span | None, message: str, hint: str = "") -> None:
        """Report an error of this layer."""
        self.good = False
        self.problems.error(span, message, hint)

    def _sections(self) -> list[tuple[str, Section | None]]:
        return [("layers", self.section), ("params", self.params)]

    def _entry(self, field: Field) -> Entry | None:
        for file, section in self._sections():
            entry = section.entries.get(field.key.lower()) if section is not None else None
            if entry is not None and field.file in (file, "either"):
                return entry
        return None

    def _read(self, name: str, field: Field, inputs: int | None, params_given: bool) -> None:
        entry = self._entry(field)
        if entry is None:
            missing = field.required and not self._is_replaced(field)
            if missing and (field.file == "layers" or params_given):
                self._report_missing(field)
            count = inputs or 0
            value = field.neutral_for(count) if field.required else field.default_for(count)
            self.layer.set_field(name, value)
            return
        self.values[name] = entry.value
        count = len(entry.value.items()) if inputs is None else inputs
        try:
            self.layer.set_field(name, field.read(entry.value, count))
        except MalformedValue as bad:
            self.error(bad.span, f"{self.layer.name}: {bad.message}", bad.hint)

    def _is_replaced(self, field: Field) -> bool:
        """Whether another key is given that makes a required one optional."""
        return field.unless is not None and self._entry(self.layer.fields[field.unless]) is not None

    def _report_missing(self, field: Field) -> None:
        section = self.params if field.file == "params" else self.section
        if section is None:
            return  # the whole params section is missing, which is reported once
        similar = (
            e for _, e in self._unknown(section) if self.problems.similar(e.key, [field.key])
        )
        entry = next(similar, None)
        if entry is None:
            message = f"{self.layer.name} has no {field.key}, which is required"
            hint = self._where_misplaced(field) or f"{field.key}: {field.help}"
            self.error(section.span, message, hint)
            return
        self.misspelt.add(entry.key.lower())
        message = (
            f"{self.layer.name} has a key '{entry.key}', but no {field.key}, which is required"
        )
        self.error(entry.key_span, message, f"did you mean '{field.key}'?")

    def _where_misplaced(self, field: Field) -> str:
        """A hint if a missing key is in the other of the two files, else ""."""
        in_params = field.file == "params"
        other = self.section if in_params else self.params
        entry = other.entries.get(field.key.lower()) if other else None
        file = "params" if in_params else "layer"
        return f"move it from {entry.key_span} to the {file} file" if entry else ""

    def _unknown(self, section: Section) -> Iterator[tuple[str, Entry]]:
        """The entries of a section that the layer type does not read."""
        known = {f.key.lower() for f in self.layer.fields.values()} | self.misspelt
        return ((key, entry) for key, entry in section.entries.items() if key not in known)

    def _warn_unknown(self) -> None:
        for file, section in self._sections():
            for key, entry in self._unknown(section) if section else ():
                self.problems.warn(entry.key_span, *self._about_unknown(key, entry, file))

    def _about_unknown(self, key: str, entry: Entry, file: str) -> tuple[str, str]:
        kind = self.layer.type_name
        own = [f.key for f in self.layer.fields.values() if f.file in (file, "either")]
        hint = self.problems.similar(entry.key, own)
        if key in known_keys():
            message = f"{kind} layers do not read '{entry.key}'"
        else:
            message = f"no layer type has a key '{entry.key}'"
        return f"{self.layer.name}: {message}; it has no effect", hint

    def span_of(self, field_name: str, index: int | None) -> Span:
        """Return where a field's value (or item `index` of it) is; else the section's name."""
        value = self.values.get(field_name)
        if value is None:
            field = self.layer.fields.get(field_name)
            in_params = field is not None and field.file == "params"
            return (self.params if in_params and self.params else self.section).span
        items = value.items()
        if index is not None and index < len(items):
            return items[index].span
        return value.span
