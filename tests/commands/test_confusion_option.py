"""`convnet test --confusion` and `--confused`, and `show-preds --worst`."""

import json

import numpy as np
import pytest
from PIL import Image

import convnet.commands.inspecting.show_predictions as command
from convnet.data import open_dataset
from tests.support.command_line import good, run


def predictions(folder):
    with np.load(folder / "test_preds.npz", allow_pickle=False) as found:
        return found["probabilities"], found["labels"]


def counted(probabilities, labels):
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (labels, probabilities.argmax(axis=1)), 1)
    return matrix.tolist()


@pytest.mark.parametrize("options", [[], ["--multiview"], ["--load", "again"]])
def test_the_matrix_is_that_of_the_predictions(inside, tmp_path, options):
    """With several views or networks, that of their average."""
    loads = ["--load", "checkpoints"]
    if "again" in options:
        good("train", "--resume", "checkpoints", "--save", tmp_path / "more", "--max-batches", "2")
        options = ["--load", tmp_path / "more"]
    result = good("test", *loads, *options, "--test-out", tmp_path, "--confused", "3",
                  "--confusion", tmp_path / "c.json",
                  "--confusion", tmp_path / "c.png")  # fmt: skip
    facts = json.loads((tmp_path / "c.json").read_text())
    assert facts["matrix"] == counted(*predictions(tmp_path))
    assert [row["name"] for row in facts["classes"]] == list("0123456789")
    errors = [1 - row[i] / sum(row) for i, row in enumerate(facts["matrix"])]
    assert [row["error"] for row in facts["classes"]] == pytest.approx(errors)
    lines = [line for line in result.stdout.splitlines() if " taken for " in line]
    assert len(lines) == 3
    worst = facts["confused"][0]
    assert lines[0].split()[0] == str(worst["count"])
    assert lines[0].endswith(f"{worst['true']} taken for {worst['predicted']}")
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.width > 600
    assert ("views" in facts["title"]) == ("--multiview" in options)
    assert ("average of 2" in facts["title"]) == (len(options) == 2)


def test_saved_predictions_have_a_matrix_too(inside, tmp_path):
    good("test", "--test-out", tmp_path / "preds")
    good("test", "--predictions", tmp_path / "preds", "--confusion", tmp_path / "c.json")
    facts = json.loads((tmp_path / "c.json").read_text())
    assert facts["matrix"] == counted(*predictions(tmp_path / "preds"))


def test_json_stays_json(inside, tmp_path):
    result = good("test", "--json", "--confused", "2", "--confusion", tmp_path / "c.png")
    facts = json.loads(result.stdout)
    assert len(facts["confused"]) == 2 and facts["confused"][0]["count"] > 0
    assert "c.png" in result.stderr and (tmp_path / "c.png").exists()
    assert "confused" not in json.loads(good("test", "--json").stdout)


@pytest.mark.parametrize("name", ["confusion.txt", "confusion"])
def test_a_file_of_another_form_is_refused_before_the_test(inside, tmp_path, name):
    result = run("test", "--confusion", tmp_path / name)
    assert result.exit_code == 1 and "names no format" in result.output
    assert "views" not in result.output


def test_features_are_no_test(inside, tmp_path):
    arguments = ["--write-features", "fc3", "--feature-path", tmp_path / "f"]
    for option in (["--confusion", tmp_path / "c.png"], ["--confused", "3"]):
        result = run("test", *arguments, *option)
        assert result.exit_code == 2 and not (tmp_path / "f").exists()


@pytest.mark.parametrize(("only_errors", "count"), [(False, 9), (True, 290)])
def test_the_worst_images_are_drawn(inside, tmp_path, monkeypatch, only_errors, count):
    drawn = []
    original = command.predictions_picture
    monkeypatch.setattr(
        command, "predictions_picture", lambda c, *rest: drawn.extend(c) or original(c, *rest)
    )
    good("test", "--test-out", tmp_path, "--minibatch", "50")
    options = ["--minibatch", "50", *["--only-errors"] * only_errors]
    good("show-preds", "--worst", "--count", count, "--out", tmp_path / "w.png", *options)
    probabilities, labels = predictions(tmp_path)
    of_true = probabilities[np.arange(296), labels]
    wrong = probabilities.argmax(axis=1) != labels
    order = [case for case in np.argsort(of_true).tolist() if wrong[case] or not only_errors]
    assert only_errors or len(order) > count
    assert [one.label for one in drawn] == labels[order[:count]].tolist()
    assert [one.of_true for one in drawn] == pytest.approx(
        of_true[order[:count]].tolist(), rel=1e-3
    )
    images = open_dataset("digits").images("test", np.array(order[:count]))
    assert all((one.image == image).all() for one, image in zip(drawn, images, strict=True))
    with Image.open(tmp_path / "w.png") as picture:
        assert picture.width > 1000
