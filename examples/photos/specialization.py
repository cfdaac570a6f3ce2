"""Whether the halves of the first layer specialize in color and gray (paper, section 6.1).

The paper sees in its Figure 3 that the kernels on one GPU are largely color-agnostic and those on
the other largely color-specific, in every run.  Here this is a number: the share of a filter's
energy that is not gray, compared between the halves.  The initial values are taken out of the
filters first: in the paper's 90 epochs of ImageNet weight decay has removed them, in 30 epochs of a
few thousand photographs they are still there, and noise is colored.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnet import checkpoint
from convnet.graph.graph import Node
from convnet.network.initialize import drawn_values
from convnet.report.filters import layer_filters
from convnet.runs.saved import Saved

NOISE = 2 / 3  # the expected share of a filter of independent values, such as an initial one
SHUFFLES = 20_000


@dataclass(frozen=True)
class Specialization:
    """The color of the two halves of the first layer of a run.

    halves: the mean share of color of the filters of each, of what they have learned.  raw: the
    same of the filters as they are.  of_energy: the share of color in the energy of what each half
    has learned, in which filters that have learned little count little.  difference: of the
    means, the more colorful half less the other.  shuffled: what the difference is at most in 19 of
    20 random assignments of the filters to halves.  p: the share of assignments whose difference is
    as large as the one found.
    """

    net: str
    seed: int
    epochs: float
    halves: tuple[float, float]
    raw: tuple[float, float]
    of_energy: tuple[float, float]
    difference: float
    shuffled: float
    p: float


def color_shares(filters: np.ndarray) -> np.ndarray:
    """Return the share of each filter's energy outside of the gray axis, (filters,).

    filters: (filters, 3, rows, columns).  A filter that is the same in all channels has 0, one
    whose channels add up to 0 everywhere has 1, and independent noise 2/3.  A filter of zeros has
    NaN.
    """
    energy = (filters.astype(np.float64) ** 2).sum(axis=(1, 2, 3))
    with np.errstate(invalid="ignore"):
        return 1 - _gray_energy(filters) / energy


def color_of_energy(filters: np.ndarray) -> float:
    """Return the share of the energy of all filters together outside of the gray axis."""
    return float(1 - _gray_energy(filters).sum() / (filters.astype(np.float64) ** 2).sum())


def learned(filters: np.ndarray, initial: np.ndarray) -> np.ndarray:
    """Return filters without the part of each that is along its initial values, of equal shape."""
    axes = tuple(range(1, filters.ndim))
    along = (filters * initial).sum(axis=axes, keepdims=True)
    length = (initial * initial).sum(axis=axes, keepdims=True)
    return filters - initial * np.divide(along, length, out=np.zeros_like(along), where=length > 0)


def _gray_energy(filters: np.ndarray) -> np.ndarray:
    """The energy of the projection on (1, 1, 1) / sqrt(3), by filter."""
    return (filters.astype(np.float64).sum(axis=1) ** 2).sum(axis=(1, 2)) / 3


def against_shuffled(
    one: np.ndarray, other: np.ndarray, shuffles: int = SHUFFLES, seed: int = 0
) -> tuple[float, float]:
    """Compare the difference of two means with those of random assignments: a permutation test.

    Returns the difference, without its sign, that 19 of 20 assignments do not exceed, and the share
    of assignments whose difference is at least that of the given one, itself among them.
    """
    values, count = np.concatenate([one, other]), len(one)
    orders = np.random.default_rng(seed).permuted(np.tile(values, (shuffles, 1)), axis=1)
    found = np.abs(orders[:, :count].mean(axis=1) - orders[:, count:].mean(axis=1))
    given = abs(one.mean() - other.mean())
    at_least = np.count_nonzero(found >= given * (1 - 1e-12))
    return float(np.quantile(found, 0.95)), (1 + at_least) / (1 + shuffles)


def halves_of(arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the filters on two devices, or the two halves of those on one."""
    if len(arrays) == 2:
        return arrays[0], arrays[1]
    (whole,) = arrays
    return whole[: len(whole) // 2], whole[len(whole) // 2 :]


def specialization(folder: Path, net: str, seed: int) -> Specialization:
    """Return the specialization of the newest checkpoint of a run.

    Raises CheckpointError if it has none.
    """
    saved = Saved.of(checkpoint.load_newest(folder, for_test=True))
    graph, start = saved.graph(), saved.checkpoint.seed

    def initial(node: Node, index: int) -> np.ndarray:
        return drawn_values(node.layer.weights()[index], f"{node.name}.weights.{index}", start)

    raw = halves_of(list(layer_filters(graph, saved.weights).arrays.values()))
    begun = halves_of(list(layer_filters(graph, initial).arrays.values()))
    halves = [learned(*pair) for pair in zip(raw, begun, strict=True)]
    one, other = (color_shares(half) for half in halves)
    shuffled, p = against_shuffled(one, other)
    return Specialization(
        net=net,
        seed=seed,
        epochs=round(saved.checkpoint.position.epochs, 3),
        halves=_rounded(one.mean(), other.mean()),
        raw=_rounded(*(color_shares(half).mean() for half in raw)),
        of_energy=_rounded(*map(color_of_energy, halves)),
        difference=round(abs(float(one.mean() - other.mean())), 4),
        shuffled=round(shuffled, 4),
        p=float(f"{p:.2g}"),
    )


def _rounded(one: float, other: float) -> tuple[float, float]:
    return round(float(one), 4), round(float(other), 4)
