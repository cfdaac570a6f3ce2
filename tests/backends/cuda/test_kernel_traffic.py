"""The table of what kernels move stands in the documentation as it is computed."""

from benchmarks.kernel_traffic import TRAFFIC, table, untouched
from tests.support.paths import ROOT

PERFORMANCE = ROOT / "docs" / "performance.md"


def test_documented():
    assert table() in PERFORMANCE.read_text(encoding="utf-8")


def test_nothing_moves_less_than_it_must():
    assert all(row.moved >= row.least for row in TRAFFIC)


def test_arguments_that_kernels_leave_alone():
    window = {"size": 5, "blocked": False}
    assert untouched("cmrnorm.backward", window) == {"y", "denominators"}
    assert untouched("cmrnorm.backward", window | {"blocked": True}) == set()
    assert untouched("neuron.backward", {"kind": "relu"}) == {"x"}
    assert untouched("update.sgd", {}) == set()
