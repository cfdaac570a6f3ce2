"""A whole network on the float64 reference: forward, and backward by the chain rule.

It takes names, order and shapes from the graph; the sizes it can, it works out again.
"""

import math

import numpy as np

import tests.support.reference as ref
from tests.support import slow_images
from tests.support.slow_images import flat as _flat
from tests.support.slow_images import maps as _maps


def run(graph, parameters, matrices, tables=None):
    """(activities by node, costs by node, gradients by parameter, gradients by data layer).

    parameters: arrays by name, as `Network.parameters` names them.  Dropout acts as in a test.
    tables: random connections by name.
    """
    y, costs = forward(graph, parameters, matrices, tables)
    return y, costs, *_backward(graph, parameters, y, tables)


def forward(graph, parameters, matrices, tables=None, layers=None):
    """(activities by node, costs by node), as `run`.  layers: in the place of `LAYERS`."""
    layers = layers or LAYERS
    y, costs = {}, {}
    for node in graph.nodes:
        xs = [y[source.name] for source in node.inputs]
        if node.is_data:
            start = node.layer.start
            y[node.name] = _shaped(node, matrices[node.layer.data_idx][start:])
        elif node.is_cost:
            costs[node.name] = COSTS[node.layer.type_name][0](node.layer, *xs)
        else:
            function = layers[node.layer.type_name][0]
            xs = _gathered(node, xs, tables)
            y[node.name] = _shaped(node, function(node.layer, xs, *_weights(node, parameters)))
    return y, costs


def _backward(graph, parameters, y, tables):
    dy = {name: np.zeros(array.shape) for name, array in y.items()}
    gradients = {name: np.zeros(array.shape) for name, array in parameters.items()}
    for node in reversed(graph.nodes):
        xs = [y[source.name] for source in node.inputs]
        if node.is_data:
            continue
        if node.is_cost:
            dxs = COSTS[node.layer.type_name][1](node.layer, *xs)
        else:
            backward = LAYERS[node.layer.type_name][1]
            ws, _ = _weights(node, parameters)
            xs = _gathered(node, xs, tables)
            dxs = backward(node.layer, xs, y[node.name], dy[node.name], ws)
            if ws:
                dxs, dws, db = dxs
                gradients[f"{node.name}.biases"] += db
                for (owner, index), dw in zip(node.owners, dws, strict=True):
                    gradients[f"{owner.name}.weights.{index}"] += dw
                dxs = _scattered(node, dxs, tables)
        for source, dx in zip(node.inputs, dxs, strict=True):
            dy[source.name] += _shaped(source, dx)
    data = {node.name: dy[node.name] for node in graph.nodes if node.is_data}
    return gradients, data


def _connections(node, i, tables):
    """The channels that the groups of an input see, where they are listed, or None."""
    if not any(getattr(node.layer, "rand_sparse", ())[i : i + 1]):
        return None
    owner, at = node.owners[i]
    return tables[f"{owner.name}.connections.{at}"]


def _gathered(node, xs, tables):
    found = []
    for i, x in enumerate(xs):
        channels = _connections(node, i, tables)
        maps = None if channels is None else _maps(x, node.layer.channels[i])
        found.append(x if maps is None else np.stack([maps[c] for c in channels]))
    return found


def _scattered(node, dxs, tables):
    found = []
    for i, dx in enumerate(dxs):
        channels = _connections(node, i, tables)
        if channels is not None:
            whole = np.zeros((node.layer.channels[i], *dx.shape[1:]))
            for c, part in zip(channels, dx, strict=True):
                whole[c] += part
            dx = whole
        found.append(dx)
    return found


def _shaped(node, array):
    array = np.asarray(array)
    rows = node.shape.size
    return array.reshape(-1, array.shape[-1])[:rows].reshape(*node.shape, array.shape[-1])


def _weights(node, parameters):
    ws = [parameters[f"{owner.name}.weights.{index}"] for owner, index in node.owners]
    return ws, parameters.get(f"{node.name}.biases")


# -- weights ---------------------------------------------------------------------------------------


def _filter_arguments(layer, xs):
    for i, x in enumerate(xs):
        image = x if layer.rand_sparse[i] else _maps(x, layer.channels[i])
        yield image, (layer.padding[i], layer.stride[i], layer.groups[i])


def _modules(layer, image):
    room = image.shape[1] + 2 * layer.padding[0] - layer.filter_size[0]
    return layer.modules_x or 1 + math.ceil(room / layer.stride[0])


def _filtered(layer, xs, ws, b):
    function = getattr(ref, layer.type_name)
    side = _modules(layer, next(_filter_arguments(layer, xs))[0])
    arguments = _filter_arguments(layer, xs)
    y = sum(function(x, w, *rest, side) for (x, rest), w in zip(arguments, ws, strict=True))
    shared = layer.type_name == "conv" and layer.shared_biases
    return y + (b.reshape(-1, 1, 1, 1) if shared else b.reshape(*y.shape[:3], 1))


def _filtered_back(layer, xs, y, dy, ws):
    function = getattr(ref, f"{layer.type_name}_grads")
    arguments = _filter_arguments(layer, xs)
    pairs = [function(x, w, dy, *rest) for (x, rest), w in zip(arguments, ws, strict=True)]
    shared = layer.type_name == "conv" and layer.shared_biases
    db = dy.sum(axis=(1, 2, 3)) if shared else dy.sum(axis=3).reshape(-1)
    return [dx for dx, _ in pairs], [dw for _, dw in pairs], db


def _connected(layer, xs, ws, b):
    return sum(ref.fc(_flat(x), w) for x, w in zip(xs, ws, strict=True)) + b[:, None]


def _connected_back(layer, xs, y, dy, ws):
    pairs = [ref.fc_grads(_flat(x), w, _flat(dy)) for x, w in zip(xs, ws, strict=True)]
    return [dx for dx, _ in pairs], [dw for _, dw in pairs], _flat(dy).sum(axis=1)


def _on_tree(layer, xs, ws, b):
    return ref.treefc(_flat(xs[0]), ws[0], layer.tree.children, layer.tree.root) + b[:, None]


def _on_tree_back(layer, xs, y, dy, ws):
    tree = layer.tree.children, layer.tree.root
    dx, dw = ref.treefc_grads(_flat(xs[0]), ws[0], _flat(dy), *tree)
    return [dx], [dw], _flat(dy).sum(axis=1)


# -- windows ---------------------------------------------------------------------------------------


def _pool_arguments(layer, x):
    kind = "sum" if layer.pool == "avg" and layer.sum else layer.pool
    kind = "max" if kind == "rand" else kind
    return _maps(x, layer.channels), kind, layer.size_x, layer.stride, layer.start


def _pooled(layer, xs, ws, b):
    if layer.pool == "rand" and not layer.do_max:
        return slow_images.random_pooled(layer, xs, ws, b)
    image, *window = _pool_arguments(layer, xs[0])
    room = image.shape[1] - layer.start - layer.size_x
    return ref.pool(image, *window, layer.outputs_x or math.ceil(room / layer.stride) + 1)


def _pooled_back(layer, xs, y, dy, ws):
    image, *window = _pool_arguments(layer, xs[0])
    return [ref.pool_grad(image, y, dy, *window)]


def _norm_arguments(layer, x):
    values = layer.size if layer.type_name == "cmrnorm" else layer.size**2
    arguments = [_maps(x, layer.channels), layer.size, layer.scale / values, layer.pow]
    dialect, name = layer.dialect.name, layer.type_name
    reads_k = dialect in ("cc2", "convnet") or (dialect, name) == ("chm", "cmrnorm")
    arguments.append(layer.min_div if reads_k else 1.0)
    return [*arguments, layer.blocked] if name == "cmrnorm" else arguments


def _normalized(layer, xs, ws, b):
    return getattr(ref, layer.type_name)(*_norm_arguments(layer, xs[0]))


def _normalized_back(layer, xs, y, dy, ws):
    image, *rest = _norm_arguments(layer, xs[0])
    return [getattr(ref, f"{layer.type_name}_grad")(image, dy.reshape(image.shape), *rest)]


# -- elementwise -----------------------------------------------------------------------------------


def _neuron(layer, xs, ws, b):
    f = layer.nonlinearity
    return ref.neuron(xs[0], f.kind, f.a, f.b)


def _neuron_back(layer, xs, y, dy, ws):
    f = layer.nonlinearity
    return [ref.neuron_grad(xs[0], y, dy, f.kind, f.a, f.b)]


def _same(xs):
    return [_flat(x) for x in xs]


def _parts(layer, xs, y, dy, ws):
    ends = np.cumsum([x[..., 0].size for x in xs])
    return np.split(_flat(dy), ends[:-1])


def _factor(share):
    """A layer that multiplies by a constant outside of training."""
    return (
        lambda layer, xs, ws, b: share(layer) * xs[0],
        lambda layer, xs, y, dy, ws: [share(layer) * dy],
    )


LAYERS = slow_images.LAYERS | {
    "conv": (_filtered, _filtered_back),
    "local": (_filtered, _filtered_back),
    "fc": (_connected, _connected_back),
    "treefc": (_on_tree, _on_tree_back),
    "pool": (_pooled, _pooled_back),
    "cmrnorm": (_normalized, _normalized_back),
    "rnorm": (_normalized, _normalized_back),
    "cnorm": (_normalized, _normalized_back),
    "neuron": (_neuron, _neuron_back),
    "softmax": (
        lambda layer, xs, ws, b: ref.softmax(_flat(xs[0])),
        lambda layer, xs, y, dy, ws: [ref.softmax_grad(_flat(y), _flat(dy))],
    ),
    "eltsum": (
        lambda layer, xs, ws, b: ref.eltsum(_same(xs), layer.coeffs),
        lambda layer, xs, y, dy, ws: ref.eltsum_grads(_flat(dy), layer.coeffs),
    ),
    "eltmax": (
        lambda layer, xs, ws, b: ref.eltmax(_same(xs)),
        lambda layer, xs, y, dy, ws: ref.eltmax_grads(_same(xs), _flat(dy)),
    ),
    "concat": (lambda layer, xs, ws, b: ref.concat(_same(xs)), _parts),
    "pass": (lambda layer, xs, ws, b: ref.concat(_same(xs)), _parts),
    "hs": _factor(lambda layer: layer.keep),
    "dropout2": _factor(lambda layer: layer.keep),
    "dropout": _factor(lambda layer: 1.0),
    "dropout (key)": _factor(lambda layer: 1.0 - layer.rate),
}


def _of_targets(cost, gradient):
    """The pair of a cost of predictions y beside targets t, which get no gradient."""
    return (
        lambda layer, t, y: cost(_flat(t), _flat(y)),
        lambda layer, t, y: [np.zeros(t.shape), gradient(layer, _flat(t), _flat(y))],
    )


def _weighted(cost):
    return (
        lambda layer, t, y: cost(_flat(t), _flat(y), layer.pos_weight),
        lambda layer, t, y: [
            np.zeros(t.shape),
            ref.bce_grad(_flat(t), _flat(y), layer.pos_weight, layer.coeff),
        ],
    )


COSTS = {
    "cost.sum2": (
        lambda layer, x: [ref.sum2(x)],
        lambda layer, x: [ref.sum2_grad(x, layer.coeff)],
    ),
    "cost.logreg": (
        lambda layer, labels, p: ref.logreg(_flat(labels), _flat(p), layer.topk),
        lambda layer, labels, p: [
            np.zeros(labels.shape),
            ref.logreg_grad(_flat(labels), _flat(p), layer.coeff, fused=False),
        ],
    ),
    "cost.crossent": _of_targets(
        ref.crossent, lambda layer, t, y: ref.crossent_grad(t, y, layer.coeff)
    ),
    "cost.crossent2": _of_targets(
        lambda t, y: ref.bce(t, y, 1.0)[:1],
        lambda layer, t, y: ref.bce_grad(t, y, 1.0, layer.coeff),
    ),
    "cost.rflickr": _of_targets(
        lambda t, y: [ref.rflickr(t, y)], lambda layer, t, y: ref.rflickr_grad(t, y, layer.coeff)
    ),
    "cost.bce": _weighted(ref.bce),
    "cost.dce": _weighted(ref.dce),
    "cost.gsum2": (
        lambda layer, gate, x: [ref.gsum2(_flat(gate), _flat(x))],
        lambda layer, gate, x: ref.gsum2_grads(_flat(gate), _flat(x), layer.coeff),
    ),
    "cost.tica": (
        lambda layer, x: [ref.tica(_maps(x, layer.channels), layer.size_x)],
        lambda layer, x: [ref.tica_grad(_maps(x, layer.channels), layer.size_x, layer.coeff)],
    ),
    "cost.msm": (
        lambda layer, labels, e: ref.msm(_flat(labels), _flat(e), layer.set_size),
        lambda layer, labels, e: [
            np.zeros(labels.shape),
            ref.msm_grad(_flat(labels), _flat(e), layer.set_size, layer.coeff),
        ],
    ),
}
