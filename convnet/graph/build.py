"""Sections to graph: names, inputs, fields and shapes of every layer.  All errors are collected."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from convnet.graph.cost_children import check_children
from convnet.graph.dialect import Dialect, recognize
from convnet.graph.fuse_costs import fuse_costs
from convnet.graph.graph import HOST, Graph, Node
from convnet.graph.implicit_layers import implicit_layers
from convnet.graph.inputs import MAX_HINTS, InputNames
from convnet.graph.memory_check import check_memory
from convnet.graph.read_fields import FieldReader
from convnet.graph.sharing import find_owners
from convnet.language import (
    MalformedValue,
    Problem,
    Problems,
    Section,
    SpecFile,
    quoted,
)
from convnet.layers import LAYER_TYPES, DataFacts, FieldError, Layer, Tree
from convnet.layers.data import Data
from convnet.layers.nonlinearity import Nonlinearity, parse_neuron
from convnet.layers.weighted import WeightLayer
from convnet.memory import machine_memory

__all__ = ["HOST", "Graph", "Node", "build"]

RUN_SECTIONS = ("data", "run")  # sections of a params file that configure the run, not a layer


def build(
    layers_file: SpecFile,
    params_file: SpecFile | None,
    problems: Problems,
    *,
    dialect: str | None = None,
    data_dims: dict[int, int] | None = None,
    classes: int | None = None,
    memory: int | None = None,
    tree: Tree | None = None,
) -> Graph:
    """Return the graph of a layer file and its params file.

    dialect: one of `graph.dialect.NAMES`; recognized from the files if None.  data_dims: values per
    case of each data matrix, by dataIdx.  classes: number of classes of the data.  memory: bytes
    that the net may use; if None, what the machine has.  tree: the tree of the data's labels, for
    treefc layers.  Without a params file, learning fields take neutral values.

    Errors and warnings go to `problems`.  Raises SpecError if it then holds any error.
    """
    found = Dialect(dialect, "requested") if dialect else recognize(layers_file, params_file)
    builder = _Builder(layers_file, params_file, problems, found, dict(data_dims or {}), classes)
    builder.tree = tree
    for section in layers_file.sections:
        builder.add(section)
    builder.finish(machine_memory() if memory is None else memory)
    problems.raise_errors()
    return Graph(
        builder.nodes,
        found,
        layers_file,
        params_file,
        tuple(problems.warnings),
        builder.data_dims,
        tree,
    )


@dataclass(frozen=True)
class Attempt:
    """What became of a layer file with some sizes of the data.

    names: of the layers that fit.  errors: the errors.  starts: the line and the name of each
    section, in the order of the lines.
    """

    names: frozenset[str]
    errors: list[Problem]
    starts: list[tuple[int, str]]

    def has(self, problem: Problem) -> bool:
        """Return whether the error is one of these: the same message at the same place."""
        return problem.message in self._messages.get(_place(problem), ())

    def differs_at(self, problem: Problem) -> bool:
        """Return whether an error of other sizes is not one of these, though its layer was tried.

        problem: an error in the layer file or in none.
        """
        if _place(problem) in self._messages or problem.span is None:
            return not self.has(problem)
        above = bisect_right(self.starts, problem.span.line, key=lambda start: start[0])
        return above > 0 and self.starts[above - 1][1] in self.names

    @cached_property
    def _messages(self) -> dict[tuple[str, int, int] | None, set[str]]:
        found: dict[tuple[str, int, int] | None, set[str]] = {}
        for error in self.errors:
            found.setdefault(_place(error), set()).add(error.message)
        return found


def _place(problem: Problem) -> tuple[str, int, int] | None:
    span = problem.span
    return (span.source.path, span.line, span.column) if span else None


def attempt(
    layers_file: SpecFile, data_dims: dict[int, int], classes: int | None, tree: Tree | None
) -> Attempt:
    """Build the graph of a layer file as far as possible, without its params file."""
    builder = _Builder(
        layers_file, None, Problems(), recognize(layers_file, None), dict(data_dims), classes
    )
    builder.tree = tree
    for section in layers_file.sections:
        builder.add(section)
    builder.finish(machine_memory())
    names = frozenset(node.name for node in builder.nodes)
    starts = sorted((section.span.line, section.name) for section in layers_file.sections)
    return Attempt(names, builder.problems.errors, starts)


class _Builder:
    """Adds one section after another to the graph."""

    def __init__(
        self,
        layers_file: SpecFile,
        params_file: SpecFile | None,
        problems: Problems,
        dialect: Dialect,
        data_dims: dict[int, int],
        classes: int | None,
    ) -> None:
        self.layers_file, self.params_file = layers_file, params_file
        self.problems, self.dialect, self.classes = problems, dialect, classes
        self.data_dims = data_dims
        self.tree: Tree | None = None
        self.nodes: list[Node] = []
        self.declared: dict[str, Node] = {}
        self.implicit: set[str] = set()  # names of layers that others declare
        self.names = InputNames(layers_file)

    # -- one section -------------------------------------------------------------------------------

    def add(self, section: Section) -> None:
        """Add the layer of a section to the graph, or report what is wrong with it."""
        layer = self._make_layer(section)
        if layer is None:
            self.names.invalid.add(section.name)
            return
        params = self._params_section(section, layer)
        reader = FieldReader(layer, section, params, self.problems)
        inputs = self.names.resolve(section, reader)
        if layer.needs_params and params is None and self.params_file is not None:
            reader.error(section.span, *self._no_params(section, layer, self.params_file))
        neuron = self._read_neuron(section, layer, reader)
        count = None if inputs is None else len(inputs)
        reader.read_all(count, params is not None)
        if reader.good and inputs is not None:
            nodes = [node for node in inputs if node is not None]  # None only where not good
            self._put_in_graph(layer, nodes, reader, neuron)
        else:
            self.names.invalid.add(section.name)

    def _make_layer(self, section: Section) -> Layer | None:
        entry = section.entries.get("type")
        if entry is None or not entry.value.text:
            self.problems.error(section.span, f"{section.name} has no type", "add a line type=...")
            return None
        name = entry.value.text
        if name in LAYER_TYPES:
            return LAYER_TYPES[name](section.name, self.dialect)
        near = self.problems.similar(name, LAYER_TYPES) or "`convnet layers` lists the types"
        message = f"{section.name}: there is no layer type {quoted(name)}"
        self.problems.error(entry.value.span, message, near)
        return None

    def _params_section(self, section: Section, layer: Layer) -> Section | None:
        """A layer's section of the params file.  `[data]` there configures the run, not a layer."""
        if self.params_file is None or layer.is_data:
            return None
        return self.params_file.get(section.name)

    def _no_params(self, section: Section, layer: Layer, params_file: SpecFile) -> tuple[str, str]:
        """The message and the hint for a layer whose section in the params file is missing."""
        keys = [f.key for f in layer.fields.values() if f.file == "params" and f.required]
        needs = f"add [{section.name}] with {', '.join(keys)}" if keys else f"add [{section.name}]"
        for other in islice(self._unread_params(), MAX_HINTS):
            if self.problems.similar(section.name, [other.name]):
                needs = f"[{other.name}] ({other.span}) names no layer; is it meant for this one?"
        message = f"{section.name} needs a section in {params_file.source.path} and has none"
        return message, needs

    def _read_neuron(
        self, section: Section, layer: Layer, reader: FieldReader
    ) -> Nonlinearity | None:
        entry = section.entries.get("neuron")
        if entry is None:
            if layer.requires_neuron:
                reader.error(section.span, f"{section.name} has no neuron, which is required")
            return None
        reader.values["neuron"] = entry.value
        if not (layer.requires_neuron or layer.has_neuron):
            reader.error(
                entry.key_span, f"{section.name}: {layer.type_name} layers cannot have a neuron"
            )
            return None
        try:
            if not entry.value.text:
                raise MalformedValue(
                    entry.value.span, "neuron is empty", "remove the line for none"
                )
            return parse_neuron(entry.value)
        except MalformedValue as bad:
            reader.error(bad.span, f"{section.name}: {bad.message}", bad.hint)
            return None

    # -- the node ----------------------------------------------------------------------------------

    def _put_in_graph(
        self,
        layer: Layer,
        inputs: list[Node],
        reader: FieldReader,
        neuron: Nonlinearity | None,
    ) -> None:
        try:
            if layer.requires_neuron and neuron is not None:
                layer.set_nonlinearity(neuron)
            self._bind(layer, inputs)
            if layer.needs_no_gradient:
                _check_nothing_trained_below(layer, inputs)
            below = [node.layer for node in inputs]
            layer.check_inputs(below)
        except FieldError as bad:
            reader.error(reader.span_of(bad.field_name, bad.index), bad.message, bad.hint)
            self.names.invalid.add(layer.name)
            return
        shape, devices = layer.output_shape(), self._devices(layer, inputs)
        node = Node(layer.name, layer, inputs, shape, devices, reader=reader)
        find_owners(node, self.declared, self.names.invalid, self.problems)
        check_children(node, self.names.nodes, self.names.invalid, self.problems)
        for name, *words in layer.warnings(below):
            self.problems.warn(reader.span_of(name, None), *words)
        self._append(node)
        for implicit in implicit_layers(node, neuron, self.names.sections):
            self._append_implicit(node, implicit)

    def _bind(self, layer: Layer, inputs: list[Node]) -> None:
        facts = DataFacts(self.data_dims, self.classes, self.tree)
        layer.bind([node.shape for node in inputs], facts)
        if isinstance(layer, Data):
            self.data_dims[layer.data_idx] = layer.rows

    def _devices(self, layer: Layer, inputs: list[Node]) -> tuple[int, ...]:
        if layer.is_data:
            return ()
        if self.dialect.reads_gpu and layer.gpu is not None:
            return layer.gpu
        return next((node.devices for node in inputs if node.devices), (0,))

    def _append(self, node: Node) -> None:
        self.nodes.append(node)
        self.names.nodes[(node.declared_in or node).name] = node
        if node.declared_in is None:
            self.declared[node.name] = node
        else:
            self.implicit.add(node.name)

    def _append_implicit(self, declared: Node, layer: Layer) -> None:
        """Append a layer that reads a declared one; later consumers of the name read it instead."""
        source = self.names.nodes[declared.name]
        shape, devices = source.shape, source.devices
        self._append(
            Node(layer.name, layer, [source], shape, devices, declared, reader=source.reader)
        )

    # -- the whole ---------------------------------------------------------------------------------

    def finish(self, memory: int | None) -> None:
        """Check the graph as a whole."""
        if not self.layers_file.sections and not self.problems.errors:
            path = self.layers_file.source.path
            self.problems.error(
                None,
                f"{path}: the file declares no layers",
                "a layer is a line [name], then type=... and its keys; see `convnet layers`",
            )
        self._report_unused()
        self._warn_unread_params()
        check_memory(self.nodes, memory, self.problems)
        if not self.problems.errors:
            fuse_costs(self.nodes)

    def _report_unused(self) -> None:
        for section in self.names.unused(self.problems):
            self.problems.error(
                section.span,
                f"{section.name} is not used: no layer reads it, and it is not a cost",
                "name it in the inputs of another layer, or remove it",
            )

    def _unread_params(self) -> Iterator[Section]:
        return (s for s in self._unknown_params if s.name not in self.implicit)

    @cached_property
    def _unknown_params(self) -> list[Section]:
        known = {*self.names.sections, *RUN_SECTIONS}
        sections = self.params_file.sections if self.params_file else ()
        return [section for section in sections if section.name not in known]

    def _warn_unread_params(self) -> None:
        for section in self._unread_params():
            message = f"{section.name} is not a layer of {self.layers_file.source.path}"
            hint = self.problems.similar(section.name, self.names.sections)
            self.problems.warn(section.span, f"{message}; the section has no effect", hint)


def _check_nothing_trained_below(layer: Layer, inputs: list[Node]) -> None:
    """A layer without a backward pass would cut off the gradient of the layers below it."""
    for index, source in enumerate(inputs):
        found = _layer_with_weights(source)
        if found is not None:
            message = (
                f"{layer.type_name} layers have no backward pass; this one is above "
                f"{found.name}, which has weights"
            )
            raise layer.wrong("inputs", message, index, f"put it below {found.name}")


def _layer_with_weights(node: Node) -> Node | None:
    """The first layer with weights on the way down from a node, itself included, or None."""
    seen: set[Node] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node.layer, WeightLayer):
            return node
        if node not in seen:
            seen.add(node)
            waiting.extend(node.inputs)
    return None
