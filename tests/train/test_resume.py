"""An interrupted and resumed run is bit-for-bit identical to an uninterrupted one."""

import pytest

from convnet import journal
from convnet.checkpoint import load, newest
from convnet.errors import CheckpointError
from convnet.train import describe_changes, fit
from convnet.train.changes import describe_options
from tests.support.training import LAYERS, PARAMS, curve, go_on, make_run, same, state

EPOCHS = 3  # of 16 minibatches
STRUCTURE = {"test_every": 10, "record_every": 4}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The uninterrupted run."""
    run = make_run(tmp_path_factory.mktemp("whole"), epochs=EPOCHS, **STRUCTURE)
    assert fit(run).reason == "done"
    return run


@pytest.mark.parametrize("stops", [(16,), (1, 13, 2), (22, 22), (47,)])
def test_resuming_gives_the_uninterrupted_run(tmp_path, whole, stops):
    run = make_run(tmp_path, epochs=EPOCHS, max_batches=stops[0], **STRUCTURE)
    assert fit(run).reason == "max-batches"
    for stop in (*stops[1:], None):
        run, outcome = go_on(tmp_path, epochs=EPOCHS, max_batches=stop, **STRUCTURE)
    assert outcome.reason == "done" and outcome.position == whole.position
    assert same(state(run), state(whole))
    assert run.history.to_json() == whole.history.to_json()
    mine, theirs = (journal.read(r.folder.path) for r in (run, whole))
    assert curve(mine) == curve(theirs) and curve(mine, "test") == curve(theirs, "test")


def test_the_test_can_fail(tmp_path, whole):
    """Without the velocities the result differs."""
    fit(make_run(tmp_path, epochs=EPOCHS, max_batches=20, **STRUCTURE))
    saved = load(newest(tmp_path))
    for name in saved.arrays:
        if name.endswith(".velocity"):
            saved.arrays[name][...] = 0
    run = make_run(epochs=EPOCHS, **STRUCTURE)
    run.resume(saved)
    fit(run)
    assert not same(state(run), state(whole))


def test_going_on_with_nothing_left_changes_nothing(tmp_path):
    fit(make_run(tmp_path, epochs=1))
    before = newest(tmp_path).read_bytes()
    run, outcome = go_on(tmp_path, epochs=1)
    assert outcome.reason == "done" and newest(tmp_path).read_bytes() == before
    assert outcome.position.step == run.position.step == 16


def test_more_epochs_move_the_schedule(tmp_path):
    run = make_run(tmp_path, epochs=1)
    fit(run)
    assert run.progress() == 1
    run, _ = go_on(tmp_path, epochs=4, max_batches=0)
    assert run.progress() == 0.25


def test_new_params_are_read_and_their_changes_listed(tmp_path):
    fit(make_run(tmp_path, epochs=1))
    new = PARAMS.replace("epsB=0.01", "epsB=0.001").replace("wc=0.001\n", "")
    changes = describe_changes(PARAMS, new)
    assert changes == ["hidden: epsB 0.01 -> 0.001", "hidden: wc 0.001 -> (none)"]
    run, _ = go_on(tmp_path, new, epochs=2)
    assert run.network.graph.node("hidden").layer.rate_b.base == 0.001


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("[a]\nepsW=0.01", "[a]\nEPSW=.010", []),
        ("[a]\nepsW=0.01,1", "[a]\nepsW=0.01, 2", ["a: epsW 0.01,1 -> 0.01, 2"]),
        ("[a]\nepsW=exp[base=1;tgtFactor=2]", "[a]\nepsW=exp[ base=1; tgtFactor=2 ]", []),
        ("[a]\nx=1", "[b]\nx=1", ["a: the section is gone", "b: the section is new",
                                  "b: x (none) -> 1"]),
        ("[a]\nx=1\n[b]\nx=1\n[c]\nx=2", "[a]\nx=3\n[b]\nx=3.0\ny=1\n[c]\nx=3",
         ["a: x 1 -> 3", "b: x 1 -> 3.0", "b: y (none) -> 1", "c: x 2 -> 3"]),
        ("[a]\nx=1\n[b]\nx=1\n[c]\nx=2", "[a]\nx=3\n[b]\nx=3\ny=1\n[c]\nx=2",
         ["a, b: x 1 -> 3", "b: y (none) -> 1"]),
        ("[a]\nx=1", "[a]\nx=1\nneuron=relu", ["a: neuron (none) -> relu"]),
    ],
)  # fmt: skip
def test_changes_of_params(old, new, expected):
    assert describe_changes(old, new) == expected


def test_changes_of_options():
    old = {"epochs": 2, "minibatch": 64, "tree": 1, "data_options": {"mean": "image", "data": "a"}}
    new = {"epochs": 3, "minibatch": 64, "tree": 2, "save_every": 5}
    assert describe_options(old, new) == ["epochs 2 -> 3"]
    new["data_options"] = {"mean": "none", "data": "b"}
    assert describe_options(old, new) == ["epochs 2 -> 3", "mean image -> none"]
    assert describe_options({"wupdate_freq": None}, {"wupdate_freq": 4}) == [
        "wupdate-freq (none) -> 4"
    ]


def test_a_frozen_layer_that_is_freed_starts_from_rest(tmp_path):
    frozen = PARAMS.replace("dexp[base=0.002;tgtFactor=10;numSteps=3]", "0")
    run = make_run(tmp_path, frozen, epochs=1)
    fit(run)
    assert "hidden.weights.0.velocity" not in state(run)
    saved = load(newest(tmp_path))
    freed = make_run(epochs=2)
    assert freed.resume(saved) == ["hidden.weights.0 had been frozen: its velocity starts from 0"]
    back = make_run(params=frozen, epochs=2)
    fit(freed)
    assert back.resume(freed.checkpoint()) == [
        "hidden.weights.0 is frozen now: its velocity is dropped"
    ]


def test_another_minibatch_goes_on_at_the_same_share_of_the_epoch(tmp_path):
    fit(make_run(tmp_path, epochs=2, max_batches=20))
    saved = load(newest(tmp_path))
    run = make_run(epochs=2, minibatch=50)
    (note,) = run.resume(saved)
    assert note == (
        "an epoch has 31 minibatches now, 16 before: going on at minibatch 8 of epoch 2"
    )
    assert (run.position.epoch, run.position.minibatch, run.position.step) == (1, 7, 20)
    assert fit(run).position.step == 20 + 31 - 7


@pytest.mark.parametrize(
    "layers, message",
    [
        (("outputs=24", "outputs=25"), "hidden.*is 24.* in the checkpoint, 25.* in"),
        (("[scores]", "[others]"), "it lacks others.biases, others.weights.0"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(tmp_path, layers, message):
    fit(make_run(tmp_path, epochs=1, max_batches=1))
    text, params = LAYERS, PARAMS
    if layers[0] == "[scores]":
        text, params = (t.replace("scores", "others") for t in (LAYERS, PARAMS))
    else:
        text = text.replace(*layers)
    run = make_run(layers=text, params=params)
    before = state(run)
    with pytest.raises(CheckpointError, match=message):
        run.resume(load(newest(tmp_path)))
    assert same(state(run), before)
