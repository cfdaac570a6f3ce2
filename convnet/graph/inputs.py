"""From the names under `inputs=` to nodes, with a message for each name that leads nowhere."""

from convnet.graph.graph import Node
from convnet.graph.read_fields import FieldReader
from convnet.language import Section, SpecFile, Value, did_you_mean, quoted

MANY = 64  # an input count as large as this is told as "or more"
MAX_HINTS = 50  # near names are sought for so many mistakes: the search is slow in long files


class InputNames:
    """What the names of a layer file stand for while the file is read from top to bottom.

    `nodes`: the node that later readers of a name get.  `broken`: layers with mistakes, whose
    readers are not reported.
    """

    def __init__(self, layers_file: SpecFile):
        self.sections = {section.name: section for section in layers_file.sections}
        self.nodes: dict[str, Node] = {}
        self.broken: set[str] = set()
        self._lost: list[tuple[str, str]] = []  # (reader, name that leads nowhere, or "")

    def resolve(self, section: Section, reader: FieldReader) -> list[Node | None] | None:
        """The input nodes; None entries for inputs with mistakes of their own; None: no list."""
        if "inputs" not in reader.layer.fields:
            return []
        items = inputs_of(section)
        if not items or any(not item.text for item in items):
            self._lost.append((section.name, ""))
            return None  # a missing or malformed key, which is reported with the other keys
        low, high = reader.layer.input_count
        if not low <= len(items) <= high:
            takes = f"{reader.layer.type_name} layers take {_count(low, high)}"
            message = f"{section.name}: {takes}, found {len(items)}"
            reader.error(section.entries["inputs"].value.span, message)
            self._lost.append((section.name, ""))
            return None
        return [self._resolve(section, item, reader) for item in items]

    def _resolve(self, section: Section, item: Value, reader: FieldReader) -> Node | None:
        node = self.nodes.get(item.text)
        if node is not None and not node.is_cost:
            return node
        if node is None and item.text in self.broken:
            reader.good = False
            return None
        self._lost.append((section.name, item.text))
        if node is not None:
            message = f"{section.name} reads {item.text}, a cost, which has no outputs"
            reader.error(item.span, message, "read the layer that the cost itself reads")
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
            self._report_unknown(section, item, reader)
        return None

    def _report_unknown(self, section, item, reader):
        above = ", ".join(self.nodes) if len(self.nodes) <= 8 else ""
        near = did_you_mean(item.text, self.sections) if len(self._lost) <= MAX_HINTS else ""
        hint = near or (above and f"above it are {above}")
        message = f"{section.name} reads {quoted(item.text)}, which does not exist"
        reader.error(item.span, message, hint)

    def unused(self) -> list[Section]:
        """The sections that nobody reads and that are no costs.

        Left out are those that a reader with a mistake in its inputs was probably meant to read:
        they will be in use once the mistake is repaired.
        """
        read = {i.text for s in self.sections.values() for i in inputs_of(s) if i.text != s.name}
        found = [s for s in self.sections.values() if s.name not in read and not _is_cost(s)]
        for reader, word in self._lost[:MAX_HINTS]:
            meant = self._meant(found, reader, word)
            found = [section for section in found if section is not meant]
        return found

    def _meant(self, unused: list[Section], reader: str, word: str) -> Section | None:
        """The unused layer with a name near to `word`; else the nearest one above the reader."""
        near = next((s for s in unused if word and did_you_mean(word, [s.name])), None)
        order = list(self.sections)
        above = [s for s in unused if order.index(s.name) < order.index(reader)]
        known = word in self.sections and word != reader  # a cost, or a layer below
        return near or (above[-1] if above and not known else None)


def inputs_of(section: Section) -> list[Value]:
    entry = section.entries.get("inputs")
    return entry.value.items() if entry else []


def _is_cost(section: Section) -> bool:
    entry = section.entries.get("type")
    return entry is not None and entry.value.text.startswith("cost")


def _count(low: int, high: int) -> str:
    if low == high:
        return f"{low} input{'s' * (low != 1)}"
    return f"{low} to {high} inputs" if high < MANY else f"{low} or more inputs"
