"""The page of `convnet report`: what it holds, that nothing from a file becomes markup, and that a
browser shows it."""

import json
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from html.parser import HTMLParser

import pytest

from convnet.errors import ConvnetError
from convnet.html import report_page
from convnet.html.series import MOST_POINTS, curves_of, thinned
from convnet.html.server import PageServer
from convnet.journal import Journal
from convnet.report.curves import smoothed
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
        self.tags, self.addresses, self.open, self.texts = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [v for k, v in attributes if k in ("src", "href", "xlink:href")]
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


def test_marks_and_values_that_are_not_finite():
    records = [
        {"event": "train", "step": 1, "epoch": 0.5, "costs": {"c": {"cost": 2.0}}},
        {"event": "train", "step": 2, "epoch": 1.0, "costs": {"c": {"cost": None}}},
        {"event": "resume", "step": 2},
        {"event": "drop", "step": 2, "epoch": 1.5, "divided_by": 10},
        {"event": "train", "step": 3, "epoch": float("nan"), "costs": {"c": {"cost": 1.0}}},
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
    expected = smoothed([(i / 10, float(i % 2)) for i in range(400)])
    assert list(zip(train.x, train.smooth, strict=True)) == expected
    assert max(train.smooth) < 0.7 and train.y != train.smooth
    assert test.smooth == test.y


def test_a_long_run_makes_a_small_page(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers="net.cfg", data="digits")
        for step in range(20_000):
            costs = {"logprob": {"cost": 1 / (1 + step), "top-1 error": 0.123456}}
            rates = {f"layer{i}.weights.0": 0.001 for i in range(16)}
            journal.write("train", step, epoch=step / 100, costs=costs, rates=rates)
    assert len(report_page([tmp_path])) < 1_000_000


# -- the commands ----------------------------------------------------------------------------------


def test_report_writes_the_page(place, tmp_path):
    out = tmp_path / "new" / "page.html"
    result = good("report", "--load", place / "one", "--load", place / "two", "--out", out)
    assert "open it in a browser" in result.stdout
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


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


def test_the_server_renews_the_page(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers="net.cfg", data="digits")
        with PageServer([tmp_path], 0, 5) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                first = fetched(server.address)
                journal.write("train", 1, epoch=1.0, costs={"logprob": {"cost": 2.0}})
                second = fetched(server.address)
                with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                    fetched(server.address + "other")
                refused.value.close()
            finally:
                server.shutdown()
                thread.join()
            with pytest.raises(ConvnetError, match="cannot be used"):
                PageServer([tmp_path], server.server_address[1], 5)
    assert '<meta http-equiv="refresh" content="5">' in first
    assert curves_in(first)[0]["series"] == []
    assert curves_in(second)[0]["series"][0]["y"] == [2.0]


def fetched(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


# -- in a browser ----------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Reports to the page's title what it sees: errors, and the pixels of each chart that are drawn on.
PROBE = """
<script>
window.problems = [];
window.addEventListener("error", e => window.problems.push(e.message));
window.addEventListener("load", () => setTimeout(() => {
  const drawn = [...document.querySelectorAll("#charts canvas")].map(c => {
    const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let count = 0;
    for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
    return count;
  });
  const wide = document.documentElement.scrollWidth > window.innerWidth;
  const shown = document.createElement("pre");
  shown.id = "probe";
  shown.textContent = JSON.stringify({ problems: window.problems, drawn, wide });
  document.body.append(shown);
}, 200));
</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [420, 1300])
def test_a_browser_draws_the_curves_without_errors(place, tmp_path, width):
    page = report_page([place / "one", place / "two"])
    (tmp_path / "page.html").write_text(page.replace("<style>", PROBE + "<style>", 1))
    found = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},1500", "--virtual-time-budget=5000", "--dump-dom",
            f"file://{tmp_path / 'page.html'}",
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    seen = json.loads(re.search(r'<pre id="probe">(.*?)</pre>', found.stdout)[1])
    assert seen["problems"] == []
    assert len(seen["drawn"]) == 3 and min(seen["drawn"]) > 500
    assert not seen["wide"], "the page scrolls sideways"


def test_the_license_of_the_plots_is_beside_them():
    assets = ROOT / "convnet/html/assets"
    assert "MIT" in (assets / "uPlot.LICENSE.txt").read_text()
    assert (
        (assets / "uPlot.iife.min.js")
        .read_text()
        .startswith("/*! https://github.com/leeoniya/uPlot")
    )
