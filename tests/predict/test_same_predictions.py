"""The same predictions from the command line, the Python interface, `convnet test` and float64."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convnet
from convnet.data import open_dataset
from convnet.data.input import input_of
from convnet.train.prediction_files import read_predictions
from tests.support.command_line import good
from tests.support.paths import ROOT
from tests.support.reference import predicting

SAME = 1e-6  # of a probability
CASES = 3


@dataclass
class Example:
    """A checkpoint with random weights, its network, and images as files and as arrays."""

    path: Path
    net: convnet.Net
    data: str
    inner: int
    images: np.ndarray
    files: list[Path]


# The size of the data set's images and of the crops.  The networks are the shipped ones.
NETS = [
    pytest.param(("digits", "digits", 8, 8), id="digits"),
    pytest.param(("cifar10", "shapes:side=32,train=64,test=4", 32, 24), id="cifar10"),
    pytest.param(
        ("alexnet", "shapes:side=256,train=16,test=4,classes=1000", 256, 224),
        id="alexnet",
        marks=pytest.mark.slow,
    ),
]


@pytest.fixture(scope="module", params=NETS)
def example(request, tmp_path_factory):
    name, data, side, inner = request.param
    folder = tmp_path_factory.mktemp(name)
    dataset = open_dataset(data)
    assert dataset.side == side
    files = [ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params"]
    net = convnet.Net.from_files(*files, minibatch=CASES, seed=4)
    _spread(net)
    net.input, net.class_names = input_of(dataset, inner, "image"), dataset.class_names
    path = folder / "random.safetensors"
    net.save(path)
    images = dataset.images("test", np.arange(CASES))
    paths = [_write(folder / "images" / f"{n}.png", image) for n, image in enumerate(images)]
    yield Example(path, net, data, inner, images, paths)
    path.unlink()  # AlexNet's takes half a gigabyte


def _spread(net):
    """Give weights and biases the sizes that keep activities near 1 and make classes differ."""
    rng = np.random.default_rng(5)
    first = True
    for name, parameter in net.network.parameters.items():
        values = net.network.read(parameter)
        if name.endswith("biases"):
            values = 0.2 * rng.standard_normal(values.shape)
        else:
            inputs = values[..., 0].size if values.ndim == 4 else values.shape[1]
            values = values * (np.sqrt(2 / inputs) / values.std() / (60 if first else 1))
            first = first and "conv1" in name
        net.network.write(parameter, values)


def _write(path, image):
    path.parent.mkdir(exist_ok=True)
    pixels = image[0] if len(image) == 1 else np.moveaxis(image, 0, 2)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(params=[1, 10], ids=["one view", "ten views"])
def views(request):
    return request.param


@pytest.fixture
def expected(example, views):
    net = example.net
    parameters = {n: net.network.read(p) for n, p in net.network.parameters.items()}
    mean = np.asarray(net.input.mean, np.float64)
    found = predicting.predictions(
        net.graph, parameters, example.images, mean, example.inner, views, "probs"
    )
    assert np.ptp(found, axis=0).max() > 1e-3  # the images differ
    return found


def test_predictions_are_the_references(example, views, expected, tmp_path):
    several = views > 1
    options = ["--multiview"] * several
    from_python = example.net.predict(example.files, multiview=several)
    np.testing.assert_allclose(from_python, expected, rtol=0, atol=SAME)
    from_arrays = example.net.predict(example.images, multiview=several)
    np.testing.assert_array_equal(from_arrays, from_python)
    printed = json.loads(
        good(
            *("predict", "--load", example.path, "--json", "--top", expected.shape[1], *options),
            *example.files,
        ).stdout
    )
    np.testing.assert_allclose(_matrix(printed, expected), expected, rtol=0, atol=SAME)
    folder = tmp_path / "tested"
    good(
        *("test", "--load", example.path, "--data", example.data, "--max-batches", 1),
        *("--minibatch", CASES, "--test-out", folder, *options),
    )
    tested = read_predictions(folder).by_views[views].T[:CASES]
    np.testing.assert_allclose(tested, expected, rtol=0, atol=SAME)


def _matrix(printed, like):
    found = np.zeros_like(like)
    for case, image in enumerate(printed["images"]):
        for each in image["top"]:
            found[case, each["label"]] = each["probability"]
    return found
