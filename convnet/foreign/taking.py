"""What a network takes of another framework's file: arrays, and a table that says what and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from convnet.display import cells, harmless
from convnet.errors import ConvnetError, DataError
from convnet.foreign.contents import ForeignFile
from convnet.foreign.dropout import undo_dropout
from convnet.foreign.inputs import ForeignInput, fold
from convnet.foreign.matching import Matching, match
from convnet.foreign.symmetry import uneven_layers
from convnet.foreign.targets import hides_image
from convnet.graph.graph import Graph
from convnet.layers.fc import FullyConnected

_COLUMNS = ("in the file", "shape", "layer", "values")


@dataclass(frozen=True)
class Taken:
    """Arrays of a file by the names and in the layouts of checkpoints.

    matching: which layers they are of.  notes: lines about what was changed in them.
    """

    matching: Matching
    arrays: dict[str, np.ndarray] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def layers(self) -> list[str]:
        """The names of the network's layers that are filled."""
        return [target.name for fit in self.matching.fits for target in fit.targets]

    @property
    def values(self) -> int:
        """How many weights and biases are taken."""
        return sum(array.size for array in self.arrays.values())


def take(
    file: ForeignFile,
    graph: Graph,
    map_path: Path | None = None,
    given: ForeignInput | None = None,
    upside_down: bool = False,
) -> Taken:
    """Return what a network takes of a file.

    map_path: a map file.  given: what the file's network expects of an image; None if that is not
    known, then only the order of channels that the file states is brought to ours.  upside_down:
    turn the filters, for networks that were trained on images upside down.

    ConvnetError if the layers cannot be matched, if none fits, or if values are not finite.
    """
    uneven = uneven_layers(graph) if upside_down else []
    if uneven:
        raise DataError(
            f"--upside-down: the windows of {', '.join(uneven)} lie differently at the top and at "
            "the bottom, so turned filters would not see what the original's see; give a network "
            "whose windows are whole, such as one of 227x227 pixels"
        )
    matching = match(file, graph, map_path)
    if not matching.fits:
        raise DataError("\n".join([f"{harmless(file.path)}: no layer fits", *table(matching)]))
    if upside_down:
        _refuse_unknown_rows(matching)
    arrays: dict[str, np.ndarray] = {}
    for fit in matching.fits:
        own = fit.arrays(upside_down)
        if not all(np.isfinite(array).all() for array in own.values()):
            name = harmless(fit.layer.name)
            raise DataError(f"{harmless(file.path)}: {name} holds values that are not finite")
        arrays |= own
    notes = _folded(given, matching, arrays)
    if not file.scales_dropout:
        notes += undo_dropout(matching.fits, arrays)
    return Taken(matching, arrays, notes)


def _folded(
    given: ForeignInput | None, matching: Matching, arrays: dict[str, np.ndarray]
) -> tuple[str, ...]:
    expected = given or ForeignInput(order=matching.file.color_order or "RGB")
    channels = fold(expected, matching.fits, arrays)
    is_scaled = expected.scale != 1 or expected.deviation is not None
    if given and not channels and (is_scaled or expected.order == "BGR"):
        raise ConvnetError(
            "no layer whose weights are taken reads the pixels themselves, so neither scale, "
            "deviation nor the order of the channels can be brought into its weights"
        )
    what = []
    if expected.order == "BGR" and 3 in channels.values():
        what.append("its channels are in the order red, green, blue")
    if is_scaled:
        what.append("its weights are divided by the scale and the deviations of the pixels")
    return (f"{', '.join(channels)}: {'; '.join(what)}",) if what else ()


def _refuse_unknown_rows(matching: Matching) -> None:
    """The rows of an image cannot be turned in weights that see it as a vector."""
    for target in (target for fit in matching.fits for target in fit.targets):
        hidden = [each.node.name for each in target.sources if hides_image(each)]
        if hidden and isinstance(target.node.layer, FullyConnected):
            raise DataError(
                f"--upside-down: {target.name} reads {hidden[0]}, which does not tell the rows of "
                "its images; give a network in which it does"
            )


def with_order(given: ForeignInput | None, order: str, file: ForeignFile) -> ForeignInput | None:
    """Return an input with the order of channels that was chosen, or else the one of the file.

    order: "RGB" or "BGR"; "" if none was chosen.
    """
    if given is None:
        return ForeignInput(order=order) if order else None
    chosen = order or file.color_order
    return replace(given, order=chosen) if chosen else given


def table(matching: Matching) -> list[str]:
    """Return lines: every layer of the file, and its layer here or why it was left."""
    rows = [_COLUMNS]
    for fit in matching.fits:
        layer, own = fit.layer, "+".join(target.name for target in fit.targets)
        count = layer.weights.size + (0 if layer.biases is None else layer.biases.size)
        own += "" if layer.biases is not None else " (its biases: 0)"
        rows.append((harmless(layer.name), _by(layer.weights.shape), own, f"{count:,}"))
    for left in matching.left:
        shape = _by(left.layer.weights.shape)
        rows.append((harmless(left.layer.name), shape, f"left: {left.why}", ""))
    for name, why in matching.file.left:
        rows.append((harmless(name), "", f"left: {harmless(why)}", ""))
    for target in matching.missing:
        reason = target.problem or "nothing of the file"
        rows.append(("", "", f"{harmless(target.name)}: {reason}", ""))
    return _aligned(rows)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(cells(row[i]) for row in rows if row[3] or i < 2) for i in range(4)]
    lines = []
    for a, b, c, d in rows:
        start = f"  {_padded(a, widths[0])}  {_padded(b, widths[1])}  "
        lines.append((start + (f"{_padded(c, widths[2])}  {d:>{widths[3]}}" if d else c)).rstrip())
    return lines


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
