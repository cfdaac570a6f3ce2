"""Results of runs: curves from journals, tables, the files and the page made of them."""

import json

import numpy as np
import pytest

from convnet.errors import ConvnetError
from examples import outcomes
from examples import results as page
from examples.cifar10 import results as module
from examples.cifar10.jpeg import (
    Copy,
    before_compression,
    compressed,
    table,
)
from examples.cifar10.nets import BY_NAME
from examples.cifar10.results import result_of
from examples.cifar10.training import Place
from examples.curve_plot import MOST_POINTS, curves_svg, thinned, together
from examples.curves import Point, curve_of, read_curves, write_curves
from examples.outcomes import Result, spread
from examples.photos.specialization import Specialization
from examples.records import read_records, write_records

NET = BY_NAME["80sec"]


def result(**changes):
    facts = {"net": "80sec", "seed": 1, "epochs": 10.0, "of": 10, "test_error": 0.25, "views": 1}
    facts |= {"views_error": None, "train_error": 0.2}
    return Result(**facts | {"seconds": 7200.0, "images_per_second": 1500.0} | changes)


def record(event, epoch, cost, error, **more):
    costs = {"logprob": {"cost": cost, "top-1 error": error}}
    return {"event": event, "step": round(100 * epoch), "epoch": epoch, "costs": costs} | more


JOURNAL = [
    {"event": "start", "step": 0},
    record("train", 0.5, 2.0, 0.8, cases=300, seconds=3.0, images_per_second=100.0),
    record("train", 1.0, 1.0, 0.4, cases=100, seconds=2.0, images_per_second=50.0),
    record("test", 1.0, 1.5, 0.5),
    record("train", 2.0, 0.5, 0.2, cases=100, seconds=2.0, images_per_second=60.0),
    record("test", 2.0, 1.25, 0.45),
    record("train", 2.5, 0.4, 0.1, cases=100, seconds=1.0, images_per_second=60.0),
]


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "80sec-1"
    folder.mkdir()
    lines = "".join(json.dumps(entry) + "\n" for entry in JOURNAL)
    (folder / "journal.jsonl").write_text(lines)
    return folder


# -- runs ------------------------------------------------------------------------------------------


def test_a_curve_has_a_point_for_each_whole_epoch(run):
    """Training costs are averaged over the cases, 300 and 100 in the first epoch."""
    assert curve_of(run) == [Point(1, 1.75, 0.7, 1.5, 0.5), Point(2, 0.5, 0.2, 1.25, 0.45)]
    assert curve_of(run.parent / "no-run") == []


def test_an_unfinished_run_has_no_test_error(run, tmp_path, monkeypatch):
    monkeypatch.setattr(outcomes, "epochs_done", lambda folder: 2.5)
    monkeypatch.setattr(module, "scores", lambda *_: pytest.fail("tested"))
    found = result_of(NET, 1, Place(tmp_path, tmp_path, tmp_path))
    assert (found.error, found.epochs, found.of, found.seconds) == (None, 2.5, 10, 8.0)
    assert (found.train_error, found.images_per_second) == (0.2, 60.0)


def test_a_finished_run_counts_all_its_views(run, tmp_path, monkeypatch):
    tests = [{"views": 1, "top1_error": 0.3}, {"views": 10, "top1_error": 0.2}]
    monkeypatch.setattr(outcomes, "epochs_done", lambda folder: 10.0)
    monkeypatch.setattr(module, "scores", lambda *_: tests)
    found = result_of(NET, 1, Place(tmp_path, tmp_path, tmp_path))
    assert (found.test_error, found.views, found.views_error, found.error) == (0.3, 10, 0.2, 0.2)
    monkeypatch.setattr(module, "scores", lambda *_: tests[:1])
    assert result_of(NET, 1, Place(tmp_path, tmp_path, tmp_path)).error == 0.3


def test_results_and_curves_are_read_as_they_were_written(tmp_path):
    results = [result(), result(seed=2, test_error=None, epochs=3.5)]
    write_records(results, tmp_path / "results.json")
    assert read_records(Result, tmp_path / "results.json") == results
    curves = {("80sec", 1): [Point(1, 1.75, 0.7, 1.5, 0.5)], ("80sec", 2): [Point(1, 1, 1, 1, 1)]}
    write_curves(curves, tmp_path / "curves.csv")
    assert read_curves(tmp_path / "curves.csv") == curves
    assert read_records(Result, tmp_path / "none") == [] and read_curves(tmp_path / "none") == {}


# -- tables ----------------------------------------------------------------------------------------


def test_the_table_tells_mean_range_and_what_is_unfinished():
    results = [
        result(test_error=0.25),
        result(seed=2, test_error=0.27, seconds=3600.0),
        result(seed=3, test_error=None, epochs=4.0),
        result(net="conv-local-11pct", test_error=0.13, views=10, views_error=0.11),
        result(net="18pct", test_error=None, epochs=0.5, of=140),
    ]
    lines = module.table(results, list(BY_NAME.values())).splitlines()
    assert len(lines) == 2 + 3
    assert "| 80sec | 26 % | 26.00 % (25.00 to 27.00) | 2; seed 3 at epoch 4 of 10 |" in lines[2]
    assert "| 1.50 | 1,500 |" in lines[2]
    assert "| 18pct | 18 % | not finished | 0; seed 1 at epoch 0 of 140 | 140 |" in lines[3]
    assert "| conv-local-11pct | 11 % | 11.00 %, 10 views | 1 |" in lines[4]


def test_nets_without_runs_are_listed_if_asked():
    lines = module.table([result()], list(BY_NAME.values()), with_missing=True).splitlines()
    assert len(lines) == 2 + len(BY_NAME)
    assert lines[3] == "| 19pct | 19 % | not run yet | 0 | 140 |  |  |"


def test_a_single_error_has_no_range():
    assert spread([0.123]) == "12.30 %"


# -- compression -----------------------------------------------------------------------------------


def test_a_lower_quality_is_further_from_the_image():
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (4, 3, 8, 8))
    images = np.repeat(np.repeat(small, 4, 2), 4, 3).astype(np.uint8)
    copies = [compressed(images, quality) for quality in (95, 50, 10)]
    assert all(copy.shape == images.shape and copy.dtype == np.uint8 for copy in copies)
    gaps = [np.abs(copy.astype(int) - images).mean() for copy in copies]
    assert gaps[0] < gaps[1] < gaps[2]


def test_the_estimate_is_exact_where_its_assumption_holds():
    """Errors of 20 % + 0.01 % for each squared gray level, of which the given images have 100."""
    copies = [
        Copy(quality, rms, [0.20 + 1e-4 * (100 + rms**2) + noise for noise in (-0.001, 0.001)])
        for quality, rms in ((None, 0.0), (50, 8.0), (30, 12.0))
    ]
    error, cost = before_compression(copies, 10.0)
    assert error == pytest.approx(0.20) and cost == pytest.approx(0.01)
    text = table(copies, (5.0, 10.0))
    assert "| again at quality 30 | 12.0 | 22.44 % (22.34 to 22.54) | 2 |" in text
    assert "costs 0.25 to 1.00 points, and the error without it is 20.00 to 20.75 %" in text


def test_one_copy_is_too_few_for_an_estimate(tmp_path):
    copies = [Copy(None, 0.0, [0.2]), Copy(50, 8.0, [0.3])]
    assert "points" not in table(copies, (6, 12))
    write_records(copies, tmp_path / "jpeg.json")
    assert read_records(Copy, tmp_path / "jpeg.json") == copies


# -- the page --------------------------------------------------------------------------------------


def test_the_page_has_the_tables_of_the_stored_results():
    """Run `python -m examples.results` if this fails."""
    text = page.PAGE.read_text("utf-8")
    assert page.with_tables(text, page.STORED) == text
    assert all(f"<!-- table: {name} -->" in text for name in page.TABLES)


def test_stored_results_are_small():
    stored = list(page.STORED.iterdir())
    assert stored and sum(path.stat().st_size for path in stored) < 300_000
    assert all(path.stat().st_size < 100_000 for path in stored)


def test_the_plots_are_those_of_the_stored_curves(tmp_path):
    """Run `python -m examples.results` if this fails."""
    text = page.PAGE.read_text("utf-8")
    for curves in page.STORED.glob("*-curves.csv"):
        (tmp_path / curves.name).write_bytes(curves.read_bytes())
    page.write_plots(tmp_path)
    plots = sorted(tmp_path.glob("*.svg"))
    assert plots
    for plot in plots:
        assert plot.read_text("utf-8") == (page.STORED / plot.name).read_text("utf-8")
        assert f"](results/{plot.name})" in text


def test_tables_replace_what_was_there(tmp_path):
    text = "a\n<!-- table: figure1 -->\nold\n<!-- end -->\nb\n"
    once = page.with_tables(text, tmp_path)
    assert "old" not in once and page._NOT_RUN in once and once.endswith("<!-- end -->\nb\n")
    assert page.with_tables(once, tmp_path) == once
    with pytest.raises(ConvnetError, match="no table 'costs'"):
        page.with_tables("<!-- table: costs --> <!-- end -->", tmp_path)


def test_what_the_photographs_gave_is_collected(tmp_path):
    """Of the filters those of the first seed."""
    folder = tmp_path / "photos"
    folder.mkdir()
    done = result(net="alexnet", test_error=0.35, views=10, views_error=0.33, top5_error=0.1)
    write_records([done], folder / "results.json")
    special = Specialization(
        "alexnet", 1, 30.0, (0.6, 0.2), (0.65, 0.5), (0.7, 0.1), 0.4, 0.05, 1e-4
    )
    write_records([special], folder / "specialization.json")
    case = {"true": "ant", "top": [["ant", 0.9]], "neighbors": [["bass", 1.0]]}
    figure4 = {"net": "alexnet", "seed": 1, "epochs": 30.0, "cases": [case]}
    (folder / "figure4.json").write_text(json.dumps(figure4))
    write_curves({("alexnet", 1): [Point(1, 4.0, 0.9, 4.1, 0.95)]}, folder / "curves.csv")
    for seed in (2, 1):
        (folder / f"figure3-alexnet-{seed}.png").write_bytes(bytes([seed]))
    costs = dict(real="float32", divided=1, cases=8, ours=[1.5, 1.25], torch=[1.5, 1.0])
    costs |= {"torch_double": [1.5, 1.125], "seconds": [1.0, 2.0]}
    (tmp_path / "torch-costs.json").write_text(json.dumps([costs]))
    stored = tmp_path / "stored"
    page.collect(tmp_path, stored)
    assert (stored / "photos-figure3.png").read_bytes() == bytes([2])
    assert read_curves(stored / "photos-curves.csv")["alexnet", 1][0].test_error == 0.95
    assert "35.00% | 33.00% | 2.00" in page.photos(stored)
    assert "0.600 and 0.200" in page.photos_specialization(stored)
    assert "| ant | **ant** 90% | bass |" in page.photos_figure4(stored)
    row = "| float32 | all | 2 of 8 | 1.5000, 1.2500 | 2.5e-01 | 2.5e-01 | 1.2e-01 |"
    assert row in page.torch_costs(stored)
    page.write_plots(stored)
    assert (stored / "photos-curves.svg").read_text().count("alexnet, test") == 1


# -- plots -----------------------------------------------------------------------------------------


def curve(epochs):
    return [Point(epoch, 1.0, 0.5 / epoch, 1.0, 0.6 / epoch) for epoch in range(1, epochs + 1)]


def test_nets_that_train_about_as_long_share_a_panel():
    lengths = {"long": 520, "short": 10, "middle": 140, "also": 160, "longer": 600}
    curves = {(net, 1): curve(epochs) for net, epochs in lengths.items()} | {("begun", 1): []}
    assert together(curves) == [["short"], ["middle", "also"], ["long", "longer"]]


def test_a_plot_of_all_nets_is_small_and_has_all_seeds():
    lengths = {"a": (10, 3), "b": (140, 3), "c": (140, 3), "d": (160, 1), "e": (160, 1)}
    lengths |= {"f": (520, 1), "g": (520, 1)}
    curves = {
        (net, seed): curve(epochs)
        for net, (epochs, seeds) in lengths.items()
        for seed in range(1, seeds + 1)
    }
    text = curves_svg(curves, "All")
    assert len(text) < 60_000
    assert text.count('stroke-opacity="0.35"') == 2 * 3  # the other seeds of a, b and c
    assert text.count(", training<") == len(lengths)


def test_long_curves_are_thinned_to_their_last_point():
    points = [(epoch, 0.5) for epoch in range(1, 522)]  # 521 is no multiple of 3 and 1
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS + 1 and (kept[0], kept[-1]) == (points[0], points[-1])
    assert thinned(points[:160]) == points[:160]


def test_collecting_keeps_what_is_missing(tmp_path):
    (tmp_path / "cifar10").mkdir()
    write_records([result()], tmp_path / "cifar10" / "results.json")
    page.collect(tmp_path, tmp_path / "stored")
    (tmp_path / "cifar10" / "results.json").unlink()
    page.collect(tmp_path, tmp_path / "stored")
    assert read_records(Result, tmp_path / "stored" / "cifar10.json") == [result()]


def test_further_seeds_join_the_stored_ones(tmp_path):
    """A seed that is trained again replaces the stored run; the order is by net and seed."""
    folder, stored = tmp_path / "cifar10", tmp_path / "stored"
    folder.mkdir()
    for runs in ([("a", 3, 0.3), ("b", 1, 0.4)], [("a", 1, 0.1), ("b", 1, 0.2)]):
        done = [result(net=net, seed=seed, test_error=error) for net, seed, error in runs]
        write_records(done, folder / "results.json")
        curves = {(net, seed): [Point(1, 1.0, 0.5, 1.0, error)] for net, seed, error in runs}
        write_curves(curves, folder / "curves.csv")
        page.collect(tmp_path, stored)
    wanted = [("a", 1, 0.1), ("a", 3, 0.3), ("b", 1, 0.2)]
    found = read_records(Result, stored / "cifar10.json")
    assert [(run.net, run.seed, run.test_error) for run in found] == wanted
    points = read_curves(stored / "cifar10-curves.csv")
    assert [(*key, curve[0].test_error) for key, curve in points.items()] == wanted


def test_curves_of_figure_1_are_thinned_and_told(tmp_path):
    (tmp_path / "figure1").mkdir()
    for rate, reached in ((0.002, 999), (0.004, None)):
        points = [[step, 1 - step / 1500] for step in range(50, 1000)]
        curve = dict(neuron="relu", rate=rate, seed=0, points=points, reached=reached)
        path = tmp_path / "figure1" / f"relu-{rate}-0.json"
        path.write_text(json.dumps({"asked": {}, "curve": curve}))
    page.collect(tmp_path, tmp_path / "stored")
    lines = (tmp_path / "stored" / "figure1.csv").read_text().splitlines()
    assert len(lines) < 2 * 202 and lines[-1] == "relu,0.004,0,,999,0.3340"
    text = page.figure1(tmp_path / "stored")
    assert "| relu | 0.002 | 999 | 33.4% |" in text
    assert "| relu | 0.004 | not by 999 | 33.4% |" in text


def test_ablations_are_compared_with_the_full_network(tmp_path):
    runs = {"full": [0.2, 0.3], "without dropout": [0.25, 0.36]}
    networks = {
        name: [{"test": error, "train": error / 2} for error in found]
        for name, found in runs.items()
    }
    written = json.dumps({"data": "/home/me/cifar", "networks": networks})
    for name in ("ablations", "ablations-10000"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(written)
    page.collect(tmp_path, tmp_path / "stored")
    assert "/home" not in (tmp_path / "stored" / "ablations.json").read_text()
    text = page.ablations(tmp_path / "stored")
    assert "| full |  | 25.00 % (20.00 to 30.00) |  | 12.5% | 2 |" in text
    row = "| without dropout | substantial overfitting (4.2) | 30.50 % (25.00 to 36.00) |"
    assert f"{row} +5.50 ± 0.71 | 15.2% | 2 |" in text
    assert page.ablations_10000(tmp_path / "stored") == text
