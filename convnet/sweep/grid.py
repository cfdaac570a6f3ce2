"""The runs of a sweep: a combination has one value for each key, and a run for each seed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

Setting = tuple[str, str]  # "conv1.epsW" and a value as a file would have it

_UNSAFE = re.compile(r"[^A-Za-z0-9_.=+,-]+")  # in names of folders
_LONGEST = 100  # characters of a combination's name


@dataclass(frozen=True)
class Combination:
    """A value for each key.  name: as its runs' folders have it."""

    settings: tuple[Setting, ...]
    name: str

    def __str__(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.settings) or "as in the files"


@dataclass(frozen=True)
class SweepRun:
    """A run of a combination with a seed."""

    combination: Combination
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return "-".join(filter(None, [self.combination.name, f"seed{self.seed}"]))

    def __str__(self) -> str:
        return f"{self.combination}, seed {self.seed}"


def by_key(settings: Iterable[Setting]) -> dict[str, list[str]]:
    """Return the values of each key in the order given; case does not count in keys."""
    found: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name, value in settings:
        found.setdefault(spelled.setdefault(canonical(name), name), []).append(value)
    return found


def canonical(name: str) -> str:
    """Return "layer.key" with the key in lower case: names of layers are case-sensitive."""
    layer, dot, key = name.rpartition(".")
    return f"{layer}{dot}{key.lower()}"


def combinations(values: dict[str, Sequence[str]]) -> list[Combination]:
    """Return the product of the values of all keys; of no keys, a single empty combination."""
    names: set[str] = set()
    found = []
    for chosen in product(*values.values()):
        settings = tuple(zip(values, chosen, strict=True))
        name = _free(_name(settings), names)
        names.add(name)
        found.append(Combination(settings, name))
    return found


def runs(found: Iterable[Combination], seeds: int) -> Iterator[SweepRun]:
    """Yield the runs: all combinations with the first seed, then with the next."""
    every = list(found)
    for seed in range(seeds):
        for combination in every:
            yield SweepRun(combination, seed)


def _name(settings: Iterable[Setting]) -> str:
    text = "_".join(f"{key}={value}" for key, value in settings)
    return _UNSAFE.sub("_", text)[:_LONGEST].strip("_")


def _free(name: str, taken: set[str]) -> str:
    """The name, or one with a number if another combination has it."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
