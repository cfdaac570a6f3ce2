"""Two ranks, each with an emulated GPU: the bits of one process with both devices."""

import sys

import pytest

from convnet.checkpoint import load, newest
from tests.support.mpi_command import finished, needs_mpi, replicated_digits, start
from tests.support.paths import ROOT
from tests.support.training import same

pytestmark = needs_mpi
EMULATED = [sys.executable, "-m", "emulator", "convnet"]


@pytest.mark.parametrize(("conv", "fc", "half"), [("0,1", "0,1", ""), ("0", "1", "half")])
def test_two_minibatches(tmp_path, conv, fc, half):
    """Gradients and weights of replicas; then activities, rounded to 16 bits on their way."""
    layers, params = replicated_digits(tmp_path, conv, fc), tmp_path / "digits.params"
    text = (ROOT / "params/digits.params").read_text()
    sent = f"[conv2]\nquantF={half}\nquantB={half}" if half else "[conv2]"
    params.write_text(text.replace("[conv2]", sent))
    few = "--minibatch", "16", "--max-batches", "2", "--device", "cuda", "--gpu", "0,0"
    for ranks in (1, 2):
        folder = tmp_path / str(ranks)
        files = "--layers", layers, "--params", params, "--save", folder
        process = start(ranks, "train", *files, *few, program=EMULATED)
        code, out, err = finished(process, 600)
        assert code == 0, out + err
    one, two = (load(newest(tmp_path / str(ranks))).arrays for ranks in (1, 2))
    assert same(one, two)
