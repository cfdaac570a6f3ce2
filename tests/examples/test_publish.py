"""python -m examples.publish: what is left of a checkpoint, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from convnet import checkpoint
from convnet.checkpoint import load, load_newest
from convnet.errors import ConvnetError
from examples import publish
from tests.support.command_line import good


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of a shipped net."""
    folder = tmp_path_factory.mktemp("digits")
    good("train", "--layers", "digits", "--data", "digits", "--seed", "4", "--epochs", "1",
         "--device", "cpu", "--save", folder)  # fmt: skip
    return folder


@pytest.fixture
def saved(run):
    return load_newest(run).checkpoint


@pytest.fixture
def tests(monkeypatch):
    """Stand in for `convnet test`: 10 % before rounding, 12 % after."""
    asked = []

    def error(path, data):
        asked.append(load(path).arrays)
        return 0.1 + 0.02 * (len(asked) - 1)

    monkeypatch.setattr(publish, "test_error", error)
    return asked


def test_a_run_is_published(run, saved, tests, tmp_path):
    path = publish.publish(run, Path("data"), tmp_path / "trained")
    assert path == tmp_path / "trained" / "digits.safetensors"
    again = load(path)
    assert again.provenance["command"] == (
        "convnet train --layers digits --data cifar-10-batches-py --seed 4"
    )
    assert again.provenance["test error"].startswith("12.00%")
    assert "10.00% before" in again.provenance["rounding"] and again.provenance["epochs"] == "1"
    assert (again.layers.path, again.params.path) == ("layers/digits.cfg", "params/digits.params")
    assert (again.data, again.history) == ("cifar-10-batches-py", {})
    assert again.options["data_options"]["data"] == "cifar-10-batches-py"
    weights = {key for key in saved.arrays if not key.endswith(".velocity")}
    assert set(again.arrays) == weights < set(saved.arrays)
    for key, array in again.arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, saved.arrays[key].astype(np.float16), key)
    before, after = tests
    assert set(before) == set(saved.arrays) and set(after) == weights
    assert [each.name for each in path.parent.iterdir()] == [path.name]  # the trial file is gone
    assert "## digits" in publish.readme(path.parent)
    assert "* epochs: 1\n" in publish.readme(path.parent)


def test_an_unfinished_run_is_refused(saved, tests, tmp_path):
    checkpoint.save(
        tmp_path / "best.safetensors", replace(saved, options=saved.options | {"epochs": 2})
    )
    with pytest.raises(ConvnetError, match="1 of 2 epochs"):
        publish.publish(tmp_path, Path("data"), tmp_path / "trained")
    assert not (tmp_path / "trained").exists()


def test_a_changed_net_is_refused(saved, tests):
    source = saved.layers
    changed = replace(saved, layers=type(source)(source.path, source.text + "# more\n"))
    with pytest.raises(ConvnetError, match="no net that comes with convnet"):
        publish.name_of(changed)
    changed = replace(saved, params=type(source)("x", saved.params.text + "# more\n"))
    with pytest.raises(ConvnetError, match=r"not trained with params/digits\.params"):
        publish.provenance_of("digits", changed, 0.1, 0.1)


def test_weights_beyond_16_bits_are_refused(saved):
    name = next(iter(saved.arrays))
    large = np.full_like(saved.arrays[name], 1e5)
    with pytest.raises(ConvnetError, match=f"{name} does not fit"):
        publish.published(replace(saved, arrays={name: large}), "digits", {})


def test_files_that_are_too_large_are_refused(run, tests, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "MOST", 1000)
    result = CliRunner().invoke(
        publish.main, [str(run), "--data", str(run), "--folder", str(tmp_path / "trained")]
    )
    assert result.exit_code == 1 and "at most 1,000 are published" in result.output
    assert not list((tmp_path / "trained").iterdir())
