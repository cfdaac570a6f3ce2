"""What the paper says of layers/alexnet.cfg; every shipped pair builds without warnings."""

import pytest

from convnet.graph.build import build
from convnet.graph.guess_sizes import infer_dims
from convnet.graph.infer_inputs import declared_classes
from convnet.graph.place import copies, place
from convnet.language.specs import RunDefaults, Specs
from convnet.network.crossing import crossing_bytes
from convnet.network.planner import make_plan
from tests.support.paths import ROOT

PAIRS = sorted(path.stem for path in (ROOT / "layers").glob("*.cfg"))
GIB = 1 << 30
HYBRID = "alexnet-data-parallel", "alexnet-hybrid"


def graph_of(name):
    specs = Specs.read(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params")
    RunDefaults(specs.params, specs.problems)
    dims, assumed = infer_dims(specs.layers, None, None)
    assert assumed == "", "our own files declare their image"
    graph = build(specs.layers, specs.params, specs.problems, data_dims=dims)
    specs.problems.raise_errors(strict=True)
    return graph


@pytest.fixture(scope="module")
def alexnet():
    return graph_of("alexnet")


@pytest.mark.parametrize("name", PAIRS)
def test_every_shipped_pair_is_without_warnings(name):
    graph = graph_of(name)
    assert graph.dialect.name == "convnet"
    make_plan(graph, 2)


def parameters_by_layer(graph):
    counts = {}
    for node in graph.declared():
        arrays = [*node.layer.weights(), *filter(None, [node.layer.biases()])]
        if arrays:
            layer = node.name.rstrip("ab")
            counts[layer] = counts.get(layer, 0) + sum(array.size for array in arrays)
    return counts


def test_parameters_by_layer(alexnet):
    counts = parameters_by_layer(alexnet)
    assert counts == {
        "conv1": 34_944,
        "conv2": 307_456,
        "conv3": 885_120,
        "conv4": 663_936,
        "conv5": 442_624,
        "fc6": 37_752_832,
        "fc7": 16_781_312,
        "fc8": 4_097_000,
    }
    assert sum(counts.values()) == 60_965_224


def test_outputs_by_layer(alexnet):
    outputs = {}
    for node in alexnet.declared():
        name = node.name.rstrip("ab")
        outputs[name] = outputs.get(name, 0) + node.shape.size
    sizes = [55 * 55 * 96, 27 * 27 * 256, *[13 * 13 * 384] * 2, 13 * 13 * 256, 4096, 4096, 1000]
    names = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    assert [outputs[name] for name in names] == sizes


def test_order_of_the_first_layers(alexnet):
    """Convolution, ReLU, normalization, pooling (sections 3.3 to 3.5), on each device."""
    for tower in "ab":
        for layer in "12":
            chain = [f"conv{layer}{tower}", f"rnorm{layer}{tower}", f"pool{layer}{tower}"]
            nodes = [alexnet.node(name) for name in chain]
            assert alexnet.end_of(nodes[0]).layer.nonlinearity.kind == "relu"
            assert nodes[1].inputs == [alexnet.end_of(nodes[0])]
            assert nodes[2].inputs == [nodes[1]]


def test_normalization_is_the_papers(alexnet):
    for name in ("rnorm1a", "rnorm1b", "rnorm2a", "rnorm2b"):
        norm = alexnet.node(name).layer
        assert (norm.k, norm.size, norm.pow) == (2, 5, 0.75)
        assert norm.effective_scale == pytest.approx(1e-4)


def test_copies_only_into_the_layers_that_join_the_devices(alexnet):
    found = {(unit.inputs[0].name, unit.device) for unit in copies(place(alexnet))}
    from_data = {("data", 0), ("data", 1), ("labels", 0)}
    into_conv3 = {("pool2a", 1), ("pool2b", 0)}
    into_fc6 = {("pool5a", 1), ("pool5b", 0)}
    into_fc7 = {("drop6a", 1), ("drop6b", 0)}
    into_fc8 = {("drop7b", 0)}
    assert found == from_data | into_conv3 | into_fc6 | into_fc7 | into_fc8


def test_towers_are_on_their_devices(alexnet):
    for node in alexnet.declared():
        if node.name[-2].isdigit():
            assert node.devices == ({"a": 0, "b": 1}[node.name[-1]],), node.name


def test_initial_values_of_section_5(alexnet):
    ones = {"conv2", "conv4", "conv5", "fc6", "fc7"}
    for node in alexnet.declared():
        if node.layer.weights():
            assert {weight.deviation for weight in node.layer.weights()} == {0.01}
            assert node.layer.biases().constant == (node.name.rstrip("ab") in ones)


def test_learning_of_section_5(alexnet):
    for node in alexnet.declared():
        if node.layer.weights():
            layer = node.layer
            assert {rate.rate(0.5) for rate in (*layer.rates_w, layer.rate_b)} == {0.01}
            assert {*layer.mom_w, layer.mom_b} == {0.9}
            assert set(layer.wc) == {0.0005}


def test_each_device_stays_under_the_memory_of_the_papers_cards(alexnet):
    by_device = make_plan(alexnet, 128).bytes()
    for device in (0, 1):
        assert sum(by_device[device].values()) < 3 * GIB


# -- section 6: a sixth convolution, pre-trained on 22,000 classes ---------------------------------


@pytest.fixture(scope="module")
def six():
    return {name: graph_of(name) for name in ("alexnet-22k", "alexnet-6conv")}


@pytest.mark.parametrize(("name", "classes"), [("alexnet-22k", 21_841), ("alexnet-6conv", 1000)])
def test_a_sixth_convolution_lies_over_the_last_pooling(alexnet, six, name, classes):
    graph = six[name]
    sixth = {"conv6a": ["pool5a", "pool5b"], "conv6b": ["pool5b", "pool5a"]}
    for tower, inputs in sixth.items():
        node = graph.node(tower)
        assert [each.name for each in node.inputs] == inputs
        assert tuple(node.shape) == (128, 6, 6)
        assert graph.end_of(node).layer.nonlinearity.kind == "relu"
        assert node.layer.biases().constant == 1 and node.devices == ("ab".index(tower[-1]),)
    counts = parameters_by_layer(graph)
    whole = parameters_by_layer(alexnet)
    fc8 = 4096 * classes + classes
    assert counts == {**whole, "conv6": 256 * 3 * 3 * 256 + 256, "fc8": fc8}
    assert sum(counts.values()) == {21_841: 146_940_881, 1000: 61_555_304}[classes]
    others = [n.name for n in graph.declared() if n.name not in sixth]
    assert others == [n.name for n in alexnet.declared()]
    inputs = {n.name: [i.name for i in n.inputs] for n in graph.declared()}
    read_pool5 = [name for name, found in inputs.items() if "pool5a" in found]
    assert read_pool5 == ["conv6a", "conv6b"]


def test_fine_tuning_takes_all_but_the_last_layer(six):
    """The names and shapes that `--init-from` compares."""
    shapes = {}
    for name, graph in six.items():
        for node in graph.declared():
            found = [weight.shape for weight in node.layer.weights()]
            shapes.setdefault(node.name, {})[name] = found
    differ = [layer for layer, found in shapes.items() if len({str(f) for f in found.values()}) > 1]
    assert differ == ["fc8"]


def test_learning_of_pre_training_and_of_fine_tuning(six):
    for name, taken in (("alexnet-22k", 0.01), ("alexnet-6conv", 0.001)):
        for node in six[name].declared():
            layer = node.layer
            if layer.weights():
                rate = 0.01 if node.name == "fc8" else taken
                assert {found.rate(0.5) for found in (*layer.rates_w, layer.rate_b)} == {rate}
                assert {*layer.mom_w, layer.mom_b} == {0.9} and set(layer.wc) == {0.0005}


def test_pre_training_fits_the_papers_cards(six):
    for device, roles in make_plan(six["alexnet-22k"], 128).bytes().items():
        assert device < 0 or sum(roles.values()) < 3 * GIB


@pytest.mark.parametrize("neuron", ["relu", "tanh"])
def test_figure_1_networks_differ_in_their_neurons_only(neuron):
    graph = graph_of(f"figure1-{neuron}")
    kinds = [n.layer.nonlinearity.kind for n in graph.nodes if n.layer.type_name == "neuron"]
    assert kinds == [neuron] * 3


# -- several devices -------------------------------------------------------------------------------


def test_both_halves_of_the_data_parallel_net_are_the_net_with_groups():
    one, two = graph_of("alexnet-groups"), graph_of("alexnet-data-parallel")
    assert parameters_by_layer(one) == parameters_by_layer(two)
    assert {node.devices for node in two.declared() if not node.is_data} == {(0, 1)}
    assert all(len(p.partitions) == 2 for p in make_plan(two, 2).parameters if p.spec.size > 4096)


def test_the_hybrid_sends_a_tenth_of_what_data_parallelism_sends():
    """Full connections stay where they are; convolutions have a fraction of the weights."""
    plans = {name: make_plan(graph_of(name), 128) for name in HYBRID}
    sent = {
        name: sum(sum(kinds.values()) for kinds in crossing_bytes(plan, int).values())
        for name, plan in plans.items()
    }
    devices = {"alexnet-data-parallel": 2, "alexnet-hybrid": 4}
    each = {name: size / devices[name] for name, size in sent.items()}
    assert each["alexnet-hybrid"] < each["alexnet-data-parallel"] / 8
    counts = {p.name: len(p.replicas) + 1 for p in plans["alexnet-hybrid"].parameters}
    assert {n: c for n, c in counts.items() if c > 1}.keys() == {
        name for name in counts if name.startswith("conv")
    }
    parameters = sum(p.spec.size for p in plans["alexnet-hybrid"].parameters)
    assert parameters == 60_965_224


@pytest.mark.parametrize("name", ["alexnet", "alexnet-groups", "alexnet-hybrid", "vgg-16"])
def test_classes_that_the_files_declare(name):
    """Also where the last layer is in parts on several devices, which a `pass` layer joins."""
    specs = Specs.read(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params")
    assert declared_classes(specs.layers) == 1000
