"""A graph as rows of plain values, for `describe --json` and the table of `describe`."""

from typing import Any

from convnet.graph.graph import Graph, Node
from convnet.layers import Layer
from convnet.layers.weighted import WeightLayer

Row = dict[str, Any]  # JSON values


def layer_rows(graph: Graph) -> list[Row]:
    """Return one JSON object for each declared layer, in file order.

    outputs: values per case.  weights: number of weights by input.  biases: number of biases.
    operations: multiply-adds of one case forward.  devices: those that the file's own system would
    report (none in cuda-convnet 1, -1 for data in cuda-convnet2).  placed: where the layer runs
    here.
    """
    return [_row(graph, node) for node in graph.declared()]


def totals(graph: Graph) -> dict[str, int]:
    """Return the parameters (shared ones counted once) and multiply-adds of the whole net."""
    return {
        "parameters": sum(parameter_count(node) for node in graph.declared()),
        "operations": sum(node.layer.multiply_adds() for node in graph.nodes),
    }


def parameter_count(node: Node) -> int:
    """Return the number of weights and biases that a layer owns."""
    owned = sum(w.size for i, w in enumerate(node.layer.weights()) if node.owns(i))
    biases = node.layer.biases()
    return owned + (biases.size if biases else 0)


def neuron_text(graph: Graph, node: Node) -> str | None:
    """Return a layer's nonlinearity as the file has it, or None."""
    for part in (node, *graph.implicit(node)):
        if part.layer.nonlinearity is not None:
            return part.layer.nonlinearity.text
    return None


def _row(graph: Graph, node: Node) -> Row:
    layer = node.layer
    row: Row = {
        "name": node.name,
        "type": layer.type_name,
        "inputs": _input_names(layer),
        "outputs": node.shape.size,
        "shape": [] if node.is_cost else list(node.shape),
        "devices": _devices(graph, node),
        "placed": "host" if node.is_data else list(node.devices),
        "neuron": neuron_text(graph, node),
        "operations": layer.multiply_adds(),
    }
    if isinstance(layer, WeightLayer):
        row |= _weights(layer)
    row |= layer.sizes()
    learning = layer.learning() if graph.params_file is not None else {}
    return row | ({"learning": learning} if learning else {})


def _input_names(layer: Layer) -> list[str]:
    """As written: a layer's name stands for its output after its neuron."""
    return [item.text for item in layer.inputs] if layer.inputs else []


def _devices(graph: Graph, node: Node) -> list[int]:
    if not graph.dialect.reads_gpu and graph.dialect.certain:
        return []
    return list(graph.dialect.data_device if node.is_data else node.devices)


def _weights(layer: WeightLayer) -> Row:
    biases = layer.biases()
    found: Row = {
        "weights": [weight.size for weight in layer.weights()],
        "biases": biases.size if biases else 0,
    }
    sources = layer.weight_source or ()
    if len(sources) > 1 or any(sources):
        found["weightSource"] = [f"{s[0]}[{s[1]}]" if s else "" for s in sources]
    return found
