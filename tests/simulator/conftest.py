"""Tests of CUDA kernels in Numba's simulator; they need a process of their own.

Run them with `make simulator`: the variable has to be set before Numba is imported.
"""

import os

import pytest

if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    from tests.support.simulator import lockstep

    lockstep.install()
else:
    collect_ignore_glob = ["test_*.py"]


def pytest_terminal_summary(terminalreporter):
    """How many arrays were compared, and the largest error of each operation's rows."""
    from tests.support.simulator import comparisons

    for line in comparisons.lines():
        terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A process of `pytest -n` has ended."""
    from tests.support.simulator import comparisons

    comparisons.add(getattr(node, "workeroutput", {}).get("comparisons", []))


def pytest_sessionfinish(session):
    from tests.support.simulator import comparisons

    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["comparisons"] = comparisons.record()
