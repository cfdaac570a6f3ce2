"""The paper's Figure 1: how many iterations the four-layer net needs to 25 % training error.

    python examples/figure1.py                                  # on `shapes`
    python examples/figure1.py --data cifar-10-batches-py       # as in the paper

The script trains layers/figure1-relu.cfg and layers/figure1-tanh.cfg, without regularization.  It
chooses the learning rate of each network separately (paper, 3.1): of a few, the one with the least
iterations, averaged over the seeds, since a single seed may be lucky.  A finished run is kept in
--runs: an interrupted script continues with the next one.  A run ends when the training error,
averaged over the last 50 minibatches, reaches the target.  A rate is abandoned if one of its seeds
is behind the slowest seed of the best rate so far at half the iterations that it needed, or has not
reached the target after all of them.
"""

import json
import re
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import click

from convnet import drawing
from convnet.data import open_dataset
from convnet.drawing.style import LINES
from convnet.engines import DeviceOptions, make_engine
from convnet.errors import TrainingError
from convnet.language import Source, read_source
from convnet.language.specs import Specs
from convnet.network.network import Network
from convnet.prepare import DataOptions, prepare
from convnet.report.figures.line_plot import Line, Panel, plot
from convnet.stored.files import replacing
from convnet.train import Observer, Options, Run, fit

ROOT = Path(__file__).resolve().parent.parent
NEURONS = ("relu", "tanh")
# The most likely first: it limits how long the others run.
RATES = (0.001, 0.0005, 0.002, 0.004, 0.00025, 0.008)
EVERY = 10  # iterations between the points of a curve that are stored
WINDOW = 50  # minibatches that the training error is averaged over


@dataclass
class Curve:
    """The training error of one run.

    points: (iteration, training error).  reached: iterations to the target, or None.
    """

    neuron: str
    rate: float
    seed: int
    points: list[tuple[int, float]]
    reached: int | None


class Enough(Exception):
    """Raised to end a run: it reached the target, or it was abandoned."""


class Watch(Observer):
    """Records the training error and raises `Enough` when the run should end.

    It ends at the target error, after `most` iterations, or if it is behind the `best` curve at
    half the iterations that `best` needed.
    """

    def __init__(self, target: float, most: int, best: Curve | None = None):
        self.target, self.most = target, most
        self.half_way = best.reached // 2 if best else 0
        self.expected = dict(best.points).get(self.half_way, 1.0) if best else 1.0
        self.last, self.points, self.reached = deque(maxlen=WINDOW), [], None

    def on_step(self, position, costs):
        self.last.append(next(iter(costs.values()))["top-1 error"])
        if len(self.last) < WINDOW:
            return
        self.points.append((position.step, sum(self.last) / WINDOW))
        if self.points[-1][1] <= self.target:
            self.reached = position.step
        is_behind = position.step == self.half_way and self.points[-1][1] > self.expected
        if self.reached or is_behind or position.step >= self.most:
            raise Enough


def train(neuron, rate: float, seed: int, options: dict, most: int, best: Curve | None = None):
    """Return the curve of a run: the stored one, or a new one, which is then stored.

    A stored curve counts only for the same data, target and bounds.
    """
    asked = {key: options[key] for key in ("data", "target")}
    asked |= {"most": most, "best": best.reached if best else None}
    path = options["runs"] / f"{neuron}-{rate:g}-{seed}.json"
    if (kept := stored_curve(path, asked)) is not None:
        return kept
    curve = train_anew(neuron, rate, seed, options, most, best)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"asked": asked, "curve": asdict(thinned(curve))}), "utf-8")
    return curve


def stored_curve(path: Path, asked: dict) -> Curve | None:
    """Return the curve in a file if it was stored for what is asked, else None."""
    if not path.is_file():
        return None
    found = json.loads(path.read_text("utf-8"))
    if found["asked"] != asked:
        return None
    points = [(step, error) for step, error in found["curve"].pop("points")]
    return Curve(**found["curve"], points=points)


def thinned(curve: Curve) -> Curve:
    """Return a curve with every tenth point, the middle one (see `Watch`) and the last."""
    half_way = curve.reached // 2 if curve.reached else 0
    last = curve.points[-1][0] if curve.points else 0
    kept = [
        (step, round(error, 5))
        for step, error in curve.points
        if step % EVERY == 0 or step in (half_way, last)
    ]
    return Curve(curve.neuron, curve.rate, curve.seed, kept, curve.reached)


def train_anew(neuron, rate: float, seed: int, options: dict, most: int, best: Curve | None):
    """Train until `Watch` ends the run, and return its curve.

    Raises click.Abort if a signal ends it.
    """
    specs = Specs.parse(*spec_files(neuron, rate, open_dataset(options["data"]).classes))
    prepared = prepare(specs, DataOptions(data=options["data"]), None)
    engine = make_engine(DeviceOptions(options["device"]), prepared.graph)[0]
    minibatch = prepared.defaults.minibatch
    run = Run(
        Network(prepared.graph, minibatch, engine, seed=seed),
        prepared.feed("train", minibatch, seed),
        options=Options(epochs=10**6),
        observer=(watch := Watch(options["target"], most, best)),
    )
    try:
        fit(run)
    except (Enough, TrainingError):  # the cost may diverge at a high rate
        pass
    else:
        raise click.Abort  # a signal stopped it
    return Curve(neuron, rate, seed, watch.points, watch.reached)


def spec_files(neuron: str, rate: float, classes: int) -> tuple[Source, Source]:
    """Return the two files with this rate for all weights, twice the rate for all biases."""
    layers = read_source(ROOT / f"layers/figure1-{neuron}.cfg")
    params = read_source(ROOT / f"params/figure1-{neuron}.params")
    changed = _with(params, epsW=rate, epsB=2 * rate)
    return _with(layers, outputs=classes), changed


def _with(source: Source, **values) -> Source:
    """Return the file with these values in all sections that contain the keys."""
    text = source.text
    for key, value in values.items():
        text = re.sub(rf"^{key}=.*", f"{key}={value}", text, flags=re.M)
    return Source(source.path, text)


def fastest(neuron: str, options: dict) -> list[Curve]:
    """Return the curves of the rate whose seeds reach the target first on average.

    Raises ClickException if all seeds of none do.
    """
    best: list[Curve] = []
    for rate in options["rates"]:
        found = curves_of(neuron, rate, options, best)
        reached = [curve.reached for curve in found if curve.reached]
        if len(reached) == options["seeds"] and (not best or mean(reached) < mean_of(best)):
            best = found
    if not best:
        raise click.ClickException(f"{neuron} did not reach the target; try a larger --most")
    return best


def curves_of(neuron: str, rate: float, options: dict, best: list[Curve]) -> list[Curve]:
    """Return the curves of a rate's seeds; the last one may have been abandoned.

    best: the curves of the best rate so far.
    """
    slowest = max(best, key=lambda curve: curve.reached, default=None)
    most, found = slowest.reached if slowest else options["most"], []
    for seed in range(options["seeds"]):
        found.append(train(neuron, rate, seed, options, most, slowest))
        click.echo(f"{neuron} at rate {rate:g}, seed {seed}: {outcome(found[-1])}")
        if not found[-1].reached:
            break
    return found


def mean_of(curves: list[Curve]) -> float:
    """Return the iterations to the target, averaged over curves that reached it."""
    return mean(curve.reached for curve in curves)


def outcome(curve: Curve) -> str:
    """Return the end of the line that reports a run."""
    if curve.reached:
        return f"{curve.reached} iterations"
    if not curve.points:
        return "diverged"
    step, error = curve.points[-1]
    return f"stopped at {error:.1%} training error after {step} iterations"


def ratio_line(curves: dict[str, list[Curve]], target: float) -> str:
    """Return the line that reports tanh's iterations as a multiple of ReLU's."""
    pairs = list(zip(*(curves[neuron] for neuron in NEURONS), strict=True))
    ratios = sorted(tanh.reached / relu.reached for relu, tanh in pairs)
    spread = f" ({ratios[0]:.1f} to {ratios[-1]:.1f})" if len(ratios) > 1 else ""
    return (
        f"iterations to {target:.0%} training error, relu : tanh = 1 : {mean(ratios):.1f}{spread}"
    )


def picture(curves: dict[str, list[Curve]], data: str, target: float):
    """Draw seed 0 of both networks in full color, other seeds faint, and the target as a line."""
    lines = []
    for role, (neuron, found) in zip(LINES, curves.items(), strict=False):
        dashed = neuron == "tanh"  # as in the paper
        lines += [Line("", c.points, role, faint=True, dashed=dashed) for c in found[1:]]
        label = f"{neuron}, rate {found[0].rate:g}"
        lines.append(Line(label, found[0].points, role, dashed=dashed))
    longest = max(curve.points[-1][0] for found in curves.values() for curve in found)
    lines.append(Line(f"{target:.0%}", [(0, target), (longest, target)], "frame"))
    panel = Panel("training error", "iterations", "share of the cases", lines, percent=True)
    scene = plot([panel], f"Four-layer net on {data} (paper, Figure 1)", height=380)
    return drawing.picture(scene)


@click.command()
@click.option(
    "--data", default="shapes:classes=40,train=10000", show_default=True, help="A data set."
)
@click.option("--device", default="auto", type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("--target", default=0.25, show_default=True, help="Training error to reach.")
@click.option(
    "--rates",
    multiple=True,
    type=float,
    default=RATES,
    show_default=True,
    help="Learning rates to try; repeat the option for each.",
)
@click.option("--seeds", default=1, show_default=True, help="Runs of each rate.")
@click.option("--most", default=4000, show_default=True, help="Most iterations of a trial.")
@click.option("--runs", type=click.Path(path_type=Path), default="figure1", show_default=True,
              help="Folder for the finished runs.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default="figure1.png", show_default=True)
def main(out, **options):
    """Train the networks of the paper's Figure 1 and draw their training error."""
    curves = {neuron: fastest(neuron, options) for neuron in NEURONS}
    click.echo(ratio_line(curves, options["target"]))
    picture(curves, options["data"], options["target"]).save(out)
    click.echo(f"{out}")


if __name__ == "__main__":
    main()
