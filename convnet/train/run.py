"""A run: its network, data and options, and the state of its training."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.checkpoint import Checkpoint, Position, restore
from convnet.checkpoint.records import StoredOptions
from convnet.data.pipeline.feed import Feed
from convnet.distributed.group import Alone, Group, read_by_first
from convnet.errors import DataError
from convnet.journal import Journal
from convnet.network.network import Network
from convnet.stored.input_record import InputRecord
from convnet.stored.records import violation
from convnet.train.chance_level import ChanceLevel
from convnet.train.cost_average import cost_layers
from convnet.train.history import History
from convnet.train.meter import Meter
from convnet.train.observer import Observer
from convnet.train.plateau import MOST_DROPS, Plateau
from convnet.train.run_folder import RunFolder


@dataclass(frozen=True)
class Options:
    """How long to train, and when to test, record and save.  Counts are of minibatches.

    max_batches: save and stop after that many in this invocation.  test_every: None is once an
    epoch; there is always a test at the end.  test_minibatches: size of a test; None: as many as
    `MOST_TEST_CASES` cases need.  save_every: in addition to the saves at tests and at the end.
    record_every: interval of the journal's train records; None: about a hundred an epoch.

    drop_rate_when_stuck: divide the rates by 10 when the test error stops falling, at most three
    times.  stop_when_stuck: save and stop on a plateau with no drop left.  stuck_tests,
    stuck_improvement: the criterion (`convnet.train.plateau`).
    """

    epochs: int = 50
    max_batches: int | None = None
    test_every: int | None = None
    test_minibatches: int | None = None
    save_every: int | None = None
    record_every: int | None = None
    drop_rate_when_stuck: bool = False
    stop_when_stuck: bool = False
    stuck_tests: int = 5
    stuck_improvement: float = 0.01

    @property
    def most_drops(self) -> int:
        """Return how often the rates may be divided."""
        return MOST_DROPS if self.drop_rate_when_stuck else 0


MOST_TEST_CASES = 10_000  # of a test during training
_RECORDS_AN_EPOCH = 100


@dataclass
class Run:
    """A network, its data, and the state of its training.

    test: the test split's feed, or None for no tests.  folder: None writes no files.
    data, class_names, input: stored in the checkpoints.  settings: a JSON object of options to
    store besides `options`.
    init_from: for the journal, the layers that were copied from another net.  changes: lines about
    what differs from the run before it was resumed.  trace: file for the times of the steps of one
    minibatch.  trained: minibatches of this invocation.  ends_on_plateau: stop now, because the
    test error no longer falls.  is_sound: no minibatch is half done, so the state can be saved.
    unsaved: why the last save failed, or None; retry_at: when to try again, by the monotonic clock.
    group: the processes that train it together; the first one has the folder.  helps_to_write:
    this one only gives its part of the checkpoints, which `fit` sets.
    """

    network: Network
    train: Feed
    test: Feed | None = None
    options: Options = Options()
    folder: RunFolder | None = None
    observer: Observer = field(default_factory=Observer)
    data: str = ""
    class_names: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    input: InputRecord | None = None

    position: Position = Position()
    history: History = field(default_factory=History)
    journal: Journal = field(default_factory=lambda: Journal(None))
    init_from: dict[str, Any] | None = None
    resumed_from: Path | None = None
    changes: list[str] = field(default_factory=list)
    last_saved: Path | None = None
    saved_step: int = 0
    trace: Path | None = None
    meter: Meter = field(default_factory=Meter)
    trained: int = 0
    ends_on_plateau: bool = False
    is_sound: bool = True
    unsaved: str | None = None
    retry_at: float = 0.0
    group: Group = field(default_factory=Alone)
    helps_to_write: bool = False

    def __post_init__(self) -> None:
        self.position = Position(per_epoch=self.train.minibatches_per_epoch)
        self.cost_layers = cost_layers(self.network)
        if not self.cost_layers:
            raise DataError("the network has no cost layer: there is nothing to train")
        if self.test is None and (
            self.options.drop_rate_when_stuck or self.options.stop_when_stuck
        ):
            raise DataError("a plateau can only be detected with tests; give the run a test split")
        wrong = violation(self.stored_options(), StoredOptions, within="options")
        if wrong:  # found at the first save otherwise, when an epoch is trained
            raise DataError(f"a checkpoint cannot store the run's {wrong}")

    # -- resuming ----------------------------------------------------------------------------------

    def resume(
        self, checkpoint: Checkpoint, path: Path | None = None, changes: Iterable[str] = ()
    ) -> list[str]:
        """Continue from a checkpoint.  The train feed must have the checkpoint's seed.

        changes: lines about what differs from before, for the journal.  Returns lines for the
        user.  CheckpointError if the checkpoint belongs to another network.
        """
        history = History.from_json(checkpoint.history, checkpoint.path)
        history.check_costs(self.cost_layers, checkpoint.path)
        notes = restore(self.network, checkpoint)
        self.history = history
        self.position = self._position_of(checkpoint.position, notes)
        notes += self._drops_so_far(checkpoint)
        self.resumed_from = self.last_saved = path
        self.saved_step = self.position.step
        self.changes = [*changes, *notes]
        return notes

    def _position_of(self, before: Position, notes: list[str]) -> Position:
        """Convert a position to the minibatches of this run."""
        per_epoch = self.train.minibatches_per_epoch
        if before.per_epoch in (0, per_epoch):
            return Position(before.epoch, before.minibatch, before.step, per_epoch)
        minibatch = before.minibatch * per_epoch // before.per_epoch
        notes.append(
            f"an epoch has {per_epoch} minibatches now, {before.per_epoch} before: "
            f"going on at minibatch {minibatch + 1} of epoch {before.epoch + 1}"
        )
        return Position(before.epoch, minibatch, before.step, per_epoch)

    def _drops_so_far(self, checkpoint: Checkpoint) -> list[str]:
        """Keep the drops of the rates, or undo them without the option; return a line about it."""
        plateau, params = self.history.plateau, self.network.graph.params_file
        if params is not None and params.source.text != checkpoint.params.text:
            # New rates get the full number of tests and minibatches.
            plateau.waited, self.history.chance_level = 0, ChanceLevel()
        if not plateau.drops:
            return []
        if not self.options.drop_rate_when_stuck:
            self.history.plateau = Plateau(lowest=plateau.lowest)
            by = plateau.lr_divisor
            return [f"the rates are those of the params file, no longer divided by {by}"]
        return [
            f"the rates of the params file are divided by {plateau.lr_divisor}: "
            f"{plateau.drops} of {MOST_DROPS} drops are made"
        ]

    @property
    def writes(self) -> bool:
        """Return whether checkpoints are saved, here or by another process of the group."""
        return self.folder is not None or self.helps_to_write

    # -- its position ------------------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Return whether all epochs are trained."""
        return self.position.epoch >= self.options.epochs

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield (epoch, minibatch) of what this invocation trains, in order."""
        position, left = self.position, self.options.max_batches
        while position.epoch < self.options.epochs and left != 0:
            yield position.epoch, position.minibatch
            position, left = position.next(), None if left is None else left - 1

    def progress(self) -> float:
        """Return 0 to 1 over the run, constant within a data batch (docs/dialect.md, 6.4)."""
        done = self.train.data_batches_per_epoch * self.position.epoch
        done += self.train.data_batch_of(self.position.minibatch)
        return float(min(1.0, done / (self.options.epochs * self.train.data_batches_per_epoch)))

    @property
    def lr_divisor(self) -> int:
        """Return what the rates of the params file are divided by."""
        return self.history.plateau.lr_divisor

    def normal(self) -> Callable[[], float]:
        """Return a function that draws N(0,1) for schedules with noise.

        The draws depend only on seed and step.
        """
        words = [self.network.seed, self.position.step, crc32(b"rates")]
        draws: np.random.Generator | None = None

        def draw() -> float:
            nonlocal draws
            if draws is None:  # few runs need it, and making it takes longer than a draw
                draws = np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
            return float(draws.standard_normal())

        return draw

    # -- what is due -------------------------------------------------------------------------------

    def test_is_due(self) -> bool:
        """Return whether a test is due that has not been made yet."""
        tested = self.history.test[-1]["step"] if self.history.test else 0
        if self.test is None or self.position.step == tested:
            return False
        return self.is_done or self._ends_interval(self.options.test_every)

    def entry_is_due(self) -> bool:
        """Return whether the history gets an entry: at the end of an epoch, and before tests."""
        return self.position.minibatch == 0 or self._ends_interval(self.options.test_every)

    def record_is_due(self) -> bool:
        """Return whether the journal gets a train record."""
        every = self.options.record_every
        if every is None:
            every = max(1, self.position.per_epoch // _RECORDS_AN_EPOCH)
        return self.position.minibatch == 0 or self.position.step % every == 0

    def save_is_due(self) -> bool:
        """Return whether a save between tests is due."""
        every = self.options.save_every
        return every is not None and self.position.step % every == 0

    def _ends_interval(self, every: int | None) -> bool:
        """Return whether `every` minibatches, or an epoch if None, end here."""
        return self.position.minibatch == 0 if every is None else self.position.step % every == 0

    def test_size(self) -> int:
        """Return the minibatches of a test."""
        if self.test is None:
            return 0
        most = self.options.test_minibatches
        if most is None:
            most = ceil_div(MOST_TEST_CASES, self.test.minibatch_size)
        return int(min(most, self.test.minibatches_per_epoch))

    # -- what is stored ----------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """Return the current state of the run; of several processes, the first one has its arrays.

        All of them have to call it.
        """
        with read_by_first(self.network.engine, self.group):
            return Checkpoint.of(
                self.network,
                keep=self.group.is_first,
                position=self.position,
                options=self.stored_options(),
                history=self.history.to_json(),
                data=self.data,
                class_names=tuple(self.class_names),
                input=self.input,
                number=(self.folder.saves if self.folder else 0) + 1,
            )

    def stored_options(self) -> dict[str, Any]:
        """Return the options that a checkpoint stores."""
        kept = {key: value for key, value in vars(self.options).items() if key != "max_batches"}
        return {"minibatch": self.train.minibatch_size, **kept, **self.settings}
