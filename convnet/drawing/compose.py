"""From places to pixels: the columns of the devices, the boxes with their words, the arrows."""

from dataclasses import dataclass

from convnet.display import harmless
from convnet.drawing.arrange import Place, arrange, lanes
from convnet.drawing.boxes import Box, boxes_of
from convnet.drawing.routes import Router, Way
from convnet.drawing.scene import Curve, Point, Rectangle, Scene, Text
from convnet.drawing.text_width import fitted
from convnet.graph.build import HOST, Graph

BOX_WIDTH, BOX_HEIGHT = 186, 56
ROW_GAP, LANE_GAP = 36, 34  # between boxes
COLUMN_GAP, COLUMN_EDGE = 30, 22  # between columns, and from a column's edge to its boxes
MARGIN, FOOT = 20, 40  # round everything, and for the key of the lines
TITLE, NAMES = 48, 38  # heights of the title and of the columns' names
PITCH = BOX_HEIGHT + ROW_GAP
_SPREAD = 16  # between the arrows that enter a box


def draw_network(graph: Graph, title: str) -> Scene:
    """Return the drawing of a network.

    Rows are the layers from data to cost, columns the host and the devices; a network on one device
    has one column.  Arrows that cross from
    one device to another are copies.  The replicas of a layer with weights are joined by a dashed
    line: their gradients are added up.

    Raises SpecError for what the files ask for and this version cannot run.
    """
    boxes = boxes_of(graph)
    return _Composer(boxes, arrange(boxes), title).scene


@dataclass(frozen=True)
class _Column:
    left: float
    width: float


class _Composer:
    """Fills a scene."""

    def __init__(self, boxes: list[Box], places: dict[Box, Place], title: str) -> None:
        self.boxes, self.places = boxes, places
        self.rows = 1 + max(place.row for place in places.values())
        self.columns = _columns(places)
        last = list(self.columns.values())[-1]
        width = max(last.left + last.width + MARGIN, 440)
        self.head = TITLE + (NAMES if len(self.columns) > 1 else 0)
        self.bottom = self.head + self.rows * PITCH
        self.scene = Scene(width, self.bottom + FOOT, harmless(title))
        self.scene.texts.append(
            Text((MARGIN, 34), fitted(title, 17, width - 2 * MARGIN, bold=True), 17, anchor="start",
                 bold=True)
        )  # fmt: skip
        self._draw_columns()
        self._draw_replicas()
        self._draw_arrows()
        for box in self.boxes:
            self._draw_box(box)
        self._draw_key()

    # -- places --------------------------------------------------------------------------------

    def _left(self, box: Box) -> float:
        column = self.columns[box.column]
        return column.left + COLUMN_EDGE + self.places[box].lane * (BOX_WIDTH + LANE_GAP)

    def _top(self, box: Box) -> float:
        return self._row_top(self.places[box].row)

    def _row_top(self, row: int) -> float:
        return self.head + ROW_GAP / 2 + row * PITCH

    def _middle(self, box: Box) -> float:
        return self._left(box) + BOX_WIDTH / 2

    # -- parts ---------------------------------------------------------------------------------

    def _draw_columns(self) -> None:
        if len(self.columns) == 1:
            return
        for device, column in self.columns.items():
            name = "host" if device == HOST else f"device {device}"
            self.scene.rectangles.append(
                Rectangle(
                    column.left,
                    self.head - 28,
                    column.width,
                    self.bottom - self.head + 28,
                    "column",
                    10,
                )
            )
            at = column.left + column.width / 2, self.head - 9
            self.scene.texts.append(Text(at, name, 13, "faint", bold=True))

    def _draw_box(self, box: Box) -> None:
        left, top, middle = self._left(box), self._top(box), self._middle(box)
        self.scene.rectangles.append(Rectangle(left, top, BOX_WIDTH, BOX_HEIGHT, box.family))
        name = box.title
        if box.replicas > 1:
            name += f"  ({box.replica + 1} of {box.replicas})"
        lines = [
            (name, 13, "ink", True),
            (box.details, 11, "ink", False),
            (box.size, 11, "faint", False),
        ]
        lines = [line for line in lines if line[0]]
        first = top + BOX_HEIGHT / 2 - (len(lines) - 1) * 8 + 4
        for number, (text, size, role, bold) in enumerate(lines):
            shown = fitted(text, size, BOX_WIDTH - 12, bold=bold)
            self.scene.texts.append(
                Text((middle, first + 16 * number), shown, size, role, bold=bold)
            )

    def _draw_replicas(self) -> None:
        """A dashed line from each replica with weights to the next one."""
        for box in self.boxes:
            if not box.learns or box.replica + 1 >= box.replicas:
                continue
            other = next(
                b for b in self.boxes if b.title == box.title and b.replica == box.replica + 1
            )
            left, right = sorted((box, other), key=self._left)
            start = self._left(left) + BOX_WIDTH, self._top(left) + BOX_HEIGHT / 2
            end = self._left(right), self._top(right) + BOX_HEIGHT / 2
            self.scene.curves.append(
                Curve(start, ((start, end, end),), "shared", dashed=True, plain=True)
            )

    def _draw_arrows(self) -> None:
        router = Router()
        for box in self.boxes:
            sources = sorted(box.sources, key=self._middle)
            for number, source in enumerate(sources):
                shift = (number - (len(sources) - 1) / 2) * min(_SPREAD, 120 / len(sources))
                end = self._middle(box) + shift, self._top(box)
                way = self._way(source, box, end)
                role = "copy" if source.column != box.column else "arrow"
                self.scene.curves.append(Curve(way.start, router.pieces(way), role))

    def _way(self, source: Box, box: Box, end: Point) -> Way:
        start = self._middle(source), self._top(source) + BOX_HEIGHT
        above, below = self.places[source].row + 1, self.places[box].row
        if above == below:
            return Way(start, end)
        if all(place.row < above or place.row >= below or not self._is_in_way(other, end[0])
               for other, place in self.places.items()):  # fmt: skip
            gap = end[0]
        else:
            gap = self._left(box) - LANE_GAP / 2
            if source.column == box.column and start[0] > end[0]:
                gap = self._left(box) + BOX_WIDTH + LANE_GAP / 2
        passes = self._row_top(above), self._row_top(below - 1) + BOX_HEIGHT
        return Way(start, end, passes, gap)

    def _is_in_way(self, box: Box, x: float) -> bool:
        return self._left(box) - 8 < x < self._left(box) + BOX_WIDTH + 8

    def _draw_key(self) -> None:
        """The meaning of the lines, of those that occur."""
        x, y = float(MARGIN), self.bottom + 24
        roles = {curve.role for curve in self.scene.curves}
        words = {
            "arrow": "value",
            "copy": "copy between memories",
            "shared": "replicas: gradients are added up",
        }
        for role, text in words.items():
            if role in roles:
                line = (x + 26, y - 4)
                self.scene.curves.append(
                    Curve((x, y - 4), (((x, y - 4), line, line),), role, dashed=role == "shared",
                          plain=role == "shared")
                )  # fmt: skip
                self.scene.texts.append(Text((x + 33, y), text, 11, "faint", "start"))
                x += 48 + 6.2 * len(text)


def _columns(places: dict[Box, Place]) -> dict[int, _Column]:
    """The columns by device, from the left; the host is the first."""
    found: dict[int, _Column] = {}
    left = float(MARGIN)
    for device in sorted({box.column for box in places}):
        count = lanes(places, device)
        width = 2 * COLUMN_EDGE + count * BOX_WIDTH + (count - 1) * LANE_GAP
        found[device] = _Column(left, width)
        left += width + COLUMN_GAP
    return found
