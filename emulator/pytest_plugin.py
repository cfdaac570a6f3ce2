"""`pytest -p emulator.pytest_plugin`: tests run on emulated GPUs, and fail by what kernels break.

The options are the variables EMULATOR_GPUS, EMULATOR_SEED ... (`emulator/options.py`).
"""

import atexit
import os
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from emulator.driver import Refused, install
from emulator.driver.table import Table
from emulator.machine import Fault
from emulator.options import from_environment

OPTIONS = from_environment()
TABLE: Table = install(OPTIONS)
_totals = pytest.StashKey[dict[str, float]]()
_ended = [0]


@atexit.register  # the first to be registered is the last that is called
def _leave() -> None:
    """Objects that are freed after Python's end would call the driver."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_ended[-1])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A fault fails the test that caused it, whatever the test makes of the driver's status."""
    yield
    _fail_by_faults()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Likewise what is freed behind a test."""
    yield
    _fail_by_faults()


def _fail_by_faults() -> None:
    """Do what is still pending, and fail if anything was a fault."""
    driver = TABLE.driver
    try:
        driver.scheduler.wait(list(driver.scheduler.pending.values()))
    except (Fault, Refused) as problem:
        driver.faults.append(str(problem))
    found, driver.faults = driver.faults, []
    if found:
        pytest.fail("; ".join(found[:3]), pytrace=False)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the driver has refused since the report before."""
    report = yield
    if report.failed and TABLE.driver.refusals:
        report.sections.append(("emulated GPUs", "\n".join(TABLE.driver.refusals[-5:])))
    TABLE.driver.refusals.clear()
    return report


def totals() -> dict[str, float]:
    """Return what this process has run."""
    machine = TABLE.driver.machine
    return {
        "launches": machine.launches,
        "instructions": machine.instructions,
        "seconds": machine.seconds,
    }


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A process of pytest-xdist tells the first one what it has run."""
    _ended.append(int(exitstatus))
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["emulator"] = totals()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a process of pytest-xdist has run."""
    known = node.config.stash.setdefault(_totals, {})
    for name, value in getattr(node, "workeroutput", {}).get("emulator", {}).items():
        known[name] = known.get(name, 0) + value


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how much was run, and on what."""
    found = config.stash.get(_totals, None) or totals()
    rate = found["instructions"] / max(found["seconds"], 1e-9) / 1e6
    seed = "plain order" if OPTIONS.seed is None else f"seed {OPTIONS.seed}"
    terminalreporter.write_line(
        f"emulated: {OPTIONS.gpus} GPU of {OPTIONS.capability}, {seed}"
        f"{', late' if OPTIONS.late else ''}; {found['launches']:,.0f} launches, "
        f"{found['instructions'] / 1e6:,.0f} million thread instructions, {rate:.1f} million a "
        "second"
    )
    if TABLE.missing:
        terminalreporter.write_line(f"entry points that the emulator has not: {TABLE.missing}")
