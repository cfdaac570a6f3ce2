"""The tables of docs/performance.md: they are those of the stored results."""

import json

from benchmarks.cpu import page
from benchmarks.cpu.__main__ import stored_part


def row(what, ratio, **more):
    return {"what": what, "ratio": ratio, "from": ratio - 0.1, "to": ratio + 0.1, **more}


def write(folder, name, **parts):
    (folder / f"{name}.json").write_text(json.dumps({"machine": {}, **parts}))


def test_the_page_has_the_tables_of_the_stored_results():
    """Run `python -m benchmarks.cpu.page` if this fails."""
    text = page.PAGE.read_text("utf-8")
    assert page.written(text, page.RESULTS) == text


def test_every_row_was_measured_with_vectors_of_64_bytes():
    results = page.read(page.RESULTS / "cpu-avx512.json")
    assert all(page.row_of(results, work.part, work.line) for work in page.WORK)


def test_goals_are_met_or_missed_by_the_processors_vectors(tmp_path):
    memory = {"MB": 900.0, "theirs, MB": 1000.0}
    write(tmp_path, "cpu", **{"alexnet-groups": [row("training step", 3.3, **memory)]})
    memory["MB"] = 901.0
    write(tmp_path, "cpu-avx512", **{"alexnet-groups": [row("training step", 3.3, **memory)]})
    lines = page.networks(tmp_path).splitlines()
    ratio = "3.30 (3.20 to 3.40)"
    name = "AlexNet training step, 128 cases"
    assert f"| {name} | {ratio} | 3.5, **missed** | {ratio} | 3.2 |  |  |" in lines
    assert "| AlexNet test step, 1 case |  |  |  |  |  |  |" in lines
    found = "0.90 (900 of 1000 MB) | 0.9 | 0.90 (901 of 1000 MB) | 0.9, **missed**"
    assert lines[-1].endswith(f"PyTorch | {found} |  |  |")


def test_a_layers_directions_are_in_one_row(tmp_path):
    ways = ("conv1 forward", "conv1 images", "conv1 weights", "conv1_neuron forward")
    rows = [row(way, 1.5 + k) for k, way in enumerate((*ways, "pool1 forward", "pool1 backward"))]
    write(tmp_path, "cpu", **{"alexnet-layers": rows})
    found = page.layers(tmp_path).splitlines()[2:]
    assert found == ["| conv1 | 1.50 | 2.50 | 3.50 |", "| pool1 | 5.50 | 6.50 |  |"]


def test_another_minibatch_is_stored_as_a_part_of_its_own():
    names = [stored_part("alexnet-groups", cases) for cases in (None, 1, 8)]
    assert names == ["alexnet-groups", "alexnet-groups, 1 case", "alexnet-groups, 8 cases"]
    assert set(names) <= {work.part for work in page.WORK}
