"""A checkpoint says what its network's input is; what lies beside it later changes no answer."""

import shutil
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PIL import Image

from convnet import Net, checkpoint
from convnet.data import open_dataset
from convnet.data.datasets.feature_files import FeatureFolder
from convnet.errors import CheckpointError, ConvnetError
from tests.data.test_features import write_folder as write_features
from tests.support.command_line import good, run
from tests.support.python2_pickle import python2_pickle

SIDE, NAMES = 16, [b"dark", b"light"]
LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[conv1]
type=conv
inputs=data
channels=3
filters=8
filterSize=3
stride=2
initW=0.05
neuron=relu
[scores]
type=fc
inputs=conv1
outputs=2
initW=0.05
[probs]
type=softmax
inputs=scores
[logprob]
type=cost.logreg
inputs=labels,probs
"""
RATES = "epsW=0.0001\nepsB=0.0001\nmomW=0.9\nmomB=0.9\nwc=0\n"
PARAMS = f"[conv1]\n{RATES}[scores]\n{RATES}[logprob]\ncoeff=1\n"


def write_folder(folder, shift=0, side=SIDE, names=NAMES, mean=None, test_seed=9):
    """Three data batches; the last, of test images, depends on `test_seed` alone."""
    folder.mkdir()
    total = np.zeros(3 * side * side)
    for number in (1, 2, 3):
        random = np.random.default_rng(test_seed if number == 3 else number)
        labels = random.integers(0, 2, 24)
        data = random.integers(0, 120, (3 * side * side, 24)) + 60 * labels
        data = np.uint8(data + (shift if number < 3 else 0))
        total += data.sum(axis=1) if number < 3 else 0
        batch = {"data": data, "labels": labels.tolist()}
        (folder / f"data_batch_{number}").write_bytes(python2_pickle(batch, 2))
    mean = np.float32(total / 48) if mean is None else mean
    meta = {"label_names": list(names), "data_mean": mean[:, None], "num_vis": 3 * side * side}
    (folder / "batches.meta").write_bytes(python2_pickle(meta, 2))
    return folder


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A run, the folder that it was trained on, and one with the same test images."""
    top = tmp_path_factory.mktemp("input")
    (top / "net.cfg").write_text(LAYERS)
    (top / "net.params").write_text(PARAMS)
    write_folder(top / "own")
    write_folder(top / "other", shift=70)
    trained(top, "own", "run")
    return top


def trained(top, data, name, *options):
    files = "--layers", top / "net.cfg", "--params", top / "net.params"
    run_of = "--data", top / data, "--save", top / name, "--epochs", 3, "--minibatch", 12
    return good("train", *files, *run_of, *options)


def probabilities(top, *options):
    shutil.rmtree(top / "out", ignore_errors=True)
    result = good("test", "--load", top / "run", "--test-out", top / "out", *options)
    return stored(top / "out"), result.stderr


def stored(folder):
    with np.load(folder / "test_preds.npz", allow_pickle=False) as found:
        return found["probabilities"]


def without_record(top, name):
    """The run as an older version would have saved it."""
    saved = checkpoint.load(checkpoint.newest(top / "run"))
    (top / name).mkdir()
    checkpoint.save(top / name / "1.0.safetensors", replace(saved, input=None))
    return top / name


# -- test ------------------------------------------------------------------------------------------


def test_the_same_images_beside_another_mean_give_the_same_answer(case):
    own, printed = probabilities(case)
    assert "differs" not in printed
    other, printed = probabilities(case, "--data", case / "other")
    assert np.array_equal(own, other)
    (line,) = [text for text in printed.splitlines() if "differs from the data" in text]
    assert f"{case / 'other'} differs" in line and "a mean image that differs by 70" in line
    assert "Used: the checkpoint's mean, crops of 16x16" in line


def test_a_mean_that_is_asked_for_is_used(case):
    own, _ = probabilities(case)
    asked, printed = probabilities(case, "--data", case / "other", "--mean", "image")
    assert np.abs(own - asked).max() > 1e-3
    assert "Used: the mean that the options name" in printed
    number, _ = probabilities(case, "--mean", "127.5")
    scalar, _ = probabilities(case, "--scalar-mean", "127.5")
    assert np.array_equal(number, scalar) and np.abs(own - number).max() > 1e-4


def test_an_older_checkpoint_takes_the_mean_of_the_data_and_says_so(case, tmp_path):
    older = without_record(case, "older")
    (line,) = [
        text
        for text in good("test", "--load", older).stderr.splitlines()
        if "has no record of what its network's input was" in text
    ]
    assert f"the mean of {case / 'own'} is used" in line
    for data in ("own", "other"):
        result = good("test", "--load", older, "--data", case / data, "--test-out", tmp_path / data)
        assert "has no record" in result.stderr and "differs" not in result.stderr
    assert not np.array_equal(*(stored(tmp_path / data) for data in ("own", "other")))


def test_classes_in_another_order_are_named(case):
    write_folder(case / "swapped", names=NAMES[::-1])
    _, printed = probabilities(case, "--data", case / "swapped")
    assert "class 0 is 'light', not 'dark' (2 classes differ)" in printed


def test_larger_images_are_cropped_as_in_training(case):
    write_folder(case / "larger", side=20)
    _, printed = probabilities(case, "--data", case / "larger")
    assert "images of 20x20 pixels, not 16x16" in printed and "warning" not in printed
    write_folder(case / "huge", side=40)
    _, printed = probabilities(case, "--data", case / "huge")
    assert (
        "warning: the network sees crops of 16x16" in printed and "40x40 pixels, 16.0%" in printed
    )


def test_crops_that_the_mean_image_does_not_cover_are_refused(case):
    options = "--load", case / "run", "--data", case / "larger", "--inner-size", 18
    result = run("test", *options)
    assert result.exit_code == 1
    assert "mean image of 16x16 does not cover crops of 18x18" in result.output


# -- the other commands ----------------------------------------------------------------------------


def test_features_are_those_of_the_training_input(case, tmp_path):
    write = "test", "--load", case / "run", "--write-features", "conv1", "--feature-path"
    good(*write, tmp_path / "own")
    printed = good(*write, tmp_path / "other", "--data", case / "other").stderr
    assert "the checkpoint's mean" in printed
    found = [np.load(tmp_path / name / "test.npy") for name in ("own", "other")]
    assert np.array_equal(*found)
    assert FeatureFolder(tmp_path / "own").inner_size == SIDE


def test_neighbors_refuse_images_that_the_features_are_not_of(case, tmp_path):
    good("test", "--load", case / "run", "--write-features", "conv1", "--feature-path",
         tmp_path / "f", "--split", "both")  # fmt: skip
    draw = "neighbors", "--features", tmp_path / "f", "--out", tmp_path / "n.png", "--data"
    good(*draw, case / "own")
    write_folder(case / "new-test", test_seed=77)
    result = run(*draw, case / "new-test")
    assert result.exit_code == 1 and "features of other images" in result.output


def test_show_preds_draws_the_crop(case, tmp_path):
    """The rim of the images is white, and no part of what the network sees."""
    side, border = 24, 4
    write_folder(case / "rim", side=side)
    for number in (1, 2, 3):
        path = case / "rim" / f"data_batch_{number}"
        images = np.full((24, 3, side, side), 255, np.uint8)
        images[:, :, border:-border, border:-border] = 40
        batch = {"data": images.reshape(24, -1).T, "labels": [0, 1] * 12}
        path.write_bytes(python2_pickle(batch, 2))
    trained(case, "rim", "rim-run", "--crop-border", border)
    good("show-preds", "--load", case / "rim-run", "--count", 1, "--out", tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as picture:
        pixels = np.asarray(picture)
    assert (pixels == 40).all(axis=2).sum() >= 150 * 150  # the crop fills the place of the image


def test_a_resumed_run_keeps_its_mean(case):
    shutil.copytree(case / "run", case / "resumed")
    printed = good("train", "--resume", case / "resumed", "--data", case / "other", "--epochs",
                   4).stderr  # fmt: skip
    assert "differs from the data that the network was trained with" in printed
    assert "Used: the checkpoint's mean" in printed
    before, after = (checkpoint.load(checkpoint.newest(case / n)) for n in ("run", "resumed"))
    assert after.input == before.input and after.position.epoch == 4


def test_an_older_run_that_is_resumed_gets_a_record(case):
    older = without_record(case, "older-run")
    printed = good("train", "--resume", older, "--epochs", 4).stderr
    assert "has no record" in printed
    found = checkpoint.load(checkpoint.newest(older)).input
    assert np.array_equal(found.mean, open_dataset(case / "own").mean_image())


def test_init_from_says_what_differs(case):
    printed = trained(case, "other", "tuned", "--init-from", case / "run").stderr
    assert "differs from the data that these weights were trained with" in printed
    assert "differs by 70" in printed and "Used: the new data and its mean" in printed
    assert "weights were trained with" not in trained(
        case, "own", "again", "--init-from", case / "run"
    ).stderr  # fmt: skip


def test_colors_of_the_noise_are_those_of_the_training(case):
    trained(case, "own", "noisy", "--color-noise", "0.1")
    before = checkpoint.load(checkpoint.newest(case / "noisy")).input
    expected = open_dataset(case / "own").color_pca
    assert before.color_pca[0].tolist() == expected[0].tolist()
    good("train", "--resume", case / "noisy", "--data", case / "other", "--epochs", 4)
    after = checkpoint.load(checkpoint.newest(case / "noisy")).input
    assert after.color_pca[1].tobytes() == before.color_pca[1].tobytes()


def test_features_of_other_training_cases_keep_their_scale(tmp_path):
    """The scale and the mean of a feature folder are those of its training cases."""
    layers = LAYERS[: LAYERS.index("[conv1]")] + LAYERS[LAYERS.index("[scores]") :]
    layers = layers.replace("inputs=conv1", "inputs=data").replace("outputs=2", "outputs=3")
    (tmp_path / "net.cfg").write_text(layers)
    (tmp_path / "net.params").write_text(f"[scores]\n{RATES}[logprob]\ncoeff=1\n")
    for name, factor in (("own", 1), ("other", 4)):
        values = np.load(write_features(tmp_path / name) / "train.npy")
        np.save(tmp_path / name / "train.npy", np.float32(factor) * values)
    trained(tmp_path, "own", "run")
    own, _ = probabilities(tmp_path)
    other, printed = probabilities(tmp_path, "--data", tmp_path / "other")
    assert np.array_equal(own, other) and "values to divide by" in printed


# -- the Python interface --------------------------------------------------------------------------


def test_a_loaded_net_has_the_input(case, tmp_path):
    net = Net.load(case / "run", minibatch=24)
    dataset = open_dataset(case / "own")
    assert net.class_names == ("dark", "light")
    assert np.array_equal(net.input.mean, dataset.mean_image())
    indices = np.arange(24)
    images = net.preprocess(dataset.images("test", indices))
    net.forward(images, dataset.labels("test", indices))
    expected, _ = probabilities(case)
    np.testing.assert_allclose(net.activities("probs"), expected, atol=1e-6)
    net.save(tmp_path / "again.safetensors")
    assert Net.load(tmp_path / "again.safetensors").input == net.input


def test_a_net_without_a_record_has_none(case):
    net = Net.load(without_record(case, "older-net"))
    assert net.input is None
    with pytest.raises(ConvnetError, match="has no record of its input"):
        net.preprocess(np.zeros((1, 3, SIDE, SIDE)))


# -- damage ----------------------------------------------------------------------------------------


def test_a_record_that_is_damaged_is_named(case, tmp_path):
    saved = checkpoint.load(checkpoint.newest(case / "run"))
    spoilt = replace(saved, input=msgspec.Raw(b'{"side": 16}'))
    with pytest.raises(CheckpointError, match="is damaged: input: there is no field channels"):
        checkpoint.save(tmp_path / "1.0.safetensors", spoilt)


def test_a_record_has_a_checksum(case, tmp_path):
    path = checkpoint.newest(case / "run")
    content = path.read_bytes()
    changed = content.replace(rb"\"inner_size\":16", rb"\"inner_size\":15")
    assert changed != content and len(changed) == len(content)
    (tmp_path / "changed.safetensors").write_bytes(changed)
    with pytest.raises(CheckpointError, match="checksum of its header"):
        checkpoint.load(tmp_path / "changed.safetensors")
