"""What watching a run costs its training: `python -m benchmarks.watching`, two minutes.

`convnet train` runs in a process of its own.  In turns of a few seconds a client asks
`convnet watch` for the page as an open browser does, and nobody asks; and a run with
`--tensorboard` and one without go on while the other one is stopped.  The steps of a turn are those
that the journals tell.  A ratio is steps a second with / without, from pairs of turns next to each
other: their mean, and its standard error.  The processor time of the server is printed too, which
other work on the machine disturbs less.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import mean, stdev

import click
import numpy as np

from benchmarks.tables import table

NETS = {"digits": "digits", "cifar10": "synthetic:10x3x32x32"}
EVERY = 2.0  # seconds between requests: five times as often as `convnet watch` has by default
_CONVNET = (sys.executable, "-c", "import sys; from convnet.cli import main; sys.exit(main())")
_ADDRESS = "http://127.0.0.1:{port}/"


@contextmanager
def convnet(*arguments: object) -> Iterator[subprocess.Popen]:
    """Run a command of convnet for the length of a block."""
    command = [*_CONVNET, *map(str, arguments)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


class Client:
    """Asks for a page every few seconds, as a browser does that shows it."""

    def __init__(self, port: int) -> None:
        self.address, self.version = _ADDRESS.format(port=port), ""
        self.pages = self.requests = 0

    def ask(self) -> None:
        """Ask once; the page is sent only if it has changed."""
        request = urllib.request.Request(self.address, headers={"If-None-Match": self.version})
        self.requests += 1
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
                self.version = answer.headers["ETag"]
                self.pages += 1
        except urllib.error.HTTPError as error:
            if error.code != 304:
                raise
            error.close()

    def browse(self, seconds: float) -> None:
        """Ask again and again."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.ask()
            time.sleep(min(EVERY, left))


def records_of(folder: Path) -> tuple[list[float], list[int]]:
    """Times, seconds since 1970, and steps of a run's records of training."""
    lines = (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines[:-1]]
    trained = [record for record in records if record["event"] == "train"]
    times = [datetime.fromisoformat(record["time"]).timestamp() for record in trained]
    return times, [record["step"] for record in trained]


def steps_at(folder: Path) -> Callable[[float], float]:
    """The steps of a run at a time, between those of its records."""
    times, steps = records_of(folder)
    return lambda moment: float(np.interp(moment, times, steps))


def active_rates(
    records: tuple[list[float], list[int]], turns: list[tuple[float, float]]
) -> list[float]:
    """Steps a second in each turn of a run that was stopped between its turns.

    The clock runs in the turns only: a minibatch may begin in one and end in the next.
    """
    edges = np.array([edge for turn in turns for edge in turn])
    clock = np.concatenate(
        [[0.0], np.cumsum(np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0))]
    )
    times, steps = np.array(records[0]), np.array(records[1], np.float64)
    is_own = (times >= edges[0]) & (times <= edges[-1])
    at_edges = np.interp(clock, np.interp(times[is_own], edges, clock), steps[is_own])
    return (np.diff(at_edges)[::2] / np.diff(clock)[::2]).tolist()


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something holds.  TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the training does not begin, or its page does not appear")
        time.sleep(0.2)


def has_trained(folder: Path, steps: int = 30) -> bool:
    """Whether a run has got so far: its kernels are compiled then."""
    try:
        return steps_at(folder)(time.time()) >= steps
    except (OSError, ValueError):  # no journal, or nothing in it yet
        return False


def processor_seconds(process: subprocess.Popen) -> float:
    """Seconds of processor time that a process has taken (Linux)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compared(what: str, rates: list[tuple[float, float]], **more: float) -> dict:
    """A row of the table; rates: steps a second (with, without) of pairs of turns."""
    ratios = [one / other for one, other in rates]
    error = stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else float("nan")
    return {
        "what": what,
        "with, steps/s": mean(one for one, _ in rates),
        "without": mean(other for _, other in rates),
        "ratio": f"{mean(ratios):.4f}",
        "+-": f"{error:.4f}",
        **more,
    }


def in_turns(pairs: int, seconds: float, turns: tuple[Callable[[], None], Callable[[], None]]):
    """Times (begin, end) of pairs of turns; which of both is first alternates."""
    found = []
    for number in range(pairs):
        spans = {}
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            begin = time.time()
            turns[which]()
            spans[which] = begin, time.time()
        found.append((spans[0], spans[1]))
    return found


def rate(steps: Callable[[float], float], span: tuple[float, float]) -> float:
    """Steps a second within a span."""
    return (steps(span[1]) - steps(span[0])) / (span[1] - span[0])


def watching(net: str, pairs: int, seconds: float, folder: Path) -> dict:
    """Training with an open page, and without."""
    run, port = folder / f"{net}-watched", 8700 + os.getpid() % 200
    with ExitStack() as stack:
        stack.enter_context(convnet(*training(net, run)))
        wait_for(lambda: has_trained(run))
        server = stack.enter_context(
            convnet("watch", "--load", run, "--port", port, "--every", round(EVERY))
        )
        client = Client(port)
        wait_for(lambda: _answers(client))
        before, client.pages, client.requests = processor_seconds(server), 0, 0
        spans = in_turns(
            pairs, seconds, (lambda: client.browse(seconds), lambda: time.sleep(seconds))
        )
        taken = processor_seconds(server) - before
        time.sleep(1.0)  # for the record after the last turn
        steps = steps_at(run)
    share = taken / (pairs * seconds) / (os.cpu_count() or 1)
    each = 1e3 * taken / max(client.requests, 1)
    rates = [(rate(steps, one), rate(steps, other)) for one, other in spans]
    facts = {"ms a request": each, "share of all cores": f"{share:.2%}"}
    return compared(f"{net}: an open page", rates, **facts)


def events(net: str, pairs: int, seconds: float, folder: Path) -> dict:
    """Training with --tensorboard, and without."""
    runs = [folder / f"{net}-{kind}" for kind in ("events", "plain")]
    with ExitStack() as stack:
        processes = []
        for run, more in zip(runs, (("--tensorboard", folder / "events"), ()), strict=True):
            process = stack.enter_context(convnet(*training(net, run), *more))
            wait_for(lambda run=run: has_trained(run))
            process.send_signal(signal.SIGSTOP)
            processes.append(process)

        def turn(which: int) -> None:
            processes[which].send_signal(signal.SIGCONT)
            time.sleep(seconds)
            processes[which].send_signal(signal.SIGSTOP)

        spans = in_turns(pairs, seconds, (lambda: turn(0), lambda: turn(1)))
        for process in processes:
            process.send_signal(signal.SIGCONT)
        time.sleep(1.0)
        steps = [records_of(run) for run in runs]
    own = [[span[which] for span in spans] for which in (0, 1)]
    counted = [active_rates(count, turns) for count, turns in zip(steps, own, strict=True)]
    rates = list(zip(*counted, strict=True))
    nothing = {"ms a request": None, "share of all cores": None}
    return compared(f"{net}: --tensorboard", rates, **nothing)


def training(net: str, folder: Path) -> tuple[object, ...]:
    """The arguments of a training that does not end."""
    data = NETS[net]
    return ("train", "--layers", net, "--data", data, "--epochs", 100_000, "--save", folder)


def _answers(client: Client) -> bool:
    try:
        client.ask()
    except OSError:
        return False
    return True


@click.command()
@click.option("--net", "nets", multiple=True, type=click.Choice([*NETS]), help="By default all.")
@click.option("--pairs", default=4, show_default=True, help="Pairs of turns.")
@click.option("--seconds", default=2.5, show_default=True, help="Length of a turn.")
@click.option("--part", type=click.Choice(["watch", "tensorboard"]), help="By default both.")
def main(nets: tuple[str, ...], pairs: int, seconds: float, part: str | None) -> None:
    """Measure and print what watching costs."""
    parts = {"watch": watching, "tensorboard": events}
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            measure(net, pairs, seconds, Path(folder))
            for name, measure in parts.items()
            if part in (None, name)
            for net in nets or NETS
        ]
    click.echo(table(rows))


if __name__ == "__main__":
    main()
