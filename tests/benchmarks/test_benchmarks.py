"""The benchmarks: PyTorch's network is ours, the statistics, the tables; all at tiny sizes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from tests.support.rows import graph_of, randomize

torch = pytest.importorskip("torch", reason="PyTorch is not installed; it comes with .[bench]")

from benchmarks import timing  # noqa: E402
from benchmarks.cpu import __main__ as cpu  # noqa: E402
from benchmarks.cpu import bench, elementwise, layers, startup  # noqa: E402
from benchmarks.cpu import worker as cpu_worker  # noqa: E402
from benchmarks.graphs import shapes_of, shipped_graph  # noqa: E402
from benchmarks.pytorch import elementwise as torch_elementwise  # noqa: E402
from benchmarks.pytorch import layers as torch_layers  # noqa: E402
from benchmarks.pytorch.nets import TorchNet, mean_cost  # noqa: E402
from benchmarks.tables import add_results, table  # noqa: E402
from benchmarks.timing import Worker, WorkerError, compare, in_turn  # noqa: E402
from convnet.backends.cpu.engine import Engine  # noqa: E402
from convnet.network.network import Network  # noqa: E402

CASES = 3
LAYERS = """
[data]
type=data
dataIdx=0
channels=4
imgSize=16
[labels]
type=data
dataIdx=1
[conv1]
type=conv
inputs=data
channels=4
filters=6
filterSize=5
stride=2
initW=0.1
neuron=relu
[norm1]
type=cmrnorm
inputs=conv1
channels=6
size=3
[pool1]
type=pool
pool=max
inputs=norm1
channels=6
sizeX=3
stride=2
[conv2]
type=conv
inputs=pool1
channels=6
filters=4
groups=2
filterSize=3
padding=1
initW=0.1
neuron=relu
[drop2]
type=dropout2
inputs=conv2
[fc3]
type=fc
inputs=drop2
outputs=5
initW=0.1
[probs]
type=softmax
inputs=fc3
[cost]
type=cost.logreg
inputs=labels,probs
"""
LEARN = "epsW=0.1\nepsB=0.2\nmomW=0.9\nmomB=0.8\nwc=0.01\n"
PARAMS = "".join(f"[{name}]\n{LEARN}" for name in ("conv1", "conv2", "fc3"))
PARAMS += (
    "[norm1]\nscale=2.5\npow=0.75\nminDiv=2\n[drop2]\nkeep=0.25\nenable=false\n[cost]\ncoeff=1\n"
)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(timing, "PAUSE", 0.0)


@pytest.fixture
def graph():
    return graph_of(LAYERS, PARAMS, {0: 4 * 16 * 16, 1: 1})


def test_two_steps_of_the_torch_network_are_ours(graph):
    """Costs, and weights after two updates with momentum and decay; overhang, groups, norm."""
    network = Network(graph, CASES, Engine())
    randomize(network)
    net = TorchNet(graph).eval()
    net.take_weights(network)
    optimizer = net.optimizer()
    images, labels = cpu_worker.data(graph, CASES)
    network.load({0: images, 1: labels})
    shape, _ = shapes_of(graph)
    x = net.padded(torch.from_numpy(images.T.copy()).reshape(CASES, *shape))
    for _ in range(2):
        network.set_rates(0.0)
        network.run("train")
        cost = mean_cost(net(x), torch.from_numpy(labels[0]).long())
        assert network.costs()["cost"][0] / CASES == pytest.approx(cost.item(), rel=1e-5)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    expected = TorchNet(graph)
    expected.take_weights(network)
    for found, wanted in zip(net.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_dropout_keeps_the_share_and_halves_nothing_in_training():
    graph = graph_of(LAYERS, PARAMS, {0: 4 * 16 * 16, 1: 1})
    (drop,) = [m for m in TorchNet(graph).layers if type(m).__name__ == "Dropout2"]
    x = torch.ones(1000)
    found = drop.train()(x)
    assert set(found.unique().tolist()) == {0.0, 1.0} and 0.15 < found.mean() < 0.35
    assert drop.eval()(x).unique().tolist() == [0.25]


def test_a_network_that_is_no_chain_is_refused():
    with pytest.raises(ValueError, match="must read"):
        TorchNet(shipped_graph("alexnet"))
    assert len(TorchNet(shipped_graph("digits")).layers) == 9


def test_one_device_drops_what_the_file_says_of_devices():
    devices = {node.devices for node in shipped_graph("alexnet:one").declared()}
    assert devices == {(), (0,)}  # the data has none


def test_each_layer_alone(graph):
    """Every call runs on both sides; their shapes fit or it would not."""
    names = layers.calls_of(graph)
    assert {"conv1 images", "norm1 backward", "fc3 update", "probs forward"} <= set(names)
    for node, direction in names.values():
        layers.our_call(node, direction, CASES)()
        for channels_last in (False, True):
            torch_layers.their_call(node, direction, CASES, channels_last, False)()
    counted = [layers.flops_of(node, d, CASES) for node, d in names.values()]
    whole = sum(node.layer.multiply_adds() for node in graph.nodes if node.layer.weights())
    assert sum(counted) == 3 * 2 * CASES * whole


def test_each_elementwise_function_alone(monkeypatch):
    """Every call runs on both sides, at a small size."""
    monkeypatch.setitem(elementwise.SIZES, "small", elementwise.Size(3, 5, 7, 4))
    names = [name for name in elementwise.calls() if name.endswith(", small")]
    assert {"tanh backward, small", "update, small", "eltmax forward, small"} <= set(names)
    for name in names:
        elementwise.our_elementwise(name)()
        torch_elementwise.their_elementwise(name, False)()


def test_elementwise_functions_are_the_same(monkeypatch):
    """Ours and PyTorch's write the same numbers, where both write into arrays that exist."""
    monkeypatch.setitem(elementwise.SIZES, "small", elementwise.Size(3, 5, 7, 4))
    made = []

    def kept(*shape):
        made.append(layers.numbers(*shape))
        return made[-1]

    monkeypatch.setattr(elementwise, "numbers", kept)
    monkeypatch.setattr(torch_elementwise, "numbers", kept)
    for kind in elementwise.NEURONS:
        for direction in ("forward", "backward"):
            name = f"{kind} {direction}, small"
            if name == "softrelu backward, small":
                continue  # PyTorch's derivative is computed from the input, ours from the output
            made.clear()
            elementwise.our_elementwise(name)()
            ours = [array.copy() for array in made]
            made.clear()
            torch_elementwise.their_elementwise(name, False)()
            for mine, theirs in zip(ours, made, strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6, err_msg=name)


# -- timing ----------------------------------------------------------------------------------------


def test_rivals_take_turns_and_slow_ones_are_dropped():
    order = []

    def rival(name, seconds):
        return lambda: order.append(name) or seconds

    rivals = {"ours": rival("ours", 1.0), "slow": rival("slow", 3.0), "fast": rival("fast", 2.0)}
    times = in_turn(rivals, 3)
    assert order == ["ours", "slow", "fast", "ours", "fast", "ours", "fast"]
    assert times == {"ours": [1.0] * 3, "slow": [3.0], "fast": [2.0] * 3}


def test_ratios_are_those_of_the_pairs():
    found = compare({"ours": [1.0, 2.0, 4.0], "b": [9.0, 9.0, 9.0], "a": [2.0, 6.0, 4.0]})
    assert (found.ours, found.theirs, found.best) == (2.0, 4.0, "a")
    assert (found.ratio, found.low, found.high) == (2.0, 1.0, 3.0)


def test_a_worker_that_fails_says_why():
    with Worker("benchmarks.cpu.worker", "ours", "digits", "2") as worker:
        with pytest.raises(WorkerError, match="KeyError: 'nothing'"):
            worker.ask("layer", call="nothing")
        assert worker.ask("memory") > 1e7


# -- tables ----------------------------------------------------------------------------------------


def test_a_table_is_aligned():
    rows = [{"what": "a", "ms": 1234.5, "ratio": None}, {"what": "bcd", "ms": 0.0123, "ratio": 2}]
    lines = table(rows).splitlines()
    assert lines[0] == "what      ms  ratio"
    assert lines[2:] == ["a       1234      -", "bcd   0.0123      2"]


def test_results_of_parts_stand_side_by_side(tmp_path):
    path = tmp_path / "results" / "cpu.json"
    add_results(path, "one", {"threads": 2}, [{"what": "a", "ms": 1.23456789}])
    add_results(path, "two", {"threads": 2}, [{"what": "b", "ms": None}])
    add_results(path, "two", {"threads": 2}, [{"what": "c", "ms": 1}, {"what": "b", "ms": 7}])
    found = json.loads(path.read_text())
    assert found == {"machine": {"threads": 2}, "one": [{"what": "a", "ms": 1.235}],
                     "two": [{"what": "b", "ms": 7}, {"what": "c", "ms": 1}]}  # fmt: skip


# -- the command -----------------------------------------------------------------------------------


class Here:
    """A worker in this process."""

    def __init__(self, _module, kind, net, cases, env):
        self.server = cpu_worker.Server(kind, net, int(cases))

    def ask(self, what, **options):
        return getattr(self.server, what)(**({"side": 8} if what == "product" else options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "Worker", Here)
    monkeypatch.setattr(cpu_worker, "LEAST", 0.0)
    monkeypatch.setitem(bench.LAYERS, "cifar10-layers", "digits")
    path = tmp_path / "found.json"
    options = "--part digits --part cifar10-layers --only conv2 --cases 2 --rounds 2 --rival eager"
    run = CliRunner().invoke(cpu.main, [*options.split(), "--json", str(path)])
    assert run.exit_code == 0, run.output
    found = json.loads(path.read_text())
    assert [row["what"] for row in found["digits, 2 cases"]] == [
        "training step", "test", "forward", "backward", "update"
    ]  # fmt: skip
    for row in found["digits, 2 cases"][:2] + found["cifar10-layers, 2 cases"][:3]:
        assert row["from"] <= row["ratio"] <= row["to"] and row["best of theirs"] == "eager"
        assert row["GFLOP/s"] > 0 and row["of peak"] > 0
    assert found["digits, 2 cases"][0]["MB"] > 10 and found["machine"]["torch"] == torch.__version__
    assert [row["what"] for row in found["cifar10-layers, 2 cases"]] == [
        "conv2 forward", "conv2 images", "conv2 weights",
        "conv2_neuron forward", "conv2_neuron backward",
    ]  # fmt: skip


def test_the_largest_file_has_its_partner(tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "CORPUS", tmp_path)
    files = startup.largest_pair()
    assert [path.suffix for path in files] == [".cfg", ".params"]
    for name, size in (("layers-1.cfg", 10), ("layers-2.cfg", 30), ("layer-params-2.cfg", 90)):
        (tmp_path / name).write_text("#" * size)
    found = [path.name for path in startup.largest_pair()]
    assert found == ["layers-2.cfg", "layer-params-2.cfg"]
    assert np.isfinite(startup.seconds(["--version"]))
