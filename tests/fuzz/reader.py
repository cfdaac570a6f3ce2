"""What a fuzzed reader is: valid inputs, how they are changed, and the code that reads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from random import Random

from tests.fuzz.bytes_of import damage

Tree = dict[str, bytes]  # an input: path below its folder -> contents
Change = Callable[[Random, bytes, list[bytes]], bytes]  # rng, contents, contents of other files

_ONLY_BYTES = 0.25  # share of the changes that know nothing about the format


@dataclass(frozen=True)
class Reader:
    """A reader, its seeds and mutators.

    name: on the command line.  seeds: makes valid inputs.  read: reads the input in a folder.
    changes: pattern of file names -> mutator.  accepts: errors beside ConvnetError that this
    reader documents.  share: of the time, compared with other readers.
    """

    name: str
    seeds: Callable[[], list[Tree]]
    read: Callable[[Path], object]
    changes: Mapping[str, Change] = field(default_factory=dict)
    accepts: tuple[type[Exception], ...] = ()
    share: float = 1.0

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass
class Inputs:
    """The inputs of a reader for one seed, by number."""

    reader: Reader
    seed: int = 0

    @cached_property
    def trees(self) -> list[Tree]:
        return self.reader.seeds()

    @cached_property
    def pools(self) -> dict[str, list[bytes]]:
        """Contents of all files with an ending, which are spliced into others."""
        found: dict[str, list[bytes]] = {}
        for tree in self.trees:
            for name, contents in tree.items():
                found.setdefault(Path(name).suffix, []).append(contents)
        return found

    def make(self, number: int) -> Tree:
        """Return input `number`; the first ones are the seeds themselves."""
        if number < len(self.trees):
            return self.trees[number]
        rng = Random(f"{self.reader.name} {self.seed} {number}")
        tree = dict(rng.choice(self.trees))
        for _ in range(rng.choice((1, 1, 1, 2))):
            name = rng.choice(sorted(tree))
            if len(tree) > 1 and rng.random() < 0.03:
                self._change_files(rng, tree, name)
            else:
                others = self.pools[Path(name).suffix]
                tree[name] = self._changed(rng, name, tree[name], others)
            if not tree:
                break
        return tree

    def _changed(self, rng, name, contents, others) -> bytes:
        try:
            return self._mutator(rng, name)(rng, contents, others)
        except Exception:  # what is too damaged, or too deep, to be understood
            return damage(rng, contents, others)

    def _mutator(self, rng, name) -> Change:
        if rng.random() < _ONLY_BYTES:
            return damage
        found = (change for wanted, change in self.reader.changes.items() if fnmatch(name, wanted))
        return next(found, damage)

    def _change_files(self, rng, tree, name):
        other = rng.choice(sorted(tree))
        match rng.randrange(3):
            case 0:
                del tree[name]
            case 1:
                tree[name] = tree[other]
            case _:
                tree[name] = b""
