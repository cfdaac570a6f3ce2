"""The weights of a file's layer as those of one or several layers of ours, value for value.

Both are seen as (outputs, channels of a group, rows, columns); a full connection has the rows and
columns of its input.  A part of the network's filters then reads a range of the channels of one
group of the file, and `plan` finds these ranges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from convnet.foreign.contents import ForeignLayer
from convnet.foreign.targets import Source, Target, hides_image
from convnet.graph.graph import Node
from convnet.layers.conv import Convolution


class Misfit(Exception):
    """The layer of the file is not that of the network; the message says in what it differs."""


@dataclass(frozen=True)
class _Block:
    """Filters of one group and the channels that an input gives them.

    filters, channels: in the file's weights.  own_filters: in those of the layer.
    """

    input: int
    filters: slice
    channels: slice
    own_filters: slice


@dataclass(frozen=True)
class Fit:
    """How a layer of a file becomes layers of the network."""

    layer: ForeignLayer
    targets: tuple[Target, ...]
    window: tuple[int, int]
    seen: int
    blocks: tuple[tuple[_Block, ...], ...]

    @property
    def starts(self) -> list[int]:
        """Of each target, the first of its outputs among those of the file's layer."""
        return _starts(self.targets)

    def arrays(self, upside_down: bool = False) -> dict[str, np.ndarray]:
        """Return weights and biases, float32, by the names and in the layouts of checkpoints.

        A layer without biases gets zeros.  upside_down: the rows of the filters in reverse order.
        """
        weights = self._four()
        weights = weights[:, :, ::-1] if upside_down else weights
        found: dict[str, np.ndarray] = {}
        for target, start, blocks in zip(self.targets, self.starts, self.blocks, strict=True):
            for index, source in enumerate(target.sources):
                own = [block for block in blocks if block.input == index]
                found[f"{target.name}.weights.{index}"] = _placed(weights, target, source, own)
            found[f"{target.name}.biases"] = self._biases(start, target.outputs)
        return found

    def _four(self) -> np.ndarray:
        layer, shape = self.layer, (len(self.layer.weights), self.seen, *self.window)
        if layer.weights.ndim == 2 and layer.channels_last:
            return layer.weights.reshape(shape[0], *self.window, self.seen).transpose(0, 3, 1, 2)
        return layer.weights.reshape(shape)

    def _biases(self, start: int, count: int) -> np.ndarray:
        if self.layer.biases is None:
            return np.zeros(count, np.float32)
        return np.array(self.layer.biases[start : start + count], np.float32)


def plan(
    layer: ForeignLayer, targets: Sequence[Target], offsets: Mapping[Node, int] | None = None
) -> Fit:
    """Return how a layer of a file becomes the given layers, which split its outputs in order.

    offsets: of `channel_offsets`, needed for layers that read parts of the file's channels.  Raises
    Misfit, with the reason, unless every value has its place.
    """
    for target in targets:
        if target.problem:
            raise Misfit(target.problem)
    if layer.channels_last:
        _refuse_hidden_images(targets)
    window = _window(targets)
    seen = _channels_seen(layer, window)
    outputs, wanted = len(layer.weights), sum(target.outputs for target in targets)
    if outputs != wanted:
        raise Misfit(f"it has {outputs:,} outputs, the network {wanted:,}")
    starts = _inputs(targets, offsets or {})
    ends = (s + src.channels for t, row in zip(targets, starts, strict=True)
            for s, src in zip(row, t.sources, strict=True))  # fmt: skip
    groups = _groups(layer, seen, max(ends))
    if layer.biases is not None and layer.biases.shape != (outputs,):
        raise Misfit(f"it has {layer.biases.size:,} biases for {outputs:,} outputs")
    blocks = tuple(
        _blocks(target, first, row, seen, outputs // groups)
        for target, first, row in zip(targets, _starts(targets), starts, strict=True)
    )
    return Fit(layer, tuple(targets), window, seen, blocks)


def _starts(targets: Sequence[Target]) -> list[int]:
    return [sum(each.outputs for each in targets[:i]) for i in range(len(targets))]


def _refuse_hidden_images(targets: Sequence[Target]) -> None:
    """The order of the inputs cannot be changed where their rows and columns are not known."""
    for source in (source for target in targets for source in target.sources):
        if hides_image(source):
            raise Misfit(
                f"it reads images with the channels last, and {source.node.name} does not tell the "
                "rows and columns (channels= and imgSize= of data layers do)"
            )


def _window(targets: Sequence[Target]) -> tuple[int, int]:
    windows = {source.window for target in targets for source in target.sources}
    if len(windows) != 1:
        raise Misfit("its inputs in the network have windows of several sizes")
    return windows.pop()


def _channels_seen(layer: ForeignLayer, window: tuple[int, int]) -> int:
    """The channels of a group of the file's layer."""
    shape = layer.weights.shape
    if len(shape) == 4:
        if shape[2:] != window:
            raise Misfit(f"its windows are {_by(shape[2:])}, those of the network {_by(window)}")
        return int(shape[1])
    if len(shape) != 2 or shape[1] % prod(window):
        raise Misfit(f"its {shape[-1]:,} inputs are no channels of {_by(window)} values")
    return int(shape[1] // prod(window))


def _inputs(targets: Sequence[Target], offsets: Mapping[Node, int]) -> list[list[int]]:
    """Of each input of each target, the first of its channels among the file's."""
    if len(targets) == 1 and len(targets[0].sources) == 1:
        return [[0]]
    found = []
    for target in targets:
        unknown = [each.node for each in target.sources if each.node not in offsets]
        if unknown:
            below = (unknown[0].declared_in or unknown[0]).name
            raise Misfit(
                f"which of its channels {target.name} reads from {below} is not known; the map "
                "file tells, if it also has the layers below"
            )
        found.append([offsets[each.node] for each in target.sources])
    return found


def _groups(layer: ForeignLayer, seen: int, channels: int) -> int:
    groups = layer.groups or max(channels // seen, 1)
    if groups * seen != channels or len(layer.weights) % groups:
        of_groups = f" in each of {groups} groups" if groups > 1 else ""
        raise Misfit(f"it reads {seen:,} channels{of_groups}, the network {channels:,}")
    return groups


def _blocks(
    target: Target, first: int, starts: Sequence[int], seen: int, per_group: int
) -> tuple[_Block, ...]:
    """The blocks of one target.

    first: the first of its outputs in the file.  starts: of its inputs' channels.  seen, per_group:
    channels and filters of a group of the file.
    """
    if not target.groups:
        raise Misfit("its inputs in the network differ in their groups")
    count, found = target.outputs // target.groups, []
    for group in range(target.groups):
        own = slice(group * count, (group + 1) * count)
        start = first + own.start
        theirs = start // per_group
        if (start + count - 1) // per_group != theirs:
            raise Misfit(f"its filters are in more groups than those of {target.name}")
        places = [s + group * src.seen - theirs * seen
                  for s, src in zip(starts, target.sources, strict=True)]  # fmt: skip
        sizes = [source.seen for source in target.sources]
        if not _tiles(places, sizes, seen):
            raise Misfit(
                f"filters of {target.name} read {sum(sizes):,} channels, those of the file "
                f"{seen:,}, or others"
            )
        for index, (place, size) in enumerate(zip(places, sizes, strict=True)):
            channels = slice(place, place + size)
            found.append(_Block(index, slice(start, start + count), channels, own))
    return tuple(found)


def _tiles(places: Sequence[int], sizes: Sequence[int], seen: int) -> bool:
    """Whether ranges cover 0 .. seen, each channel once."""
    at = 0
    for place, size in sorted(zip(places, sizes, strict=True)):
        if place != at:
            return False
        at += size
    return at == seen


def _placed(
    weights: np.ndarray, target: Target, source: Source, blocks: Sequence[_Block]
) -> np.ndarray:
    own = np.empty((target.outputs, source.seen, *source.window), np.float32)
    for block in blocks:
        own[block.own_filters] = weights[block.filters, block.channels]
    if isinstance(target.node.layer, Convolution):
        return np.ascontiguousarray(np.moveaxis(own, 0, -1))
    return own.reshape(target.outputs, -1)


def _by(sides: Sequence[int]) -> str:
    return "x".join(map(str, sides))
