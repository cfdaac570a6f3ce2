"""Makes a checkpoint's shared filters private: conv layers become local, sharers get copies.

The spec files are rewritten together with the arrays, so what comes out is the checkpoint of an
ordinary run (dialect, 5.2; the originals' --conv-to-local and --unshare-weights).
"""

import re
from dataclasses import replace

import numpy as np

from convnet.checkpoint import Checkpoint
from convnet.checkpoint.contents import GRADIENT, MOMENTS, VELOCITY
from convnet.errors import ConvnetError
from convnet.graph.build import Graph, Node, build
from convnet.graph.checkpoint_facts import stored_facts
from convnet.language import Entry, Section, Source, SpecFile, did_you_mean, format_spec
from convnet.language.specs import Specs
from convnet.layers import LAYER_TYPES

_WHICH = re.compile(r"([\w.-]+)(?:\[(\d{1,4})\])?\Z", re.ASCII)


def untie(checkpoint: Checkpoint, to_local=(), unshare=()) -> tuple[Checkpoint, list[str]]:
    """The checkpoint with these changes, and lines that tell them.

    to_local: names of conv layers.  They and all layers that share their weights become `local`:
    the filters, and shared biases, are repeated at every output position; velocities start from 0.
    unshare: "layer" or "layer[input]", which get copies of the weights and velocities they share.
    Outputs are the same before and after.  ConvnetError if a layer does not fit.
    """
    old = _graph(checkpoint)
    local = _with_sharers(old, [_conv(old, name) for name in to_local])
    freed = dict.fromkeys(pair for text in unshare for pair in _shared_inputs(old, text))
    layers = _edited(old.layers_file, lambda section: _new_layer(section, local, freed))
    params = checkpoint.params
    if local and old.params_file:
        params = _edited(old.params_file, lambda section: _without_foreign(section, local))
    changed = replace(checkpoint, layers=layers, params=params)
    new = _graph(changed)
    sums = [name for name in checkpoint.arrays if name.endswith(GRADIENT)]  # of the old arrays
    arrays = {name: a for name, a in checkpoint.arrays.items() if name not in sums}
    for node in local:
        _make_local(arrays, node, new.node(node.name))
    for node, index in freed:
        _give_own(arrays, node, index)
    lines = [f"{node.name} is local now: {_places(new, node)} sets of filters" for node in local]
    lines += [f"{node.name}[{index}] has weights of its own now" for node, index in freed]
    return replace(changed, arrays=arrays), lines


def _graph(checkpoint) -> Graph:
    specs = Specs.parse(checkpoint.layers, checkpoint.params)
    files = specs.layers, specs.params, specs.problems
    graph = build(*files, dialect=checkpoint.dialect, **stored_facts(checkpoint.options))
    specs.problems.raise_errors()
    return graph


# -- which layers ----------------------------------------------------------------------------------


def _conv(graph, name) -> Node:
    node = _node(graph, name)
    if not node.layer.can_become_local:
        raise ConvnetError(f"{name} is of type {node.layer.type_name}; only conv can become local")
    return node


def _node(graph, name) -> Node:
    nodes = {node.name: node for node in graph.declared() if node.owners}
    if name not in nodes:
        hint = did_you_mean(name, nodes) or f"with weights are {', '.join(nodes)}"
        raise ConvnetError(f"there is no layer {name} with weights; {hint}")
    return nodes[name]


def _with_sharers(graph, wanted) -> list[Node]:
    """These layers and all that are tied to them by shared weights, in file order."""
    found = set(wanted)
    while True:
        owners = {owner for node in found for owner in node.owners}
        more = {n for n in graph.declared() if not owners.isdisjoint(n.owners)}
        if more <= found:
            return [node for node in graph.declared() if node in found]
        found |= more


def _shared_inputs(graph, text) -> list[tuple[Node, int]]:
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


def _edited(file: SpecFile, edit) -> Source:
    """The file with every section as `edit` gives it; its comments are lost."""
    changed = replace(file, sections=tuple(edit(section) for section in file.sections))
    return Source(file.source.path, format_spec(changed))


def _new_layer(section: Section, local, freed) -> Section:
    if section.name in [node.name for node in local]:
        section = _without_foreign(section, local)
        section = _set(section, "type", "local")
    for index in [index for node, index in freed if node.name == section.name]:
        items = [item.text for item in section.entries["weightsource"].value.items()]
        items[index] = ""
        section = _set(section, "weightsource", ",".join(items) if any(items) else None)
    return section


def _without_foreign(section: Section, local) -> Section:
    """Without the keys that only conv layers read."""
    if section.name not in [node.name for node in local]:
        return section
    conv, mine = (
        {f.key.lower() for f in LAYER_TYPES[t].fields.values()} for t in ("conv", "local")
    )
    kept = {key: e for key, e in section.entries.items() if key not in conv - mine}
    return replace(section, entries=kept)


def _set(section: Section, key: str, text: str | None) -> Section:
    """With another value for a key; None drops it."""
    entries: dict[str, Entry] = dict(section.entries)
    entry = entries.pop(key)
    if text is not None:
        entries[key] = replace(entry, value=replace(entry.value, text=text, line_spans=()))
    return replace(section, entries=entries)


# -- the arrays ------------------------------------------------------------------------------------


def _make_local(arrays, before: Node, after: Node):
    places = after.layer.modules**2
    for index in range(len(before.owners)):
        if before.owns(index):
            name = f"{before.name}.weights.{index}"
            _replace(arrays, name, np.tile(arrays[name][np.newaxis], (places, 1, 1, 1, 1)))
    if before.layer.shared_biases:
        name = f"{before.name}.biases"
        _replace(arrays, name, np.repeat(arrays[name], places))


def _replace(arrays, name, values):
    arrays[name] = values
    if name + VELOCITY in arrays:
        arrays[name + VELOCITY] = np.zeros_like(values)
    for moment in MOMENTS:
        arrays.pop(name + moment, None)


def _give_own(arrays, node: Node, index: int):
    owner, at = node.owners[index]
    for suffix in ("", VELOCITY, *MOMENTS):
        if f"{owner.name}.weights.{at}{suffix}" in arrays:
            copy = arrays[f"{owner.name}.weights.{at}{suffix}"].copy()
            arrays[f"{node.name}.weights.{index}{suffix}"] = copy
    if f"{owner.name}.connections.{at}" in arrays:
        arrays[f"{node.name}.connections.{index}"] = arrays[f"{owner.name}.connections.{at}"].copy()


def _places(graph, node) -> int:
    return graph.node(node.name).layer.modules ** 2
