"""The benchmark of predictions: both sides predict the same."""

import csv
import io

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.support.command_line import good

pytest.importorskip("torch", reason="PyTorch is not installed; it comes with .[bench]")

from benchmarks import predict  # noqa: E402
from benchmarks.pytorch import predict as torch_predict  # noqa: E402


def test_pytorch_predicts_the_same_classes(tmp_path):
    """Where no image is scaled: the two scale with different filters."""
    checkpoint = tmp_path / "net.safetensors"
    predict.write_checkpoint("cifar10", checkpoint)
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(1)
    for number in range(3):
        pixels = random.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((32, 32)).save(folder / f"{number}.jpg", quality=92)
    ours = rows(good("predict", "--csv", "--load", checkpoint, folder).stdout)
    theirs = CliRunner().invoke(torch_predict.main, ["cifar10", str(checkpoint), str(folder)])
    assert theirs.exit_code == 0, theirs.output
    names = ("file", "rank", "label", "class", "probability")
    assert ours == rows(",".join(names) + "\n" + theirs.stdout)


def rows(text):
    """The rows, with rounded probabilities."""
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 15
    return [row | {"probability": round(float(row["probability"]), 5)} for row in found]


def test_synthetic_pictures_differ_and_are_jpegs(tmp_path):
    predict.write_jpegs(tmp_path, 3)
    found = sorted(tmp_path.iterdir())
    assert [path.name for path in found] == ["00000.jpg", "00001.jpg", "00002.jpg"]
    assert len({path.read_bytes() for path in found}) == 3
    with Image.open(found[0]) as image:
        assert (image.format, image.size) == ("JPEG", (500, 375))
