"""Average the probabilities of several networks for the same test cases (paper, 6: "5 CNNs").

Sums are taken in float64, one network after the other; every network has the same weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convnet.errors import DataError
from convnet.language import harmless
from convnet.train.multiview import ViewScore, scored

SMALLEST = float(np.finfo(np.float32).tiny)  # lower bound of a probability in the cost


@dataclass(frozen=True)
class Member:
    """A network, or an average of several, and the cases it was tested on.

    name: for messages.  labels: int64 (cases,), in the order of the test.  networks: how many it
    is an average of.
    """

    name: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    networks: int = 1


class Ensemble:
    """Adds up the probabilities of its members, separately for each number of views."""

    def __init__(self, topk: int) -> None:
        self.topk = topk
        self.members: list[Member] = []
        self._sums: dict[int, np.ndarray] = {}
        self._networks: dict[int, int] = {}

    @property
    def networks(self) -> int:
        """Return how many networks the members stand for."""
        return sum(member.networks for member in self.members)

    def join(self, member: Member) -> None:
        """Add a member.  DataError if its classes or labels differ from those of the first one."""
        if self.members:
            difference = _difference(self.members[0], member)
            if difference:
                names = harmless(self.members[0].name), harmless(member.name)
                raise DataError(f"{names[0]} and {names[1]} cannot be averaged: {difference}")
        self.members.append(member)

    def add(self, views: int, probabilities: np.ndarray) -> None:
        """Add the probabilities (classes, cases) of the member that joined last."""
        networks = self.members[-1].networks
        weighted = probabilities.astype(np.float64)  # a copy
        weighted *= networks
        if views in self._sums:
            self._sums[views] += weighted
        else:
            self._sums[views] = weighted
        self._networks[views] = self._networks.get(views, 0) + networks

    def views(self) -> list[int]:
        """Return the numbers of views that all members have.  DataError if there are none."""
        found = sorted(views for views, n in self._networks.items() if n == self.networks)
        if not found:
            counts = " and ".join(map(str, sorted(self._networks)))
            raise DataError(
                f"nothing can be averaged: the networks were tested on {counts} views; see "
                "--multiview"
            )
        return found

    def average(self, views: int) -> np.ndarray:
        """Return the mean probabilities, float64 (classes, cases)."""
        return self._sums[views] / self._networks[views]

    def score(self, views: int) -> ViewScore:
        """Return the score of the average."""
        return score_of(self.average(views), self.members[0].labels, views, self.topk)


def score_of(probabilities: np.ndarray, labels: np.ndarray, views: int, topk: int) -> ViewScore:
    """Return the score of given probabilities (classes, cases)."""
    topk = min(topk, len(probabilities))
    cost, error, top_k = scored(probabilities, labels, topk, SMALLEST) / max(len(labels), 1)
    score = len(labels), views, float(cost), float(error), topk, float(top_k)
    return ViewScore(*score, labels, probabilities.argmax(axis=0))


def class_difference(first: Sequence[str], other: Sequence[str]) -> str:
    """Return how two networks' classes, in the order of the labels, differ, or ""."""
    if len(first) != len(other):
        return f"they know {len(first):,} and {len(other):,} classes"
    for place, names in enumerate(zip(first, other, strict=True)):
        if names[0] != names[1]:
            shown = [harmless(name) for name in names]
            return f"class {place} is '{shown[0]}' in the first and '{shown[1]}' in the second"
    return ""


def _difference(first: Member, other: Member) -> str:
    """Return why two members cannot be averaged, or ""."""
    if different := class_difference(first.class_names, other.class_names):
        return different
    if len(first.labels) != len(other.labels):
        return (
            f"they were tested on {len(first.labels):,} and {len(other.labels):,} cases (with "
            "--max-batches, give --minibatch too: the same for all)"
        )
    wrong = np.flatnonzero(first.labels != other.labels)
    if len(wrong):
        case = int(wrong[0])
        return (
            f"the label of case {case} is {first.labels[case]} and {other.labels[case]}: they were "
            "tested on other data, or in another order"
        )
    return ""
