"""From the names under `inputs=` to nodes, with a message for each name that leads nowhere."""

from convnet.graph.fields_of import FieldReader
from convnet.graph.graph import Node
from convnet.spec import Section, SpecFile, Value, did_you_mean, quoted

MANY = 64  # an input count as large as this is told as "or more"


class InputNames:
    """What the names of a layer file stand for while the file is read from top to bottom.

    `nodes`: the node that later readers of a name get.  `broken`: layers with mistakes, whose
    readers are not reported.  `unknown`: names that no section has.
    """

    def __init__(self, layers_file: SpecFile):
        self.sections = {section.name: section for section in layers_file.sections}
        self.nodes: dict[str, Node] = {}
        self.broken: set[str] = set()
        self.unknown: set[str] = set()

    def resolve(self, section: Section, reader: FieldReader) -> list[Node | None] | None:
        """The input nodes; None entries for inputs with mistakes of their own; None: no list."""
        entry = section.entries.get("inputs")
        if "inputs" not in reader.layer.fields:
            return []
        if entry is None or not entry.value.text:
            return None
        items = entry.value.items()
        if any(not item.text for item in items):
            return None
        low, high = reader.layer.input_count
        if not low <= len(items) <= high:
            takes = f"{reader.layer.type_name} layers take {_count(low, high)}"
            message = f"{section.name}: {takes}, found {len(items)}"
            reader.error(entry.value.span, message)
            return None
        return [self._resolve(section, item, reader) for item in items]

    def _resolve(self, section: Section, item: Value, reader: FieldReader) -> Node | None:
        node = self.nodes.get(item.text)
        if node is not None and not node.is_cost:
            return node
        if node is not None:
            message = f"{section.name} reads {item.text}, a cost, which has no outputs"
            reader.error(item.span, message, "read the layer that the cost itself reads")
        elif item.text in self.broken:
            reader.good = False
        elif item.text == section.name:
            reader.error(item.span, f"{section.name} reads itself", "name a layer above it")
        elif item.text in self.sections:
            line = self.sections[item.text].span.line
            reader.error(
                item.span,
                f"{section.name} reads {item.text}, which is defined below it (line {line})",
                "move that section up: inputs are defined before they are read",
            )
        else:
            self.unknown.add(item.text)
            above = ", ".join(self.nodes) if len(self.nodes) <= 8 else ""
            hint = did_you_mean(item.text, self.sections)
            message = f"{section.name} reads {quoted(item.text)}, which does not exist"
            reader.error(item.span, message, hint or (above and f"above it are {above}"))
        return None

    def is_read(self, name: str, read: set[str]) -> bool:
        """Whether a layer is read, or would be but for a slip in its reader's spelling."""
        return name in read or any(did_you_mean(word, [name]) for word in self.unknown)


def _count(low: int, high: int) -> str:
    if low == high:
        return f"{low} input{'s' * (low != 1)}"
    return f"{low} to {high} inputs" if high < MANY else f"{low} or more inputs"
