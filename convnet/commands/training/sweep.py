"""`convnet sweep`: a run for each combination of values and each seed."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from convnet.cli_options.sweep import SweepArguments
from convnet.commands.output.console import note, result, result_json, styled
from convnet.commands.output.drawings import write_drawing
from convnet.commands.output.progress_bar import BAR
from convnet.commands.training.sweep_specification import refuse_edited_files, specification_of
from convnet.data.workers.pool import cores
from convnet.display import harmless
from convnet.errors import ConvnetError
from convnet.report.describe_table import console
from convnet.runs.table import duration, error_text
from convnet.stored.files import reason
from convnet.sweep import plot, pool
from convnet.sweep.failures import Failure, Failures
from convnet.sweep.grid import SweepRun
from convnet.sweep.results import Result, result_of, results, rows
from convnet.sweep.specification import Specification
from convnet.sweep.table import (
    csv_of_sweep,
    json_of_sweep,
    notes,
    short,
    table_of_sweep,
)
from convnet.train.signals import Signals, outliving_the_terminal

LOG = "output.txt"  # in the folder of each run: what its process printed
_TAIL = 4096  # bytes of a log in which the last line is looked for


def sweep(arguments: SweepArguments) -> int:
    """Train what is left of a sweep, print its table and write its plot; return the exit code.

    The code is 1 if runs failed.
    """
    if arguments.as_json and arguments.as_csv:
        raise click.UsageError("--json and --csv are two forms of the table: give one of them.")
    folder, specification = specification_of(arguments)
    code = 0
    if not arguments.table:
        with outliving_the_terminal(), _alone_in(folder), Signals(note) as signals:
            code = _train(folder, specification, arguments, signals)
    found = results(folder, specification)
    _show(folder, specification, found, arguments)
    return code or int(not arguments.table and any(each.state == "failed" for each in found))


def _train(
    folder: Path, specification: Specification, arguments: SweepArguments, signals: Signals
) -> int:
    jobs, threads = arguments.jobs, _threads(arguments)
    owner = _Training(folder, specification, signals, jobs, threads)
    environment = {"NUMBA_NUM_THREADS": str(threads)}
    with owner:
        pool.Pool(jobs, environment, owner).run([owner.work(run) for run in owner.runs.values()])
    if signals.stop is None:
        return 0
    left = len(owner.runs) - owner.ended
    note(f"stopped by {signals.stop.name}: {left} of {len(owner.runs)} runs are left; to go on:")
    note(f"  convnet sweep --out {folder}")
    return 128 + int(signals.stop)


def _threads(arguments: SweepArguments) -> int:
    """The threads of each run, on which no result depends."""
    told = os.environ.get("NUMBA_NUM_THREADS", "")
    if arguments.threads is not None:
        return arguments.threads
    if told.isdecimal() and 0 < int(told) <= 1000:
        return int(told)
    return max(1, cores() // arguments.jobs)


class _Training:
    """The owner of the pool: knows the runs, and shows what becomes of them."""

    def __init__(
        self,
        folder: Path,
        specification: Specification,
        signals: Signals,
        jobs: int,
        threads: int,
    ) -> None:
        self.folder, self.specification = folder, specification
        self.signals, self.threads = signals, threads
        self.options = [*specification.options, *_workers(specification.options, jobs)]
        self.runs = {run.name: run for run in specification.runs()}
        self.failures = Failures.of(folder)
        self.ended = sum(self._result(run).state == "finished" for run in self.runs.values())
        self.task: int | None = None

    def __enter__(self) -> "_Training":
        total, threads = len(self.runs), self.threads
        done = f", {self.ended} finished already" if self.ended else ""
        plural = "s" * (threads != 1)
        note(f"{self.folder}: {total} runs, {threads} thread{plural} each{done}")
        if self.ended < total and sys.stderr.isatty():
            self.task = BAR.add("sweep", total, self.ended)
        return self

    def __exit__(self, *_: object) -> None:
        if self.task is not None:
            BAR.remove(self.task)

    def work(self, run: SweepRun) -> pool.Work:
        """Return the process of a run: one that starts it, or goes on with it."""
        place = self.folder / run.name
        settings = [word for item in run.combination.settings for word in ("--set", "=".join(item))]
        words = ["train", *self.options, *settings, "--seed", str(run.seed)]
        words += ["--save", str(place), "--resume-or-start"]
        return pool.Work(run.name, tuple(words), place / LOG)

    # -- what the pool asks and tells --------------------------------------------------------------

    def is_done(self, work: pool.Work) -> bool:
        return self._result(self.runs[work.name]).state == "finished"

    def should_stop(self) -> bool:
        return self.signals.stop is not None

    def on_start(self, work: pool.Work) -> None:
        refuse_edited_files(self.specification)
        self.failures.forget(work.name)

    def on_wait(self, work: pool.Work) -> None:
        run = self.runs[work.name]
        self._print(f"{run}: a process of an earlier start still trains it; waiting for it to end")

    def on_end(self, work: pool.Work, code: int) -> None:
        run = self.runs[work.name]
        found = self._result(run)
        if self.signals.stop is not None and found.state != "finished":
            return
        self.ended += 1
        if found.state != "finished":
            failure = Failure(code, _reason(code, work.log))
            self.failures.add(work.name, failure)
            self._tell(run, f"failed: {short(failure.reason)}")
            return
        error = "no test" if found.last is None else error_text(found.last, found.measure)
        self._tell(run, f"{found.measure} {error}".strip() + f" in {duration(found.seconds)}")

    def _result(self, run: SweepRun) -> Result:
        return result_of(self.folder, run, self.failures)

    def _tell(self, run: SweepRun, what: str) -> None:
        self._print(f"{self.ended} of {len(self.runs)}: {run}: {what}")
        if self.task is not None:
            BAR.update(self.task, self.ended, f"{self.ended} of {len(self.runs)} runs")

    def _print(self, line: str) -> None:
        (note if self.task is None else BAR.print)(harmless(line))


def _workers(options: list[str], jobs: int) -> list[str]:
    """The option that divides the cores between the processes that decode images of all runs."""
    if jobs == 1 or any(word.partition("=")[0] == "--workers" for word in options):
        return []
    return ["--workers", str(max(1, cores() // jobs))]


def _reason(code: int, log: Path) -> str:
    """Why a process failed: the signal that killed it, or its last line."""
    if code < 0:
        return f"killed by signal {-code}"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError as error:
        lines = [reason(error)]
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
    return harmless(f"exit code {code}: {last}"[:500])


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Context in which no other process trains the same sweep.  ConvnetError if one does."""
    with (folder / ".lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConvnetError(
                f"{folder}: another process trains this sweep; --table prints how far it is"
            ) from None
        yield


def _show(
    folder: Path, specification: Specification, found: list[Result], arguments: SweepArguments
) -> None:
    """Print the table and write the plot."""
    table = rows(found, arguments.by)
    if arguments.as_json:
        result_json(json_of_sweep(table, arguments.by))
    elif arguments.as_csv:
        result(csv_of_sweep(table).rstrip("\n"))
    else:
        console(styled(sys.stdout)).print(table_of_sweep(table, arguments.by))
        for line in notes(table, arguments.by):
            note(line)
    if any(result.state == "finished" for result in found):
        title = f"{Path(specification.layers.path).stem}: {len(table)} combinations"
        seeds = f", {specification.seeds} seeds each" if specification.seeds > 1 else ""
        drawn = plot.draw_sweep(table, arguments.by, title + seeds)
        write_drawing(drawn, folder / plot.FILE_NAME, tell=note)
