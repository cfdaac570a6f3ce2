"""Both backends and all layers keep to the declarations of the operations."""

import ast
import re
from importlib import import_module
from math import prod
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pytest

import convnet.operations
from convnet.network.memory import View
from convnet.network.planner import make_plan
from convnet.operations import fc
from convnet.operations.declaration import Operation
from tests.support.cases import CASES
from tests.support.disturb import disturb
from tests.support.paths import ROOT
from tests.support.rows import Row, graph_of, network_of, texts

CONV, FC = "type=conv inputs=x channels=4 filters=6 filterSize=3", "type=fc outputs=4"
ROWS = [
    *CASES,
    Row("nrelu", "y type=neuron inputs=x neuron=nrelu"),
    Row("pool: rand", "y type=pool inputs=x channels=4 sizeX=3 stride=2 pool=rand"),
    Row("constraints", f"y {CONV}", "y wcNormMax=0.03 wcNormMin=0.01 wball=0.03"),
    Row("superEps", f"y {FC} inputs=x", "y superEps=400"),
    Row("shares", f"a {FC} inputs=x\nb {FC} inputs=x weightSource=a\ny type=eltsum inputs=a,b",
        "a epsW=0.1\nb epsW=0.3"),
    Row("devices", f"a {FC} inputs=x gpu=0\ny {FC} inputs=a gpu=1", "a quantF=half"),
]  # fmt: skip
"""What layers can record: the table of cases, and what only random numbers and updates need."""


def declared() -> dict[str, Operation]:
    found = {}
    for info in iter_modules(convnet.operations.__path__):
        module = import_module(f"convnet.operations.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Operation):
                found[f"{info.name}.{name}"] = value
    return found


OPERATIONS = declared()
all_operations = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
BACKENDS = ("cpu", "cuda")


# -- the declarations themselves -------------------------------------------------------------------


def test_an_operation_has_the_name_under_which_it_is_declared():
    assert {name: operation.name for name, operation in OPERATIONS.items()} == {
        name: name for name in OPERATIONS
    }
    assert len(OPERATIONS) > 70


@all_operations
def test_writes_are_arrays(operation):
    assert operation.writes and set(operation.writes) <= set(operation.arrays)


@all_operations
def test_a_docstring_says_what_is_computed_the_shapes_and_the_source(operation):
    first, blank, *_ = operation.__doc__.splitlines()
    assert re.match(r"[A-Z].*[.:]$", first) and not blank.strip()
    assert set(shapes(operation)) == set(operation.arrays)
    sources = re.search(r"^ *Source: (.*)\.$", operation.__doc__, re.MULTILINE)
    assert re.search(r"docs/dialect\.md, \d", sources[1])


SHAPE = re.compile(r"((?:\w+, )*\w+): (?:(int32|uint8|uint32|float64) )?\(([^()]*)\)")


def shapes(operation) -> dict[str, tuple[str, list[str]]]:
    """By array: its type and its dimensions, as the docstring gives them."""
    found = {}
    for names, dtype, dims in SHAPE.findall(operation.__doc__):
        listed = names.split(", ")
        if set(listed) <= set(operation.arrays):
            split = [dim.strip() for dim in dims.split(",") if dim.strip()]
            found |= {name: (dtype or "real", split) for name in listed}
    return found


# -- the backends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_implements_exactly_the_declared_operations(backend):
    """Under their names, with their parameters, in their order."""
    folder = ROOT / "convnet/backends" / backend / "ops"
    found = {}
    for path in sorted(folder.glob("*.py")):
        found |= implementations(path)
    assert found == {name: list(o.parameters) for name, o in OPERATIONS.items()}


def implementations(path: Path) -> dict[str, list[str]]:
    """Positional parameters by "module.function"; the declaration meant must have that name."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), {}
    meant = imported_declarations(tree)
    for node in tree.body:
        for decorator in getattr(node, "decorator_list", ()):
            if ast.unparse(decorator).startswith("implements("):
                head, _, rest = ast.unparse(decorator.args[0]).partition(".")
                name = f"{path.stem}.{node.name}"
                assert f"{meant[head]}.{rest}".strip(".") == name
                found[name] = [argument.arg for argument in node.args.args]
    return found


def imported_declarations(tree) -> dict[str, str]:
    """What a module calls the modules, and the operations, of convnet.operations."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("convnet.operations"):
            within = node.module.removeprefix("convnet.operations").removeprefix(".")
            for alias in node.names:
                found[alias.asname or alias.name] = f"{within}.{alias.name}".strip(".")
    return found


def test_a_function_of_other_parameters_is_refused():
    from convnet.backends.base import implements

    with pytest.raises(TypeError, match=r"fc.forward must take \(x, w, y, accumulate\)"):

        @implements(fc.forward)
        def forward(w, x, y, accumulate):
            pass


# -- the layers ------------------------------------------------------------------------------------


class Calls(list):
    def record(self, operation, arguments):
        self.append((operation.name, arguments))


def test_a_call_is_recorded_with_its_arguments_in_order():
    calls = Calls()
    fc.forward(calls, "x", "w", "y", True)
    fc.forward(calls, "x", "w", accumulate=True, y="y")
    assert calls == [("fc.forward", ("x", "w", "y", True))] * 2


@pytest.mark.parametrize("arguments", [("x", "w", "y"), ("x", "w", "y", True, 0)])
def test_a_call_with_other_arguments_is_refused(arguments):
    with pytest.raises(TypeError, match=r"fc.forward takes \(x, w, y, accumulate\)"):
        fc.forward(Calls(), *arguments)
    with pytest.raises(TypeError):
        fc.forward(Calls(), "x", "w", "y", adds=True)


def programs(row) -> list:
    """All steps of a row's network; nothing is allocated."""
    graph = graph_of(*texts(row), row.data_dims(), row.tree)
    plan = make_plan(graph, row.cases, input_gradients=True)
    return [step for program in plan.programs.values() for step in program]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_layers_pass_arrays_of_the_declared_shapes_and_types(row):
    for step in programs(row):
        operation = OPERATIONS[step.operation]
        named = dict(zip(operation.parameters, step.arguments, strict=True))
        for name, argument in named.items():
            assert isinstance(argument, View) == (name in operation.arrays), (step, name)
        check_shapes(operation, named, row.cases)


def check_shapes(operation, named, cases):
    known = {"N": cases} | {n: v for n, v in named.items() if type(v) is int}
    expected = {name: shapes(operation)[name] for name in operation.arrays}
    found = {name: named[name].shape(cases) for name in operation.arrays}
    for name, (dtype, dims) in expected.items():
        assert named[name].buffer.dtype == dtype, (operation, name)
        assert dims == ["..."] or len(dims) == len(found[name]), (operation, name, found[name])
        for dim, size in zip(dims, found[name], strict=False):
            if dim.isidentifier():
                assert known.setdefault(dim, size) == size, (operation, name, dim)
    for name, (_, dims) in expected.items():
        if dims != ["..."]:
            numbers = tuple(value(ast.parse(dim, mode="eval").body, known) for dim in dims)
            assert numbers == found[name], (operation, name)
    same = {found[name] for name, (_, dims) in expected.items() if dims == ["..."]}
    assert len(same) <= 1, operation


def value(node, known):
    """Of a dimension: a name, a number, or a sum, a product or a quotient of such."""
    match node:
        case ast.Name(name):
            return known[name]
        case ast.Constant(number):
            return number
        case ast.BinOp(left, operator, right):
            a, b = value(left, known), value(right, known)
            match operator:
                case ast.Add():
                    return a + b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
    raise ValueError(ast.unparse(node))


def test_every_declared_operation_is_recorded_by_some_layer():
    recorded = {step.operation for row in ROWS for step in programs(row)}
    assert recorded == set(OPERATIONS)


# -- what steps write ------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS[::3], ids=[row.name for row in ROWS[::3]])
def test_steps_change_only_what_they_are_declared_to_write(row):
    network = network_of(row)
    engine = network.engine
    network.set_rates(0.3)
    network.run("gradients")
    for step in network.plan.programs["train"]:
        operation = OPERATIONS[step.operation]
        written = operation.positions(operation.writes)
        disturb(engine, step, row.cases, written)
        before = {buffer: memory.copy() for buffer, memory in engine.memory.items()}
        engine.program([step], (row.cases,)).run()
        for view in filter(None, map(step.arguments.__getitem__, written)):
            rows = places(view, row.cases)
            before[view.buffer][rows] = engine.memory[view.buffer][rows]
        for buffer, memory in engine.memory.items():
            message = f"{step} changes {buffer.name}"
            np.testing.assert_array_equal(memory, before[buffer], err_msg=message)


def places(view, cases) -> slice:
    """Of a view's values in its buffer's memory."""
    per_row = cases if view.buffer.per_case else 1
    return slice(view.start * per_row, view.start * per_row + prod(view.shape(cases)))
