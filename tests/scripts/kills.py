"""`python -m tests.scripts.kills --count 1000`: kills training again and again.

Every kill is followed by the same command.  All runs must end with the bits of a run that was never
killed; otherwise the exit code is 1.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.killed_commands import Kills, compare, killed, prepare, whole

_LAST = 0.7  # the last moment of a kill, as a share of an undisturbed run's time


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scripts.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="kills in all, at least")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for the runs; kept if given")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    try:
        return kill_runs(folder, arguments.count, arguments.processes, arguments.seed)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder)


def kill_runs(folder: Path, count: int, processes: int, seed: int) -> int:
    started, total, wrong = time.monotonic(), Kills(), []
    prepare(folder)
    warm = folder / "kernels"
    whole(folder, "first", warm)  # compiles the kernels
    duration = whole(folder, "right", warm)
    print(f"an undisturbed run takes {duration:.1f} s", flush=True)
    lock, numbers = threading.Lock(), iter(range(count))

    def work(process: int) -> None:
        cache, last = folder / f"kernels-{process}", duration * _LAST
        shutil.copytree(warm, cache)
        while len(total.lengths) < count:
            with lock:
                number = next(numbers)
            name = f"run-{number}"
            try:
                found = killed(folder, name, cache, seed * 1_000_000 + number, last)
                differences = compare(folder, "right", name)
                if not found.lengths:  # the machine has become faster
                    last *= 0.8
            except Exception as error:
                found, differences = Kills(), [f"{type(error).__name__}: {error}"]
            with lock:
                total.moments.update(found.moments)
                total.strays += found.strays
                total.lengths += found.lengths
                wrong.extend(f"{name}: {what}" for what in differences)
                end, spent = ", ".join(differences) or "the same bits", time.monotonic() - started
                so_far = f"{len(total.lengths):,} of {count:,} kills, {spent:.0f} s"
                print(f"{name}: {len(found.lengths)} kills, {end}; {so_far}", flush=True)
            if not differences:
                shutil.rmtree(folder / name)

    with ThreadPoolExecutor(processes) as pool:
        for done in [pool.submit(work, process) for process in range(processes)]:
            done.result()
    runs = next(numbers)
    moments = ", ".join(f"{count:,} with {what}" for what, count in sorted(total.moments.items()))
    early = sum(length < 1 for length in total.lengths)
    print(
        f"{len(total.lengths):,} kills of {runs} runs ({moments}; {total.strays} left an "
        f"unfinished file; {early:,} in the first second), {len(wrong)} differences, "
        f"{time.monotonic() - started:.0f} s"
    )
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
