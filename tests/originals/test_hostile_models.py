"""Old models whose values share objects, contain themselves, or are arrays by surprise."""

import os
import tracemalloc
import zipfile
from time import process_time

import numpy as np
import pytest

import tests.support.old_checkpoints as old
from convnet.errors import CheckpointError
from convnet.originals import import_checkpoint
from convnet.originals.plain import UNKNOWN, plain, plain_keys


@pytest.fixture
def imported(tmp_path):
    def imported(system="cc2", change=None, **options):
        path = tmp_path / "3.2"
        path.write_bytes(old.checkpoint(system, change=change, **options))
        return import_checkpoint(path)

    return imported


def shared(levels=60, width=2):
    """A dictionary that stands for width**levels values."""
    value = {"end": 1.0}
    for _ in range(levels):
        value = {f"k{i}": value for i in range(width)}
    return value


def cycle():
    value = {}
    value["self"] = value
    return value


STRANGE = {
    "shared": shared(),
    "wide": shared(4, 1000),
    "in lists": [shared(), [cycle()]],
    "cycle": cycle(),
    "array": np.zeros((3, 2)),
    "large array": np.zeros(1 << 18),
    "dictionary": {"type": [shared()]},
}


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE)
def test_a_strange_value_of_any_key_is_an_error_or_not_used(imported, value):
    keys = set().union(*old.layers("cc2", old.matrices()).values())
    start = process_time()
    for key in sorted(keys):

        def change(state, key=key):
            for layer in state["layers"].values():
                if key in layer:
                    layer[key] = value

        try:
            imported(change=change)
        except CheckpointError as error:
            assert "3.2: " in str(error) and len(str(error)) < 10_000
    assert process_time() - start < 30


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("option", ["data_path", "train_batch_range", "minibatch_size", "dp_type"])
def test_a_strange_value_of_an_option_is_not_used(imported, option, value):
    assert imported(**{option: value}).checkpoint.layers


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE)
def test_a_strange_history_is_not_used(imported, value):
    found = imported(change=lambda state: state.update(train_outputs=value))
    assert not found.checkpoint.history["train"]


def test_what_is_wrong_is_named(imported):
    def damage(key, value):
        return lambda state: state["layers"]["conv1_neuron"].update({key: value})

    with pytest.raises(CheckpointError, match="neuron of conv1 is not of the expected form"):
        imported(change=damage("neuron", np.zeros(3)))
    with pytest.raises(CheckpointError, match="a layer has the name of the type dict"):
        imported(change=damage("name", shared()))


def test_a_data_path_of_any_length_is_shown_shortly(imported):
    for path in ("x" * 100_000, "a\0b", "/d\x1b[31m"):
        (note,) = [note for note in imported(data_path=path).notes if "--data" in note]
        assert len(note) < 100 and note.isprintable()


def test_too_many_layers_are_refused(imported):
    def change(state):
        one = state["layers"]["probs"]
        state["layers"] |= {f"l{i}": {**one, "name": f"l{i}"} for i in range(5_000)}

    with pytest.raises(CheckpointError, match="has 5,009 layers; at most 5,000"):
        imported(change=change)


def test_plain_values_are_equal_copies():
    value = {"a": [1, (2.0, b"x"), {"k": None}], "n": np.float32([2.5]), "v": np.arange(3)}
    value["weights"] = [np.zeros(3)]
    found = plain_keys(value, ("weights",))
    assert found["weights"][0] is value["weights"][0]
    assert found["a"] == value["a"] and found["a"] is not value["a"]
    assert found["n"] == 2.5 and found["v"] == [0, 1, 2]
    assert plain([[[[[["deep"]]]]]]) == [[[[[UNKNOWN]]]]]


def test_unpacking_takes_no_more_memory_than_it_may(tmp_path):
    path = tmp_path / "3.2"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("data", "w", force_zip64=True) as member,
    ):
        for _ in range(512):
            member.write(bytes(1 << 20))
    assert os.path.getsize(path) < 1 << 20
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="3.2: a zip archive .*bytes unpack to more than"):
        import_checkpoint(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20


@pytest.mark.parametrize("damage", range(0, 400, 7))
def test_damaged_zip_archives_are_named(tmp_path, damage):
    path = tmp_path / "3.2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", old.checkpoint("cc1"))
    data = bytearray(path.read_bytes())
    place = damage if damage < 200 else len(data) - damage + 199
    data[place] ^= 0x5B
    path.write_bytes(data)
    try:
        import_checkpoint(path)
    except CheckpointError as error:
        assert "3.2: " in str(error)
