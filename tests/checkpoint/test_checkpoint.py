"""Checkpoint files: what is saved can be loaded; any damage is a CheckpointError."""

import errno
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from convnet import checkpoint
from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import Checkpoint, Position, load, newest, restore, save
from convnet.checkpoint import write as writing
from convnet.errors import CheckpointError
from convnet.language import Source
from convnet.network.network import Network
from convnet.train import RunFolder, fit
from convnet.train.history import History
from tests.support.training import LAYERS, PARAMS, make_graph, make_run, same, state


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The file of a run of 20 minibatches, all of them tested."""
    run = make_run(tmp_path_factory.mktemp("run"), epochs=2, max_batches=20, test_every=5)
    return fit(run).checkpoint


def test_everything_comes_back(tmp_path, saved):
    first = load(saved)
    assert first.position == Position(1, 4, 20, 16) and saved.name == "1.4.safetensors"
    assert (first.layers.text, first.params.text) == (LAYERS, PARAMS)
    assert first.layers.path == "<text>" and first.dialect == "convnet" and first.seed == 5
    assert first.data == "digits" and first.class_names == tuple("0123456789")
    assert first.options["minibatch"] == 100 and first.options["test_every"] == 5
    assert [entry["step"] for entry in first.history["test"]] == [5, 10, 15, 20]
    assert [entry["step"] for entry in first.history["train"]] == [5, 10, 15, 16, 20]
    assert first.created.startswith("20") and first.convnet
    save(tmp_path / "again.safetensors", first)
    again = load(tmp_path / "again.safetensors")
    assert same(first.arrays, again.arrays)
    assert replace(again, arrays={}) == replace(first, arrays={})


def test_weights_may_be_stored_as_16_bit_floats(tmp_path, saved):
    """They are read as 32-bit ones, and damage is found as ever."""
    whole, path = load(saved), tmp_path / "half.safetensors"
    halves = {name: array.astype(np.float16) for name, array in whole.arrays.items()}
    save(path, replace(whole, arrays=halves, provenance={"command": "convnet train"}))
    again = load(path)
    assert again.provenance == {"command": "convnet train"} and whole.provenance == {}
    for name, array in again.arrays.items():
        assert array.dtype == np.float32 and (array == halves[name]).all(), name
    assert any((again.arrays[name] != array).any() for name, array in whole.arrays.items())
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match="checksum"):
        load(path)


def test_other_programs_can_read_the_file(saved):
    """It is a plain safetensors file, and the names are those of the parameters."""
    arrays = load_file(saved)
    weights = {"hidden.weights.0", "hidden.biases", "scores.weights.0", "scores.biases"}
    assert set(arrays) == weights | {name + ".velocity" for name in weights}
    assert arrays["hidden.weights.0"].shape == (24, 25)


def test_a_truncated_file_is_refused(tmp_path, saved):
    whole, path = saved.read_bytes(), tmp_path / "1.4.safetensors"
    header = 8 + int.from_bytes(whole[:8], "little")
    lengths = {*range(0, 40), *range(40, header, 97), *range(header - 3, len(whole), 211)}
    for length in sorted({*lengths, len(whole) - 1}):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="1.4.safetensors: "):
            load(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(CheckpointError):
        load(path)


def test_a_damaged_file_is_refused(tmp_path, saved):
    """Every byte counts, in the header and in the arrays."""
    whole, path = saved.read_bytes(), tmp_path / "1.4.safetensors"
    header = 8 + int.from_bytes(whole[:8], "little")
    rng = np.random.default_rng(0)
    places = [*range(8), *range(8, header, 7), *rng.integers(header, len(whole), 300)]
    accepted = []
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            load(path)
        except CheckpointError as error:
            assert str(error).startswith(str(path))
        else:
            accepted.append(place)
    assert accepted == []


def _resigned(path, saved, **changes):
    """Write the file with other metadata and a matching checksum, as an attacker would."""
    from safetensors import safe_open

    with safe_open(saved, "np") as file:
        metadata = file.metadata()
    metadata |= changes
    texts = {key: metadata[key] for key in (*checkpoint.read.TEXTS, *checkpoint.read.JSONS)}
    metadata["check"] = checkpoint.read.checksum(texts)
    save_file(load_file(saved), path, metadata)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "convnet checkpoint 99"},
        {"position": "[1, 2, 3]"},
        {"position": "[1, 2, -3, 4]"},
        {"position": '["1", 2, 3, 4]'},
        {"position": "{}"},
        {"seed": "-1"},
        {"seed": "true"},
        {"seed": "1" + "0" * 5000},
        {"options": "[]"},
        {"options": "[" * 100_000},
        {"class_names": "[1]"},
        {"arrays": "{}"},
        {"history": "not json"},
    ],
    ids=str,
)
def test_a_hostile_header_is_refused(tmp_path, saved, changes):
    _resigned(tmp_path / "bad.safetensors", saved, **changes)
    with pytest.raises(CheckpointError, match="bad.safetensors"):
        load(tmp_path / "bad.safetensors")


@pytest.mark.parametrize(
    "history",
    [
        {"train": 1},
        {"train": [{}]},
        {"test": [{"step": 1, "cases": 1, "epoch": 1, "costs": []}]},
        {"best": [1]},
        {"best": {"step": "x"}},
        {"since_record": {"sums": [1]}},
        {"since_entry": {"sums": {"a": 1}}},
        {"since_entry": 5},
    ],
    ids=str,
)
def test_a_hostile_history_is_refused(saved, history):
    with pytest.raises(CheckpointError, match="history"):
        History.from_json(history)
    whole = load(saved).history
    assert History.from_json(json.loads(json.dumps(whole))).to_json() == whole


STORED = {
    "train": [{"step": 5, "cases": 500, "epoch": 0.3125, "costs": {"logprob": {"cost": 2.25}}}],
    "test": [{"step": 5, "cases": 296, "epoch": 0.3125, "costs": {"logprob": {"cost": 2.5}}}],
    "best": {"step": 5, "error": 0.75},
    "since_entry": {"sums": {"logprob": [12.5, 3.0]}, "cases": 100},
    "since_record": {"sums": {}, "cases": 0},
    "stuck": {"lowest": 0.75, "waited": 2, "drops": 1, "stalls": 0},
    "plateau": {
        "pieces": 3, "minibatches": 7, "cases": 700, "cost": 1612.5, "errors": 630.0,
        "one_class": None, "told": ["plateau"],
    },
}  # fmt: skip


def test_a_history_is_stored_under_the_keys_of_the_file_format():
    """Checkpoints of earlier versions can be read, and what is written has not changed."""
    history = History.from_json(STORED)
    assert (history.plateau.lowest, history.plateau.lr_divisor) == (0.75, 10)
    level = history.chance_level
    assert (level.segments, level.one_class, level.hints) == (3, None, ["plateau"])
    assert json.dumps(history.to_json()) == json.dumps(STORED)


def test_foreign_files_are_refused(tmp_path, saved):
    save_file({"a": np.zeros(3)}, tmp_path / "foreign")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("[conv1]\ntype=conv\n" * 20)
    (tmp_path / "pickle").write_bytes(b"\x80\x04\x95\x00" * 20)
    (tmp_path / "huge header").write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    arrays = load_file(saved)
    save_file({name: a.astype(np.int64) for name, a in arrays.items()}, tmp_path / "integers")
    for path in [*tmp_path.iterdir(), tmp_path / "missing"]:
        with pytest.raises(CheckpointError, match=path.name):
            load(path)


# -- saving ----------------------------------------------------------------------------------------


def test_a_save_that_fails_leaves_the_old_file(tmp_path, saved, monkeypatch):
    path = tmp_path / "1.4.safetensors"
    shutil.copyfile(saved, path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("save_file", "_sync", "read_header"):
        with monkeypatch.context() as patch:
            patch.setattr(writing, name, full)
            with pytest.raises(CheckpointError, match="cannot be saved .No space left"):
                save(path, load(saved))
        assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    with pytest.raises(CheckpointError, match="cannot be saved"):
        save(tmp_path / "no such folder" / "1.0.safetensors", load(saved))


def test_paths_that_are_no_text_can_be_stored(tmp_path, saved):
    odd = replace(load(saved), layers=Source("caf\udce9.cfg", "[a]\n"), data="\udcff")
    save(tmp_path / "odd.safetensors", odd)
    assert load(tmp_path / "odd.safetensors").layers.path == "caf?.cfg"


# -- folders ---------------------------------------------------------------------------------------


def _folder_with(tmp_path, saved, *steps, keep=2, best=()):
    """A run's folder after saves at these (epoch, minibatch)."""
    folder, whole = RunFolder(tmp_path, keep), load(saved)
    for epoch, minibatch in steps:
        position = Position(epoch, minibatch, 16 * epoch + minibatch, 16)
        made = replace(whole, position=position, number=folder.saves + 1, created="")
        folder.save(made, (epoch, minibatch) in best)
    return folder


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_last_ones_and_the_best_are_kept(tmp_path, saved):
    _folder_with(tmp_path, saved, (1, 0), (2, 0), (9, 15), (10, 0), best=[(1, 0), (2, 0)])
    assert _names(tmp_path) == ["10.0.safetensors", "9.15.safetensors", "best.safetensors"]
    assert load(tmp_path / "best.safetensors").position.epoch == 2
    assert newest(tmp_path).name == "10.0.safetensors"
    _folder_with(tmp_path / "all", saved, (1, 0), (2, 0), (3, 0), keep=None)
    assert len(_names(tmp_path / "all")) == 3


def test_the_best_saved_twice_leaves_no_strays(tmp_path, saved):
    _folder_with(tmp_path, saved, (1, 0), (1, 0), best=[(1, 0)])
    assert _names(tmp_path) == ["1.0.safetensors", "best.safetensors"]


def test_the_best_is_copied_where_links_fail(tmp_path, saved, monkeypatch):
    def unknown(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", unknown)
    _folder_with(tmp_path, saved, (1, 0), best=[(1, 0)])
    assert load(tmp_path / "best.safetensors").position.epoch == 1


def test_newest_is_the_one_saved_last(tmp_path, saved):
    """After going back to an earlier checkpoint, not the one of the most steps."""
    _folder_with(tmp_path, saved, (8, 0), (9, 0), (3, 5))
    assert _names(tmp_path) == ["3.5.safetensors", "9.0.safetensors"]
    assert newest(tmp_path).name == "3.5.safetensors"


def test_newest_skips_damaged_files(tmp_path, saved):
    _folder_with(tmp_path, saved, (1, 0), (2, 0), best=[(1, 0)])
    (tmp_path / "2.0.safetensors").write_bytes(b"\x00" * 50)
    assert newest(tmp_path).name == "1.0.safetensors"
    (tmp_path / "1.0.safetensors").write_bytes(b"\x00" * 50)  # and the best, which is a link
    with pytest.raises(CheckpointError, match="1.0.safetensors: is damaged"):
        newest(tmp_path)


def test_newest_of_an_empty_folder(tmp_path):
    with pytest.raises(CheckpointError, match="contains no checkpoint"):
        newest(tmp_path)


def test_newest_of_all_runs(tmp_path, saved):
    for run, epoch in (("b", 5), ("a", 2)):
        _folder_with(tmp_path / run, saved, (epoch, 0))
    assert newest(tmp_path) == tmp_path / "a" / "2.0.safetensors"
    assert newest(tmp_path / "b").name == "5.0.safetensors"
    assert newest(tmp_path / "b" / "5.0.safetensors").name == "5.0.safetensors"


def test_what_killed_runs_left_is_removed(tmp_path, saved):
    stray = checkpoint.temporary_name(tmp_path / "1.0.safetensors")
    stray.write_bytes(b"half")
    (tmp_path / ".notes.tmp").write_text("not ours")
    assert not checkpoint.has_checkpoint(tmp_path)
    RunFolder(tmp_path)
    _folder_with(tmp_path, saved, (1, 1))
    assert _names(tmp_path) == [".notes.tmp", "1.1.safetensors"]


# -- restoring -------------------------------------------------------------------------------------


def test_restore_sets_everything(saved):
    run, whole = make_run(seed=77), load(saved)
    assert restore(run.network, whole) == []
    assert same(state(run), whole.arrays)
    assert (run.network.seed, run.network.step) == (5, 20)


def test_types_are_widened_but_not_narrowed(saved):
    wide = Network(make_graph(), 8, Engine(np.float64))
    restore(wide, load(saved))
    name = "scores.biases"
    assert (wide.read(wide.parameters[name]) == load(saved).arrays[name]).all()
    with pytest.raises(CheckpointError, match="is of type float64 in the checkpoint"):
        restore(make_run().network, Checkpoint.of(wide))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda arrays: arrays.pop("hidden.biases"), "velocity of hidden.biases, but not"),
        (lambda arrays: arrays.update(extra=np.zeros(1)), "has, and the network lacks, extra"),
        (
            lambda arrays: arrays.update({"hidden.biases.velocity": np.zeros((3, 1), np.float32)}),
            "hidden.biases.velocity is 3x1 in the checkpoint, 24 in the network",
        ),
    ],
)
def test_other_parameters_are_refused(saved, change, message):
    whole = load(saved)
    change(whole.arrays)
    with pytest.raises(CheckpointError, match=message):
        restore(make_run().network, whole)


def test_the_file_has_the_mode_of_new_files(tmp_path, saved):
    before = os.umask(0o027)
    try:
        save(tmp_path / "1.4.safetensors", load(saved))
    finally:
        os.umask(before)
    assert (tmp_path / "1.4.safetensors").stat().st_mode & 0o777 == 0o640
