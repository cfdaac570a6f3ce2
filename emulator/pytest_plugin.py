"""`pytest -p emulator.pytest_plugin`: tests run on emulated GPUs, and fail by what kernels break.

The options are the variables EMULATOR_GPUS, EMULATOR_SEED ... (`emulator/options.py`).
"""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from emulator.driver import install
from emulator.driver.table import Table
from emulator.options import from_environment

OPTIONS = from_environment()
TABLE: Table = install(OPTIONS)
_totals = pytest.StashKey[dict[str, float]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A fault fails the test that caused it, whatever the test makes of the driver's status."""
    TABLE.driver.faults.clear()
    TABLE.driver.refusals.clear()
    yield
    if TABLE.driver.faults:
        pytest.fail("; ".join(TABLE.driver.faults[:3]), pytrace=False)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the driver has refused."""
    report = yield
    if report.failed:
        lines = [*TABLE.driver.faults[-5:], *TABLE.driver.refusals[-5:]]
        if lines:
            report.sections.append(("emulated GPUs", "\n".join(lines)))
    return report


def totals() -> dict[str, float]:
    """Return what this process has run."""
    machine = TABLE.driver.machine
    return {
        "launches": machine.launches,
        "instructions": machine.instructions,
        "seconds": machine.seconds,
    }


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of pytest-xdist tells the first one what it has run."""
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


def pytest_unconfigure(config: pytest.Config) -> None:
    """Free what Numba holds while Python can still call the driver."""
    from numba import cuda

    for gpu in cuda.gpus:
        gpu.get_primary_context().deallocations.clear()
