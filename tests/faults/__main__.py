"""`python -m tests.faults`: disturbs every call that writes, and prints a table.

The exit code is 1 if something was lost or a message was missing.
"""

import argparse
import importlib
import pkgutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import convnet
from tests.faults.inject import FAULTS, Fault
from tests.faults.operations import OPERATIONS, Operation, prepare, train_arguments
from tests.faults.trial import Found, Trial, run

MOST_CALLS = 2000
_ROW = "{:22}{:22}{:>8}{:>9}{:>9}  {}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    names = [operation.name for operation in OPERATIONS]
    parser.add_argument("--operation", action="append", choices=names)
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--every", type=int, default=1, help="try only each of so many calls")
    arguments = parser.parse_args()
    operations = [o for o in OPERATIONS if o.name in (arguments.operation or names)]
    faults = [f for f in FAULTS if not arguments.fault or f.name in arguments.fault]
    print(_ROW.format("operation", "fault", "calls", "ended 0", "ended 1", "lost"))
    started, problems, calls = time.monotonic(), [], 0
    with tempfile.TemporaryDirectory() as base:
        template = make_template(Path(base))
        for operation in operations:
            trial = Trial(operation, template, Path(base) / "tried")
            for fault in faults:
                if operation.console and fault.vanishes:
                    continue
                found = list(tries(trial, fault, arguments.every))
                codes = [one.ended.code for _, one in found]
                lost = [
                    f"call {n} ({one.ended.call}): {one.problem}" for n, one in found if one.problem
                ]
                problems += [(operation.name, fault.name, line) for line in lost]
                calls += len(found)
                row = operation.name, fault.name, len(found), codes.count(0), codes.count(1)
                told = f"{len(lost)}: {lost[0]}" if lost else "nothing"
                print(_ROW.format(*row, told), flush=True)
    print(
        f"{calls:,} calls disturbed, {len(problems)} problems, {time.monotonic() - started:.0f} s"
    )
    for words in problems:
        print(": ".join(words))
    return 1 if problems else 0


def make_template(base: Path) -> Path:
    """A folder with all that the operations need, and a trained run."""
    template = base / "template"
    template.mkdir()
    prepare(template)
    load_modules()
    training = Operation("training", train_arguments("trained"), lambda folder: None)
    ended = run(template, training)
    if ended.code:
        raise RuntimeError(f"the run failed: {ended.err}")
    return template


def load_modules() -> None:
    """Import all of convnet but its CUDA backend, so that the children need not."""
    for module in pkgutil.walk_packages(convnet.__path__, "convnet."):
        if not module.name.startswith(("convnet.backends.cuda", "convnet.__main__")):
            importlib.import_module(module.name)


def tries(trial: Trial, fault: Fault, every: int = 1) -> Iterator[tuple[int, Found]]:
    """Yield (number of the call, what was found) until no call is left to disturb."""
    for at in range(1, MOST_CALLS, every):
        found = trial.attempt(fault, at)
        if not found.ended.call:
            return
        yield at, found


if __name__ == "__main__":
    sys.exit(main())
