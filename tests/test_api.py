"""The Python interface: docs/api.md's example, and what it promises."""

import inspect
import re
from types import SimpleNamespace

import numpy as np
import pytest

import convnet
from convnet.api import NetOptions
from convnet.backends import cuda_probe
from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda import engine as cuda_engine
from convnet.errors import ConvnetError, DataError, DeviceError
from tests.support.paths import ROOT

GUIDE = ROOT / "docs/api.md"
EXAMPLE = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)[1]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The names that the example of the guide defines, run in a folder of its own."""
    folder = tmp_path_factory.mktemp("api")
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code = compile(EXAMPLE, str(GUIDE), "exec")
        exec(code, names)  # our own documentation
    return names


def test_the_guides_example_learns(example):
    assert example["costs"]["logprob"]["cost"] < 0.5 * example["first"]
    assert example["costs"]["logprob"]["top-1 error"] < 0.1


def test_shapes_of_the_example(example):
    assert example["filters"].shape == (16, 1, 3, 3)
    assert example["hidden"].shape == (64, 16, 8, 8)
    assert example["probabilities"].shape == (64, 2)
    assert example["slope"].shape == (2, 1024)


def test_activities_follow_the_formula(example):
    net, images = example["net"], example["images"]
    net.forward(images, example["labels"])
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    w, b = net.weights("conv1").astype(float), net.biases("conv1")
    expected = (padded[7, 0, 2:5, 4:7] * w[3, 0]).sum() + b[3]
    assert net.activities("conv1")[7, 3, 2, 4] == pytest.approx(max(0, expected), abs=1e-5)


def test_gradient_is_the_slope_of_the_summed_cost(example):
    net = convnet.Net.from_text(
        example["layers"], example["params"], minibatch=8, seed=3, dtype="float64"
    )
    images, labels = example["images"][:8], example["labels"][:8]
    net.backward(images, labels)
    gradient, w = net.weights_gradient("conv1"), net.weights("conv1")
    direction = np.random.default_rng(0).standard_normal(w.shape)
    costs = []
    for step in (1e-6, -1e-6):
        net.set_weights("conv1", w + step * direction)
        costs.append(8 * net.forward(images, labels)["logprob"]["cost"])
    assert (costs[0] - costs[1]) / 2e-6 == pytest.approx((gradient * direction).sum(), rel=1e-6)


def test_what_is_written_is_read_back(example):
    net = example["again"]
    values = np.arange(16 * 9, dtype=np.float32).reshape(16, 1, 3, 3)
    net.set_weights("conv1", values)
    net.set_biases("fc2", [1, 2])
    assert np.array_equal(net.weights("conv1"), values)
    assert net.biases("fc2").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: net.activities("nothing"), "there is no layer 'nothing'"),
        (lambda net: net.weights("probs"), "probs has no weights"),
        (lambda net: net.weights("conv1", 2), "input 2 was asked for"),
        (lambda net: net.set_weights("conv1", np.zeros((16, 3, 3))), "has shape"),
    ],
)
def test_misuse_is_told(example, call, message):
    with pytest.raises(ConvnetError, match=message):
        call(example["net"])


def test_too_many_cases_are_told(example):
    with pytest.raises(DataError, match="1 to 64 cases"):
        example["net"].forward(np.zeros((65, 1, 8, 8)), np.zeros(65))


def test_the_options_of_all_ways_to_make_a_net_are_those_of_its_constructor():
    parameters = inspect.signature(convnet.Net).parameters.values()
    keywords = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    assert keywords == set(NetOptions.__annotations__)


def test_cuda_that_is_missing_is_an_error(example, monkeypatch):
    monkeypatch.setattr(cuda_probe, "find_spec", lambda name: None)
    with pytest.raises(DeviceError, match="numba-cuda is not installed"):
        convnet.Net.from_text(example["layers"], example["params"], device="cuda")


class StandIn(CpuEngine):
    """Takes what the CUDA engine takes, and computes on the CPU."""

    kind = "cuda"

    def __init__(self, gpus, precision, graphs):
        super().__init__()
        self.gpus, self.precision, self.graphs = gpus, precision, graphs


@pytest.fixture
def gpus(monkeypatch):
    """A machine with two GPUs, for which an engine stands in."""
    from numba import cuda

    monkeypatch.setattr(cuda_probe, "missing", lambda: "")
    monkeypatch.setattr(cuda, "gpus", [SimpleNamespace(compute_capability=(9, 0))] * 2)
    monkeypatch.setattr(cuda_engine, "Engine", StandIn)


def test_a_net_runs_where_it_is_told(example, gpus, tmp_path):
    images, labels = example["images"], example["labels"]
    made = {"minibatch": 64, "seed": 1}
    net = convnet.Net.from_text(
        example["layers"], example["params"], **made, device="cuda", gpu=[1], precision="tf32"
    )
    engine = net.network.engine
    assert (engine.gpus, engine.precision, engine.graphs) == ((1,), "tf32", True)
    on_cpu = convnet.Net.from_text(example["layers"], example["params"], **made)
    assert type(on_cpu.network.engine) is CpuEngine
    assert net.train(images, labels) == on_cpu.train(images, labels)
    net.save(tmp_path / "net.safetensors")
    loaded = convnet.Net.load(tmp_path / "net.safetensors", device="cuda")
    assert loaded.network.engine.gpus == (0,) and loaded.network.engine.precision == "fp32"
    assert np.array_equal(loaded.weights("conv1"), net.weights("conv1"))


def test_devices_that_cannot_do_what_is_asked(example, gpus):
    def made(**options):
        return convnet.Net.from_text(example["layers"], example["params"], **options)

    with pytest.raises(DeviceError, match="there is no GPU 2: this machine has 2"):
        made(device="cuda", gpu=[2])
    with pytest.raises(DeviceError, match="GPUs compute in float32, not in float64"):
        made(device="cuda", dtype="float64")
    with pytest.raises(DeviceError, match="the device is one of auto, cuda, cpu, found 'gpu'"):
        made(device="gpu")
    with pytest.raises(DeviceError, match="the precision is one of .*, found 'fp16'"):
        made(device="cuda", precision="fp16")
    with pytest.raises(DeviceError, match="products in bf16 need the tensor cores"):
        made(precision="bf16")
