"""The benchmark beside ONNX Runtime, at a tiny size."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="PyTorch is not installed; it comes with .[bench]")

from benchmarks import onnxruntime, onnxruntime_worker, timing  # noqa: E402
from benchmarks.cpu import worker  # noqa: E402


class _Here:
    """A worker in this process."""

    def __init__(self, _module, *arguments, env):
        assert env["NUMBA_NUM_THREADS"] == arguments[-1]
        self.server = onnxruntime_worker.Server(*arguments)

    def ask(self, what, **options):
        return getattr(self.server, what)(**options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(timing, "PAUSE", 0.0)
    monkeypatch.setattr(worker, "LEAST", 0.0)
    monkeypatch.setattr(onnxruntime, "Worker", _Here)
    monkeypatch.setattr(onnxruntime_worker, "NAME", "for_the_benchmark")
    monkeypatch.setattr(sys, "path", [*sys.path])  # the worker adds its folder
    monkeypatch.delitem(sys.modules, onnxruntime_worker.NAME, raising=False)


def test_the_command(tmp_path):
    path = tmp_path / "found.json"
    options = "--net digits --images 1 --images 3 --rounds 2 --threads 1"
    run = CliRunner().invoke(onnxruntime.main, [*options.split(), "--json", str(path)])
    assert run.exit_code == 0, run.output
    found = json.loads(path.read_text())
    assert [row["what"] for row in found["digits"]] == ["1 image", "3 images"]
    for row in found["digits"]:
        assert row["from"] <= row["ONNX Runtime / convnet"] <= row["to"]
        assert min(row[f"{name}, ms"] for name in onnxruntime.RIVALS.values()) > 0
    assert found["machine"]["threads"] == 1 and "processor" in found["machine"]


@pytest.mark.parametrize("kind", ["onnxruntime", "torch"])
def test_sides_that_do_not_agree_are_no_comparison(kind, monkeypatch):
    real = onnxruntime_worker.Server.probabilities
    made = onnxruntime_worker.Server.__init__

    def named(self, kind, *more):
        self.kind = kind
        made(self, kind, *more)

    def wrong(self, cases):
        return (np.array(real(self, cases)) * (1.001 if self.kind == kind else 1)).tolist()

    monkeypatch.setattr(onnxruntime_worker.Server, "__init__", named)
    monkeypatch.setattr(onnxruntime_worker.Server, "probabilities", wrong)
    with pytest.raises(RuntimeError, match=rf"{onnxruntime.RIVALS[kind]}'s probabilities differ"):
        onnxruntime.measured("digits", (1,), 1, 1)
