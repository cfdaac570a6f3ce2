"""The page of `convnet report`: what it holds, that nothing from a file becomes markup, and that a
browser shows it."""

import json
import re
import shutil
import time
from html.parser import HTMLParser

import msgspec
import pytest

from convnet.drawing.style import LINES, ink
from convnet.html import report_page
from convnet.html.series import CurveBuilder
from convnet.journal import Journal
from convnet.report.smoothing import MOST_POINTS, smoothed, thinned
from convnet.runs.follow import Entry
from tests.support.command_line import good, run
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    common = ["train", "--layers", "digits", "--epochs", 1]
    good(*common, "--save", place / "one")
    good(*common, "--save", place / "two", "--seed", 1)
    return place


class Elements(HTMLParser):
    """Collects the tags and the addresses of a page, and that its tags are closed in order."""

    VOID = ("meta", "img", "link", "input", "br")

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses, self.open, self.texts, self.ids = [], [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [v for k, v in attributes if k in ("src", "href", "xlink:href")]
        self.ids += [v for k, v in attributes if k == "id" and tag == "section"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def curves_in(page):
    found = re.search(r'<script type="application/json" id="curves-data">(.*?)</script>', page)
    return json.loads(found[1])


def test_the_page_holds_all_of_a_run_and_loads_nothing(place):
    page = report_page([place / "one"])
    elements = Elements(page)
    assert all(address.startswith("data:") for address in elements.addresses)
    assert {"svg", "img", "table", "pre"} <= set(elements.tags)
    for text in ("one", "done", "digits", "1 of 1", "Filters of the first layer"):
        assert text in elements.texts
    command = "convnet train --layers digits.cfg --params digits.params --data digits --seed 0"
    assert any(text.startswith(command) for text in elements.texts)
    assert any("[conv1]" in text for text in elements.texts)
    assert "default-src 'none'" in page and "refresh" not in page


def test_the_curves_are_those_of_the_journal(place):
    (run_,) = curves_in(report_page([place / "one"]))
    records = [json.loads(line) for line in (place / "one/journal.jsonl").read_text().splitlines()]
    for event in ("train", "test"):
        chart = next(
            s for s in run_["series"] if (s["chart"], s["event"]) == ("logprob: cost", event)
        )
        mine = [record for record in records if record["event"] == event]
        assert chart["x"] == [record["epoch"] for record in mine]
        assert chart["y"] == [record["costs"]["logprob"]["cost"] for record in mine]
    assert {s["chart"] for s in run_["series"]} == {
        *("logprob: cost", "logprob: top-1 error", "learning rates")
    }


def test_several_runs_have_a_table_of_differences(place):
    page = report_page([place / "one", place / "two"])
    assert [item["name"] for item in curves_in(page)] == ["one", "two"]
    assert "Differences" in Elements(page).texts and "--seed" in Elements(page).texts
    assert "Differences" not in Elements(report_page([place / "one"])).texts


HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[2J'


def test_nothing_from_a_file_becomes_markup(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers=HOSTILE, data=HOSTILE)
        costs = {HOSTILE: {HOSTILE: 1.0, "cost": None}}
        journal.write("train", 1, epoch=0.5, costs=costs, rates={HOSTILE: 0.1, "x": "no number"})
        journal.write("hint", 1, lines=[HOSTILE])
        journal.write("stop", 1, reason=HOSTILE)
    page = report_page([tmp_path])
    tags = Elements(page).tags
    assert tags.count("script") == 3 and "img" not in tags
    assert "\x1b" not in page
    (found,) = curves_in(page)
    assert found["marks"][0]["words"] == HOSTILE


def test_runs_of_equal_names_have_their_paths(place, tmp_path):
    """Each has a section of its own, also where `convnet watch` puts newer parts in their place."""
    folders = [tmp_path / number / 'a "run"' for number in ("1", "2")]
    for folder, name in zip(folders, ("one", "two"), strict=True):
        shutil.copytree(place / name, folder)
    good("report", "--load", folders[0], "--load", folders[1], "--load", folders[0] / ".",
         "--out", tmp_path / "page.html")  # fmt: skip
    page = (tmp_path / "page.html").read_text()
    assert [item["name"] for item in curves_in(page)] == list(map(str, folders))
    assert [f"run-{folder}" for folder in folders] == Elements(page).ids[-2:]


def curves_of(name, records):
    builder = CurveBuilder()
    for record in records:
        builder.add(msgspec.convert(record, Entry))
    return builder.curves(name)


def test_marks_and_values_that_are_not_finite():
    records = [
        {"event": "train", "step": 1, "epoch": 0.5, "costs": {"c": {"cost": 2.0}}},
        {"event": "train", "step": 2, "epoch": 1.0, "costs": {"c": {"cost": None}}},
        {"event": "resume", "step": 2},
        {"event": "drop", "step": 2, "epoch": 1.5, "divided_by": 10},
        {"event": "train", "step": 3, "epoch": None, "costs": {"c": {"cost": 1.0}}},
    ]
    found = curves_of("name", records)
    assert [(mark.x, mark.kind) for mark in found.marks] == [(1.0, "resume"), (1.5, "drop")]
    (series,) = found.series
    assert (series.x, series.y) == ([0.5, 3.0], [2.0, 1.0])
    json.dumps(found.to_json(), allow_nan=False)


def test_many_points_are_thinned():
    values = [float(i % 7) for i in range(100_000)]
    few = thinned(values)
    assert len(few) == MOST_POINTS
    assert sum(few) / len(few) == pytest.approx(sum(values) / len(values), rel=1e-3)


def test_curves_are_smoothed_as_those_of_show_cost_and_tests_are_not():
    records = [
        {"event": event, "step": i, "epoch": i / 10, "costs": {"c": {"cost": float(i % 2)}}}
        for i in range(400)
        for event in ("train", "test")
    ]
    train, test = curves_of("name", records).series
    assert train.smooth == smoothed([float(i % 2) for i in range(400)]).tolist()
    assert max(train.smooth) < 0.7 and train.y != train.smooth
    assert test.smooth == test.y


def test_a_long_run_makes_a_small_page(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers="net.cfg", data="digits")
        for step in range(20_000):
            costs = {"logprob": {"cost": 1 / (1 + step), "top-1 error": 0.123456}}
            rates = {f"layer{i}.weights.0": 0.001 for i in range(16)}
            journal.write("train", step, epoch=step / 100, costs=costs, rates=rates)
    started = time.process_time()
    assert len(report_page([tmp_path])) < 1_000_000
    assert time.process_time() - started < 3  # a fifth of a run of 100,000 minibatches


# -- the commands ----------------------------------------------------------------------------------


def test_report_writes_the_page(place, tmp_path):
    out = tmp_path / "new" / "page.html"
    result = good("report", "--load", place / "one", "--load", place / "two", "--out", out)
    assert "open it in a browser" in result.stdout
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_report_tests_the_best_checkpoint_if_asked_to(place, tmp_path):
    plain, tested = tmp_path / "plain.html", tmp_path / "tested.html"
    good("report", "--load", place / "one", "--out", plain)
    good("report", "--load", place / "one", "--load", place / "two", "--test", "--out", tested)
    assert "confusion matrix" not in plain.read_text()
    page = tested.read_text()
    assert page.count("<title>confusion matrix</title>") == 2
    found = json.loads(good("test", "--load", place / "one/best.safetensors", "--json").stdout)
    error = found["tests"][0]["top1_error"]
    assert f"best.safetensors on 296 test images, error {error:.2%}" in page
    assert page.count("<figure><img") == page.count("<figure>") > 2
    assert sorted(path.name for path in (place / "one").glob("test_preds*")) == []


def test_stored_predictions_are_shown_without_a_test(place, tmp_path):
    folder = tmp_path / "one"
    shutil.copytree(place / "one", folder)
    good("test", "--load", folder, "--test-out", folder)
    page = report_page([folder])
    assert "confusion matrix" in page and "with --test, their images" in page
    (folder / "test_preds.json").write_text("{}")
    said = []
    assert "confusion matrix" not in report_page([folder], warn=said.append)
    assert "test_preds.json" in said[0]


def test_times_are_those_of_a_trace(place, tmp_path):
    folder = tmp_path / "run"
    common = ["train", "--layers", "digits", "--epochs", 1, "--max-batches", 4]
    good(*common, "--save", folder, "--trace", folder / "trace.json")
    page = report_page([folder])
    assert "Time by layer" in page and ">conv2<" in page and "conv2_neuron" not in page
    out = tmp_path / "page.html"
    good("report", "--load", place / "one", "--trace", folder / "trace.json", "--out", out)
    assert str(folder / "trace.json") in out.read_text()
    (folder / "trace.json").write_text("{}")
    result = run("report", "--load", place / "one", "--trace", folder / "trace.json")
    assert result.exit_code == 1 and "traceEvents" in result.output


def test_damaged_lines_are_told(place, tmp_path):
    folder = tmp_path / "one"
    shutil.copytree(place / "one", folder)
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join([*lines[:3], b"no record\n", *lines[3:]]))
    said = []
    report_page([folder], warn=said.append)
    assert said == [f"{folder / 'journal.jsonl'}: 1 damaged line is passed over"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "--load", "nosuch"], "cannot be read"),
        (["report", "--load", "{place}/one", "--out", "{place}"], "is a folder"),
        (["watch", "--load", "nosuch"], "cannot be read"),
    ],
)
def test_what_cannot_be_shown_is_refused(place, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run(*(str(word).format(place=place) for word in arguments))
    assert result.exit_code == 1 and message in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_license_of_the_plots_is_beside_them():
    assets = ROOT / "convnet/html/assets"
    assert "MIT" in (assets / "uPlot.LICENSE.txt").read_text()
    assert (
        (assets / "uPlot.iife.min.js")
        .read_text()
        .startswith("/*! https://github.com/leeoniya/uPlot")
    )


def test_the_page_has_the_colors_of_plots():
    script = (ROOT / "convnet/html/assets/curves.js").read_text()
    style = (ROOT / "convnet/html/assets/page.css").read_text()
    for theme in ("light", "dark"):
        colors = [ink(role, theme) for role in LINES]
        assert ", ".join(f'"{color}"' for color in colors) in script
        assert all(f"--c{number}: {color};" in style for number, color in enumerate(colors))
