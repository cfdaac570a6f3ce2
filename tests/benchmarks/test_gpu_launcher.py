"""`make gpu` where no GPU is needed: processes that die, records, the results' file, its tables."""

import json
import sys
import time
import zipfile

import pytest

from benchmarks.gpu import __main__ as launcher
from benchmarks.gpu import cases, packages, parts, records, report, shown
from benchmarks.gpu.supervise import Ran, supervise

WORKER = """
import os, sys, time
from pathlib import Path
from benchmarks.gpu.records import Writer, run_checks

def die():
    os._exit(7)

def wrong():
    return 1 / 0

checks = {checks}
found = run_checks(checks.items(), Writer(Path(sys.argv[1])), lambda: {lost})
print("the log")
sys.exit(found)
"""


def work(tmp_path, checks: str, lost="False", seconds=20.0, **options) -> Ran:
    """Supervise a process with checks, a dictionary in Python."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(checks=checks, lost=lost))
    lines = tmp_path / "part.jsonl"
    command = [sys.executable, str(script), str(lines)]
    environment = {"PYTHONPATH": str(launcher.ROOT)}
    return supervise(command, lines, seconds, environment=environment, **options)


def statuses(ran: Ran) -> dict[str, str]:
    return {record["name"]: record["status"] for record in ran.records}


# -- processes ------------------------------------------------------------------


def test_a_failing_check_does_not_stop_the_others(tmp_path):
    ran = work(tmp_path, "{'a': wrong, 'b': lambda: {'ms': 3}}")
    assert ran.status == "failed" and statuses(ran) == {"a": "failed", "b": "ok"}
    assert ran.records[0]["error"] == "ZeroDivisionError: division by zero (worker.py:10)"
    assert ran.records[1]["figures"] == {"ms": 3}


def test_another_process_goes_on_behind_the_check_that_one_died_in(tmp_path):
    ran = work(tmp_path, "{'a': dict, 'b': die, 'c': die, 'd': dict}")
    assert ran.status == "failed"
    assert statuses(ran) == {"a": "ok", "b": "failed", "c": "failed", "d": "ok"}
    assert "code 7" in ran.note and "died" in ran.records[1]["error"]


def test_another_process_goes_on_where_one_has_lost_its_gpu(tmp_path):
    ran = work(tmp_path, "{'a': wrong, 'b': wrong, 'c': dict}", lost="True")
    assert statuses(ran) == {"a": "failed", "b": "failed", "c": "ok"}


def test_a_part_is_stopped_when_its_time_is_over(tmp_path):
    started = time.monotonic()
    ran = work(tmp_path, "{'a': dict, 'b': lambda: time.sleep(60)}", seconds=2.0)
    assert ran.status == "out of time" and time.monotonic() - started < 15
    assert statuses(ran) == {"a": "ok", "b": "failed"}


def test_a_check_that_gives_no_sign_is_given_up(tmp_path):
    ran = work(tmp_path, "{'a': lambda: time.sleep(60), 'b': dict}", quiet_seconds=3.0)
    assert statuses(ran) == {"a": "failed", "b": "ok"} and "no sign" in ran.note


def test_a_process_that_does_nothing_is_not_started_for_ever(tmp_path):
    ran = work(tmp_path, "1 / 0")
    assert ran.status == "failed" and ran.records == [] and "ZeroDivisionError" in ran.note


def test_a_part_without_any_check_is_not_well(tmp_path):
    assert work(tmp_path, "{}").status == "failed"


def test_checks_can_be_skipped_and_have_figures_though_they_fail():
    def absent():
        raise records.Skip("no such tool")

    def wrong():
        raise records.Failed("too slow", {"ms": 9})

    assert records.outcome(absent) == {"status": "skipped", "error": "no such tool"}
    expected = {"status": "failed", "error": "too slow", "figures": {"ms": 9}}
    assert records.outcome(wrong) == expected


def test_the_tests_are_divided_among_processes(tmp_path, monkeypatch):
    given = []

    def ran(command, lines, seconds, environment):
        given.append(environment["CONVNET_GPU_SHARD"])
        status = "failed" if environment["CONVNET_GPU_SHARD"].startswith("2/") else "ok"
        return Ran(status, 1.0, [{"name": environment["CONVNET_GPU_SHARD"], "status": status}])

    monkeypatch.setattr(cases, "supervise", ran)
    monkeypatch.setattr(cases.os, "cpu_count", lambda: 4)
    found = cases.run(tmp_path, 10, {}, [])
    assert sorted(given) == ["1/3", "2/3", "3/3"]
    assert found.status == "failed" and len(found.records) == 3


# -- the launcher ------------------------------------------------------------------


def test_parts_are_chosen_in_their_own_order_and_fit_into_eight_minutes():
    assert [part.name for part in parts.chosen("cases, smoke")] == ["smoke", "cases"]
    assert parts.chosen("") == list(parts.PARTS)
    assert sum(part.seconds for part in parts.PARTS) <= parts.WHOLE_SECONDS < 8 * 60
    with pytest.raises(ValueError, match="no part smok; parts: smoke"):
        parts.chosen("smok")


@pytest.fixture
def some_gpu(monkeypatch):
    found = {"gpus": [{"name": "NVIDIA H200"}], "cuda_of_driver": "13.0", "convnet": "abc"}
    monkeypatch.setattr(launcher, "versions", lambda root: found)
    monkeypatch.setattr(launcher.packages, "lacking", dict)


def test_without_a_driver_that_is_said_at_once(monkeypatch, capsys):
    monkeypatch.setattr(launcher, "versions", lambda root: {"gpus": [], "cuda_of_driver": None})
    assert launcher.main([]) == 1
    assert "no NVIDIA driver here" in capsys.readouterr().out


def test_the_next_part_runs_though_one_fails_and_the_file_has_all(
    some_gpu, monkeypatch, tmp_path, capsys
):
    outcomes = {"smoke": "failed", "sizes": "ok"}

    def run(name, seconds, asked):
        error = {"error": "broken\nE   7 == 8"} if name == "smoke" else {}
        record = {"name": "a", "status": outcomes[name], **error}
        return Ran(outcomes[name], 1.5, [record, {"name": "b", "status": "ok"}])

    monkeypatch.setattr(launcher, "run_part", run)
    given = ["--parts", "smoke,sizes", "--results", str(tmp_path)]
    assert launcher.main(given) == 1
    stored = json.loads((tmp_path / "nvidia-h200.json").read_text())
    assert {name: part["status"] for name, part in stored["parts"].items()} == outcomes
    assert stored["versions"]["convnet"] == "abc" and stored["gpu"] == "NVIDIA H200"
    assert stored["parts"]["sizes"]["counts"] == {"ok": 2}
    assert "smoke: a: 7 == 8" in capsys.readouterr().out
    outcomes["smoke"] = "ok"
    assert launcher.main(["--parts", "smoke", "--results", str(tmp_path)]) == 0
    stored = json.loads((tmp_path / "nvidia-h200.json").read_text())
    assert set(stored["parts"]) == {"smoke", "sizes"}, "parts that ran before are kept"


def test_parts_beyond_the_whole_time_are_not_run(some_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(launcher, "WHOLE_SECONDS", -1)
    monkeypatch.setattr(launcher, "run_part", None)
    assert launcher.main(["--parts", "smoke", "--results", str(tmp_path)]) == 1
    stored = json.loads((tmp_path / "nvidia-h200.json").read_text())
    assert stored["parts"]["smoke"]["status"] == "out of time"


def test_many_failures_are_told_in_a_few_lines():
    bad = [{"name": str(n), "status": "failed", "error": ""} for n in range(9)]
    lines = report.failures("cases", {"records": bad, "note": "a process ended with code 7"})
    assert len(lines) == report.MOST_FAILURES + 2 and "3 more" in lines[-1]


# -- tables ------------------------------------------------------------------

TIMES = {"ours": {"ms": 2.0}, "ours, upload": {"ms": 3.0}, "torch fp32, nhwc": {"ms": 5.0},
         "torch fp32, nchw": {"error": "out of memory"}}  # fmt: skip
STEP = {"times": TIMES, "best torch": "torch fp32, nhwc", "ratio": 2.5, "share of floor": 0.6}
LAYER = {"times": {"ours": {"ms": 0.002}, "torch nchw": {"ms": 0.001}}, "ratio": 0.5}
RECORDS = {
    "cases": {"test_row[conv-alone]": {"gradients": 1e-7, "train": 3e-6}},
    "sizes": {"conv1 forward": {"fp32": 1e-7, "bf16": 2e-3}, "pool1": {"fp32": 2e-7}},
    "steps": {
        "peaks": {"shown": {"bandwidth GB/s": 4300}},
        "step fp32 128": {"train": STEP, "test": {**STEP, "times": {"ours": {"error": "lost"}}}},
        "host fp32": {"step us": 80.0, "graph us": 30.0, "rest us": 50.0},
        "gaps fp32": {"ours": {"ms": 1.0, "idle share": 0.1, "kernels": 9}, "torch eager": {}},
        "two devices fp32": {"times": {"one": {"ms": 2.0}, "two": {"ms": 2.2}}, "two / one": 0.909},
    },
    "layers": {
        "conv2 forward 128": {"flops": 9, "by precision": {"tf32": LAYER}},
        "pool1 pool.forward 128": {
            "flops": 0,
            "by precision": {"fp32": {"times": {"ours": {"ms": 0.1}}, "bandwidth share": 0.83}},
        },
    },
    "training": {"digits": {"top-1 error": 0.01}},
}


def test_tables_show_what_was_measured_and_stand_errors():
    found = {
        name: {"records": [{"name": k, "status": "ok", "figures": v} for k, v in figures.items()]}
        for name, figures in RECORDS.items()
    }
    text = "\n".join(shown.tables(found))
    for expected in (
        "2.5",
        "0.6",
        "4300",
        "1.1",
        "0.83",
        "2.0e-07",
        "3.0e-06",
        "top-1 error 0.01",
        "50",
    ):
        assert expected in text, expected
    assert shown.tables({}) == []


# -- packages ------------------------------------------------------------------


def test_what_a_python_lacks_is_told_with_the_reason():
    versions = {need.name: need.least for need in packages.NEEDS} | {"numpy": "2.5.2", "lark": None}
    found = packages.lacking(versions.get, toolkit=lambda: None)
    assert set(found) == {"numpy", "lark"}
    assert "2.5.2 is installed" in found["numpy"] and "below 2.5" in found["numpy"]


def test_a_toolkit_stands_in_for_the_wheel_of_nvvm(tmp_path):
    versions = {need.name: need.least for need in packages.NEEDS} | {"nvidia-nvvm": None}
    assert set(packages.lacking(versions.get, toolkit=lambda: None)) == {"nvidia-nvvm"}
    assert packages.lacking(versions.get, toolkit=lambda: tmp_path) == {}


def test_versions_are_compared_as_numbers():
    assert packages.numbers("2.11.0+cu130") == (2, 11, 0) > packages.numbers("2.9")


def test_the_wheels_are_what_the_package_asks_for():
    """Bounds are written in both places; these are the ones that break a GPU's machine."""
    text = (launcher.ROOT / "pyproject.toml").read_text()
    bounds = {need.name: need for need in packages.NEEDS}
    numpy, cuda = bounds["numpy"], bounds["numba-cuda"]
    assert f"numpy>={numpy.least},<{numpy.below}" in text
    assert f"numba-cuda[cu13]>={cuda.least},<{cuda.below}" in text
    for name in ("lark", "click", "rich", "safetensors"):
        assert f'"{name}>={bounds[name].least}"' in text


def test_the_wheel_of_nvvm_is_made_smaller_and_stays_whole(tmp_path):
    path = tmp_path / "nvidia_nvvm-13.0.88-py3-none-any.whl"
    unused = packages.UNUSED_IN_NVVM + "cicc"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(unused, "x" * 1000)
        wheel.writestr("nvidia/cu13/lib/libnvvm.so.4", "library")
        wheel.writestr("n.dist-info/RECORD", f"{unused},sha256=a,1\nn.dist-info/RECORD,,\n")
    packages.slim(path)
    with zipfile.ZipFile(path) as wheel:
        assert wheel.namelist() == ["nvidia/cu13/lib/libnvvm.so.4", "n.dist-info/RECORD"]
        assert wheel.read("n.dist-info/RECORD").decode() == "n.dist-info/RECORD,,\n"


@pytest.mark.parametrize("target", [None, "there"])
def test_only_what_is_lacking_is_installed(monkeypatch, tmp_path, target):
    monkeypatch.setattr(packages, "lacking", lambda: {"lark": "is not installed", "torch": "no"})
    commands = []

    class Done:
        returncode = 0

    def run(command):
        commands.append(command)
        return Done

    assert packages.install(tmp_path, target and tmp_path / target, run) == 0
    (command,) = commands
    assert command[-1] == "lark" and "--no-index" in command
    assert ("--target" in command) == (target is not None)
