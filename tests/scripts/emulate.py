"""`make emulate`: the CUDA backend's compiled kernels on emulated GPUs, in two processes at a time.

python -m tests.scripts.emulate [--whole] [--jobs 2] [words of jobs]
"""

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.support.paths import ROOT

SUMMARY = re.compile(r"(\d+ (?:passed|failed|skipped|error)[^\n]*)")


@dataclass(frozen=True)
class Job:
    """A run of pytest.  environment: options of the emulator and of the tests."""

    name: str
    tests: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def late(seed, part, **more):
    """Rows with a second reader of the data, their work done as late as the seed draws."""
    options = {"LATE": "1", "SEED": str(seed), **more}
    environment = {f"EMULATOR_{name}": value for name, value in options.items()}
    name = f"late, seed {seed}" + "".join(f", {k.lower()} {v}" for k, v in more.items())
    return Job(
        name,
        ("tests/emulated/test_rows.py",),
        {**environment, "EMULATED_PART": part, "EMULATED_AGAIN": "before"},
    )


TWO = {"EMULATOR_GPUS": "2"}
DEVICES = "tests/gpu/test_gpu_devices.py"
PRODUCTS, ROWS = "tests/emulated/test_products.py", "tests/emulated/test_rows.py"


TIMES = f"{DEVICES}::test_times_of_steps_are_taken_on_every_device"


def of(*gpus):
    """The tests of two devices on these GPUs."""
    names = (
        "test_devices_train_as_on_the_cpu",
        "test_graphs_plain_launches_and_repeats_give_the_same_bits",
    )
    return tuple(f"{DEVICES}::{name}[{gpus}]" for name in names)


def jobs(whole):
    """The longest first.  whole: every row with every seed, all of tests/gpu."""
    found = [Job(f"rows {i}/2", (ROWS,), {"EMULATED_PART": f"{i}/2"}) for i in (1, 2)]
    found += [Job("two devices, two GPUs", (*of(0, 0), *of(0, 1), TIMES), TWO)]
    found += [Job("two GPUs without peers", of(0, 1), {**TWO, "EMULATOR_PEERS": "0"})]
    found += [Job(f"products {i}/2", (PRODUCTS,), {"EMULATED_PART": f"{i}/2"}) for i in (1, 2)]
    found += [Job("networks", ("tests/emulated/test_networks.py",), TWO)]
    found += [Job("ranks", ("tests/emulated/test_ranks.py",))]
    late_tests = ("tests/emulated/test_late.py",)
    found += [Job("late networks", late_tests), Job("late networks, two GPUs", late_tests, TWO)]
    found += [Job("late networks, no peers", late_tests, {**TWO, "EMULATOR_PEERS": "0"})]
    share = {} if whole else {"CONVNET_GPU_SHARD": "3/16"}
    found += [Job("tests/gpu", ("tests/gpu/test_gpu_rows.py",), share)]
    parts = ["1/1"] * 3 if whole else [f"{i}/6" for i in (1, 3, 5)]
    more = {}, {"CAPABILITY": "9.0"}, {"CAPABILITY": "12.0"}
    found += [late(seed, part, **m) for seed, (part, m) in enumerate(zip(parts, more, strict=True))]
    found += [Job("late two GPUs", (DEVICES, "-k", "as_on_the_cpu"),
                  {**TWO, "EMULATOR_LATE": "1", "EMULATOR_SEED": "7"})]  # fmt: skip
    return found


def run(job, whole):
    """Run a job; return whether it passed, its summary, its seconds and what it printed."""
    environment = {
        **os.environ, **job.environment, "CONVNET_GPU_TESTS": "1", "NUMBA_NUM_THREADS": "1",
        "EMULATED_WHOLE": str(int(whole)),
    }  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "emulator.pytest_plugin",
        "-n",
        "0",
        "--tb=short",
    ]
    started = time.monotonic()
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *job.tests],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    found = SUMMARY.findall(done.stdout)
    emulated = [line for line in done.stdout.splitlines() if line.startswith("emulated: ")]
    counted = ", ".join([*found[-1:], *emulated[-1:]])
    return done.returncode == 0, counted, time.monotonic() - started, done.stdout + done.stderr


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--whole", action="store_true", help="every row with every seed; an hour")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (2)")
    parser.add_argument("words", nargs="*", help="of the jobs' names; all without")
    asked = parser.parse_args(given)
    chosen = [
        job
        for job in jobs(asked.whole)
        if not asked.words or any(w in job.name for w in asked.words)
    ]
    started, failed = time.monotonic(), 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for job, future in [(job, pool.submit(run, job, asked.whole)) for job in chosen]:
            good, counted, seconds, output = future.result()
            failed += not good
            print(
                f"{job.name:28} {'ok' if good else 'FAILED':6} {seconds:6.0f} s  {counted}",
                flush=True,
            )
            if not good:
                print(output, flush=True)
    print(f"{len(chosen)} jobs, {failed} failed, {time.monotonic() - started:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
