"""Several networks' probabilities for the same test cases, averaged (paper, section 6: "5 CNNs").

Sums are taken in float64, one network after the other; every network counts the same.
"""

from dataclasses import dataclass

import numpy as np

from convnet.errors import DataError
from convnet.language import harmless
from convnet.train.multiview import ViewScore, scored

SMALLEST = float(np.finfo(np.float32).tiny)  # a probability is taken for no less in the cost


@dataclass(frozen=True)
class Member:
    """A network, or an average of several, and what it was tested on.

    name: for messages.  labels: int64 (cases,), in the order of the test.  networks: how many.
    """

    name: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    networks: int = 1


class Committee:
    """Adds up the probabilities of its members, for each number of views by itself."""

    def __init__(self, topk: int):
        self.topk = topk
        self.members: list[Member] = []
        self._sums: dict[int, np.ndarray] = {}
        self._networks: dict[int, int] = {}

    @property
    def networks(self) -> int:
        return sum(member.networks for member in self.members)

    def join(self, member: Member) -> None:
        """DataError if its classes, or the labels of its cases, are not those of the first one."""
        if self.members:
            difference = _difference(self.members[0], member)
            if difference:
                names = harmless(self.members[0].name), harmless(member.name)
                raise DataError(f"{names[0]} and {names[1]} cannot be averaged: {difference}")
        self.members.append(member)

    def add(self, views: int, probabilities: np.ndarray) -> None:
        """The probabilities (classes, cases) of the member that joined last."""
        networks = self.members[-1].networks
        weighted = probabilities.astype(np.float64)  # a copy
        weighted *= networks
        if views in self._sums:
            self._sums[views] += weighted
        else:
            self._sums[views] = weighted
        self._networks[views] = self._networks.get(views, 0) + networks

    def views(self) -> list[int]:
        """Numbers of views that all members have.  DataError if there are none."""
        found = sorted(views for views, n in self._networks.items() if n == self.networks)
        if not found:
            counts = " and ".join(map(str, sorted(self._networks)))
            raise DataError(
                f"nothing can be averaged: the networks were tested on {counts} views; see "
                "--multiview"
            )
        return found

    def average(self, views: int) -> np.ndarray:
        """Mean probabilities, float64 (classes, cases)."""
        return self._sums[views] / self._networks[views]

    def score(self, views: int) -> ViewScore:
        """The score of the average."""
        return score_of(self.average(views), self.members[0].labels, views, self.topk)


def score_of(probabilities, labels, views: int, topk: int) -> ViewScore:
    """The score of given probabilities (classes, cases)."""
    topk = min(topk, len(probabilities))
    cost, error, top_k = scored(probabilities, labels, topk, SMALLEST) / max(len(labels), 1)
    return ViewScore(len(labels), views, float(cost), float(error), topk, float(top_k))


def _difference(first: Member, other: Member) -> str:
    """What keeps two members from being averaged, or ""."""
    mine, theirs = first.class_names, other.class_names
    if len(mine) != len(theirs):
        return f"they know {len(mine):,} and {len(theirs):,} classes"
    for place, names in enumerate(zip(mine, theirs, strict=True)):
        if names[0] != names[1]:
            shown = [harmless(name) for name in names]
            return f"class {place} is '{shown[0]}' of the one and '{shown[1]}' of the other"
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
