"""What `convnet train` prints when it ends."""

from convnet.commands.output.console import costs_line, note, result
from convnet.data import jpeg
from convnet.data.encoded import EncodedDataset
from convnet.data.workers.pool import cores
from convnet.train.loop import Outcome
from convnet.train.run import Run

_MUCH_WAITING = 0.1  # share of the training time from which on a hint is printed
_LONG_WAITING = 5.0  # seconds in all; a short run waits for its first minibatch
_ENDINGS = {
    "done": "trained",
    "max-batches": "stopped as asked",
    "SIGINT": "stopped by Ctrl-C",
    "stuck": "stopped at a plateau of the test error",
}


def report_dry_run(run: Run) -> None:
    """Print how much memory the two minibatches of a dry run took."""
    sizes = run.network.plan.bytes(run.network.engine.real.itemsize)
    total = sum(sum(roles.values()) for roles in sizes.values()) / 1e6
    result(f"dry run: a training and a test minibatch done in {total:,.0f} MB; nothing saved")


def report(run: Run, outcome: Outcome) -> None:
    """Print why training ended, the last test, the time spent waiting, and the checkpoint."""
    ending = _ENDINGS.get(outcome.reason, f"stopped by {outcome.reason}")
    done = f"{outcome.position.epochs:g} of {run.options.epochs} epochs"
    result(f"{ending}: {done}, {outcome.position.step} minibatches")
    if run.history.test:
        result(f"last test: {costs_line(run.history.test[-1]['costs'])}")
    _report_waiting(run, outcome.wait_share)
    if outcome.checkpoint is None and outcome.position.step:
        result("checkpoint: none could be saved")
    elif outcome.checkpoint is None:
        result("nothing was trained; the same command starts anew")
    else:
        result(f"checkpoint: {outcome.checkpoint}")


def _report_waiting(run, share):
    """Print the time spent waiting for data, and what to do if it was much."""
    result(f"waited for data: {share:.0%} of the training time")
    if share < _MUCH_WAITING or run.meter.waited_in_all < _LONG_WAITING:
        return
    dataset = run.train.dataset
    count = dataset.workers.count if dataset.workers else 0
    if not isinstance(dataset, EncodedDataset):
        note("hint: a single thread generates these images, more slowly than this network trains")
    elif count < cores():
        note(f"hint: {count} processes decode the images; --workers {cores()} uses all cores")
    else:
        note(
            f"hint: {count} processes decode the images, more slowly than this network trains: "
            "add cores"
        )
    if isinstance(dataset, EncodedDataset) and jpeg.simplejpeg is None:
        note("hint: images decode faster if simplejpeg is installed (pip install simplejpeg)")
