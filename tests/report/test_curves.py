"""Curves and tables from the records of a journal."""

import numpy as np
import pytest

from convnet.drawing.style import LINES
from convnet.errors import DataError
from convnet.report.curves import (
    CurveOptions,
    cost_layer,
    curves_scene,
    draw_curves,
    rates_of,
    series,
    table_of_tests,
)
from convnet.report.figures.line_plot import RIGHT, WIDTH
from convnet.report.figures.pen import PAPER, ticks
from convnet.report.smoothing import smoothed


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


def test_picture():
    picture = draw_curves(run())
    assert picture.size == (1800, 1632)
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
    assert draw_curves(records, log=log).width == 1800


def test_costs_without_errors_make_one_panel():
    records = [{"event": "train", "step": s, "costs": {"sum": {"cost": s}}} for s in (1, 2, 3)]
    assert draw_curves(records).height < 900
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
    values = [float(i % 2) for i in range(200)]
    shown = smoothed(values)
    assert len(shown) == 200 and all(abs(shown - 0.5) < 0.2)
    assert smoothed(values[:30]).tolist() == values[:30]


def test_smoothing_is_the_mean_of_the_values_around():
    values = 1e6 + np.random.default_rng(0).standard_normal(
        1000
    )  # a sum from the beginning would lose the digits
    shown, half = smoothed(values), 12
    expected = [values[max(0, i - half) : i + half + 1].mean() for i in range(1000)]
    np.testing.assert_allclose(shown - 1e6, np.array(expected) - 1e6, atol=1e-8)


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


# -- several runs, rates, raw values ---------------------------------------------------------------


def words(scene):
    return [text.text for text in scene.texts]


def curves_in(scene):
    """The polylines of curves: not those of the grid, the frames or a legend."""
    return [line for line in scene.polylines if line.role in LINES and len(line.points) > 2]


def test_a_panel_names_its_axes_and_its_curves():
    scene = curves_scene({"": run()}, CurveOptions())
    assert words(scene).count("epochs") == 2
    assert {"cost", "error", "mean over the cases", "share of the cases"} <= set(words(scene))
    assert {"training", "test"} <= set(words(scene))


def test_several_runs_have_a_color_each_and_bold_tests():
    scene = curves_scene({"one": run(), "two": run(150)}, CurveOptions())
    assert scene.title == "one, two"
    assert {"one training", "one test", "two training", "two test"} <= set(words(scene))
    roles = {(line.role, line.width > 2) for line in curves_in(scene)}
    assert roles == {(LINES[0], False), (LINES[0], True), (LINES[1], False), (LINES[1], True)}
    one, two = ([*range(1, count + 1)] for count in (200, 150))
    longest = [line for line in curves_in(scene) if line.width < 2]
    ends = sorted({max(x for x, _ in line.points) for line in longest})
    assert len(ends) == 2 and (ends[1] - 84) / (ends[0] - 84) == pytest.approx(len(one) / len(two))


def test_runs_with_and_without_epochs_have_one_axis():
    """Both of 200 minibatches: their curves end at the same place."""
    without = [{k: v for k, v in each.items() if k != "epoch"} for each in run()]
    scene = curves_scene({"one": run(), "two": without}, CurveOptions(rates=True))
    assert "minibatches" in words(scene) and "epochs" not in words(scene)
    ends = {max(x for x, _ in line.points) for line in curves_in(scene)}
    assert ends == {WIDTH - RIGHT}


def test_there_may_be_more_curves_than_colors():
    rates = {str(number): 0.1 + number for number in range(1000)}
    records = [record("train", step, rates=rates) for step in (1, 2)]
    scene = curves_scene({"": records}, CurveOptions(rates=True))
    assert "999" in words(scene)


@pytest.mark.parametrize(
    ("runs", "raw", "faint"), [(1, None, 2), (1, False, 0), (2, None, 0), (2, True, 4)]
)
def test_raw_values_are_faint_lines_below_the_smoothed_ones(runs, raw, faint):
    """Two panels, each with a raw curve of each run."""
    names = {str(number): run() for number in range(runs)}
    scene = curves_scene(names, CurveOptions(raw=raw))
    places = [at for at, line in enumerate(scene.polylines) if line.opacity < 1]
    assert len(places) == faint
    assert not places or places[0] < min(
        at
        for at, line in enumerate(scene.polylines)
        if line in curves_in(scene) and at not in places
    )


def test_rates_that_are_always_equal_are_one_curve():
    records = [
        record("train", step, rates={"a": 0.1 / step, "b": 0.1 / step, "c": 0.1, "bad": None})
        for step in (1, 2, 3)
    ]
    assert rates_of(records) == [
        (["a", "b"], [(0.01, 0.1), (0.02, 0.05), (0.03, 0.1 / 3)]),
        (["c"], [(0.01, 0.1), (0.02, 0.1), (0.03, 0.1)]),
    ]
    scene = curves_scene({"": records}, CurveOptions(rates=True))
    assert {"learning rates", "a and 1 more", "c"} <= set(words(scene))
    assert "learning rates" not in words(curves_scene({"": records}, CurveOptions()))


def test_after_many_epochs_the_end_of_a_curve_can_be_told_from_the_axis():
    """A cost that starts at 50 and ends between 1.0 and 1.2: the ends differ by a tenth."""
    records = [record("train", s, 1 + 0.2 * (s % 2) + 49 * 0.9**s) for s in range(1, 1400)]
    scene = curves_scene({"": records}, CurveOptions(raw=True))
    upper = [line for line in scene.polylines if line.opacity < 1 and line.points[-1][1] < 400]
    line = max(upper, key=lambda line: len(line.points))
    heights = [y for x, y in line.points if x > 500]
    assert max(heights) - min(heights) > 0.1 * 290


def test_a_plot_of_many_values_is_small():
    scene = curves_scene({"": [record("train", s, s % 7, 0.5) for s in range(50_000)]})
    assert sum(len(line.points) for line in scene.polylines) < 10_000
