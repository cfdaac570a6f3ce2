"""The tables of docs/nets.md hold the numbers of the shipped networks."""

import re

import pytest

from convnet import nets
from convnet.graph.build import build
from convnet.language.specs import Specs
from tests.support.paths import ROOT

ROW = re.compile(
    r"^\| (`.*?`) \| (\d+)x(\d+)x(\d+) \| ([\d,]+) \| ([\d.]+) ([kMG]) \|", re.MULTILINE
)
UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}
ROWS = {
    name: row[1:]
    for row in ROW.findall((ROOT / "docs/nets.md").read_text(encoding="utf-8"))
    for name in re.findall(r"`(.*?)`", row[0])
}


def test_every_net_has_a_row():
    assert list(ROWS) == [net.name for net in nets.shipped()]


@pytest.mark.parametrize("net", nets.shipped(), ids=lambda net: net.name)
def test_numbers(net):
    specs = Specs.read(net.layers, net.params)
    graph = build(specs.layers, specs.params, specs.problems)
    arrays = [a for n in graph.declared() for a in (*n.layer.weights(), n.layer.biases()) if a]
    channels, height, width, parameters, macs, unit = ROWS[net.name]
    assert tuple(graph.node("data").shape) == (int(channels), int(height), int(width))
    assert f"{sum(array.size for array in arrays):,}" == parameters
    found = sum(node.layer.multiply_adds() for node in graph.nodes) / UNITS[unit]
    assert f"{found:.{1 if found < 10 else 0}f}" == macs or f"{found:.0f}" == macs
