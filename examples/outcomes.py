"""What a run came to: its errors, epochs and times."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from examples.curves import curve_of, records_of
from examples.stages import epochs_done


@dataclass(frozen=True)
class Result:
    """One run.  Errors are shares of all images, 0 to 1.

    epochs, of: done and planned.  test_error: on one view, the center.  views, views_error: on
    several, if the net is tested so.  train_error: of the last epoch.  seconds: spent training.
    images_per_second: the median of the journal's records.  top5_error: on as many views as
    `error`.  The test errors are None until the run is finished.
    """

    net: str
    seed: int
    epochs: float
    of: int
    test_error: float | None
    views: int
    views_error: float | None
    train_error: float | None
    seconds: float
    images_per_second: float
    top5_error: float | None = None

    @property
    def error(self) -> float | None:
        """The error to compare with the published one."""
        return self.test_error if self.views_error is None else self.views_error


def outcome(folder: Path, net: str, seed: int, of: int, scores: Callable[[], list[dict]]) -> Result:
    """Return the result of a run so far.

    of: the epochs planned.  scores: returns the tests of a finished run, as `convnet test --json`
    has them; called only then.
    """
    epochs = epochs_done(folder)
    trained = [r for r in records_of(folder) if r["event"] == "train"]
    curve = curve_of(folder)
    tests = {found["views"]: found for found in scores()} if epochs >= of else {}
    views = max(tests, default=1)
    speeds = [r.get("images_per_second", 0.0) for r in trained]
    return Result(
        net=net,
        seed=seed,
        epochs=round(epochs, 3),
        of=of,
        test_error=tests[1]["top1_error"] if tests else None,
        views=views,
        views_error=tests[views]["top1_error"] if views > 1 else None,
        train_error=curve[-1].train_error if curve else None,
        seconds=round(sum(r.get("seconds", 0.0) for r in trained), 1),
        images_per_second=round(median(speeds), 1) if speeds else 0.0,
        top5_error=tests[views].get("top5_error") if tests else None,
    )


def spread(errors: list[float]) -> str:
    """Return the mean, and the range of several, in percent."""
    whole = f"{100 * mean(errors):.2f} %"
    if len(errors) == 1:
        return whole
    return f"{whole} ({100 * min(errors):.2f} to {100 * max(errors):.2f})"
