"""Tests on a GPU: `make gpu PARTS=cases`, or pytest on this folder with CONVNET_GPU_TESTS=1.

Without the variable nothing here is collected.  `make gpu` divides the tests among processes
(CONVNET_GPU_SHARD=2/8), which write records to files (CONVNET_GPU_RECORDS).  So a process that dies
can be replaced by another, which continues after the test that it died in.
"""

import os
import time
from pathlib import Path

import pytest

from benchmarks.gpu.records import LOST, Writer
from benchmarks.gpu.worker import context_is_lost, simulate_if_asked
from convnet.backends.cuda_probe import missing

VARIABLE = "CONVNET_GPU_TESTS"
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"

if os.environ.get(VARIABLE) == "1":
    simulate_if_asked()
else:
    collect_ignore_glob = ["test_*.py"]


def pytest_terminal_summary(terminalreporter, config):
    """Print a hint where this folder was named without the variable."""
    named = any("gpu" in Path(str(argument)).parts for argument in config.args)
    if named and os.environ.get(VARIABLE) != "1":
        terminalreporter.write_line(f"{VARIABLE}=1 runs the tests of tests/gpu, on a GPU")


def pytest_collection_modifyitems(config, items):
    """All items are of this folder: it is not collected unless it is named."""
    if os.environ.get(VARIABLE) != "1":
        return
    lacking = "" if SIMULATED else missing()
    for item in items:
        if lacking:
            item.add_marker(pytest.mark.skip(reason=f"no GPU: {lacking}"))
    number, _, count = os.environ.get("CONVNET_GPU_SHARD", "1/1").partition("/")
    mine = [item for place, item in enumerate(items) if place % int(count) == int(number) - 1]
    begun = config.stash[RECORDS].begun if RECORDS in config.stash else ()
    items[:] = [item for item in mine if item.name not in begun]


# -- records ------------------------------------------------------------------

RECORDS = pytest.StashKey[Writer]()


def pytest_configure(config):
    """Warnings of another machine's libraries are no failures."""
    config.addinivalue_line("filterwarnings", "default")
    path = os.environ.get("CONVNET_GPU_RECORDS")
    if path and os.environ.get(VARIABLE) == "1":
        config.stash[RECORDS] = Writer(Path(path))


@pytest.fixture
def figures(request):
    """The measurements of a test for its record: largest relative errors."""
    return request.node.stash.setdefault(FIGURES, {})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    writer = item.config.stash.get(RECORDS, None)
    if writer is None:
        return (yield)
    writer.start(item.name)
    item.stash[STARTED] = time.perf_counter()
    result = yield
    report = item.stash.get(REPORT, None)
    status = {"passed": "ok"}.get(report.outcome, report.outcome) if report else "failed"
    more = {"figures": {k: float(v) for k, v in item.stash.get(FIGURES, {}).items()}}
    if status == "failed" and report:
        more["error"] = report.longreprtext[-1500:]
    writer.end(item.name, status, time.perf_counter() - item.stash[STARTED], **more)
    if status == "failed" and not SIMULATED and context_is_lost():
        pytest.exit("the GPU can no longer be used by this process", returncode=LOST)
    return result


FIGURES = pytest.StashKey[dict]()
STARTED = pytest.StashKey[float]()
REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember the worst report of setting up, running and tearing down."""
    report = yield
    worst = item.stash.get(REPORT, None)
    if worst is None or worst.outcome == "passed":
        item.stash[REPORT] = report
    return report
