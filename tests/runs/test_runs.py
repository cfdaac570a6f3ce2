"""`convnet runs`: the state of runs, how far they got, and how they differ."""

import json
from pathlib import Path

import pytest

from convnet.journal import Journal
from convnet.runs import RunSummary, differences, run_folders, summary_of
from convnet.runs.table import duration
from tests.support.command_line import good, run
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Three runs of digits: two done, one of them with other rates; one that was stopped."""
    place = tmp_path_factory.mktemp("runs")
    text = (ROOT / "params/digits.params").read_text()
    (place / "slow.params").write_text(text.replace("base=0.002", "base=0.0002"))
    common = ["train", "--layers", "digits", "--epochs", 1]
    good(*common, "--save", place / "one")
    good(*common, "--save", place / "slow", "--params", place / "slow.params", "--seed", 3)
    good(*common, "--save", place / "short", "--max-batches", 2)
    return place


def test_done_and_stopped_runs(place):
    assert [folder.name for folder in run_folders(place)] == ["one", "short", "slow"]
    one, short, slow = map(summary_of, run_folders(place))
    assert (one.state, one.reason, one.net, one.data) == ("done", "", "digits", "digits")
    assert (one.epochs, one.of, one.measure) == (1, 1, "top-1 error")
    tests = [json.loads(line) for line in (place / "one/journal.jsonl").read_text().splitlines()]
    best = min(r["costs"]["logprob"]["top-1 error"] for r in tests if r["event"] == "test")
    assert one.error == pytest.approx(best, rel=1e-5)
    assert 0 < one.seconds < 600
    assert (short.state, short.reason, short.error) == ("stopped", "max-batches", None)
    assert 0 < short.epochs < 1
    assert slow.settings["--seed"] == "3"


def test_runs_differ_in_their_options_and_keys(place):
    one, _, slow = map(summary_of, run_folders(place))
    found = differences([one, slow])
    assert found.pop("--seed") == ["0", "3"]
    (title,) = found
    assert title == "epsW of 4 layers"
    assert [value.partition(";")[0] for value in found[title]] == [
        "dexp[base=0.002",
        "dexp[base=0.0002",
    ]


def test_the_table_has_a_row_for_each_run(place):
    lines = good("runs", place).stdout.splitlines()
    assert len(lines) >= 2 + 3
    head = " ".join(lines[:3])
    assert all(word in head for word in ("run", "state", "net", "epochs", "best error", "--seed"))
    assert "[base=0.0002" in "".join(lines).replace(" ", ""), "brackets are no markup"
    by_name = {line.split()[0]: line for line in lines if not line.startswith(" ")}
    assert "1 of 1" in by_name["one"] and "%" in by_name["one"]
    assert "stopped" in by_name["short"]
    names = [line.split()[0] for line in good("runs", place, "--sort", "error").stdout.splitlines()]
    assert names.index("short") > max(names.index("one"), names.index("slow"))


def test_json_holds_all_facts(place):
    found = json.loads(good("runs", place / "one", place / "slow", "--json").stdout)
    assert [item["state"] for item in found["runs"]] == ["done", "done"]
    assert found["runs"][0]["settings"]["conv1.wc"] == "0.0005"
    assert set(found["differences"]) == {"--seed", "epsW of 4 layers"}


def write(journal, *events):
    for event, facts in events:
        journal.write(event, 0, **facts)


def test_a_run_that_is_training_and_one_that_was_killed(tmp_path):
    (tmp_path / "a").mkdir()
    with Journal(tmp_path / "a" / "journal.jsonl") as journal:
        write(journal, ("start", {"layers": "x/net.cfg", "data": "digits"}), ("train", {}))
        assert summary_of(tmp_path / "a").state == "running"
    found = summary_of(tmp_path / "a")
    assert (found.state, found.reason) == ("killed", "before its first save")
    assert (found.net, found.data) == ("net", "digits")


def test_time_is_that_of_all_attempts(tmp_path):
    times = ["00:00:00", "00:01:00", "10:00:00", "10:00:30"]
    events = ["start", "train", "resume", "stop"]
    lines = [
        json.dumps({"event": event, "step": 0, "time": f"2026-01-01T{time}+00:00"})
        for event, time in zip(events, times, strict=True)
    ]
    (tmp_path / "journal.jsonl").write_text("\n".join(lines) + '\n{"event": "train", "ste')
    found = summary_of(tmp_path)
    assert found.seconds == 90
    assert found.started.startswith("2026-01-01T00:00:00")


def test_damaged_runs_are_rows_that_say_so(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "1.0.safetensors").write_bytes(b"junk")
    (tmp_path / "worse").mkdir()
    (tmp_path / "worse" / "journal.jsonl").write_bytes(b"\xff\x00[[[\n{}\n[]\n")
    result = good("runs", tmp_path)
    assert result.stdout.count("unreadable") == 2
    assert "is damaged, or not a checkpoint" in result.stderr


def test_folders_without_runs(tmp_path):
    assert "no run is there" in good("runs", tmp_path).stderr
    result = run("runs", tmp_path / "nosuch")
    assert result.exit_code == 1 and "cannot be listed" in result.output


def test_settings_that_differ_alike_are_one_entry():
    def made(**settings):
        return RunSummary(Path("x"), "done", settings=settings)

    runs = [made(a="1", b="1", c="1"), made(a="2", b="2", c="1"), made(a="2", b="2")]
    assert differences(runs) == {"a and 1 more": ["1", "2", "2"], "c": ["1", "1", "-"]}
    assert differences(runs[:1]) == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59, "59 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
