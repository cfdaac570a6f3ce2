"""No dead ends: a command that was killed does its job when it is typed again."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from convnet import checkpoint
from convnet.checkpoint import load_newest
from convnet.errors import CheckpointError
from tests.support.command_line import DIGITS, good, run
from tests.support.training import same

TRAIN = ["train", *DIGITS, "--device", "cpu"]


def arrays(folder):
    return checkpoint.load(checkpoint.newest(folder)).arrays


def damage(path):
    """Change a byte of the arrays; the header stays whole."""
    contents = bytearray(path.read_bytes())
    contents[-5] ^= 0x40
    path.write_bytes(contents)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Folder of a run of six minibatches, a checkpoint after every second."""
    folder = tmp_path_factory.mktemp("whole")
    good(*TRAIN, "--max-batches", 6, "--save-every", 2, "--save", folder / "run")
    return folder / "run"


@pytest.fixture
def copied(whole, tmp_path):
    (tmp_path / "run").mkdir()
    for path in whole.iterdir():
        (tmp_path / "run" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "run"


def test_a_run_that_was_killed_before_its_first_save_starts_anew(tmp_path, whole):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "journal.jsonl").write_text('{"event": "start", "step": 0}\n{"event": "tra')
    refused = run("train", "--resume", folder)
    assert refused.exit_code == 1 and "ended before the first save. Repeat the" in refused.output
    again = good(*TRAIN, "--max-batches", 6, "--save", folder)
    assert "starting anew" in again.output
    assert same(arrays(folder), arrays(whole))


def test_a_folder_that_holds_checkpoints_is_no_folder_for_a_new_run(copied):
    refused = run(*TRAIN, "--save", copied)
    assert refused.exit_code == 1 and f"Resume it with --resume {copied}" in refused.output


def test_resume_or_start(tmp_path, whole):
    command = [*TRAIN, "--resume-or-start", "--save-every", 2, "--save", tmp_path / "run"]
    first = good(*command, "--max-batches", 2)
    assert "resuming" not in first.output
    second = good(*command, "--max-batches", 4)
    assert "resuming from" in second.output and "minibatch 3" in second.output
    assert same(arrays(tmp_path / "run"), arrays(whole))


def test_resume_or_start_needs_a_folder(tmp_path):
    for wrong in ([], ["--save", tmp_path, "--resume", tmp_path]):
        refused = run(*TRAIN, "--resume-or-start", *wrong)
        assert refused.exit_code == 2 and "needs --save FOLDER" in refused.output


def test_resume_passes_over_a_checkpoint_with_damaged_arrays(copied, whole):
    damage(copied / "0.6.safetensors")
    resumed = good("train", "--resume", copied, "--device", "cpu", "--max-batches", 2)
    line = next(line for line in resumed.output.splitlines() if "going on from" in line)
    assert f"{copied}/0.6.safetensors: is damaged: the checksum of " in line
    assert line.endswith(f"going on from {copied}/0.4.safetensors")
    assert same(arrays(copied), arrays(whole))


def test_damaged_checkpoints_do_not_drive_out_whole_ones(copied):
    damage(copied / "0.6.safetensors")
    good("train", "--resume", copied, "--device", "cpu", "--max-batches", 1)
    names = {path.name for path in copied.glob("0.*")}
    assert names == {"0.4.safetensors", "0.5.safetensors", "0.6.safetensors"}


def test_all_checkpoints_damaged(copied):
    for path in copied.glob("*.safetensors"):
        damage(path)
    with pytest.raises(CheckpointError, match="all its checkpoints are damaged") as raised:
        load_newest(copied)
    assert "0.6.safetensors: is damaged" in str(raised.value)
    assert run("train", "--resume", copied).exit_code == 1
    refused = run(*TRAIN, "--resume-or-start", "--save", copied)
    assert refused.exit_code == 1 and len(list(copied.glob("0.*.safetensors"))) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seed", 2**64], "'--seed'"),
        (["--epochs", 10**20], "'--epochs'"),
        (["--minibatch", 10**20], "'--minibatch'"),
        (["--stuck-improvement", "nan"], "'--stuck-improvement'"),
        (["--trace", "missing/trace.json"], "no file for --trace"),
        (["--save", "/proc/run"], "folder of a run"),
        (["--save", "/dev/null/run"], "folder of a run"),
    ],
)
def test_options_are_refused_before_the_first_step(tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    refused = run(*TRAIN, *options)
    assert refused.exit_code in (1, 2) and said in refused.output
    assert "minibatch 1" not in refused.output and not list(tmp_path.rglob("*.jsonl"))


def test_the_largest_seed_can_be_saved(tmp_path):
    good(*TRAIN, "--seed", 2**64 - 1, "--max-batches", 1, "--save", tmp_path / "run")
    assert load_newest(tmp_path / "run").checkpoint.seed == 2**64 - 1


def test_a_disk_without_room_for_a_checkpoint_is_refused_before_the_first_step(
    tmp_path, monkeypatch
):
    def refuse(file, offset, size):
        assert size > 1_200_000  # the weights of digits, and their velocity
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    refused = run(*TRAIN, "--save", tmp_path / "run")
    assert refused.exit_code == 1 and "no room for a checkpoint of 1.2 MB" in refused.output
    assert not list((tmp_path / "run").iterdir())
    monkeypatch.undo()
    good(*TRAIN, "--save", tmp_path / "run", "--max-batches", 1)


@pytest.mark.parametrize("option", ["--save", "--resume", "--trace"])
def test_an_empty_path_is_refused(option):
    refused = run(*TRAIN, option, "")
    assert refused.exit_code == 2 and "is empty" in refused.output


# -- outputs of other commands ---------------------------------------------------------------------


@pytest.fixture
def full_disk(monkeypatch):
    """Lets every rename fail, and with it whatever is written as a whole."""

    def refuse(*_):
        raise OSError(28, "No space left on device")

    return lambda: monkeypatch.setattr(os, "replace", refuse)


def test_predictions_stay_if_others_cannot_be_written(tmp_path, whole, full_disk):
    command = ["test", "--load", whole, "--device", "cpu", "--test-out", tmp_path]
    good(*command)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    full_disk()
    failed = run(*command, "--max-batches", 1)
    assert failed.exit_code == 1 and "cannot be written (No space left" in failed.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_picture_stays_if_another_cannot_be_written(tmp_path, whole, full_disk):
    out = tmp_path / "filters.png"
    good("show-filters", "--load", whole, "--layer", "conv1", "--out", out)
    before = out.read_bytes()
    full_disk()
    failed = run("show-filters", "--load", whole, "--layer", "conv2", "--out", out)
    assert failed.exit_code == 1 and f"{out}: cannot be written" in failed.output
    assert out.read_bytes() == before and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("name", ["filters.jpg", "filters.PNG", "filters.pdf"])
def test_the_format_of_a_picture_is_that_of_its_name(tmp_path, whole, name):
    good("show-filters", "--load", whole, "--layer", "conv1", "--out", tmp_path / name)
    if not name.endswith("pdf"):
        kind = "JPEG" if name.endswith("jpg") else "PNG"
        with Image.open(tmp_path / name) as picture:
            assert picture.format == kind


@pytest.mark.parametrize("name", ["filters", "filters.xyz"])
@pytest.mark.parametrize(
    "command", ["show-filters", "show-cost", "show-preds", "show-maps", "neighbors"]
)
def test_a_picture_of_no_format_is_refused_first(tmp_path, command, name):
    needs = {"show-filters": ["--layer", "conv1"], "neighbors": ["--features", tmp_path]}
    needs["show-maps"] = ["image.png"]
    refused = run(command, *needs.get(command, []), "--out", tmp_path / name)
    assert refused.exit_code == 1 and "names no format of pictures" in refused.output


def test_half_written_features_are_written_again(tmp_path, whole):
    out = tmp_path / "features"
    write = ["test", "--load", whole, "--device", "cpu", "--write-features", "fc1"]
    write += ["--feature-path", out, "--max-batches", 1]
    layers = {
        node["name"] for node in json.loads(good("describe", *DIGITS, "--json").stdout)["layers"]
    }
    write[write.index("fc1")] = sorted(name for name in layers if name.startswith("fc"))[0]
    out.mkdir()
    (out / "test.npy").write_bytes(b"half of an arr")
    good(*write)
    assert np.load(out / "test.npy").ndim == 2
