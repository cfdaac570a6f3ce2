"""Reading a layer's fields from its two sections, with every mistake at its place."""

from convnet.language import MalformedValue, Problems, Section, did_you_mean
from convnet.language.fields import Field
from convnet.language.schedule import Schedule
from convnet.layers.base import LAYER_TYPES, Layer


def known_keys() -> set[str]:
    """Every key that some layer type of some dialect reads, in lower case."""
    return {f.key.lower() for cls in LAYER_TYPES.values() for f in cls.fields.values()}


class FieldReader:
    """Fills one layer's attributes from its section of the layer file and of the params file.

    `values` remembers the text of each field, to point at it when a later check fails.
    """

    def __init__(self, layer: Layer, section: Section, params: Section | None, problems: Problems):
        self.layer, self.problems = layer, problems
        self.sections = {"layers": section, "params": params}
        self.values = {}
        self.slips: set[str] = set()  # unknown keys that were taken for required ones
        self.good = True

    def read_all(self, inputs: int | None, params_given: bool) -> bool:
        """Set every field; False if one is wrong.  inputs: None when their number is not known."""
        for name, field in self.layer.fields.items():
            if name not in ("type", "neuron"):
                self._read(name, field, inputs, params_given)
        self._warn_unknown()
        return self.good

    def error(self, span, message, hint=""):
        self.good = False
        self.problems.error(span, message, hint)

    def _entry(self, field: Field):
        files = ("layers", "params") if field.file == "either" else (field.file,)
        for file in files:
            section = self.sections[file]
            if section is not None and field.key.lower() in section.entries:
                return section.entries[field.key.lower()]
        return None

    def _read(self, name, field, inputs, params_given):
        entry = self._entry(field)
        if entry is None:
            wanted = field.required and not self._replaced(field)
            if wanted and (field.file == "layers" or params_given):
                self._report_missing(field)
            count = inputs or 0
            value = _neutral(field, count) if field.required else field.fallback(count)
            self.layer.set_field(name, value)
            return
        self.values[name] = entry.value
        count = len(entry.value.items()) if inputs is None else inputs
        try:
            self.layer.set_field(name, field.read(entry.value, count))
        except MalformedValue as bad:
            self.error(bad.span, f"{self.layer.name}: {bad.message}", bad.hint)

    def _replaced(self, field) -> bool:
        """Whether another key is given that makes a required one unnecessary."""
        return field.unless is not None and self._entry(self.layer.fields[field.unless]) is not None

    def _report_missing(self, field):
        section = self.sections["params" if field.file == "params" else "layers"]
        if section is None:
            return  # the whole params section is missing, which is reported once
        slip = next(
            (e for _, e in self._unknown(section) if did_you_mean(e.key, [field.key])), None
        )
        if slip is None:
            message = f"{self.layer.name} has no {field.key}, which is required"
            self.error(
                section.span, message, self._elsewhere(field) or f"{field.key}: {field.help}"
            )
            return
        self.slips.add(slip.key.lower())
        message = f"{self.layer.name} has a key '{slip.key}', but no {field.key}, which is required"
        self.error(slip.key_span, message, f"did you mean '{field.key}'?")

    def _elsewhere(self, field) -> str:
        """Where a missing key stands, if it was written into the other of the two files."""
        other = self.sections["layers" if field.file == "params" else "params"]
        entry = other.entries.get(field.key.lower()) if other else None
        name = "params" if field.file == "params" else "layer"
        return f"move it from {entry.key_span} to the {name} file" if entry else ""

    def _unknown(self, section):
        mine = {f.key.lower() for f in self.layer.fields.values()} | self.slips
        return [(key, entry) for key, entry in section.entries.items() if key not in mine]

    def _warn_unknown(self):
        for file, section in self.sections.items():
            for key, entry in self._unknown(section) if section else ():
                self.problems.warn(entry.key_span, *self._about_unknown(key, entry, file))

    def _about_unknown(self, key, entry, file) -> tuple[str, str]:
        kind = self.layer.type_name
        own = [f.key for f in self.layer.fields.values() if f.file in (file, "either")]
        hint = did_you_mean(entry.key, own)
        if key in known_keys():
            message = f"{kind} layers do not read '{entry.key}'"
        else:
            message = f"no layer type has a key '{entry.key}'"
        return f"{self.layer.name}: {message}; it has no effect", hint

    def place_of(self, field_name: str, index: int | None):
        """Where a field's value (or its item `index`) is written; else the section's name."""
        value = self.values.get(field_name)
        if value is None:
            field = self.layer.fields.get(field_name)
            file = "params" if field is not None and field.file == "params" else "layers"
            return (self.sections[file] or self.sections["layers"]).span
        items = value.items()
        if index is not None and index < len(items):
            return items[index].span
        return value.span


def _neutral(field: Field, inputs: int):
    """Stands in for a required value that was not given, so that checking can go on."""
    what = type(field).__name__
    value = {"rate": Schedule(), "text": "", "boolean": True}.get(what, 0)
    if what == "number":
        value = 0.0
    if what == "integer":
        value = 1
    return (value,) * inputs if field.per_input else value
