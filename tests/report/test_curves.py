"""Curves and tables from the records of a journal."""

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.report.curves import cost_layer, draw_curves, series, smoothed, table_of_tests
from convnet.report.figures.pen import PAPER, ticks


def record(event, step, cost=2.0, error=0.5, **more):
    costs = {"logprob": {"cost": cost, "error": error, "top-1 error": error}}
    return {"event": event, "step": step, "epoch": step / 100, "costs": costs, **more}


def run(steps=200):
    found = [{"event": "start", "step": 0, "layers": "layers/net.cfg", "data": "digits"}]
    for step in range(1, steps + 1):
        found.append(record("train", step, 2 / step, 1 / step))
        if step % 50 == 0:
            found.append(record("test", step, 3 / step, 2 / step, best=step == 200))
            found.append({"event": "save", "step": step, "file": "x"})
    return found


def test_picture(tmp_path):
    path = tmp_path / "curve.png"
    picture = draw_curves(run(), path)
    assert path.stat().st_size > 5000 and picture.size == (900, 694)
    pixels = np.asarray(picture)
    assert (pixels[:, -1] == PAPER).all() and (pixels[-1] == PAPER).all()
    shades = np.unique(pixels.reshape(-1, 3), axis=0)
    assert len(shades) > 100  # smooth lines


def test_a_logarithmic_axis_spreads_small_costs():
    straight, logarithmic = (np.asarray(draw_curves(run(), log=log)) for log in (False, True))
    assert (straight != logarithmic).any()


@pytest.mark.parametrize("records", [run(1), run(2), run(50)[-2:], [record("train", 5, 0, 0)]])
@pytest.mark.parametrize("log", [False, True])
def test_short_runs_and_flat_curves(records, log):
    assert draw_curves(records, log=log).width == 900


def test_costs_without_errors_make_one_panel():
    records = [{"event": "train", "step": s, "costs": {"sum": {"cost": s}}} for s in (1, 2, 3)]
    assert draw_curves(records).height < 400
    assert series(records, "train", "sum", "cost") == [(1, 1), (2, 2), (3, 3)]


def test_nothing_to_draw():
    with pytest.raises(DataError, match="no costs yet"):
        draw_curves(run()[:1])
    with pytest.raises(DataError, match="no cost layer 'other'; it has logprob"):
        draw_curves(run(), cost="other")
    assert cost_layer(run()) == "logprob"


def test_missing_values_are_skipped():
    assert series([record("train", 1, None)], "train", "logprob", "cost") == []


def test_table():
    lines = table_of_tests(run()).splitlines()
    assert lines[0].split() == ["epoch", "step", "cost", "error", "top-1", "error"]
    assert lines[1].split() == ["0.5", "50", "0.0600", "4.00%", "4.00%"]
    assert lines[-1].endswith("best so far") and len(lines) == 5
    assert table_of_tests(run(10)) == "no tests yet\n"


def test_smoothing_keeps_the_ends_and_the_mean():
    points = [(i, float(i % 2)) for i in range(200)]
    shown = smoothed(points)
    assert [x for x, _ in shown] == [x for x, _ in points]
    assert all(abs(y - 0.5) < 0.2 for _, y in shown)
    assert smoothed(points[:30]) is not shown and smoothed(points[:30]) == points[:30]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 8, [0, 1, 2, 3, 4, 5, 6, 7, 8]), (5, 5, None)],
)
def test_ticks_are_round(low, high, expected):
    found = ticks(low, high, 8 if high == 8 else 6)
    if expected is not None:
        assert found == pytest.approx(expected)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)


def test_records_without_numbers_of_a_cost():
    """The layer to show is the first with numbers, and need not be in the first record."""
    records = [
        {"event": "train", "step": 1, "costs": {"a": {}}},
        {"event": "train", "step": 2, "costs": {"a": {}, "b": {"cost": 1.0}}},
        {"event": "train", "step": 3, "costs": {"c": {"cost": 2.0}}},
    ]
    assert cost_layer(records) == "b"
    assert draw_curves(records).size and draw_curves(records, cost="c").size
    with pytest.raises(DataError, match="has no cost layer 'a'"):
        draw_curves(records, cost="a")
    with pytest.raises(DataError, match="holds no costs yet"):
        draw_curves(records[:1])
