"""Progress of a training run on stderr: a bar on a terminal, else lines."""

import sys
import time

from convnet.commands.output.console import costs_line, note
from convnet.commands.output.progress_bar import BAR, LINES_EVERY
from convnet.progress import Report, Work
from convnet.train.observer import Observer


class Progress(Observer):
    """Shows the progress of a run.  Use as a context manager, which restores the terminal."""

    def __init__(self, run):
        self.run = run
        self.task = None
        self.waiting: Report | None = None  # for the first minibatch
        self.last_line = time.monotonic()
        self.shown = ""

    def __enter__(self):
        if sys.stderr.isatty():
            self._add_bar()
        return self

    def __exit__(self, *_):
        self._end_waiting()
        if self.task is not None:
            BAR.remove(self.task)
            self.task = None

    def _add_bar(self):
        total = self.run.options.epochs * self.run.train.minibatches_per_epoch
        if self.run.options.max_batches:
            total = min(total, self.run.position.step + self.run.options.max_batches)
        self.task = BAR.add("training", total, self.run.position.step)

    def on_start(self, record):
        if self.task is None:
            self.waiting = Report(Work("waiting for the first minibatch"))

    def _end_waiting(self):
        if self.waiting is not None:
            self.waiting.end()
            self.waiting = None

    def on_step(self, position, costs):
        self._end_waiting()
        if self.task is not None:
            where = (
                f"epoch {position.epoch + 1}" if position.minibatch else f"epoch {position.epoch}"
            )
            BAR.update(self.task, position.step, self.shown, where)

    def on_train(self, record):
        first = next(iter(record["costs"].values()))
        self.shown = f"cost {next(iter(first.values())):.4f}"
        if "images_per_second" in record:
            self.shown += f"  {record['images_per_second']:.0f} images/s"
            self.shown += f"  waiting for data {record['wait_share']:.0%}"
        if self.task is None and time.monotonic() - self.last_line > LINES_EVERY:
            self.last_line = time.monotonic()
            note(f"{self._where(record)} {self.shown}")

    def on_test(self, record):
        best = "  (best so far)" if record.get("best") else ""
        self._line(f"{self._where(record)} test: {costs_line(record['costs'])}{best}")

    def on_message(self, text):
        self._line(text)

    def _where(self, record):
        return f"epoch {record['epoch']:7.2f}, minibatch {record['step']:6}:"

    def _line(self, text):
        if self.task is not None:
            BAR.print(text)
        else:
            note(text)
