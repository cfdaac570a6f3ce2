"""benchmarks.published_nets: an original's file trains beside the module that is exported of it."""

import shutil
from dataclasses import asdict

import pytest

pytest.importorskip("torch")

from benchmarks import published_nets  # noqa: E402
from examples.cifar10.nets import BY_NAME  # noqa: E402
from examples.torch_table import speeds_table  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402

NETS = {"80sec": "cifar10-quick", "conv-local-13pct": "cifar10-local"}


@pytest.mark.parametrize("name", NETS)
def test_both_sides_train(name, tmp_path, monkeypatch):
    """Our own files of the same net stand for the original's."""
    monkeypatch.setattr(published_nets, "LEAST", 0.0)
    monkeypatch.setattr(published_nets, "CASES", 8)
    net = BY_NAME[name]
    for path, ours in ((net.layers(tmp_path), "layers"), (net.params(tmp_path), "params")):
        path.parent.mkdir(parents=True, exist_ok=True)
        (file,) = (ROOT / ours).glob(f"{NETS[name]}.*")
        shutil.copy(file, path)
    found = published_nets.measured(net, tmp_path, 2)
    assert found.ours > 0 and found.torch > 0 and len(found.ratios) == 2
    row = speeds_table([asdict(found)]).splitlines()[-1]
    assert row.startswith(f"| {name} | {found.ours:,} | {found.torch:,} |")
