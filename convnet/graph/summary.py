"""A graph as plain rows: what `describe --json` prints and the table for people is made from."""

from convnet.graph.graph import Graph, Node
from convnet.layers.weighted import WeightLayer


def layer_rows(graph: Graph) -> list[dict]:
    """One JSON-able dict for each declared layer, in file order.

    `outputs` are values per case, `weights` values by input, `biases` values, `operations`
    multiply-adds of one case forward.  `devices` are those the file's own system would tell (none
    in cuda-convnet 1, -1 for data in cuda-convnet2); `placed` where the layer runs here.
    """
    return [_row(graph, node) for node in graph.declared()]


def totals(graph: Graph) -> dict:
    """Parameters (shared ones counted once) and multiply-adds of the whole net."""
    return {
        "parameters": sum(parameter_count(node) for node in graph.declared()),
        "operations": sum(node.layer.multiply_adds() for node in graph.nodes),
    }


def parameter_count(node: Node) -> int:
    """Weights and biases that a layer owns."""
    owned = sum(w.size for i, w in enumerate(node.layer.weights()) if node.owns(i))
    biases = node.layer.biases()
    return owned + (biases.size if biases else 0)


def neuron_text(graph: Graph, node: Node) -> str | None:
    """A layer's nonlinearity as the file has it, or None."""
    for part in (node, *graph.folded(node)):
        if hasattr(part.layer, "nonlinearity"):
            return part.layer.nonlinearity.text
    return None


def _row(graph, node):
    layer = node.layer
    row = {
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


def _input_names(layer) -> list[str]:
    """As written: a layer's name stands for its output behind its neuron."""
    return [item.text for item in layer.inputs] if layer.inputs else []


def _devices(graph, node) -> list[int]:
    if not graph.dialect.reads_gpu and graph.dialect.certain:
        return []
    return list(graph.dialect.data_device if node.is_data else node.devices)


def _weights(layer) -> dict:
    found = {
        "weights": [weight.size for weight in layer.weights()],
        "biases": layer.biases().size,
    }
    sources = layer.weight_source or ()
    if len(sources) > 1 or any(sources):
        found["weightSource"] = [f"{s[0]}[{s[1]}]" if s else "" for s in sources]
    return found
