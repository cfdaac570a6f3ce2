"""Call the functions that a spec names and write their arrays into a network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from convnet.graph.graph import Graph, Node
from convnet.initial.builtin import (
    BY_LAYER,
    FUNCTIONS,
    MODULE,
    CannotInitialize,
    Checkpoints,
    Function,
    Request,
)
from convnet.initial.module import load_module
from convnet.initial.orientation import biases_shape, from_matrix, weights_shape
from convnet.language import Problems, Span, did_you_mean, harmless, parse_call, quoted
from convnet.language.values import Value
from convnet.layers import Layer
from convnet.layers.base import Table
from convnet.network.network import Network

FIELDS = ("init_w_func", "init_b_func", "init_c_func")
INSTEAD = "to draw from initW and initB instead: --ignore-init-functions"


@dataclass(frozen=True)
class InitOptions:
    """What the functions of a spec may do.

    modules: Python files whose functions may be called.  checkpoint: the one that
    `initw.makew(layer)` and the like read.  ignore: call nothing, initialize as without the keys.
    """

    modules: tuple[Path, ...] = ()
    checkpoint: Path | None = None
    ignore: bool = False


@dataclass(frozen=True)
class InitCall:
    """A key of a layer, and the function that it names."""

    node: Node
    field_name: str
    text: str
    span: Span
    function: Function
    parameters: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return the key as it is written in spec files."""
        return _key(self.node, self.field_name)


def resolve(graph: Graph, options: InitOptions) -> tuple[list[InitCall], list[str]]:
    """Return the calls that a graph needs, and lines about what is ignored.

    Runs the allowed modules.  SpecError, with the places in the file, for functions that are
    unknown or not allowed.
    """
    problems = Problems()
    calls: list[InitCall] = []
    notes: list[str] = []
    named = [(node, key) for node in graph.declared() for key in FIELDS if _text(node, key)]
    if options.ignore:
        for node, key in named:
            _check_ignored(node, key, problems)
            notes.append(f"{node.name}: {_key(node, key)}={_text(node, key)} is ignored")
    else:
        modules = {Path(p).stem: load_module(Path(p)) for p in options.modules}
        notes += [
            f"no layer uses a function of {path}"
            for path in options.modules
            if not any(_text(*each).startswith(f"{Path(path).stem}.") for each in named)
        ]
        for node, key in named:
            calls += _resolved(node, key, modules, options, problems)
    problems.raise_errors()
    return calls, notes


def fill(network: Network, calls: list[InitCall], options: InitOptions) -> None:
    """Call the functions and write what they return into the network.  SpecError."""
    problems, checkpoints = Problems(), Checkpoints(options.checkpoint)
    for call in calls:
        for target in _targets(network, call):
            _fill_one(network, call, target, checkpoints, problems)
    problems.raise_errors()


def _key(node: Node, field_name: str) -> str:
    return str(node.layer.fields[field_name].key)


def _written(node: Node, key: str) -> Value | None:
    """Return a field's value with its place in the file, None if it is not given."""
    return node.reader.values.get(key) if node.reader else None


def _text(node: Node, key: str) -> str:
    """Return the value of a key, "" if it is not given or has no effect."""
    text: str = node.layer.field_value(key) or ""
    if key == "init_c_func" and text and not any(node.layer.field_value("rand_sparse")):
        return ""
    return text


def _check_ignored(node: Node, key: str, problems: Problems) -> None:
    if key != "init_w_func":
        return
    layer: Any = node.layer
    message = ""
    if not _written(node, "init_w"):
        message = "has no initW to draw from, and its initWFunc is to be ignored"
    elif any(layer.weight_source or ()):
        message = "has a weightSource, which initWFunc overrides: now neither has an effect"
    if message:
        problems.error(node.span(key), f"{node.name} {message}", "write the one you want, alone")


def _resolved(
    node: Node,
    key: str,
    modules: dict[str, ModuleType],
    options: InitOptions,
    problems: Problems,
) -> list[InitCall]:
    """Return the call that a key asks for, [] after an error that went to `problems`."""
    value = cast(Value, _written(node, key))
    call = parse_call(value)
    module, _, name = call.name.rpartition(".")
    parameters = tuple(argument.text for argument in call.arguments)
    what = f"{node.name}: {_key(node, key)} names {quoted(call.name)}"
    if module in modules:
        found = _from_module(modules[module], name, key)
        message, hint = f"{what}; {module}.py has no such function", _near(modules[module], name)
    elif module == MODULE:
        needs_checkpoint = name in BY_LAYER and not path_first(node.layer)
        found = FUNCTIONS.get(name)
        if found and needs_checkpoint and options.checkpoint is None:
            found = None
            message = f"{what}, which reads a checkpoint"
            hint = "to name it: --init-checkpoint PATH\nown functions: --init-module initw.py"
        else:
            message = f"{what}, which is not known"
            hint = f"known without --init-module: {', '.join(FUNCTIONS)}"
        hint = f"{hint}\n{INSTEAD}"
    else:
        found, message = None, f"{what}; a spec alone runs no code"
        hint = f"to allow it: --init-module {module.replace('.', '/')}.py\n{INSTEAD}"
    if found is None:
        problems.error(value.span, message, hint)
        return []
    return [InitCall(node, key, value.text, value.span, found, parameters)]


def _from_module(module: ModuleType, name: str, key: str) -> Function | None:
    function = getattr(module, name, None)
    return _adapted(function, key) if callable(function) else None


def _near(module: ModuleType, name: str) -> str:
    return did_you_mean(name, [n for n in vars(module) if not n.startswith("_")])


def path_first(layer: Layer) -> bool:
    """Return whether `initw.makew` and the like take a path (cuda-convnet2), not a layer's name."""
    return layer.dialect is not None and layer.dialect.name == "cc2"


def _adapted(function: Callable[..., Any], key: str) -> Function:
    """Wrap a function of the user's, which is called as in the originals (docs/dialect.md, 5.1)."""

    def call(request: Request) -> Any:
        index = () if key == "init_b_func" else (request.index,)
        parameters = list(request.parameters)
        try:
            return function(request.layer, *index, request.shape, params=parameters)
        except Exception as error:  # the user's code may raise anything
            raise CannotInitialize(f"fails: {type(error).__name__}: {error}") from error

    return call


def _targets(network: Network, call: InitCall) -> list[int | None]:
    """Return the inputs whose arrays a call makes; None for biases."""
    count = len(call.node.inputs)
    if call.field_name == "init_b_func":
        return [None]
    if call.field_name == "init_w_func":
        return [i for i in range(count) if call.node.owns(i)]
    return [i for i in range(count) if f"{call.node.name}.connections.{i}" in network.tables]


def _fill_one(
    network: Network,
    call: InitCall,
    index: int | None,
    checkpoints: Checkpoints,
    problems: Problems,
) -> None:
    node, layer = call.node, call.node.layer
    shape = _requested_shape(layer, call.field_name, index)
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


def _requested_shape(layer: Any, field_name: str, index: int | None) -> tuple[int, ...]:
    if field_name == "init_c_func":
        return layer.groups[index], layer.channels[index], layer.seen[index]
    if index is None:
        return biases_shape(layer.biases().size, layer.weights()[0].shape)
    return weights_shape(layer.weights()[index].shape)


def _values(found: object, shape: tuple[int, ...], is_bias: bool) -> np.ndarray:
    """Return what a function returned as float32 of `shape`.  CannotInitialize."""
    values = _numbers(found).astype(np.float32)
    if is_bias and values.size == shape[0] * shape[1] and max(values.shape) == values.size:
        values = values.reshape(shape)  # a vector, whichever way it lies
    if values.shape != shape:
        sizes = ["x".join(map(str, sides)) or "one number" for sides in (values.shape, shape)]
        raise CannotInitialize(f"returns {sizes[0]}, where {sizes[1]} are needed")
    if not np.isfinite(values).all():
        raise CannotInitialize("returns values that are not finite")
    return values


def _connections(found: object, table: Table) -> np.ndarray:
    """Return int32 channels, each run of `table.permuted` a permutation (docs/dialect.md, 3.3)."""
    numbers = _numbers(found)
    flat = numbers.astype(np.int32).ravel()
    good = flat.size == table.size and (flat == numbers.ravel()).all()
    every = np.arange(table.permuted)
    if not good or (np.sort(flat.reshape(-1, table.permuted), axis=1) != every).any():
        raise CannotInitialize(
            f"must return {table.size} channels, each run of {table.permuted} a permutation"
        )
    return flat


def _numbers(found: object) -> np.ndarray:
    try:
        numbers = np.asarray(found)
    except ValueError:
        numbers = np.array(None)
    if numbers.dtype.kind not in "biuf":
        raise CannotInitialize(f"returns a {type(found).__name__}, not an array of numbers")
    return numbers
