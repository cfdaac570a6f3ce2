"""Means over seeds, their order, and the three forms of the table."""

import csv
import io
from statistics import stdev

import pytest
from rich.console import Console

from convnet.sweep.grid import combinations
from convnet.sweep.grid import runs as runs_of
from convnet.sweep.plot import draw_sweep
from convnet.sweep.results import Result, rows
from convnet.sweep.table import csv_of_sweep, json_of_sweep, notes, table_of_sweep

# (last, best) of the seeds of each value; None: it failed.
ERRORS = {
    "1": [(0.30, 0.28), (0.20, 0.18), (0.40, 0.10)],
    "2": [(0.25, 0.24), (0.27, 0.26), None],
    "3": [None, None, None],
}


def results(errors=None, states=("failed",)):
    errors = errors or ERRORS
    found = []
    for run in runs_of(combinations({"fc.epsW": list(errors)}), 3):
        value = errors[run.combination.settings[0][1]][run.seed]
        if value is None:
            found.append(Result(run, states[0], "exit code 1: it diverged. So it is"))
        else:
            found.append(Result(run, "finished", "", *value, "top-1 error", 10.0 * (run.seed + 1)))
    return found


def printed(table):
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return [line.strip() for line in out.getvalue().splitlines()]


def test_means_and_deviations_of_the_finished_runs():
    by_value = {row.combination.settings[0][1]: row for row in rows(results(), "last")}
    one, two, three = (by_value[value] for value in "123")
    assert one.mean("last") == pytest.approx(0.3) and one.mean("best") == pytest.approx(0.56 / 3)
    assert one.deviation("last") == pytest.approx(stdev([0.3, 0.2, 0.4]))
    assert two.mean("last") == pytest.approx(0.26)
    assert two.deviation("last") == pytest.approx(stdev([0.25, 0.27]))
    assert (three.mean("last"), three.deviation("last")) == (None, None)
    assert (one.seconds, two.seconds, three.seconds) == (20, 15, 0)


def test_sorted_by_the_error_that_counts():
    def order(by):
        return [row.combination.settings[0][1] for row in rows(results(), by)]

    assert order("last") == ["2", "1", "3"]
    assert order("best") == ["1", "2", "3"]


def test_a_run_that_is_not_finished_does_not_count():
    found = results()
    running = Result(found[0].run, "running", "", 0.9, 0.9, "top-1 error")
    (row,) = [r for r in rows([running, *found[1:]], "last") if r.combination.name == "fc.epsW=1"]
    assert row.errors("last") == [0.2, 0.4]


def test_the_table():
    table = rows(results(), "last")
    lines = printed(table_of_sweep(table, "last"))
    assert lines[0].split("  ")[0] == "fc.epsW"
    assert lines[0].index("last top-1 error") < lines[0].index("best top-1 error")
    assert lines[2].split() == "2 26.00% ± 1.41% 25.00% ± 1.41% 2 of 3, 1 failed 15 s".split()
    assert lines[3].split() == "1 30.00% ± 10.00% 18.67% ± 9.02% 3 20 s".split()
    assert lines[4].split() == "3 0 of 3, 3 failed".split()
    text = "\n".join(notes(table, "last"))
    assert "each run's last test" in text
    assert text.count("failed: ") == 4
    assert "failed: fc.epsW=2, seed 2: exit code 1: it diverged\n" in text
    unfinished = rows(results(states=("unfinished",)), "best")
    assert "unfinished: 4 runs" in notes(unfinished, "best")
    assert printed(table_of_sweep(unfinished, "best"))[0].index("best top-1") < 20


def test_a_single_seed_has_no_deviation():
    one = {value: [pair[0], None, None] for value, pair in ERRORS.items()}
    lines = printed(table_of_sweep(rows(results(one), "last"), "last"))
    assert "25.00%" in lines[2] and "±" not in "".join(lines)


def test_json_and_csv():
    table = rows(results(), "last")
    found = json_of_sweep(table, "last")
    assert (found["measure"], found["sorted_by"]) == ("top-1 error", "last")
    assert [row["settings"] for row in found["rows"]] == [{"fc.epsW": v} for v in "213"]
    assert found["rows"][1]["last_mean"] == pytest.approx(0.3)
    assert [run["last"] for run in found["rows"][1]["runs"]] == [0.3, 0.2, 0.4]
    assert found["rows"][0]["runs"][2]["state"] == "failed"
    lines = list(csv.DictReader(io.StringIO(csv_of_sweep(table))))
    assert [line["fc.epsW"] for line in lines] == ["2", "1", "3"]
    assert float(lines[0]["last_mean"]) == table[0].mean("last"), "digits are not lost"
    assert (lines[2]["last_mean"], lines[2]["failed"]) == ("", "3")


def test_values_are_no_markup():
    errors = {"dexp[base=1;numSteps=4]": ERRORS["1"], "[red]": ERRORS["2"]}
    text = "\n".join(printed(table_of_sweep(rows(results(errors), "last"), "last")))
    assert "[red]" in text and "dexp[base" in text


def test_the_plot_is_a_curve_for_numbers_and_a_strip_otherwise():
    curve = draw_sweep(rows(results(), "last"), "last", "t")
    words = {"one": ERRORS["1"], "2": ERRORS["2"], "3": ERRORS["3"]}
    strip = draw_sweep(rows(results(words), "last"), "last", "t")
    assert (curve.width, curve.height) == (900, 420) and strip.height < 300
