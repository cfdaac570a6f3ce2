"""The page in Chromium: everything is drawn, without errors, and fits into the window."""

import json
import re
import shutil
import subprocess
import threading

import pytest

from convnet.html import report_page
from convnet.html.server import PageServer
from convnet.journal import Journal
from tests.support.command_line import good

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

# Tells the frame around it what it sees: errors, pixels drawn on in each chart, colors, sizes.
PROBE = """
<script>
window.problems = [];
window.addEventListener("error", e => window.problems.push(e.message));
window.addEventListener("unhandledrejection", e => window.problems.push(String(e.reason)));
document.addEventListener("securitypolicyviolation", e => problems.push(e.violatedDirective));
window.addEventListener("load", () => setTimeout(() => {
  const drawn = [...document.querySelectorAll("#charts canvas")].map(c => {
    const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let count = 0;
    for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
    return count;
  });
  const height = selector =>
    [...document.querySelectorAll(selector)].map(e => e.getBoundingClientRect().height);
  const color = (selector, what) => getComputedStyle(document.querySelector(selector))[what];
  parent.postMessage(JSON.stringify({
    problems: window.problems, drawn, width: window.innerWidth,
    wide: document.documentElement.scrollWidth > window.innerWidth,
    titles: [...document.querySelectorAll("summary")].map(e => e.textContent),
    bars: height(".bars .track span").length, pictures: height("figure img"),
    matrix: height("svg.matrix image"),
    paper: color("body", "backgroundColor"), drawing: color(".convnet-drawing .paper", "fill"),
    ink: color("svg.matrix text", "fill"),
  }), "*");
}, 300));
</script>
"""
# Chromium's windows are at least 500 pixels wide; a frame may be narrower.
FRAME = """<!DOCTYPE html><body><pre id="probe"></pre><iframe width="{width}" height="1500"
src="page.html"></iframe><script>
addEventListener("message", e => document.getElementById("probe").textContent = e.data);</script>
"""


def browse(address, folder, *options):
    """The document at an address after a few seconds, and what was written to the console."""
    found = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={folder / 'profile'}",
            "--window-size=1500,1500", "--virtual-time-budget=8000", "--enable-logging=stderr",
            *options, "--dump-dom", address,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    console = [line for line in found.stderr.splitlines() if ":CONSOLE" in line]
    return found.stdout, console


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Two runs, one of them with a trace; both are tested."""
    place = tmp_path_factory.mktemp("runs")
    common = ["train", "--layers", "digits", "--epochs", 1]
    good(*common, "--save", place / "one", "--trace", place / "one/trace.json")
    good(*common, "--save", place / "two", "--seed", 1)
    out = place / "page.html"
    good("report", "--load", place / "one", "--load", place / "two", "--test", "--out", out)
    return out.read_text()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [400, 1400])
def test_everything_is_drawn_without_errors(page, tmp_path, width, scheme):
    (tmp_path / "page.html").write_text(page.replace("<style>", PROBE + "<style>", 1))
    (tmp_path / "frame.html").write_text(FRAME.format(width=width))
    preferred = f"--blink-settings=preferredColorScheme={int(scheme == 'light')}"
    content, console = browse(f"file://{tmp_path / 'frame.html'}", tmp_path, preferred)
    assert console == []
    seen = json.loads(re.search(r'<pre id="probe">(.*?)</pre>', content)[1])
    assert seen["problems"] == [] and seen["width"] == width
    assert len(seen["drawn"]) == 3 and min(seen["drawn"]) > 500
    assert not seen["wide"], "the page scrolls sideways"
    of_a_run = [
        *("Test", "Filters of the first layer", "Network"),
        *("Memory by device", "How to repeat the run"),
    ]
    assert [title for title in seen["titles"] if title != "Time by layer"] == of_a_run * 2
    assert seen["titles"].count("Time by layer") == 1
    assert seen["bars"] > 20 and min(seen["pictures"]) > 50 and min(seen["matrix"]) > 300
    background = {"dark": "rgb(21, 24, 28)", "light": "rgb(255, 255, 255)"}[scheme]
    assert seen["paper"] == seen["drawing"] == background
    assert seen["ink"] == {"dark": "rgb(238, 240, 243)", "light": "rgb(31, 35, 41)"}[scheme]


def test_an_open_page_is_renewed_in_place(tmp_path):
    """Each answer of the server tells of one more event; the page is loaded once."""
    loads = []
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers="net.cfg", data="digits")
        with PageServer([tmp_path], 0, 1) as server:
            make = server.page

            def page_and_event():
                loads.append(None)
                step = len(loads)
                journal.write("hint", step, lines=[f"event number {step}"])
                costs = {"logprob": {"cost": 2.0, "top-1 error": 0.5}}
                journal.write("train", step, epoch=step / 10, costs=costs)
                return make()

            server.page = page_and_event
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                content, console = browse(server.address, tmp_path)
            finally:
                server.shutdown()
                thread.join()
    assert console == [] and len(loads) >= 3
    assert "event number 1" in content and "event number 3" in content
    assert content.count('class="chart"') == 2, "charts are not doubled"
    assert re.search(r'<span id="renewed">up to date at [^<]+</span>', content)


def test_a_page_about_nothing_yet_is_drawn(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers="net.cfg", data="digits")
    (tmp_path / "page.html").write_text(report_page([tmp_path]))
    content, console = browse(f"file://{tmp_path / 'page.html'}", tmp_path)
    assert console == [] and "<canvas" not in content
