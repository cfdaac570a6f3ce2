"""Progress of a training run on stderr: a bar on a terminal, else lines."""

import sys
import time

from convnet.commands.console import costs_line, note
from convnet.commands.progress_bar import LINES_EVERY, open_bar
from convnet.display import escaped
from convnet.train.observer import Observer


class Progress(Observer):
    """Shows the progress of a run.  Use as a context manager, which restores the terminal."""

    def __init__(self, run):
        self.run = run
        self.bar = self.task = None
        self.last_line = time.monotonic()
        self.shown = ""

    def __enter__(self):
        if sys.stderr.isatty():
            self._open_bar()
        return self

    def __exit__(self, *_):
        if self.bar is not None:
            self.bar.stop()

    def _open_bar(self):
        self.bar = open_bar()
        total = self.run.options.epochs * self.run.train.minibatches_per_epoch
        if self.run.options.max_batches:
            total = min(total, self.run.position.step + self.run.options.max_batches)
        self.task = self.bar.add_task(
            "training", total=total, completed=self.run.position.step, numbers=""
        )

    def on_step(self, position, costs):
        if self.bar is not None:
            where = (
                f"epoch {position.epoch + 1}" if position.minibatch else f"epoch {position.epoch}"
            )
            self.bar.update(
                self.task, completed=position.step, description=where, numbers=self.shown
            )

    def on_train(self, record):
        first = next(iter(record["costs"].values()))
        self.shown = f"cost {next(iter(first.values())):.4f}"
        if "images_per_second" in record:
            self.shown += f"  {record['images_per_second']:.0f} images/s"
            self.shown += f"  waiting for data {record['wait_share']:.0%}"
        if self.bar is None and time.monotonic() - self.last_line > LINES_EVERY:
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
        if self.bar is not None:
            self.bar.console.print(escaped(text), highlight=False, markup=False)
        else:
            note(text)
