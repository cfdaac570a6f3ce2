"""Metadata whose checksum holds, with one field damaged: refused by name, or of no consequence."""

import json
from dataclasses import replace

import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from convnet.checkpoint import load, save
from convnet.checkpoint.read import INPUT, JSONS, TEXTS, checksum
from convnet.cli_options.train import TrainArguments
from convnet.commands.run_options import (
    data_options,
    device_options_of_run,
    trained,
    training_options,
)
from convnet.errors import CheckpointError, ConvnetError
from convnet.language.specs import RunDefaults, Specs
from convnet.prepare import prepare
from convnet.train import fit
from convnet.train.changes import describe_options
from tests.support.command_line import DIGITS, good, run
from tests.support.damage import damages
from tests.support.training import make_run


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The file of a run of the command line, in the middle of an epoch."""
    folder = tmp_path_factory.mktemp("run")
    options = ["--data", "digits", "--minibatch", 100, "--max-batches", 6, "--test-every", 4]
    good("train", *DIGITS, *options, "--save", folder, "--device", "cpu")
    return folder / "0.6.safetensors"


@pytest.fixture(scope="module")
def parts(saved):
    """The metadata and the arrays of that file."""
    with safe_open(saved, "np") as file:
        return file.metadata(), load_file(saved)


def resigned(path, parts, **changes):
    """Write the file with other metadata, as JSON, and a matching checksum."""
    metadata = {**parts[0], **{key: json.dumps(value) for key, value in changes.items()}}
    metadata["check"] = checksum(
        {key: metadata[key] for key in (*TEXTS, *JSONS, INPUT) if key in metadata}
    )
    save_file(parts[1], path, metadata)
    return path


def use(path):
    """Do with a checkpoint what commands do before they compute."""
    checkpoint = load(path)
    arguments = TrainArguments()
    specs = Specs.parse(checkpoint.layers, checkpoint.params)
    prepared = prepare(
        specs,
        data_options(arguments.data, checkpoint),
        checkpoint.dialect,
        trained=trained(arguments.data, checkpoint, path),
    )
    prepared.feed("train", checkpoint.options.get("minibatch", 128))
    device_options_of_run(arguments.device, checkpoint.options)
    options = training_options(
        arguments, RunDefaults(specs.params, specs.problems), checkpoint.options
    )
    describe_options(checkpoint.options, {**checkpoint.options, "epochs": 3})
    return checkpoint, options


@pytest.mark.parametrize("key", [*JSONS, INPUT])
def test_one_damaged_field(tmp_path, parts, key):
    path, refused = tmp_path / "x.safetensors", 0
    for place, damaged in damages({key: json.loads(parts[0][key])}):
        if set(damaged) != {key}:
            continue
        resigned(path, parts, **damaged)
        try:
            use(path) if key in ("options", INPUT) else load(path)
        except CheckpointError as error:
            refused += 1
            assert str(error).startswith(f"{path}: is damaged: "), (place, error)
            assert str(error).isprintable() and len(str(error)) < 400
            assert "checksum of its header" not in str(error)
        except ConvnetError as error:  # values that a user could have given: unsuitable, not odd
            assert place[0] in ("options", INPUT) and "\x1b" not in str(error), (place, error)
    assert refused > 8


def test_the_message_names_the_field(tmp_path, parts):
    path = tmp_path / "x.safetensors"
    cases = [
        ({"options": {"minibatch": "x"}}, 'options.minibatch: expected int, found "x"'),
        ({"options": {"data_dims": []}}, "options.data_dims: expected object, found array"),
        ({"options": {"data_dims": {"x": 3}}}, "options.data_dims: expected str matching"),
        ({"options": {"precision": "fp8"}}, "options.precision: expected another value, found"),
        ({"options": {"wupdate_freq": 0}}, "options.wupdate_freq: expected int >= 1, found 0"),
        ({"history": {"stuck": {"drops": 10**6}}}, "history.stuck.drops: expected int <= 3, found"),
        ({"history": {"test": [{}]}}, "history.test[0]: there is no field step"),
        ({"history": {"best": {"step": 1}}}, "history.best: there is no field error"),
        (
            {"history": {"since_entry": {"sums": {"a": [1]}}}},
            "expected sums over at least one case",
        ),
        ({"position": [1, 2, 3]}, "position: expected array of at least length 4, found 3"),
        ({"position": [1, 2, 3, -4]}, "position[3]: expected int >= 0, found -4"),
        ({"position": [1, 7, 3, 5]}, "position: expected a minibatch below 5"),
        ({"seed": 1 << 64}, "seed: expected int < 18446744073709551616"),
        ({"class_names": ["a", 1]}, "class_names[1]: expected str, found 1"),
        ({"arrays": {"a": [1]}}, "expected array of length 2, found 1"),
    ]
    for changes, message in cases:
        with pytest.raises(CheckpointError) as caught:
            load(resigned(path, parts, **changes))
        assert str(caught.value).startswith(f"{path}: is damaged: ")
        assert message in str(caught.value)


def test_earlier_checkpoints_load(tmp_path, parts):
    """Without what earlier versions did not store, and with what later ones may."""
    path = resigned(tmp_path / "x.safetensors", parts, options={}, history={})
    use(path)
    path = resigned(tmp_path / "x.safetensors", parts, options={"later": [1]}, history={"more": {}})
    assert load(path).options == {"later": [1]}


@pytest.mark.parametrize(
    ("sums", "message"),
    [
        ({"other": [1]}, ".sums: expected the network's cost layers, logprob, found other"),
        ({"logprob": [1.0]}, ".sums.logprob: expected 3 numbers, found 1"),
        ({"\x1b[2J": [1]}, "logprob, found ?[2J"),
    ],
)
def test_costs_of_another_network_are_refused(tmp_path, sums, message):
    saved = fit(make_run(tmp_path, epochs=1, max_batches=2)).checkpoint
    with safe_open(saved, "np") as file:
        parts = file.metadata(), load_file(saved)
    history = {"since_record": {"sums": sums, "cases": 1}}
    checkpoint = load(resigned(saved, parts, history=history))
    with pytest.raises(CheckpointError) as caught:
        make_run(seed=checkpoint.seed).resume(checkpoint)
    assert str(caught.value).startswith(f"{saved}: is damaged: history.since_record")
    assert message in str(caught.value)


@pytest.mark.parametrize("command", ["show-filters", "train --conv-to-local conv1 --resume"])
@pytest.mark.parametrize("name", ["conv1.weights.0", "conv1.biases"])
@pytest.mark.parametrize("spoil", ["gone", "flat"])
def test_weights_that_the_layer_file_does_not_declare(tmp_path, parts, command, name, spoil):
    whole = load(resigned(tmp_path / "x.safetensors", parts))
    arrays = {key: array for key, array in whole.arrays.items() if key != name}
    if spoil == "flat":
        arrays[name] = whole.arrays[name].reshape(1, -1)
    save(tmp_path / "y.safetensors", replace(whole, arrays=arrays))
    words = command.split()
    load_option = [] if "--resume" in words else ["--load"]
    result = run(*words, *load_option, tmp_path / "y.safetensors")
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert f"y.safetensors: is damaged: {name}: its layer file declares" in result.output


@pytest.mark.parametrize("options", [{"epochs": 0}, {"save_every": 1 << 60}, {"stuck_tests": "5"}])
def test_options_that_cannot_be_stored_are_found_before_training(tmp_path, options):
    with pytest.raises(ConvnetError, match="a checkpoint cannot store the run's options"):
        make_run(tmp_path, **options)


def test_paths_of_spec_files_may_be_impossible(tmp_path, parts):
    for folder, loads in (("a/" * 3000, True), ("a" * (1 << 17), False)):
        metadata = {**parts[0], "params_path": f"{folder}x.params"}
        path = resigned(tmp_path / "x.safetensors", (metadata, parts[1]))
        try:
            use(path)
            assert loads
        except CheckpointError as error:
            assert not loads and "params_path: expected str of length <= 65536" in str(error)
