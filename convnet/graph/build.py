"""Sections to graph: names, inputs, fields and shapes of every layer, all mistakes in one go."""

from convnet.graph.cost_children import find_children
from convnet.graph.dialect import Dialect, recognise
from convnet.graph.fuse_costs import fuse_costs
from convnet.graph.graph import HOST, Graph, Node
from convnet.graph.implicit_layers import folded_layers
from convnet.graph.inputs import MAX_HINTS, InputNames
from convnet.graph.memory_check import check_memory
from convnet.graph.read_fields import FieldReader
from convnet.graph.sharing import find_owners
from convnet.language import MalformedValue, Problems, SpecFile, did_you_mean, quoted
from convnet.layers import LAYER_TYPES, FieldError, Tree
from convnet.layers.neuron import parse_neuron
from convnet.layers.weighted import WeightLayer
from convnet.memory import machine_memory

__all__ = ["HOST", "Graph", "Node", "build"]

RUN_SECTIONS = ("data", "run")  # of a params file: about the run, not about a layer


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
    """Build the graph; mistakes go to `problems`, and raise SpecError at the end.

    dialect: a name of `graph.dialect.NAMES`; recognised when absent.  data_dims: values per case of
    each data matrix, by dataIdx.  classes: number of classes of the data.  memory: bytes that the
    net may need at least; when absent, what the machine has.  tree: of the data's labels, for
    treefc layers.
    Without a params file, learning fields take neutral values.
    """
    found = Dialect(dialect, "asked for") if dialect else recognise(layers_file, params_file)
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


class _Builder:
    def __init__(self, layers_file, params_file, problems, dialect, data_dims, classes):
        self.layers_file, self.params_file = layers_file, params_file
        self.problems, self.dialect, self.classes = problems, dialect, classes
        self.data_dims = data_dims
        self.tree: Tree | None = None
        self.nodes: list[Node] = []
        self.names = InputNames(layers_file)

    # -- one section -------------------------------------------------------------------------------

    def add(self, section):
        layer = self._make_layer(section)
        if layer is None:
            self.names.broken.add(section.name)
            return
        params = self._params_section(section, layer)
        reader = FieldReader(layer, section, params, self.problems)
        inputs = self.names.resolve(section, reader)
        if layer.needs_params and params is None and self.params_file is not None:
            reader.error(section.span, *self._no_params(section, layer))
        neuron = self._read_neuron(section, layer, reader)
        count = None if inputs is None else len(inputs)
        reader.read_all(count, params is not None)
        if reader.good and inputs is not None:
            self._put_in_graph(section, layer, inputs, reader, neuron)
        else:
            self.names.broken.add(section.name)

    def _make_layer(self, section):
        entry = section.entries.get("type")
        if entry is None or not entry.value.text:
            self.problems.error(section.span, f"{section.name} has no type", "add a line type=...")
            return None
        name = entry.value.text
        if name in LAYER_TYPES:
            return LAYER_TYPES[name](section.name, self.dialect)
        near = did_you_mean(name, LAYER_TYPES) or "`convnet layers` lists the types"
        message = f"{section.name}: there is no layer type {quoted(name)}"
        self.problems.error(entry.value.span, message, near)
        return None

    def _params_section(self, section, layer):
        """A layer's section of the params file.  `[data]` there is about the run, not a layer."""
        if self.params_file is None or layer.type_name == "data":
            return None
        return self.params_file.get(section.name)

    def _no_params(self, section, layer):
        keys = [f.key for f in layer.fields.values() if f.file == "params" and f.required]
        path = self.params_file.source.path
        needs = f"add [{section.name}] with {', '.join(keys)}" if keys else f"add [{section.name}]"
        for other in self._unread_params()[:MAX_HINTS]:
            if did_you_mean(section.name, [other.name]):
                needs = f"[{other.name}] ({other.span}) is no layer; is it meant for this one?"
        return f"{section.name} has no section in {path}, which it needs", needs

    def _read_neuron(self, section, layer, reader):
        entry = section.entries.get("neuron")
        if entry is None:
            if layer.type_name == "neuron":
                reader.error(section.span, f"{section.name} has no neuron, which is required")
            return None
        reader.values["neuron"] = entry.value
        if layer.type_name != "neuron" and not layer.has_neuron:
            reader.error(entry.key_span, f"{section.name}: {layer.type_name} layers have no neuron")
            return None
        try:
            if not entry.value.text:
                raise MalformedValue(entry.value.span, "neuron is empty", "remove it for none")
            return parse_neuron(entry.value)
        except MalformedValue as bad:
            reader.error(bad.span, f"{section.name}: {bad.message}", bad.hint)
            return None

    # -- the node ----------------------------------------------------------------------------------

    def _put_in_graph(self, section, layer, inputs, reader, neuron):
        try:
            if layer.type_name == "neuron":
                layer.nonlinearity = neuron
            if hasattr(layer, "tree"):
                layer.tree = self.tree
            if isinstance(layer, WeightLayer):
                layer.check_learning()
            shape = self._shape(layer, inputs)
            if layer.needs_no_gradient:
                _check_nothing_trained_below(layer, inputs)
            if hasattr(layer, "check_inputs"):
                layer.check_inputs(inputs, self.classes)
        except FieldError as bad:
            reader.error(reader.place_of(bad.field_name, bad.index), bad.message, bad.hint)
            self.names.broken.add(section.name)
            return
        node = Node(section.name, layer, inputs, shape, self._devices(layer, inputs), reader=reader)
        find_owners(node, self.nodes, self.names.broken, self.problems)
        if node.is_cost:
            find_children(node, self.nodes, self.names.broken, self.problems)
        for name, *words in layer.doubts(inputs) if hasattr(layer, "doubts") else ():
            self.problems.warn(reader.place_of(name, None), *words)
        self._append(node)
        for folded in folded_layers(node, neuron, self.names.sections):
            self._append_behind(node, folded)

    def _shape(self, layer, inputs):
        if layer.type_name != "data":
            return layer.output_shape([node.shape for node in inputs])
        rows = self.data_dims.get(layer.data_idx)
        if rows is None:
            rows = layer.assumed_rows(self.classes)
            self.data_dims[layer.data_idx] = rows
        return layer.shape_of(rows)

    def _devices(self, layer, inputs):
        if layer.type_name == "data":
            return ()
        if self.dialect.reads_gpu and layer.gpu is not None:
            return layer.gpu
        return next((node.devices for node in inputs if node.devices), (0,))

    def _append(self, node):
        self.nodes.append(node)
        self.names.nodes[(node.folded_into or node).name] = node

    def _append_behind(self, declared, layer):
        """Put a layer behind a declared one; later readers of the name read it instead."""
        source = self.names.nodes[declared.name]
        shape, devices = source.shape, source.devices
        self._append(
            Node(layer.name, layer, [source], shape, devices, declared, reader=source.reader)
        )

    # -- the whole ---------------------------------------------------------------------------------

    def finish(self, memory):
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

    def _report_unused(self):
        for section in self.names.unused():
            self.problems.error(
                section.span,
                f"{section.name} is not used: no layer reads it, and it is not a cost",
                "name it in the inputs of another layer, or remove it",
            )

    def _unread_params(self):
        known = {*self.names.sections, *(node.name for node in self.nodes), *RUN_SECTIONS}
        sections = self.params_file.sections if self.params_file else ()
        return [section for section in sections if section.name not in known]

    def _warn_unread_params(self):
        for number, section in enumerate(self._unread_params()):
            message = f"{section.name} is no layer of {self.layers_file.source.path}"
            hint = did_you_mean(section.name, self.names.sections) if number < MAX_HINTS else ""
            self.problems.warn(section.span, f"{message}; the section has no effect", hint)


def _check_nothing_trained_below(layer, inputs):
    """A layer without a backward pass would cut off the gradient of what lies below it."""
    for index, source in enumerate(inputs):
        found = _layer_with_weights(source)
        if found is not None:
            message = (
                f"{layer.type_name} layers have no backward pass; this one stands above "
                f"{found.name}, which has weights"
            )
            raise layer.wrong("inputs", message, index, f"put it below {found.name}")


def _layer_with_weights(node):
    """The first layer with weights met on the way down from a node, itself included, or None."""
    seen, waiting = set(), [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node.layer, WeightLayer):
            return node
        if node not in seen:
            seen.add(node)
            waiting.extend(node.inputs)
    return None
