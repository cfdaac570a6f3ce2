"""First signal: finish the minibatch, save, stop.  Second: the handler that was there before."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from convnet import journal
from convnet.checkpoint import load, newest
from convnet.train import Observer, fit
from convnet.train.signals import SAVES, STOPS
from tests.support.paths import ROOT
from tests.support.training import go_on, make_run, same, state


class Sends(Observer):
    """Sends signals to this process: {step: signals}."""

    def __init__(self, **plan):
        self.plan = {int(step.strip("at")): signals for step, signals in plan.items()}
        self.messages, self.saved = [], []

    def on_step(self, position, costs):
        for number in self.plan.get(position.step, ()):
            os.kill(os.getpid(), number)

    def on_message(self, text):
        self.messages.append(text)

    def on_save(self, path):
        self.saved.append(path.name)


@pytest.fixture(autouse=True)
def handlers():
    """Install handlers that record their calls, and check that they are put back."""
    met = []

    def meet(number, _frame):
        met.append(number)

    before = {number: signal.signal(number, meet) for number in (*STOPS, *SAVES)}
    yield met
    after = {number: signal.signal(number, before[number]) for number in before}
    assert set(after.values()) == {meet}


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_stops_saved(tmp_path, handlers, number, code):
    run = make_run(tmp_path, epochs=1)
    run.observer = Sends(at5=[number])
    outcome = fit(run)
    assert (outcome.reason, outcome.exit_code) == (number.name, code)
    assert outcome.position.step == 5 and outcome.checkpoint == newest(tmp_path)
    assert load(outcome.checkpoint).position.step == 5
    assert journal.read(tmp_path)[-1]["reason"] == number.name
    assert len(run.observer.messages) == 1 and run.observer.messages[0].startswith(number.name)
    assert handlers == []
    whole = make_run(epochs=1)
    fit(whole)
    assert same(state(go_on(tmp_path, epochs=1)[0]), state(whole))


@pytest.mark.parametrize("second", STOPS)
def test_the_second_signal_reaches_the_handler_before(tmp_path, handlers, second):
    run = make_run(tmp_path, epochs=1)
    run.observer = Sends(at5=[signal.SIGINT, second])
    fit(run)
    assert handlers == [second]


def test_a_keyboard_interrupt_passes_through(tmp_path):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.getsignal(signal.SIGTERM)
    run = make_run(tmp_path, epochs=1, save_every=2)
    run.observer = Sends(at5=[signal.SIGINT, signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):
        fit(run)
    assert newest(tmp_path).name == "0.4.safetensors"
    assert not [t for t in threading.enumerate() if t.name.startswith("convnet")]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", SAVES)
def test_save_and_go_on(tmp_path, handlers, number):
    run = make_run(tmp_path, epochs=1)
    run.observer = Sends(at3=[number], at16=[number])
    assert fit(run).reason == "done"
    assert run.observer.saved == ["0.3.safetensors", "1.0.safetensors"] and handlers == []


def test_a_test_is_interrupted_and_repeated(tmp_path):
    """A stop does not wait for a long test; the resumed run tests before it trains."""
    run = make_run(tmp_path, epochs=2)
    make, asked = run.test.minibatch, []

    def minibatch(*position):
        asked.append(position)
        os.kill(os.getpid(), signal.SIGINT)
        return make(*position)

    run.test.minibatch = minibatch
    outcome = fit(run)
    assert outcome.position.step == 16 and run.history.test == []
    resumed, _ = go_on(tmp_path, epochs=2)
    whole = make_run(epochs=2)
    fit(whole)
    assert resumed.history.to_json() == whole.history.to_json()
    assert same(state(resumed), state(whole))


def test_ignored_signals_stay_ignored(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    run = make_run(tmp_path, epochs=1)
    run.observer = Sends(at3=[signal.SIGHUP])
    fit(run)
    assert run.observer.saved == ["1.0.safetensors"]
    signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_is_caught(tmp_path, handlers):
    outcomes = []

    def work():
        run = make_run(tmp_path, epochs=1)
        run.observer = Sends(at3=[signal.SIGUSR1])
        outcomes.append((fit(run).reason, run.observer.saved))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert outcomes == [("done", ["1.0.safetensors"])]
    assert handlers == [signal.SIGUSR1]


def test_a_display_that_is_busy_does_not_break_the_run(tmp_path):
    run = make_run(tmp_path, epochs=1)
    run.observer = Sends(at5=[signal.SIGINT])

    def busy(text):
        raise RuntimeError("reentrant call")

    run.observer.on_message = busy
    assert fit(run).position.step == 5


@pytest.mark.parametrize(
    "first, second, code",
    [
        (signal.SIGINT, None, 130),
        (signal.SIGTERM, None, 143),
        (signal.SIGTERM, signal.SIGTERM, -signal.SIGTERM),
    ],
)
def test_of_a_process(tmp_path, first, second, code):
    command = [sys.executable, "-m", "tests.support.signalled_run", tmp_path]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, cwd=ROOT) as child:
        try:
            for _ in range(3):
                assert child.stdout.readline(), child.stderr.read().decode()
            child.send_signal(first)
            if second:
                assert b"stops" in child.stderr.readline()
                child.send_signal(second)
            last = child.stdout.read().split()
            assert child.wait(60) == code, child.stderr.read().decode()
        finally:
            child.kill()
    if second is None:
        assert load(newest(tmp_path)).position.step == int((last or [3])[-1])
