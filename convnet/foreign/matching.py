"""Which layer of a file goes into which layer of a network: by a map, by name, or by order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from convnet.display import cells, harmless
from convnet.errors import DataError
from convnet.foreign.contents import ForeignFile, ForeignLayer
from convnet.foreign.fitting import Fit, Misfit, plan
from convnet.foreign.map_file import LayerMap, read_map
from convnet.foreign.targets import Target, channel_offsets, targets_of
from convnet.graph.graph import Graph, Node

Pair = tuple[ForeignLayer, tuple[Target, ...]]

NOT_NAMED = "the network has no layer of this name"


@dataclass(frozen=True)
class Left:
    """A layer of the file that was not taken, and why."""

    layer: ForeignLayer
    why: str


@dataclass(frozen=True)
class Matching:
    """What is taken of a file.

    how: "by the map", "by name", "by order" or "by shape".  fits: in the order of the network.
    left: layers of the file.  missing: layers of the network that get no weights.
    """

    file: ForeignFile
    how: str
    fits: tuple[Fit, ...]
    left: tuple[Left, ...]
    missing: tuple[Target, ...]


def match(file: ForeignFile, graph: Graph, map_path: Path | None = None) -> Matching:
    """Return what a network takes of a file.

    Without a map file, names decide if one of them is that of a layer it fits; else the order, if
    all layers of the file or of the network fit in it in one way only, apart from the last one;
    else the shapes, if each layer fits only one other.  DataError, with both lists, if none of
    these holds, and for mistakes in the map file.
    """
    targets = targets_of(graph)
    if map_path is not None:
        return _by_map(file, graph, targets, read_map(map_path, file, targets))
    named = _same_names(file, targets)
    if any(_fits(*pair) for pair in named):
        return _result(file, graph, targets, "by name", named)
    for how, pairs in (("by order", _ordered(file, targets)), ("by shape", _shaped(file, targets))):
        if pairs:
            return _result(file, graph, targets, how, pairs)
    raise DataError(_refusal(file, targets))


def _same_names(file: ForeignFile, targets: Sequence[Target]) -> list[Pair]:
    named = {target.name: target for target in targets}
    return [(each, (named[each.name],)) for each in file.layers if each.name in named]


def _fits(layer: ForeignLayer, targets: Sequence[Target]) -> bool:
    try:
        plan(layer, targets)
    except Misfit:
        return False
    return True


# -- by order and by shape -------------------------------------------------------------------------


def _ordered(file: ForeignFile, targets: Sequence[Target]) -> list[Pair]:
    """The pairs of layers in the same places from the beginning or the end; [] if not unambiguous.

    The last layer need not fit: it may be the classifier of other classes.
    """
    if not file.is_ordered:
        return []
    theirs, ours = file.layers, targets
    short, spare = min(len(theirs), len(ours)), abs(len(theirs) - len(ours))
    found: list[tuple[int, list[Pair]]] = []
    for start in range(spare + 1):
        a, b = (start, 0) if len(theirs) > len(ours) else (0, start)
        pairs: list[Pair] = [
            (x, (y,)) for x, y in zip(theirs[a : a + short], ours[b : b + short], strict=True)
        ]
        if _all_fit(pairs):
            found.append((start, pairs))
    if len(found) != 1 or found[0][0] not in (0, spare):
        return []
    return found[0][1]


def _all_fit(pairs: Sequence[Pair]) -> bool:
    """Whether all but the last of several pairs fit."""
    certain = pairs[:-1] if len(pairs) > 1 else pairs
    return bool(pairs) and all(_fits(*pair) for pair in certain)


def _shaped(file: ForeignFile, targets: Sequence[Target]) -> list[Pair]:
    """The pairs of layers that fit each other and no other; [] if some layer fits several."""
    rows = [[target for target in targets if _fits(each, (target,))] for each in file.layers]
    pairs: list[Pair] = [
        (each, (row[0],)) for each, row in zip(file.layers, rows, strict=True) if len(row) == 1
    ]
    taken = [pair[1][0].name for pair in pairs]
    several = any(len(row) > 1 for row in rows) or len(set(taken)) < len(taken)
    least = max(min(len(targets), len(file.layers)) - 1, 1)
    return [] if several or len(pairs) < least else pairs


# -- results ---------------------------------------------------------------------------------------


def _by_map(
    file: ForeignFile, graph: Graph, targets: Sequence[Target], given: LayerMap
) -> Matching:
    layers = {layer.name: layer for layer in file.layers}
    mapped = {line.theirs for line in given.lines}
    pairs: list[Pair] = [(layers[x.theirs], x.targets) for x in given.lines if x.targets]
    taken = {target.name for _, parts in pairs for target in parts}
    rest = [
        pair
        for pair in _same_names(file, targets)
        if pair[0].name not in mapped and pair[1][0].name not in taken
    ]
    offsets = _offsets(graph, [*pairs, *rest])
    mistakes = []
    for line in given.lines:
        try:
            if line.targets:
                plan(layers[line.theirs], line.targets, offsets)
        except Misfit as problem:
            mistakes.append((line.number, f"{harmless(line.theirs)} does not fit: {problem}"))
    if mistakes:
        raise given.wrong(mistakes)
    reasons = {line.theirs: "the map leaves it out" for line in given.lines if not line.targets}
    return _result(file, graph, targets, "by the map", [*pairs, *rest], reasons)


def _offsets(graph: Graph, pairs: Sequence[Pair]) -> dict[Node, int]:
    parts: dict[Node, int] = {}
    for _, targets in pairs:
        start = 0
        for target in targets:
            parts[target.node] = start
            start += target.outputs
    return channel_offsets(graph, parts)


def _result(
    file: ForeignFile,
    graph: Graph,
    targets: Sequence[Target],
    how: str,
    pairs: Sequence[Pair],
    reasons: Mapping[str, str] | None = None,
) -> Matching:
    offsets = _offsets(graph, pairs)
    fits, why = [], dict(reasons or {})
    for layer, parts in pairs:
        try:
            fits.append(plan(layer, parts, offsets))
        except Misfit as problem:
            why[layer.name] = f"does not fit {'+'.join(each.name for each in parts)}: {problem}"
    taken = {id(fit.layer) for fit in fits}
    filled = {target.name for fit in fits for target in fit.targets}
    places = {target.name: place for place, target in enumerate(targets)}
    return Matching(
        file,
        how,
        tuple(sorted(fits, key=lambda fit: places[fit.targets[0].name])),
        tuple(
            Left(each, why.get(each.name, NOT_NAMED))
            for each in file.layers
            if id(each) not in taken
        ),
        tuple(target for target in targets if target.name not in filled),
    )


def _refusal(file: ForeignFile, targets: Sequence[Target]) -> str:
    theirs = [f"{harmless(each.name)}  {_by(each.weights.shape)}" for each in file.layers]
    ours = [f"{harmless(each.name)}  {_by(each.shape)}" for each in targets]
    width = max(map(cells, [*theirs, "in the file"]))
    rows = zip_longest(["in the file", *theirs], ["in the network", *ours], fillvalue="")
    lines = [f"  {a}{' ' * (width - cells(a))}  {b}".rstrip() for a, b in rows]
    return "\n".join(
        [
            f"{harmless(file.path)}: which of its layers are those of the network is not certain: "
            "neither names nor order and shapes agree",
            *lines,
            "Give a file with --map that has a line `their-name our-layer` for each",
        ]
    )


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "?"
