"""The training loop: a small net learns; tests and saves when due; values that are not finite."""

import numpy as np
import pytest

from convnet import journal
from convnet.checkpoint import load, newest
from convnet.errors import DataError, TrainingError
from convnet.train import Observer, Run, fit
from tests.support.training import LAYERS, PARAMS, go_on, make_run, same, state


class Steps(Observer):
    """Calls a function at one step."""

    def __init__(self, step, call):
        self.step, self.call = step, call

    def on_step(self, position, costs):
        if position.step == self.step:
            self.call()


def test_a_small_net_learns_the_digits(tmp_path):
    layers = LAYERS.replace("outputs=24", "outputs=64").replace("pool=max", "pool=avg")
    rates = "epsW=0.0005\nepsB=0.0005\nmomW=0.9\nmomB=0.9\n"
    params = f"[hidden]\n{rates}[scores]\n{rates}[drop]\nkeep=0.8\n[logprob]\ncoeff=1\ntopk=3\n"
    layers = layers.replace("neuron=tanh", "neuron=relu")
    run = make_run(tmp_path, params, layers, side=8, epochs=25, test_every=80)
    assert fit(run).reason == "done"
    errors = [entry["costs"]["logprob"]["top-1 error"] for entry in run.history.test]
    assert min(errors) < 0.05 and errors[-1] < 0.06
    assert run.history.best["error"] == min(errors)
    best = load(tmp_path / "best.safetensors")
    assert best.position.step == run.history.best["step"] == best.history["best"]["step"]


def _events(folder):
    return [(r["event"], r["step"]) for r in journal.read(folder) if r["event"] != "train"]


@pytest.mark.parametrize(
    "options, expected",
    [
        # a test and a save at the end of each epoch
        ({"epochs": 2}, "start0 test16 save16 test32 save32 stop32"),
        # no test where max_batches stops
        ({"epochs": 2, "max_batches": 3}, "start0 save3 stop3"),
        ({"epochs": 1, "max_batches": 0}, "start0 stop0"),
        ({"epochs": 1, "test_every": 6}, "start0 test6 save6 test12 save12 test16 save16 stop16"),
        # one save where several are due
        (
            {"epochs": 1, "test_every": 8, "save_every": 4},
            "start0 save4 test8 save8 save12 test16 save16 stop16",
        ),
    ],
)
def test_what_is_due(tmp_path, options, expected):
    fit(make_run(tmp_path, **options))
    assert " ".join(f"{event}{step}" for event, step in _events(tmp_path)) == expected


def test_reported_costs_are_means_over_the_cases(tmp_path):
    """Of all minibatches since the record, or the entry, before: each counted by its cases."""
    run = make_run(tmp_path, epochs=2, record_every=5, test_every=8)
    costs = []
    run.observer.on_step = lambda position, of: costs.append(of["logprob"]["cost"])
    fit(run)
    sums = np.array(costs) * np.tile([100] * 15 + [1], 2)

    def mean(start, end):
        return sums[start:end].sum() / (sums[start:end] / costs[start:end]).sum()

    records = [r for r in journal.read(tmp_path) if r["event"] == "train"]
    ends = [5, 10, 15, 16, 20, 25, 30, 32]
    assert [r["step"] for r in records] == ends
    found = [r["costs"]["logprob"]["cost"] for r in records]
    assert found == pytest.approx([mean(*ab) for ab in zip([0, *ends], ends, strict=False)], 1e-5)
    found = [entry["costs"]["logprob"]["cost"] for entry in run.history.train]
    assert found == pytest.approx([mean(n, n + 8) for n in (0, 8, 16, 24)])
    assert [entry["cases"] for entry in run.history.train] == [800, 701] * 2


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = fit(make_run(epochs=1, test_every=1, test_minibatches=1, max_batches=1))
    assert outcome.checkpoint is None and list(tmp_path.iterdir()) == []


def test_large_test_sets_are_sampled(monkeypatch):
    run = make_run(epochs=1)
    assert run.test_size() == 3
    monkeypatch.setattr("convnet.train.run.MOST_TEST_CASES", 150)
    assert run.test_size() == 2


def test_progress_follows_the_data_batches():
    """Constant within one; the first is at 0 (docs/dialect.md, 6.4)."""
    run = make_run(epochs=4)
    run.train = type("Stored", (), {"data_batches_per_epoch": 4, "minibatches_per_epoch": 16})()
    run.train.data_batch_of = lambda index: index // 4
    found = []
    while not run.is_done:
        found.append(run.progress())
        run.position = run.position.next()
    expected = np.arange(16) / 16  # (b - 1) / (epochs * B)
    assert np.array_equal(found, np.repeat(expected, 4))
    assert run.progress() == 1.0


def test_the_rates_fall_with_progress(tmp_path):
    fit(make_run(tmp_path, epochs=3))
    rates = [r["rates"] for r in journal.read(tmp_path) if r["event"] == "train"]
    plateaus = [rate["hidden.weights.0"] for rate in rates]
    assert sorted(set(plateaus), reverse=True) == pytest.approx([0.002, 0.000632456, 0.0002])
    assert plateaus == sorted(plateaus, reverse=True)
    slope = [rate["scores.weights.0"] for rate in rates]
    assert slope[0] == 0.02 and len(set(slope)) == 48


def test_draws_for_noise_depend_on_seed_and_step():
    run, other = make_run(epochs=1), make_run(seed=6, epochs=1)
    first, again = run.normal(), run.normal()
    draws = [first(), first()]
    assert draws == [again(), again()] and draws[0] != draws[1]
    assert other.normal()() != draws[0]
    run.position = run.position.next()
    assert run.normal()() != draws[0]


def test_noise_is_the_same_after_resuming(tmp_path):
    noisy = PARAMS.replace("epsW=linear[base=0.02;tgtFactor=4]", "epsW=0.02").replace(
        "wc=0.001", "wc=0.001\nwball=9"
    )
    noisy = noisy.replace("[scores]\n", "[scores]\nschedW=linear[tgtFactor=4,noiseStdev=0.3]\n")
    whole = make_run(params=noisy, epochs=1)
    fit(whole)
    fit(make_run(tmp_path, noisy, epochs=1, max_batches=5))
    run, _ = go_on(tmp_path, epochs=1)
    assert same(state(run), state(whole))
    plain = make_run(params=noisy.replace("0.3", "0"), epochs=1)
    fit(plain)
    assert not same(state(plain), state(whole))


# -- values that are not finite --------------------------------------------------------------------


def _spoil(run, name, value):
    parameter = run.network.parameters[name]
    values = run.network.read(parameter)
    values.flat[0] = value
    run.network.write(parameter, values)


@pytest.mark.parametrize(
    "name, value, layer",
    [("hidden.weights.0", np.nan, "hidden"), ("scores.biases", np.inf, "probs|scores")],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_cost_that_is_not_finite_stops_the_run(tmp_path, name, value, layer):
    run = make_run(tmp_path, epochs=1, save_every=4)
    run.observer = Steps(6, lambda: _spoil(run, name, value))
    with pytest.raises(TrainingError) as error:
        fit(run)
    message = str(error.value)
    assert message.startswith("step 7: the cost logprob is no longer finite; the first layer")
    assert any(f"is {one}." in message for one in layer.split("|"))
    assert f"Last good checkpoint: {tmp_path / '0.4.safetensors'}" in message
    assert newest(tmp_path).name == "0.4.safetensors"
    last = journal.read(tmp_path)[-1]
    assert (last["event"], last["step"], last["reason"]) == ("stop", 6, message)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    """Even if no cost has shown it yet."""
    run = make_run(tmp_path, epochs=1, save_every=4)
    run.observer = Steps(8, lambda: _spoil(run, "hidden.weights.0", np.nan))
    with pytest.raises(TrainingError, match="step 8: hidden.weights.0 holds values that are not"):
        fit(run)
    assert newest(tmp_path).name == "0.4.safetensors"


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
def test_rates_that_are_too_high_end_in_a_message(tmp_path):
    hopeless = PARAMS.replace("epsW=linear[base=0.02;tgtFactor=4]", "epsW=1e30")
    hopeless = hopeless.replace("base=0.002", "base=1e30")
    with pytest.raises(TrainingError, match="there is none"):
        fit(make_run(tmp_path, hopeless, epochs=1))


def test_data_that_fails_leaves_a_checkpoint(tmp_path):
    run = make_run(tmp_path, epochs=1)
    make, calls = run.train.minibatch, []

    def fails(epoch, index, out):
        calls.append(index)
        if index == 9:
            raise DataError("data_batch_2: is truncated")
        return make(epoch, index, out)

    run.train.minibatch = fails
    with pytest.raises(DataError, match="is truncated"):
        fit(run)
    assert newest(tmp_path).name == "0.9.safetensors"
    assert journal.read(tmp_path)[-1]["reason"] == "data_batch_2: is truncated"


def test_a_net_without_a_cost_is_refused():
    run = make_run()
    run.network.plan.costs.clear()
    with pytest.raises(DataError, match="no cost layer"):
        Run(run.network, run.train)
