"""Data sets of other sizes than 256, and of pictures that are turned upright."""

import json

import numpy as np
import pytest
from PIL import Image

from convnet.data import decoding, open_dataset
from convnet.data.pictures.sums import Sums
from convnet.errors import DataError
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from convnet.make_data.picture import Jpeg
from convnet.make_data.verify import verify
from tests.support.command_line import DIGITS, good, run
from tests.support.picture_folders import write_classes, write_picture


@pytest.fixture
def photos(tmp_path):
    return write_classes(tmp_path / "photos", 6)


def make(photos, out, **options):
    return make_data(MakeOptions(photos, hold_out=0.34, **options), out)


@pytest.mark.parametrize("side", [16, 300])
def test_a_set_knows_its_size(photos, tmp_path, side):
    out = tmp_path / "set"
    manifest = make(photos, out, jpeg=Jpeg(side=side), shard_images=5)
    assert (manifest.side, manifest.made["size"]) == (side, side)
    dataset = open_dataset(out)
    images = dataset.images("train", range(dataset.count("train")))
    assert images.shape == (12, 3, side, side) and dataset.side == side
    np.testing.assert_allclose(dataset.mean_image(), images.mean(axis=0), rtol=1e-6)
    with decoding(dataset, 2), dataset.borrow("train", range(12)) as packed:
        assert packed.shape == (12, side, side)
    assert verify(out)[1] == []


def test_a_stopped_run_continues_in_its_size(photos, tmp_path, monkeypatch):
    from convnet.make_data import write

    options = {"jpeg": Jpeg(side=24), "shard_images": 4}
    make(photos, tmp_path / "whole", **options)
    complete = write._complete

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "_complete", stop)
    with pytest.raises(KeyboardInterrupt):
        make(photos, tmp_path / "set", **options)
    monkeypatch.setattr(write, "_complete", complete)
    with pytest.raises(
        DataError, match="was started with --size 24, not its default; repeat the original"
    ):
        make(photos, tmp_path / "set", shard_images=4)
    make(photos, tmp_path / "set", **options)
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "set" / path.name).read_bytes() == path.read_bytes()


def test_sets_of_256_are_as_before(photos, tmp_path):
    """Their records name no size, so that sets of earlier versions can be continued."""
    assert not {"size", "upright"} & set(make(photos, tmp_path / "set").made)


def test_sums_over_large_images_are_exact():
    images = np.full((2, 300, 300, 3), 255, np.uint8)
    sums = Sums(300)
    for image in images:
        sums.add(image)
    assert (sums.products == 2 * 300 * 300 * 255**2).all()
    assert sums.mean_image().shape == (3, 300, 300)


@pytest.mark.parametrize(("options", "upright"), [([], True), (["--no-upright"], False)])
def test_pictures_are_turned_upright(photos, tmp_path, options, upright):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    for name in ("ant", "bee", "cow"):
        for path in (photos / name).iterdir():
            path.unlink()
    for n in range(3):
        write_picture(photos / "ant" / f"{n}.png", 5, (40, 40), exif=exif)
        write_picture(photos / "bee" / f"{n}.png", 5, (40, 40))
    out = tmp_path / "set"
    good("make-data", "--train", photos, "--hold-out", 0.34, "--size", 40, "--out", out,
         "--quality", 100, "--workers", 1, *options)  # fmt: skip
    dataset = open_dataset(out)
    images = dataset.images("train", range(4)).astype(float)
    labels = dataset.labels("train", range(4))
    turned, plain = images[labels == 0][0], images[labels == 1][0]
    expected = np.rot90(plain, -1, axes=(1, 2)) if upright else plain
    assert np.abs(turned - expected).mean() < 2
    assert json.loads((out / "dataset.json").read_text())["made"].get("upright") == (
        "yes" if upright else None
    )


def test_a_net_that_does_not_fit_is_told_what_does(photos, tmp_path):
    make(photos, tmp_path / "set", jpeg=Jpeg(side=16))
    found = run("train", "--layers", "cifar10", "--data", tmp_path / "set", "--dry-run")
    assert found.exit_code == 1 and len(found.output.splitlines()) == 1
    for text in ("images of 16x16, the network expects 24x24", "`convnet make-data --size` makes",
                 "`convnet nets`"):  # fmt: skip
        assert text in found.output
    other = run("train", *DIGITS, "--data", tmp_path / "set", "--size", 8, "--dry-run")
    assert other.exit_code == 1 and "--size 8: " in other.output and "16x16" in other.output


@pytest.mark.parametrize("size", ["0", "-3", "2049", "x"])
def test_impossible_sizes_are_misuse(photos, tmp_path, size):
    assert run("make-data", "--train", photos, "--out", tmp_path, "--size", size).exit_code == 2


def test_a_number_of_images_is_held_out(photos, tmp_path):
    write_classes(photos, 12, ["dog"])
    good("make-data", "--train", photos, "--hold-out", 10, "--size", 8, "--workers", 1, "--out",
         tmp_path / "set")  # fmt: skip
    dataset = open_dataset(tmp_path / "set")
    assert np.bincount(dataset.labels("test", range(10))).tolist() == [2, 2, 2, 4]
    assert dataset.count("train") == 20
