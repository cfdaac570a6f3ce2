"""`convnet neighbors`: the picture, and what the command finds, prints and refuses."""

import json

import numpy as np
import pytest
from PIL import Image

from convnet.report.figures.neighbors import CELL, Row, Shown, neighbors_picture
from convnet.report.figures.predictions import RIGHT, WRONG
from tests.data.test_features import write_folder
from tests.support.command_line import ROOT, good, run


def shown(value, label, note=""):
    return Shown(np.full((3, 8, 8), value, np.uint8), label, note)


def test_each_query_is_a_row_of_itself_and_what_was_found():
    rows = [Row(shown(10, 0), [shown(60, 0), shown(90, 1)]), Row(shown(130, 1), [shown(170, 1)])]
    picture = neighbors_picture(rows, ("a", "b"), "title", "nearest")
    pixels = np.asarray(picture)
    places = {}
    for value in (10, 60, 90, 130, 170):
        y, x = np.nonzero((pixels == value).all(axis=2))
        assert len(x) >= CELL * CELL - 50
        places[value] = round(np.median(x)), round(np.median(y))
    assert places[10][0] == places[130][0] < places[60][0] == places[170][0] < places[90][0]
    assert places[10][1] == places[60][1] == places[90][1] < places[130][1] == places[170][1]


@pytest.mark.parametrize(("label", "color"), [(0, RIGHT), (1, WRONG)])
def test_names_are_blue_if_the_class_is_that_of_the_query(label, color):
    picture = neighbors_picture([Row(shown(0, 0), [shown(0, label)])], ("WWW", "WWW"), "", "")
    near = {
        c: (np.abs(np.asarray(picture, int) - c).max(axis=2) < 30).sum() for c in (RIGHT, WRONG)
    }
    assert near.pop(color) > 5
    assert set(near.values()) == {0}


@pytest.fixture(scope="module")
def features(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features") / "fc3"
    good("test", "--load", trained / "checkpoints", "--write-features", "fc3", "--split", "both",
         "--feature-path", folder)  # fmt: skip
    return folder


def test_the_command_finds_what_a_sort_finds(features):
    facts = json.loads(good("neighbors", "--features", features, "--case", 7, "--case", 100,
                            "--json").stdout)  # fmt: skip
    train, test = (np.load(features / f"{split}.npy").astype(float) for split in ("train", "test"))
    labels = np.load(features / "train_labels.npy")
    assert [row["case"] for row in facts["queries"]] == [7, 100]
    for row in facts["queries"]:
        distances = np.sqrt(np.square(train - test[row["case"]]).sum(axis=1))
        found = row["neighbors"]
        assert [one["case"] for one in found] == np.argsort(distances)[:6].tolist()
        assert [one["label"] for one in found] == labels[np.argsort(distances)[:6]].tolist()
        assert found[0]["distance"] == pytest.approx(distances.min())


def test_the_command_draws(features, tmp_path):
    result = good("neighbors", "--features", features, "--count", 2, "--out", tmp_path / "n.png")
    assert "2 queries in 1,501 vectors of 128 values" in result.stderr
    with Image.open(tmp_path / "n.png") as picture:
        assert picture.height < 400 and len(picture.getcolors(1 << 20)) > 20


def test_a_case_that_is_not_there(features):
    result = run("neighbors", "--features", features, "--case", 296)
    assert result.exit_code == 1 and "0 to 295" in result.output


def test_features_of_features_are_printed_but_have_no_picture(features, tmp_path):
    folder = write_folder(tmp_path / "of", dataset={"name": str(features)})
    result = run("neighbors", "--features", folder)
    assert result.exit_code == 1 and "--json" in result.output
    assert json.loads(good("neighbors", "--features", folder, "--json").stdout)["queries"]


def test_recall_of_codes_is_printed(features, tmp_path):
    """Codes that are the signs of the features find most of the nearest neighbors."""
    codes = write_codes(tmp_path / "codes", features, np.arange(128))
    result = good("neighbors", "--features", features, "--codes", codes, "--json")
    facts = json.loads(result.stdout)["codes"]
    assert facts["bits"] == 128 and facts["cases"] == 296
    recall = facts["recall"]["codes"]
    assert list(recall) == ["6", "18", "60", "180", "600"]
    assert 0.1 < recall["6"] < recall["60"] < recall["600"] and recall["600"] > 0.9
    assert facts["recall"]["random"]["600"] > 0.9 and facts["near_0_or_1"] == 1
    table = good("neighbors", "--features", features, "--codes", codes, "--out", tmp_path / "n.png")
    assert f"{recall['60']:.1%}" in table.stdout


def test_an_autoencoder_is_trained_on_a_folder_and_its_codes_are_searched(features, tmp_path):
    """As a user types it; three epochs are enough to halve the cost of the mean, 128 a case."""
    spec = ["--layers", ROOT / "layers/codes-small.cfg"]
    spec += ["--params", ROOT / "params/codes-small.params"]
    result = good("train", *spec, "--data", features, "--epochs", 3, "--save", tmp_path / "run")
    cost = float(result.stdout.split("last test: cost ")[1].split()[0])
    assert 5 < cost < 64
    good("test", "--load", tmp_path / "run", "--write-features", "code", "--split", "both",
         "--feature-path", tmp_path / "codes")  # fmt: skip
    found = good("neighbors", "--features", features, "--codes", tmp_path / "codes", "--json")
    facts = json.loads(found.stdout)["codes"]
    assert facts["bits"] == 32 and facts["recall"]["codes"]["60"] > 0.3


def write_codes(folder, features, columns):
    """Which features are above their median."""
    folder.mkdir()
    median = np.median(np.load(features / "train.npy"), axis=0)
    for split in ("train", "test"):
        values = (np.load(features / f"{split}.npy") > median)[:, columns]
        np.save(folder / f"{split}.npy", np.ascontiguousarray(values, np.float32))
        for what in ("labels", "indices"):
            (folder / f"{split}_{what}.npy").write_bytes(
                (features / f"{split}_{what}.npy").read_bytes()
            )
    meta = json.loads((features / "features.json").read_text())
    (folder / "features.json").write_text(json.dumps({**meta, "values": len(columns)}))
    return folder


def test_codes_of_other_cases_are_refused(features, tmp_path):
    folder = write_folder(tmp_path / "other")
    result = run("neighbors", "--features", features, "--codes", folder)
    assert result.exit_code == 1 and "not those of" in result.output
