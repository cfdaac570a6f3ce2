"""The weights that come with convnet: what the files hold, and their names in place of runs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

import convnet
from convnet import checkpoint, nets
from convnet.errors import ConvnetError
from examples import publish
from tests.support.command_line import good, run

FILES = sorted(nets.TRAINED.glob("*.safetensors"))
NAMES = [path.stem for path in FILES]
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- the files -------------------------------------------------------------------------------------


def error_of(path):
    """The test error that a file states, percent."""
    return float(checkpoint.read_header(path)["provenance"]["test error"].partition("%")[0])


def test_the_short_name_is_the_best_net():
    assert NAMES and [net.name for net in nets.shipped() if net.weights] == NAMES
    assert {"cifar10": min(FILES, key=error_of).stem} == nets.SHORT


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_is_small_and_holds_weights_only(path):
    assert path.stat().st_size < publish.MOST
    with safe_open(path, "np") as file:
        kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    assert set(kinds.values()) == {"F16"}
    assert all(re.fullmatch(r"\w+\.(weights\.\d|biases)", name) for name in kinds)
    assert not checkpoint.load(path).history


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_is_the_shipped_net_and_says_where_it_comes_from(path):
    facts = checkpoint.read_header(path)
    net = nets.find(Path(path.stem))
    assert facts["layers"] == net.layers.read_text("utf-8")
    assert facts["params"] == net.params.read_text("utf-8")
    assert facts["class_names"] == CLASSES and facts["input"].mean_image
    wanted = {"command", "epochs", "data", "rights", "test error", "rounding"}
    assert facts["provenance"].keys() == wanted
    assert f"--layers {path.stem} " in facts["provenance"]["command"]
    header = json.dumps({key: str(value) for key, value in facts.items()})
    assert not re.search(r"[ \"'](/|[A-Z]:\\)\w", header), "a path of one machine"


def test_the_page_says_what_the_files_say():
    """Run `python -m examples.publish --data ...` if this fails."""
    page = (nets.TRAINED / "README.md").read_text("utf-8")
    assert page == publish.readme(nets.TRAINED)
    assert all(f"## {name}\n" in page for name in NAMES)


# -- names -----------------------------------------------------------------------------------------


def test_a_name_stands_for_a_file_unless_there_is_one(empty):
    assert nets.trained(Path("cifar10")) == nets.trained(Path(nets.SHORT["cifar10"]))
    assert nets.trained(Path(NAMES[0])) == FILES[0]
    assert nets.trained(Path("no-net")) is None and nets.trained(Path("./cifar10/x")) is None
    (empty / "cifar10").mkdir()
    assert nets.trained(Path("cifar10")) is None


def test_a_net_without_weights_is_refused(empty):
    with pytest.raises(ConvnetError, match=f"without weights; with weights .*{NAMES[0]}"):
        nets.trained(Path("alexnet"))
    result = run("predict", "--load", "alexnet", picture(empty / "x.png", 9, 9))
    assert result.exit_code == 1 and "alexnet: there is no such file" in result.stderr


def test_a_trained_net_is_no_run_to_resume(empty):
    result = run("train", "--resume", "cifar10", "--device", "cpu")
    assert result.exit_code == 1 and "no such file or folder" in result.output
    assert sorted(path.name for path in nets.TRAINED.iterdir() if path.suffix) == sorted(
        ["README.md", *(path.name for path in FILES)]
    )


# -- what they are used for ------------------------------------------------------------------------


def picture(path, width, height):
    """A blue sky over green grass, whatever a network sees in it."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2], image[height // 2 :] = (110, 160, 230), (60, 120, 40)
    Image.fromarray(image).save(path)
    return path


def test_pictures_of_any_size_are_predicted(empty):
    """Two sizes of one picture have nearly the same probabilities."""
    for name, size in (("large.png", (320, 240)), ("small.png", (40, 30))):
        picture(empty / name, *size)
    shown = good("predict", "--load", "cifar10", "--top", "10", "--json", "large.png", "small.png")
    large, small = (
        {one["class"]: one["probability"] for one in image["top"]}
        for image in json.loads(shown.stdout)["images"]
    )
    assert set(large) == set(CLASSES) and sum(large.values()) == pytest.approx(1, abs=1e-5)
    assert max(abs(large[name] - small[name]) for name in CLASSES) < 0.1
    assert max(large.values()) > 0.2


def test_the_python_interface_takes_the_name(empty):
    net = convnet.load("cifar10")
    assert net.class_names == tuple(CLASSES)
    picture(empty / "a.png", 50, 50)
    assert net.predict("a.png").shape == (1, 10)


def test_training_starts_from_the_weights(empty):
    name = nets.SHORT["cifar10"]
    data = ["--data", "shapes:side=32,train=256,test=128", "--max-batches", "1", "--device", "cpu"]
    result = good("train", "--layers", name, "--init-from", "cifar10", *data, "--save", "run")
    taken = re.findall(r"^ +(\w+) +[\d,]+  taken$", result.stderr, re.M)
    before = checkpoint.load(nets.trained(Path(name))).arrays
    assert len(taken) == len({key.split(".")[0] for key in before})
    after = checkpoint.load_newest(Path("run")).checkpoint.arrays
    for key, array in before.items():
        assert np.abs(after[key] - array).max() < 0.01 and array.dtype == np.float32, key
