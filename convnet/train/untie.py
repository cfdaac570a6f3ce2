"""Make a checkpoint's shared weights private: conv layers become local, sharers get copies.

The spec files are rewritten together with the arrays, so the result is the checkpoint of an
ordinary run (docs/dialect.md, 5.2; the originals' --conv-to-local and --unshare-weights).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, cast

import numpy as np

from convnet.checkpoint import Checkpoint
from convnet.checkpoint.contents import GRADIENT, MOMENTS, VELOCITY
from convnet.errors import ConvnetError
from convnet.graph.build import build
from convnet.graph.checkpoint_facts import check_weights, stored_facts
from convnet.graph.graph import Graph, Node
from convnet.language import Entry, Section, Source, SpecFile, did_you_mean, format_spec
from convnet.language.specs import Specs
from convnet.language.values import Value
from convnet.layers import LAYER_TYPES
from convnet.layers.conv import Convolution

_WHICH = re.compile(r"([\w.-]+)(?:\[(\d{1,4})\])?\Z", re.ASCII)

Arrays = dict[str, np.ndarray]
Inputs = dict[tuple[Node, int], None]  # (layer, input) in order, each once


def untie(
    checkpoint: Checkpoint, to_local: Iterable[str] = (), unshare: Iterable[str] = ()
) -> tuple[Checkpoint, list[str]]:
    """Return the changed checkpoint, and lines that list the changes.

    to_local: names of conv layers.  They and all layers that share their weights become `local`:
    the filters, and shared biases, are repeated at every output position; velocities start from 0.
    unshare: "layer" or "layer[input]", which get copies of the weights and velocities they share.
    Outputs are the same before and after.  ConvnetError if a layer is missing or cannot be changed.
    """
    old = _graph(checkpoint)
    check_weights(old, {n: a.shape for n, a in checkpoint.arrays.items()}, checkpoint.path)
    local = _with_sharers(old, [_conv(old, name) for name in to_local])
    freed = dict.fromkeys(pair for text in unshare for pair in _shared_inputs(old, text))
    layers = _edited(old.layers_file, lambda section: _new_layer(section, local, freed))
    params = checkpoint.params
    if local and old.params_file:
        params = _edited(old.params_file, lambda section: _without_foreign(section, local))
    changed = replace(checkpoint, layers=layers, params=params)
    new = _graph(changed)
    sets = {node.name: _positions(new.node(node.name)) for node in local}
    # Sums of gradients for an update under way are those of the old arrays.
    arrays = {n: array for n, array in checkpoint.arrays.items() if not n.endswith(GRADIENT)}
    for node in local:
        _make_local(arrays, node, sets[node.name])
    for node, index in freed:
        _copy_shared(arrays, node, index)
    lines = [f"{name} is now local: {count} sets of filters" for name, count in sets.items()]
    lines += [f"{node.name}[{index}] now has its own weights" for node, index in freed]
    return replace(changed, arrays=arrays), lines


def _graph(checkpoint: Checkpoint) -> Graph:
    specs = Specs.parse(checkpoint.layers, checkpoint.params)
    files = specs.layers, specs.params, specs.problems
    facts = stored_facts(checkpoint.options, checkpoint.path)
    graph = build(*files, dialect=checkpoint.dialect, **facts)
    specs.problems.raise_errors()
    return graph


# -- which layers ----------------------------------------------------------------------------------


def _conv(graph: Graph, name: str) -> Node:
    node = _node(graph, name)
    if not node.layer.can_become_local:
        raise ConvnetError(f"{name} is of type {node.layer.type_name}; only conv can become local")
    return node


def _node(graph: Graph, name: str) -> Node:
    nodes = {node.name: node for node in graph.declared() if node.owners}
    if name not in nodes:
        hint = did_you_mean(name, nodes) or f"those with weights are {', '.join(nodes)}"
        raise ConvnetError(f"there is no layer {name} with weights; {hint}")
    return nodes[name]


def _with_sharers(graph: Graph, wanted: list[Node]) -> list[Node]:
    """Return these layers and all that are tied to them by shared weights, in file order."""
    found = set(wanted)
    while True:
        owners = {owner for node in found for owner in node.owners}
        more = {n for n in graph.declared() if not owners.isdisjoint(n.owners)}
        if more <= found:
            return [node for node in graph.declared() if node in found]
        found |= more


def _shared_inputs(graph: Graph, text: str) -> list[tuple[Node, int]]:
    match = _WHICH.match(text.strip())
    if not match:
        raise ConvnetError(f"expected layer or layer[input] to unshare, found '{text}'")
    node = _node(graph, match[1])
    indices = range(len(node.owners)) if match[2] is None else [int(match[2])]
    found = [(node, i) for i in indices if i < len(node.owners) and not node.owns(i)]
    if not found:
        raise ConvnetError(f"{text} shares no weights of another layer or input")
    return found


# -- the spec files --------------------------------------------------------------------------------


def _edited(file: SpecFile, edit: Callable[[Section], Section]) -> Source:
    """Return the file with every section edited; its comments are lost."""
    changed = replace(file, sections=tuple(edit(section) for section in file.sections))
    return Source(file.source.path, format_spec(changed))


def _new_layer(section: Section, local: list[Node], freed: Inputs) -> Section:
    if section.name in [node.name for node in local]:
        section = _without_foreign(section, local)
        section = _set(section, "type", "local")
    for index in [index for node, index in freed if node.name == section.name]:
        items = [item.text for item in section.entries["weightsource"].value.items()]
        items[index] = ""
        section = _set(section, "weightsource", ",".join(items) if any(items) else None)
    return section


def _without_foreign(section: Section, local: list[Node]) -> Section:
    """Return the section of a layer that becomes local without the keys that only conv reads."""
    if section.name not in [node.name for node in local]:
        return section
    conv, mine = (
        {f.key.lower() for f in LAYER_TYPES[t].fields.values()} for t in ("conv", "local")
    )
    kept = {key: e for key, e in section.entries.items() if key not in conv - mine}
    return replace(section, entries=kept)


def _set(section: Section, key: str, text: str | None) -> Section:
    """Return the section with another value for a key; None drops the key."""
    entries: dict[str, Entry] = dict(section.entries)
    entry = entries.pop(key)
    if text is not None:
        entries[key] = replace(entry, value=Value(text, entry.value.span))
    return replace(section, entries=entries)


# -- the arrays ------------------------------------------------------------------------------------


def _make_local(arrays: Arrays, conv: Node, positions: int) -> None:
    """Repeat the filters, and shared biases, of a conv layer for each output position."""
    for index in range(len(conv.owners)):
        if conv.owns(index):
            name = f"{conv.name}.weights.{index}"
            _replace(arrays, name, np.tile(arrays[name][np.newaxis], (positions, 1, 1, 1, 1)))
    if cast(Convolution, conv.layer).shared_biases:
        name = f"{conv.name}.biases"
        _replace(arrays, name, np.repeat(arrays[name], positions))


def _replace(arrays: Arrays, name: str, values: np.ndarray) -> None:
    """Set an array; its velocity becomes 0 and its moments are dropped."""
    arrays[name] = values
    if name + VELOCITY in arrays:
        arrays[name + VELOCITY] = np.zeros_like(values)
    for moment in MOMENTS:
        arrays.pop(name + moment, None)


def _copy_shared(arrays: Arrays, node: Node, index: int) -> None:
    """Copy what an input shares with its owner: weights, velocity, moments, connections."""
    owner, at = node.owners[index]
    parts = [(f"weights.{at}{s}", f"weights.{index}{s}") for s in ("", VELOCITY, *MOMENTS)]
    for source, target in [*parts, (f"connections.{at}", f"connections.{index}")]:
        if f"{owner.name}.{source}" in arrays:
            arrays[f"{node.name}.{target}"] = arrays[f"{owner.name}.{source}"].copy()


def _positions(node: Node) -> int:
    """Return the number of output positions of a conv or local layer."""
    layer: Any = node.layer
    return int(layer.modules) ** 2
