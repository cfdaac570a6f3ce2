"""--precision from the command line to the products, in the simulator."""

import numpy as np
import pytest

from convnet import checkpoint, engines
from convnet.backends import cuda_probe
from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from tests.backends.cuda.test_stream_schedule import LAYERS, PARAMS
from tests.simulator.test_engine import trained, two_devices
from tests.support.command_line import good

TOLERANCE = {"tf32": 2e-3, "bf16": 2e-2}


@pytest.mark.parametrize("precision", TOLERANCE)
def test_only_products_are_rounded(precision):
    expected, exact, found = (
        trained(two_devices(engine))
        for engine in (CpuEngine(np.float64), Engine((0, 0)), Engine((0, 0), precision))
    )
    for mine, theirs in zip(found, expected, strict=True):
        assert np.linalg.norm(mine - theirs) < TOLERANCE[precision] * np.linalg.norm(theirs)
    weights = [values for values in found if values.ndim == 4]
    for mine, theirs in zip(weights, (v for v in exact if v.ndim == 4), strict=True):
        assert not np.array_equal(mine, theirs)
        low_bits = mine.view(np.uint32) & 0x1FFF  # which tf32 has not
        assert np.count_nonzero(low_bits) > low_bits.size * 0.99


def test_a_run_goes_on_in_its_precision(tmp_path, monkeypatch):
    """The simulator's GPU has no driver and calls itself too old."""
    monkeypatch.setattr(cuda_probe, "missing", lambda: "")
    monkeypatch.setattr(engines, "_refuse_unfit", lambda gpus: None)
    for name, text in (("layers", LAYERS), ("params", PARAMS + "\n[cost]\ncoeff=1\n")):
        (tmp_path / name).write_text(text.replace("gpu=1", "gpu=0"))
    files = "--layers", tmp_path / "layers", "--params", tmp_path / "params"
    common = "--device", "cuda", "--max-batches", "1", "--test-every", "100"
    new = *files, "--data", "synthetic:5x3x8x8", "--minibatch", "3", "--save", tmp_path / "run"
    done = good("train", *new, *common, "--precision", "bf16")
    assert done.stderr.startswith("running with CUDA (device 0 on GPU 0; products in bf16)\n")
    done = good("train", *common, "--resume", tmp_path / "run")
    assert done.stderr.startswith("running with CUDA (device 0 on GPU 0; products in bf16)\n")
    done = good("train", *common, "--resume", tmp_path / "run", "--precision", "tf32")
    assert "products in tf32" in done.stderr and "precision bf16 -> tf32" in done.stderr
    assert checkpoint.load(checkpoint.newest(tmp_path / "run")).options["precision"] == "tf32"
