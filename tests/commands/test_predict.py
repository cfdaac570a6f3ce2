"""`convnet predict` as a user types it."""

import csv
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import convnet
from convnet.cli import main
from convnet.data import open_dataset
from convnet.data.input import input_of
from convnet.report.figures.predictions import BAR, RIGHT_BAR
from convnet.stored.input_record import InputRecord
from tests.support.command_line import good, run
from tests.support.paths import ROOT

FILES = [ROOT / "layers/digits.cfg", ROOT / "params/digits.params"]
LOGISTIC = """
[data]
type=data
dataIdx=0
channels=1
imgSize=8
[labels]
type=data
dataIdx=2
[scores]
type=fc
inputs=data
outputs=10
initW=0.01
neuron=logistic
[cost]
type=cost.bce
inputs=labels,scores
"""
RATES = "[scores]\nepsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0\n[cost]\ncoeff=1\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with three checkpoints and a folder of images."""
    folder = tmp_path_factory.mktemp("predict")
    digits = open_dataset("digits")
    for seed, name in enumerate(("one", "two")):
        net = convnet.Net.from_files(*FILES, minibatch=32, seed=seed)
        net.input, net.class_names = input_of(digits, 8, "image"), digits.class_names
        net.save(folder / f"{name}.safetensors")
    net = convnet.Net.from_text(LOGISTIC, RATES, minibatch=32, data_dims={0: 64, 2: 10})
    net.input = InputRecord(side=8, channels=1, inner_size=8, mean_kind="number")
    net.save(folder / "logistic.safetensors")
    net.input = None
    net.save(folder / "old.safetensors")
    (folder / "images").mkdir()
    for number, image in enumerate(digits.images("test", np.arange(5))):
        Image.fromarray(image[0]).save(folder / "images" / f"{number}.png")
    return folder


@pytest.fixture
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    return place


def values(load, images="images"):
    return convnet.load(load).predict(images)


def test_the_table_has_the_likeliest_classes_of_each_image(here):
    printed = good("predict", "--load", "one.safetensors", "images", "--top", 3).stdout
    lines = printed.splitlines()
    assert lines[0].split() == ["file", "class", "probability"]
    assert len(lines) == 1 + 5 * 3
    expected = values("one.safetensors")[0]
    name, label, share = lines[1].split()
    assert name == "images/0.png"
    assert int(label) == expected.argmax()
    assert share == f"{expected.max():.2%}"
    assert len({len(line) for line in lines}) == 1  # aligned


def test_csv_has_a_row_for_each_image_and_class(here):
    printed = good("predict", "--load", "one.safetensors", "--csv", "--top", 2, "images").stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [(row["file"], row["rank"]) for row in rows[:3]] == [
        ("images/0.png", "1"),
        ("images/0.png", "2"),
        ("images/1.png", "1"),
    ]
    expected = values("one.safetensors")
    for row in rows:
        case = int(row["file"][-5])
        assert float(row["probability"]) == expected[case, int(row["label"])]


def test_several_networks_are_averaged(here):
    arguments = ("--load", "one.safetensors", "--load", "two.safetensors", "--top", 10)
    facts = json.loads(good("predict", *arguments, "--json", "images/3.png").stdout)
    mean = (values("one.safetensors") + values("two.safetensors"))[3] / 2
    top = facts["images"][0]["top"]
    assert {each["label"]: each["probability"] for each in top} == dict(enumerate(mean))
    assert [each["probability"] for each in top] == sorted(mean, reverse=True)
    assert facts["checkpoints"] == ["one.safetensors", "two.safetensors"]


def test_views_are_those_of_the_test(here):
    arguments = ("predict", "--load", "one.safetensors", "--multiview", "--json", "images")
    facts = json.loads(good(*arguments, "--top", 1).stdout)
    mean = convnet.load("one.safetensors").predict("images", multiview=True)
    assert facts["views"] == 10
    assert [image["top"][0]["probability"] for image in facts["images"]] == list(mean.max(axis=1))


def test_what_cannot_be_read_is_named_and_the_exit_status_is_1(here, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    given = [tmp_path, "images/1.png", "nothing.png"]
    result = run("predict", "--load", "one.safetensors", "--json", *given)
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert [image["file"] for image in facts["images"]] == ["images/1.png"]
    assert [each["file"] for each in facts["skipped"]] == ["nothing.png", str(tmp_path / "a.png")]
    assert f"{tmp_path / 'a.png'}: skipped: broken: none of" in result.stderr
    assert "2 of 3 could not be read" in result.stderr


def test_paths_come_from_standard_input(here):
    command = ["predict", "--load", "one.safetensors", "--csv", "--top", "1", "-"]
    result = CliRunner().invoke(main, command, input="images/4.png\n\nimages/2.png\n")
    assert result.exit_code == 0, result.output
    found = [line.partition(",")[0] for line in result.stdout.splitlines()[1:]]
    assert found == ["images/4.png", "images/2.png"]


def test_many_images_are_decoded_by_workers(here, tmp_path):
    for number in range(70):
        source = here / "images" / f"{number % 5}.png"
        (tmp_path / f"{number:02}.png").write_bytes(source.read_bytes())
    (tmp_path / "07.png").write_bytes(b"no image")
    result = run("predict", "--load", "one.safetensors", "--csv", "--top", 1, tmp_path)
    assert result.exit_code == 1
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    expected = values("one.safetensors")
    cases = [number for number in range(70) if number != 7]
    found = [float(row["probability"]) for row in rows]
    np.testing.assert_allclose(found, [expected[n % 5].max() for n in cases], rtol=1e-5)


def test_a_picture_of_the_predictions_is_drawn(here, tmp_path):
    out = tmp_path / "drawn.png"
    result = good("predict", "--load", "one.safetensors", "--out", out, "images")
    assert "drawn.png" in result.stdout
    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert not (abs(pixels - RIGHT_BAR).sum(axis=2) < 12).any()  # the bar of a true class
    assert (abs(pixels - BAR).sum(axis=2) < 12).any()


def test_outputs_without_a_softmax_are_shown_as_what_they_are(here):
    result = good("predict", "--load", "logistic.safetensors", "images/0.png", "--top", 2)
    assert result.stdout.splitlines()[0].split() == ["file", "class", "output"]
    assert "scores is not a softmax layer" in result.stderr
    assert "names no classes" in result.stderr
    found = [float(line.split()[-1]) for line in result.stdout.splitlines()[1:]]
    expected = np.sort(values("logistic.safetensors")[0])[::-1][:2]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_views_that_are_mirror_images_alone_are_noted(here):
    arguments = ("predict", "--load", "one.safetensors", "images/0.png")
    note = "the views are the image and its mirror image"
    assert note in good(*arguments, "--multiview").stderr
    assert note not in good(*arguments).stderr


def test_it_ends_where_nobody_reads_on(here, monkeypatch):
    lost = "convnet.commands.testing.predict.lost_result"
    monkeypatch.setattr(lost, lambda: OSError("no reader"))
    arguments = ("--load", "one.safetensors", "--csv", "--top", 1, "--minibatch", 2, "images")
    assert len(good("predict", *arguments).stdout.splitlines()) == 1 + 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--load", "one.safetensors", "nothing.png"], 1, "there are no images among the paths"),
        (["--load", "old.safetensors", "images"], 1, "has no record of how its input is made"),
        (["--load", "nothing", "images"], 1, "there is no such file or folder"),
        (["images"], 1, "there is no folder checkpoints here"),
        (["--load", "one.safetensors", "--csv", "--json", "images"], 2, "give one of them"),
        (["--load", "one.safetensors", "--out", "x.nothing", "images"], 1, "names no format"),
        (["--load", "logistic.safetensors", "--out", "x.png", "images"], 1, "draws probabilities"),
        (["--load", "one.safetensors", "--top", "0", "images"], 2, "Invalid value for '--top'"),
        (["--load", "one.safetensors"], 2, "Missing argument 'IMAGES...'"),
        (
            ["--load", "one.safetensors", "--load", "logistic.safetensors", "images"],
            1,
            "cannot be averaged: only one of them ends in a softmax",
        ),
        (
            ["--load", "one.safetensors", "--logreg-name", "x", "images"],
            1,
            "x is not a cost.logreg",
        ),
    ],
)
def test_misuse_is_told(here, arguments, code, message):
    result = run("predict", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
