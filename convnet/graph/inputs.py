"""From the names under `inputs=` to nodes, with an error for each name that is no layer above."""

from convnet.graph.graph import Node
from convnet.graph.read_fields import FieldReader
from convnet.language import Problems, Section, SpecFile, Value, quoted

MANY = 64  # from this number of inputs on, messages say "or more"
MAX_HINTS = 50  # wrong inputs for which the layer that was meant is searched: each takes a while


class InputNames:
    """What the names of a layer file stand for while the file is read from top to bottom.

    nodes: the node that later consumers of a name read.  invalid: layers with errors; that their
    consumers cannot be built is not reported.
    """

    def __init__(self, layers_file: SpecFile) -> None:
        self.sections = {section.name: section for section in layers_file.sections}
        self.nodes: dict[str, Node] = {}
        self.invalid: set[str] = set()
        self._unresolved: list[tuple[str, str]] = []  # (layer, the wrong name in its inputs, or "")

    def resolve(self, section: Section, reader: FieldReader) -> list[Node | None] | None:
        """Return the input nodes, None for each that is wrong; None if there is no valid list."""
        if "inputs" not in reader.layer.fields:
            return []
        items = inputs_of(section)
        if not items or any(not item.text for item in items):
            self._unresolved.append((section.name, ""))
            return None  # a missing or malformed key, which is reported with the other keys
        low, high = reader.layer.input_count
        if not low <= len(items) <= high:
            takes = f"{reader.layer.type_name} layers take {_count(low, high)}"
            message = f"{section.name}: {takes}, found {len(items)}"
            reader.error(section.entries["inputs"].value.span, message)
            self._unresolved.append((section.name, ""))
            return None
        return [self._resolve(section, item, reader) for item in items]

    def _resolve(self, section: Section, item: Value, reader: FieldReader) -> Node | None:
        node = self.nodes.get(item.text)
        if node is not None and not node.is_cost:
            return node
        if node is None and item.text in self.invalid:
            reader.good = False
            return None
        self._unresolved.append((section.name, item.text))
        if node is not None:
            message = f"{section.name} reads {item.text}, a cost, which has no outputs"
            reader.error(item.span, message, "read the input of the cost instead")
        elif item.text == section.name:
            reader.error(item.span, f"{section.name} reads itself", "name a layer above it")
        elif item.text in self.sections:
            line = self.sections[item.text].span.line
            reader.error(
                item.span,
                f"{section.name} reads {item.text}, which is defined below it (line {line})",
                "move that section up: a layer must be defined above the layers that read it",
            )
        else:
            self._report_unknown(section, item, reader)
        return None

    def _report_unknown(self, section: Section, item: Value, reader: FieldReader) -> None:
        above = ", ".join(self.nodes) if len(self.nodes) <= 8 else ""
        near = reader.problems.similar(item.text, self.sections)
        hint = near or (above and f"the layers above it are {above}")
        message = f"{section.name} reads {quoted(item.text)}, which does not exist"
        reader.error(item.span, message, hint)

    def unused(self, problems: Problems) -> list[Section]:
        """Return the sections that are not costs and that no layer reads.

        Those that a layer with an error in its inputs was probably meant to read are left out: they
        will be used once the error is repaired.
        """
        read = {i.text for s in self.sections.values() for i in inputs_of(s) if i.text != s.name}
        found = [s for s in self.sections.values() if s.name not in read and not _is_cost(s)]
        places = {name: place for place, name in enumerate(self.sections)}
        for consumer, name in self._unresolved[:MAX_HINTS]:
            above = [s for s in found if places[s.name] < places[consumer]]
            meant = self._similar(found, name, problems) or self._last(above, consumer, name)
            found = [section for section in found if section is not meant]
        return found

    @staticmethod
    def _similar(unused: list[Section], name: str, problems: Problems) -> Section | None:
        """The first unused layer with a name similar to `name`."""
        return next((s for s in unused if name and problems.similar(name, [s.name])), None)

    def _last(self, above: list[Section], consumer: str, name: str) -> Section | None:
        """The last unused layer above a consumer, unless it names a cost or a layer below."""
        known = name in self.sections and name != consumer
        return above[-1] if above and not known else None


def inputs_of(section: Section) -> list[Value]:
    """Return the names in a section's `inputs`."""
    entry = section.entries.get("inputs")
    return entry.value.items() if entry else []


def _is_cost(section: Section) -> bool:
    entry = section.entries.get("type")
    return entry is not None and entry.value.text.startswith("cost")


def _count(low: int, high: int) -> str:
    if low == high:
        return f"{low} input{'s' * (low != 1)}"
    return f"{low} to {high} inputs" if high < MANY else f"{low} or more inputs"
