"""Sections to graph: names, inputs, fields and shapes of every layer, all mistakes in one go."""

from dataclasses import dataclass, field

from convnet.graph.dialect import Dialect, recognise
from convnet.graph.fields_of import FieldReader
from convnet.layers import LAYER_TYPES, FieldError, Layer, Shape
from convnet.layers.dropout import KeyDropout
from convnet.layers.neuron import Neuron, parse_neuron
from convnet.layers.planned import PLANNED
from convnet.layers.weighted import WeightLayer
from convnet.spec import MalformedValue, Problems, SpecFile, did_you_mean

HOST = -1


@dataclass(eq=False)
class Node:
    """A layer in its place: what it reads, what it produces, where it lives.

    devices: as written or inherited; data layers have (), they live on the host.
    folded_into: the layer that a detached neuron (or dropout key) was written in.
    owners: by input, the (node, input) whose weights are used; its own unless shared.
    reader: the fields' places in the files.
    """

    name: str
    layer: Layer
    inputs: list["Node"]
    shape: Shape
    devices: tuple[int, ...]
    folded_into: "Node | None" = None
    owners: list[tuple["Node", int]] = field(default_factory=list)
    reader: FieldReader | None = None

    @property
    def is_data(self) -> bool:
        return self.layer.type_name == "data"

    @property
    def is_cost(self) -> bool:
        return self.layer.type_name.startswith("cost.")

    def owns(self, index: int) -> bool:
        return self.owners[index] == (self, index)

    def span(self, field_name: str = "", index: int | None = None):
        return self.reader.place_of(field_name, index)


@dataclass
class Graph:
    """All nodes in an order in which inputs come first, and the facts they were built with."""

    nodes: list[Node]
    dialect: Dialect
    layers_file: SpecFile
    params_file: SpecFile | None
    warnings: tuple = ()
    data_dims: dict[int, int] = field(default_factory=dict)

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def declared(self) -> list[Node]:
        """The layers as written, in file order."""
        return [node for node in self.nodes if node.folded_into is None]

    def end_of(self, node: Node) -> Node:
        """The node with a declared layer's final output, behind its neuron."""
        return [n for n in self.nodes if n is node or n.folded_into is node][-1]

    def readers(self, node: Node) -> list[Node]:
        return [other for other in self.nodes if node in other.inputs]

    @property
    def device_count(self) -> int:
        return 1 + max((max(n.devices) for n in self.nodes if n.devices), default=0)


def build(
    layers_file: SpecFile,
    params_file: SpecFile | None,
    problems: Problems,
    *,
    dialect: str | None = None,
    data_dims: dict[int, int] | None = None,
    classes: int | None = None,
) -> Graph:
    """Build the graph; mistakes go to `problems`, and raise SpecError at the end.

    dialect: a name of `graph.dialect.NAMES`; recognised when absent.  data_dims: values per case of
    each data matrix, by dataIdx.  classes: number of classes of the data.
    Without a params file, learning fields take neutral values.
    """
    found = Dialect(dialect, "asked for") if dialect else recognise(layers_file, params_file)
    builder = _Builder(layers_file, params_file, problems, found, dict(data_dims or {}), classes)
    for section in layers_file.sections:
        builder.add(section)
    builder.finish()
    problems.raise_errors()
    return Graph(
        builder.nodes, found, layers_file, params_file, tuple(problems.warnings), builder.data_dims
    )


class _Builder:
    def __init__(self, layers_file, params_file, problems, dialect, data_dims, classes):
        self.layers_file, self.params_file = layers_file, params_file
        self.problems, self.dialect, self.classes = problems, dialect, classes
        self.data_dims = data_dims
        self.nodes: list[Node] = []
        self.by_name: dict[str, Node] = {}  # the node that later readers get
        self.broken: set[str] = set()  # layers with mistakes: their readers are not reported

    # -- one section -------------------------------------------------------------------------------

    def add(self, section):
        layer = self._make_layer(section)
        params = self.params_file.get(section.name) if self.params_file else None
        if layer is None:
            self.broken.add(section.name)
            return
        reader = FieldReader(layer, section, params, self.problems)
        inputs = self._resolve_inputs(section, reader)
        if layer.needs_params and params is None and self.params_file is not None:
            reader.error(section.span, *self._no_params(section, layer))
        count = len(inputs) if inputs is not None else 1
        good = reader.read_all(count, self.params_file is not None and params is not None)
        neuron = self._read_neuron(section, layer, reader)
        if not good or not reader.good or inputs is None or None in inputs:
            self.broken.add(section.name)
            return
        self._place_in_graph(section, layer, inputs, reader, neuron)

    def _make_layer(self, section):
        entry = section.entries.get("type")
        if entry is None:
            self.problems.error(section.span, f"{section.name} has no type", "add a line type=...")
            return None
        name = entry.value.text
        if name in LAYER_TYPES:
            return LAYER_TYPES[name](section.name, self.dialect)
        if name in PLANNED:
            message = f"layers of type {name} are part of the language but not built yet"
            self.problems.error(entry.value.span, f"{section.name}: {message}")
        else:
            hint = (
                did_you_mean(name, [*LAYER_TYPES, *PLANNED]) or "`convnet layers` lists the types"
            )
            self.problems.error(
                entry.value.span, f"{section.name}: there is no layer type '{name}'", hint
            )
        return None

    def _no_params(self, section, layer):
        keys = [f.key for f in layer.fields.values() if f.file == "params" and f.required]
        path = self.params_file.source.path
        hint = did_you_mean(section.name, [s.name for s in self.params_file.sections])
        needs = f"add [{section.name}] with {', '.join(keys)}" if keys else f"add [{section.name}]"
        return f"{section.name} has no section in {path}, which it needs", hint or needs

    def _resolve_inputs(self, section, reader):
        """The input nodes; None entries for inputs with mistakes of their own; None: no list."""
        cls = type(reader.layer)
        entry = section.entries.get("inputs")
        if "inputs" not in cls.fields:
            return []
        if entry is None:
            return None
        items = entry.value.items()
        low, high = cls.input_count
        if not low <= len(items) <= high:
            expected = (
                f"{low}" if low == high else f"{low} to {high}" if high < 64 else f"{low} or more"
            )
            reader.error(
                entry.value.span,
                f"{section.name}: {cls.type_name} layers take {expected} input"
                f"{'s' * (expected != '1')}, found {len(items)}",
            )
            return None
        return [self._resolve(section, item, reader) for item in items]

    def _resolve(self, section, item, reader):
        node = self.by_name.get(item.text)
        if node is not None and not node.is_cost:
            return node
        if node is not None:
            reader.error(
                item.span, f"{section.name} reads {item.text}, a cost, which has no outputs"
            )
        elif item.text in self.broken:
            return None
        elif item.text == section.name:
            reader.error(item.span, f"{section.name} reads itself")
        elif any(s.name == item.text for s in self.layers_file.sections):
            line = self.layers_file.get(item.text).span.line
            reader.error(
                item.span,
                f"{section.name} reads {item.text}, which is defined below it (line {line})",
                "move the section up: inputs are defined before they are read",
            )
        else:
            hint = did_you_mean(item.text, [s.name for s in self.layers_file.sections])
            reader.error(
                item.span, f"{section.name} reads '{item.text}', which does not exist", hint
            )
        return None

    def _read_neuron(self, section, layer, reader):
        entry = section.entries.get("neuron")
        if entry is None:
            if layer.type_name == "neuron":
                reader.error(section.span, f"{section.name} has no neuron, which is required")
            return None
        reader.values["neuron"] = entry.value
        if layer.type_name != "neuron" and not layer.has_neuron:
            reader.error(entry.key_span, f"{layer.type_name} layers have no neuron")
            return None
        try:
            return parse_neuron(entry.value)
        except MalformedValue as bad:
            reader.error(bad.span, f"{section.name}: {bad.message}", bad.hint)
            return None

    # -- the node ------------------------------------------------------------------------------------

    def _place_in_graph(self, section, layer, inputs, reader, neuron):
        try:
            if layer.type_name == "neuron":
                layer.nonlinearity = neuron
            if isinstance(layer, WeightLayer):
                layer.check_learning()
            shape = self._shape(layer, inputs)
            if hasattr(layer, "check_inputs"):
                layer.check_inputs(inputs, self.classes)
        except FieldError as bad:
            reader.error(reader.place_of(bad.field_name, bad.index), bad.message, bad.hint)
            self.broken.add(section.name)
            return
        node = Node(section.name, layer, inputs, shape, self._devices(layer, inputs), reader=reader)
        self._find_owners(node)
        self._append(node)
        if layer.fields.get("dropout") and layer.dropout > 0:
            node = self._append_folded(node, self._key_dropout(node), "dropout")
        if neuron is not None and layer.type_name != "neuron":
            self._append_folded(self.by_name[section.name], self._neuron(node, neuron), "neuron")

    def _shape(self, layer, inputs):
        if layer.type_name != "data":
            return layer.output_shape([node.shape for node in inputs])
        rows = self.data_dims.get(layer.data_idx)
        if rows is None:
            rows = self._assumed_rows(layer)
            self.data_dims[layer.data_idx] = rows
        if layer.image_size() is not None and layer.image_size() > rows:
            raise layer.wrong(
                "img_size",
                f"declares {layer.channels or 3}x{layer.img_size}x{layer.img_size} "
                f"= {layer.image_size()} values, the data has {rows}",
            )
        return layer.shape_of(rows)

    def _assumed_rows(self, layer):
        if layer.data_idx == 1:
            return 1  # labels
        if layer.data_idx == 2 and self.classes:
            return self.classes
        if layer.image_size() is not None:
            return layer.image_size()
        raise layer.wrong(
            "data_idx",
            f"the size of data matrix {layer.data_idx} is not known",
            None,
            "give --data, or --data-dims with the values per case of matrix 0, 1, ...; "
            "our own files may write channels= and imgSize=",
        )

    def _devices(self, layer, inputs):
        if layer.type_name == "data":
            return ()
        if self.dialect.reads_gpu and layer.gpu is not None:
            return layer.gpu
        return next((node.devices for node in inputs if node.devices), (0,))

    def _append(self, node):
        self.nodes.append(node)
        self.by_name[node.name] = node

    def _append_folded(self, source, layer, suffix):
        """Put a layer behind a declared one; later readers of the name read it instead."""
        declared = source.folded_into or source
        node = Node(
            layer.name,
            layer,
            [source],
            source.shape,
            source.devices,
            declared,
            reader=source.reader,
        )
        self.nodes.append(node)
        self.by_name[declared.name] = node
        return node

    def _free_name(self, wanted):
        taken = {section.name for section in self.layers_file.sections}
        candidates = [wanted, *(f"{wanted}.{i}" for i in range(1, 100))]
        return next(name for name in candidates if name not in taken)

    def _key_dropout(self, node):
        layer = KeyDropout(self._free_name(f"{node.name}_dropout"), self.dialect)
        layer.rate, layer.inputs = node.layer.dropout, ()
        layer.output_shape([node.shape])
        return layer

    def _neuron(self, node, nonlinearity):
        layer = Neuron(self._free_name(f"{node.name}_neuron"), self.dialect)
        layer.nonlinearity, layer.inputs = nonlinearity, ()
        return layer

    # -- shared weights ------------------------------------------------------------------------------

    def _find_owners(self, node):
        weights = node.layer.weights()
        sources = getattr(node.layer, "weight_source", None) or [None] * len(weights)
        for index, source in enumerate(sources[: len(weights)]):
            owner = (node, index)
            if source is not None:
                owner = self._owner(node, index, source, weights) or owner
            node.owners.append(owner)

    def _owner(self, node, index, source, weights):
        name, at = source
        span = node.span("weight_source", index)
        if name == node.name and at < index:
            return node.owners[at]
        other = next((n for n in self.nodes if n.name == name), None)
        if other is None:
            if name not in self.broken:
                self.problems.error(
                    span, f"{node.name} shares the weights of '{name}', which is not defined above"
                )
            return None
        theirs = other.layer.weights()
        if type(other.layer) is not type(node.layer):
            types = f"{other.layer.type_name}, {node.name} is {node.layer.type_name}"
            self.problems.error(span, f"shared weights must be of one type: {name} is {types}")
        elif at >= len(theirs):
            self.problems.error(span, f"{name} has no input {at}; it has {len(theirs)}, from 0")
        elif theirs[at].shape != weights[index].shape:
            shapes = f"{theirs[at].shape} and {weights[index].shape}"
            self.problems.error(span, f"shared weights must have one shape, found {shapes}")
        elif other.devices != node.devices:
            self.problems.error(span, f"shared weights must be on one device: {name} is elsewhere")
        else:
            return other.owners[at]
        return None

    # -- the whole ---------------------------------------------------------------------------------

    def finish(self):
        if not self.layers_file.sections:
            self.problems.error(None, f"{self.layers_file.source.path}: no layers are declared")
        self._report_unused()
        self._warn_unread_params()
        if not self.problems.errors:
            self._fuse_softmax()

    def _report_unused(self):
        read = {item.text for s in self.layers_file.sections for item in _inputs_of(s)}
        for section in self.layers_file.sections:
            entry = section.entries.get("type")
            is_cost = entry is not None and entry.value.text.startswith("cost.")
            if section.name not in read and not is_cost:
                self.problems.error(
                    section.span,
                    f"{section.name} is not used: no layer reads it, and it is not a cost",
                    "read it in another layer's inputs, or remove it",
                )

    def _warn_unread_params(self):
        declared = [section.name for section in self.layers_file.sections]
        known = {*declared, *(node.name for node in self.nodes), "data"}
        for section in self.params_file.sections if self.params_file else ():
            if section.name not in known:
                self.problems.warn(
                    section.span,
                    f"{section.name} is no layer of {self.layers_file.source.path}; "
                    "the section is ignored",
                    did_you_mean(section.name, declared),
                )

    def _fuse_softmax(self):
        """A softmax read by one logreg cost only, on its device, is differentiated with it."""
        readers = {}
        for node in self.nodes:
            for source in node.inputs:
                readers.setdefault(source.name, []).append(node)
        for node in self.nodes:
            if node.layer.type_name == "softmax":
                mine = readers.get(node.name, [])
                if [n.layer.type_name for n in mine] == ["cost.logreg"]:
                    same = mine[0].devices == node.devices
                    node.layer.fused = mine[0].layer.fused = same


def _inputs_of(section):
    entry = section.entries.get("inputs")
    return entry.value.items() if entry else ()
