"""From the functions that a spec names to arrays in a network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnet.graph.graph import Graph, Node
from convnet.initial.builtin import BY_LAYER, FUNCTIONS, MODULE, CannotInitialize, Checkpoints
from convnet.initial.module import load_module
from convnet.initial.orientation import biases_shape, from_matrix, weights_shape
from convnet.language import Problems, Span, did_you_mean, harmless, parse_call, quoted

FIELDS = ("init_w_func", "init_b_func", "init_c_func")
INSTEAD = "to draw from initW and initB instead: --ignore-init-functions"


@dataclass(frozen=True)
class InitOptions:
    """What a spec's functions may do.

    modules: Python files whose functions may be called.  checkpoint: what `initw.makew(layer)` and
    its like read.  ignore: call nothing, start as without the keys.
    """

    modules: tuple[Path, ...] = ()
    checkpoint: Path | None = None
    ignore: bool = False


@dataclass(frozen=True)
class Request:
    """One array to be made for one layer.

    index: the input, None for biases.  shape: of the result: (rows, columns) of the original's
    matrix; (groups, channels, filterChannels) of connections.  path_first: the files follow
    cuda-convnet2, whose functions take a checkpoint's path.
    """

    layer: str
    index: int | None
    shape: tuple[int, ...]
    parameters: tuple[str, ...]
    checkpoints: Checkpoints
    path_first: bool


@dataclass(frozen=True)
class InitCall:
    """A key of a layer, and the function it stands for: Request -> array."""

    node: Node
    field_name: str
    text: str
    span: Span
    function: Callable
    parameters: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.node.layer.fields[self.field_name].key


def resolve(graph: Graph, options: InitOptions) -> tuple[list[InitCall], list[str]]:
    """The calls that a graph asks for, and lines about what is ignored.

    Runs the allowed modules.  SpecError, at the places in the file, for functions that are not
    known or not allowed.
    """
    problems, calls, notes = Problems(), [], []
    named = [(node, key) for node in graph.declared() for key in FIELDS if _text(node, key)]
    if options.ignore:
        for node, key in named:
            _check_ignored(node, key, problems)
            notes.append(f"{node.name}: {node.layer.fields[key].key}={_text(node, key)} is ignored")
    else:
        modules = {Path(p).stem: load_module(Path(p)) for p in options.modules}
        notes += [
            f"no layer uses a function of {path}"
            for path in options.modules
            if not any(_text(*each).startswith(f"{Path(path).stem}.") for each in named)
        ]
        calls = [_resolved(node, key, modules, options, problems) for node, key in named]
    problems.raise_errors()
    return calls, notes


def fill(network, calls: list[InitCall], options: InitOptions) -> None:
    """Call the functions and write what they give into the network.  SpecError."""
    problems, checkpoints = Problems(), Checkpoints(options.checkpoint)
    for call in calls:
        for target in _targets(network, call):
            _fill_one(network, call, target, checkpoints, problems)
    problems.raise_errors()


def _text(node, key) -> str:
    text = node.layer.field_value(key) or ""
    if key == "init_c_func" and text and not any(node.layer.rand_sparse):
        return ""
    return text


def _check_ignored(node, key, problems):
    if key != "init_w_func":
        return
    message = ""
    if not node.reader.values.get("init_w"):
        message = "has no initW to draw from, and its initWFunc is to be ignored"
    elif any(node.layer.weight_source or ()):
        message = "has a weightSource, which initWFunc sets aside: neither of them acts now"
    if message:
        problems.error(node.span(key), f"{node.name} {message}", "write the one you want, alone")


def _resolved(node, key, modules, options, problems):
    value = node.reader.values[key]
    call = parse_call(value)
    module, _, name = call.name.rpartition(".")
    parameters = tuple(argument.text for argument in call.arguments)
    function, what = None, f"{node.name}: {node.layer.fields[key].key} names {quoted(call.name)}"
    if module in modules:
        function = getattr(modules[module], name, None)
        if not callable(function):
            near = did_you_mean(name, [n for n in vars(modules[module]) if not n.startswith("_")])
            problems.error(value.span, f"{what}; {module}.py has no such function", near)
        else:
            function = _outer(function, key)
    elif module == MODULE:
        function = FUNCTIONS.get(name)
        if function is None:
            hint = f"known without --init-module: {', '.join(FUNCTIONS)}"
            problems.error(value.span, f"{what}, which is not known", f"{hint}\n{INSTEAD}")
        elif name in BY_LAYER and not path_first(node.layer) and options.checkpoint is None:
            hint = "to name it: --init-checkpoint PATH\nown functions: --init-module initw.py"
            problems.error(value.span, f"{what}, which reads a checkpoint", f"{hint}\n{INSTEAD}")
    else:
        hint = f"to allow it: --init-module {module.replace('.', '/')}.py\n{INSTEAD}"
        problems.error(value.span, f"{what}; a spec alone runs no code", hint)
    return InitCall(node, key, value.text, value.span, function, parameters)


def path_first(layer) -> bool:
    """Whether `initw.makew` and its like take a path (cuda-convnet2), or a layer's name."""
    return layer.dialect is not None and layer.dialect.name == "cc2"


def _outer(function, key):
    """A function of the user's, called as the originals did (dialect, 5.1)."""

    def call(request):
        index = () if key == "init_b_func" else (request.index,)
        parameters = list(request.parameters)
        try:
            return function(request.layer, *index, request.shape, params=parameters)
        except Exception as error:  # the user's code may raise anything
            raise CannotInitialize(f"fails: {type(error).__name__}: {error}") from error

    return call


def _targets(network, call) -> list:
    """The inputs whose arrays a call makes; None for biases."""
    count = len(call.node.inputs)
    if call.field_name == "init_b_func":
        return [None]
    if call.field_name == "init_w_func":
        return [i for i in range(count) if call.node.owns(i)]
    return [i for i in range(count) if f"{call.node.name}.connections.{i}" in network.tables]


def _fill_one(network, call, index, checkpoints, problems):
    node, layer = call.node, call.node.layer
    shape = _asked_shape(layer, call.field_name, index)
    parameters, by_path = call.parameters, path_first(layer)
    request = Request(node.name, index, shape, parameters, checkpoints, by_path)
    where = node.name if index is None else f"{node.name}[{index}]"
    try:
        found = call.function(request)
        if call.field_name == "init_c_func":
            table = network.tables[f"{node.name}.connections.{index}"]
            network.write_table(table, _connections(found, table.spec))
            return
        values = _values(found, shape, index is None)
    except CannotInitialize as problem:
        message = f"{where}: {call.text}: {harmless(str(problem))}"
        problems.error(call.span, message, "\n".join(filter(None, [problem.hint, INSTEAD])))
        return
    for parameter in network.plan.parameters:
        if parameter.unit.node is node and parameter.index == index:
            ours = parameter.spec.shape
            network.write(parameter, values.ravel() if index is None else from_matrix(values, ours))


def _asked_shape(layer, field_name, index):
    if field_name == "init_c_func":
        return layer.groups[index], layer.channels[index], layer.seen[index]
    if index is None:
        return biases_shape(layer.biases().size, layer.weights()[0].shape)
    return weights_shape(layer.weights()[index].shape)


def _values(found, shape, is_bias) -> np.ndarray:
    values = _numbers(found).astype(np.float32)
    if is_bias and values.size == shape[0] * shape[1] and max(values.shape) == values.size:
        values = values.reshape(shape)  # a vector, whichever way it lies
    if values.shape != shape:
        sizes = ["x".join(map(str, sides)) or "one number" for sides in (values.shape, shape)]
        raise CannotInitialize(f"gives {sizes[0]}, where {sizes[1]} are needed")
    if not np.isfinite(values).all():
        raise CannotInitialize("gives values that are not finite")
    return values


def _connections(found, table) -> np.ndarray:
    """int32: channels, each consecutive run of all of them a permutation (dialect, 3.3)."""
    numbers = _numbers(found)
    flat = numbers.astype(np.int32).ravel()
    good = flat.size == table.size and (flat == numbers.ravel()).all()
    every = np.arange(table.permuted)
    if not good or (np.sort(flat.reshape(-1, table.permuted), axis=1) != every).any():
        raise CannotInitialize(
            f"gives no {table.size} channels of which each run of {table.permuted} is a permutation"
        )
    return flat


def _numbers(found) -> np.ndarray:
    try:
        numbers = np.asarray(found)
    except ValueError:
        numbers = np.array(None)
    if numbers.dtype.kind not in "biuf":
        raise CannotInitialize(f"gives a {type(found).__name__}, no array of numbers")
    return numbers
