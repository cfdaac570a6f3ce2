"""The growth benchmark: its networks, its measurements in this process, its tables and picture."""

import json
from itertools import groupby
from typing import ClassVar

import pytest
from click.testing import CliRunner

from benchmarks.graphs import shapes_of, shipped_graph
from convnet.errors import ConvnetError
from convnet.report.page_tables import with_tables

torch = pytest.importorskip("torch", reason="PyTorch is not installed; it comes with .[bench]")

from benchmarks import timing  # noqa: E402
from benchmarks.cpu import bench, worker  # noqa: E402
from benchmarks.growth import __main__ as growth  # noqa: E402
from benchmarks.growth import page  # noqa: E402
from benchmarks.pytorch.nets import TorchNet  # noqa: E402
from tests.benchmarks.test_benchmarks import Here  # noqa: E402


def names(graph):
    return [node.name for node in graph.nodes]


def test_changes_of_a_shipped_network():
    plain = shipped_graph("cifar10-norm")
    assert shapes_of(shipped_graph("cifar10-norm:side=40"))[0] == (3, 40, 40)
    narrow = shipped_graph("cifar10-norm:filters=16")
    assert [n.shape[0] for n in narrow.nodes if n.layer.type_name == "conv"] == [16, 16, 16]
    deep = shipped_graph("cifar10-norm:convs=5")
    added = ["more3", "more3_neuron", "more4", "more4_neuron"]
    where = names(plain).index("fc4")
    assert names(deep) == [*names(plain)[:where], *added, *names(plain)[where:]]
    assert deep.node("fc4").inputs[0].name == "more4_neuron"
    assert names(shipped_graph("cifar10-norm:convs=3")) == names(plain)
    spread = shipped_graph("cifar10-norm:devices=2")
    assert {n.devices for n in spread.nodes} == {(), (0, 1)}
    both = shipped_graph("cifar10-norm:side=32:filters=16")
    assert both.node("conv1").shape[:2] == (16, 32)


@pytest.mark.parametrize("axis", growth.AXES)
def test_every_point_is_a_network_on_both_sides(axis):
    """The first and the last, without their arrays."""
    for x in (min(growth.AXES[axis]), max(growth.AXES[axis])):
        point = growth.AXES[axis][x]
        assert "ours" in growth.rivals(axis, point) and point.cases >= 1
        graph = shipped_graph(point.net)
        if axis not in ("devices", "filters"):
            TorchNet(graph)


class Noting(Here):
    """A worker in this process that notes what it is asked."""

    asked: ClassVar[list[str]] = []

    def ask(self, what, **options):
        self.asked.append(what)
        return super().ask(what, **options)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Results of two points of three axes, at tiny sizes."""
    monkeypatch.setattr(timing, "PAUSE", 0.0)
    monkeypatch.setattr(bench, "Worker", Noting)
    monkeypatch.setattr(Noting, "asked", [])
    monkeypatch.setattr(worker, "LEAST", 0.0)
    small = "cifar10-norm:filters=16:side=12"
    axes = {
        "minibatch": {n: growth.Point(small, n, 1) for n in (2, 1)},
        "devices": {n: growth.Point(f"{small}:devices={n}", 2, 1) for n in (1, 2)},
    }
    monkeypatch.setattr(growth, "AXES", axes)
    path = tmp_path / "growth.json"
    options = ["--axis", "minibatch", "--axis", "devices", "--rounds", "1", "--json", str(path)]
    run = CliRunner().invoke(growth.main, options)
    assert run.exit_code == 0, run.output
    return path


def test_the_command(measured):
    found = json.loads(measured.read_text())
    assert [row["what"] for row in found["minibatch"]] == ["2", "1"]
    for row in found["minibatch"] + found["devices"]:
        for program in ("training", "test"):
            assert row[f"{program} from"] <= row[f"{program} ratio"] <= row[f"{program} to"]
            assert row[f"{program}, ms"] > 0 and row[f"{program} of theirs, MB"] > 10
    assert found["machine"]["torch"] == torch.__version__
    without_repeats = [what for what, _ in groupby(Noting.asked)]
    assert without_repeats == 4 * ["test", "memory", "step", "memory"]  # tests need less memory


def test_the_page_is_written_between_its_markers(measured, tmp_path, monkeypatch):
    text = "before\n<!-- table: growth-minibatch -->\nold\n<!-- end -->\nafter\n"
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(page, "PICTURE", tmp_path / "growth.svg")
    page.PAGE.write_text(text)
    page.write_page(measured)
    written = page.PAGE.read_text()
    lines = written.splitlines()
    assert "old" not in written and (lines[0], lines[-1]) == ("before", "after")
    assert lines[3].startswith("| cases | training, ms | PyTorch | ratio |")
    assert [line.split(" |")[0] for line in lines[5:7]] == ["| 1", "| 2"]  # in the order of size
    assert {line.count("|") for line in lines[3:7]} == {12}
    assert page.PICTURE.read_text().count("<circle") >= 2 * 4 * 2
    page.write_page(measured)
    assert page.PAGE.read_text() == written


def test_a_marker_of_no_table_is_an_error():
    with pytest.raises(ConvnetError, match=r"page\.md: there is no table 'b'; known: a"):
        with_tables("<!-- table: b --> <!-- end -->", {"a": str}, "page.md")


def test_the_documentation_shows_the_stored_results():
    """Run `python -m benchmarks.growth --draw` if this fails."""
    found = json.loads(growth.RESULTS.read_text("utf-8"))
    text = page.PAGE.read_text("utf-8")
    for axis in page.LOOKS:
        assert f"<!-- table: growth-{axis} -->\n\n{page.markdown(axis, found[axis])}" in text
    assert page.PICTURE.read_text("utf-8") == page.svg(page.picture(found))
    assert page.PICTURE.stat().st_size < 60_000
