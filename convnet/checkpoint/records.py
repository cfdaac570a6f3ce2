"""The records in a checkpoint's metadata: every field that later code reads, with its range.

Unknown fields are ignored, and fields that earlier versions did not write have defaults, so that
checkpoints of other versions load.
"""

from typing import Annotated, Literal

import msgspec

from convnet.stored.records import MOST, Count, Finite, Positive, Words

MOST_DROPS = 3  # of the learning rates, at plateaus (paper, section 5)
_Index = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}\Z")]  # a key of a JSON object
_Size = Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]
_Label = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Integer = Annotated[int, msgspec.Meta(ge=-MOST, lt=MOST)]

Names = Annotated[list[Words], msgspec.Meta(max_length=1_000_000)]
Seed = Annotated[int, msgspec.Meta(ge=0)]  # below 1 << 64, which `Header` checks
Signature = tuple[Count, Annotated[list[Count], msgspec.Meta(max_length=8)]]  # checksum, shape
Dialect = Literal["cc1", "chm", "cc2", "convnet"]


class StoredPosition(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """[epoch, minibatch, step, per_epoch], as in `Position`."""

    epoch: Count
    minibatch: Count
    step: Count
    per_epoch: Count

    def __post_init__(self) -> None:
        if self.minibatch >= max(self.per_epoch, 1):
            raise ValueError(
                f"expected a minibatch below {max(self.per_epoch, 1)}, those of an epoch, "
                f"got {self.minibatch}"
            )


class StoredTree(msgspec.Struct):
    """The tree of labels, as in `Tree`."""

    root: _Label
    children: dict[_Index, list[_Label]]


class StoredListing(msgspec.Struct):
    """Which pictures a folder of pictures had, as in `PictureFolder.digest`; and their counts."""

    digest: Words
    train: Count
    test: Count


class StoredDataOptions(msgspec.Struct):
    """How the data is chosen and preprocessed, as in `DataOptions`."""

    data: Words | None = None
    crop_border: _Integer | None = None
    inner_size: _Integer | None = None
    train_range: Words | None = None
    test_range: Words | None = None
    size: Annotated[int, msgspec.Meta(ge=1, lt=1 << 16)] | None = None
    hold_out: Finite | None = None
    shuffle: bool | None = None
    flip: bool | None = None
    mean: Annotated[str, msgspec.Meta(max_length=64)] | Finite = "image"
    scalar_mean: Finite | None = None
    color_noise: Finite | None = None
    augment: bool | None = None
    data_seed: _Integer = 0


class StoredOptions(msgspec.Struct):
    """The options of a run, and what its graph was built with."""

    minibatch: _Size = 128
    epochs: Positive = 1
    test_every: Positive | None = None
    test_minibatches: Positive | None = None
    save_every: Positive | None = None
    record_every: Positive | None = None
    drop_rate_when_stuck: bool = False
    stop_when_stuck: bool = False
    stuck_tests: Positive = 5
    stuck_improvement: _Share = 0.01
    wupdate_freq: Positive = 1
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    data_dims: dict[_Index, _Size] = {}
    tree: StoredTree | None = None
    listing: StoredListing | None = None
    data_options: StoredDataOptions = msgspec.field(default_factory=StoredDataOptions)


# -- the history -----------------------------------------------------------------------------------


class StoredEntry(msgspec.Struct):
    """Mean costs per case at a point of the run."""

    step: Count
    epoch: Finite
    cases: Count
    costs: dict[Words, dict[Words, Finite]]


class StoredBest(msgspec.Struct):
    """The test with the lowest error."""

    step: Count
    error: Finite


class StoredSums(msgspec.Struct):
    """Costs summed over cases, by cost layer."""

    sums: dict[Words, list[Finite]] = {}
    cases: Count = 0

    def __post_init__(self) -> None:
        if self.sums and not self.cases:
            raise ValueError("expected sums over at least one case, got cases 0")


class StoredPlateau(msgspec.Struct):
    """The state of `Plateau`."""

    lowest: Finite | None = None
    waited: Count = 0
    drops: Annotated[int, msgspec.Meta(ge=0, le=MOST_DROPS)] = 0
    stalls: Count = 0


class StoredChanceLevel(msgspec.Struct):
    """The state of `ChanceLevel`, under the names of the file format."""

    pieces: Count = 0
    minibatches: Count = 0
    cases: Count = 0
    cost: Finite = 0.0
    errors: Finite = 0.0
    one_class: Count | None = 0
    told: list[Words] = []


class StoredHistory(msgspec.Struct):
    """The costs of a run.  The format calls the plateau "stuck", the chance level "plateau"."""

    train: list[StoredEntry] = []
    test: list[StoredEntry] = []
    best: StoredBest | None = None
    since_entry: StoredSums = msgspec.field(default_factory=StoredSums)
    since_record: StoredSums = msgspec.field(default_factory=StoredSums)
    stuck: StoredPlateau = msgspec.field(default_factory=StoredPlateau)
    plateau: StoredChanceLevel = msgspec.field(default_factory=StoredChanceLevel)
