"""From what a user asks for to a graph, its data and a network: what all commands share.

Order: the two spec files; the data set that fits them; the graph; the engine; the network.
"""

import os
from dataclasses import dataclass, field

from convnet.data import Dataset, Feed, FeedOptions, open_dataset
from convnet.errors import DataError
from convnet.graph.build import Graph, build
from convnet.graph.infer_inputs import (
    assumed_image,
    assumed_tree,
    declared_image,
    needs_tree,
    wanted_classes,
)
from convnet.language.specs import RunDefaults, Specs
from convnet.layers import Tree

DATA_VARIABLE = "CONVNET_DATA"


@dataclass
class DataOptions:
    """How the data is chosen and cut; the names are those of the command line."""

    data: str | None = None
    crop_border: int | None = None
    inner_size: int | None = None
    train_range: str | None = None
    test_range: str | None = None
    shuffle: bool | None = None
    flip: bool | None = None
    mean: str = "image"
    scalar_mean: float | None = None
    color_noise: float | None = None
    augment: bool | None = None
    data_seed: int = 0


@dataclass
class Prepared:
    """A graph and the data it is fed with.

    opened: the arguments of `open_dataset` that gave the data.  notes: lines the user should see.
    """

    graph: Graph
    dataset: Dataset
    source: str
    side: int
    options: DataOptions
    defaults: RunDefaults
    opened: dict
    notes: list[str] = field(default_factory=list)

    def feed(self, split: str, minibatch: int, seed: int = 0, plain: bool = False) -> Feed:
        """plain: training images too are taken in order and as they are."""
        stored = self.dataset.stored_batches(split) is not None
        shuffle = not stored if self.options.shuffle is None else self.options.shuffle
        wanted = {n.layer.data_idx for n in self.graph.nodes if n.is_data}
        options = FeedOptions(
            side=self.side,
            seed=seed,
            shuffle=shuffle and not plain,
            augment=self.options.augment is not False and not plain,
            flip=self.options.flip,
            mean=self.mean(),
            color_noise=0.0 if plain else self.options.color_noise or 0.0,
            matrices=tuple(sorted(wanted)),
        )
        return Feed(self.dataset, split, minibatch, options)

    def mean(self) -> str | float:
        """What is subtracted; `scalar_mean` as the files' own system reads it (dialect, 9.2)."""
        value = self.options.scalar_mean
        if value is None or value < 0:
            return self.options.mean
        if self.graph.dialect.scalar_mean_is_switch:
            return "scalar" if value else self.options.mean
        return value


def prepare(
    specs: Specs,
    options: DataOptions,
    dialect: str | None,
    strict: bool = False,
    tree: Tree | None = None,
) -> Prepared:
    """Choose the data and build the graph with its sizes.  SpecError, DataError.

    tree: of the labels, that the network was trained with; the data's when absent.
    """
    defaults = RunDefaults(specs.params, specs.problems)
    source, notes = _choose_source(options, defaults)
    wanted = declared_image(specs.layers)
    classes = wanted_classes(specs.layers) or (tree.classes if tree else None)
    side, channels = _made_size(specs, wanted, classes, notes) if _is_made(source) else (None, None)
    opened = {
        "name": source,
        "side": side,
        "channels": channels,
        "classes": classes,
        "seed": options.data_seed,
        "train_range": options.train_range,
        "test_range": options.test_range,
    }
    dataset = open_dataset(**opened)
    inner = _inner_side(dataset, options, wanted)
    dims = {0: dataset.channels * inner**2, 1: 1, 2: dataset.classes}
    graph = build(
        specs.layers,
        specs.params,
        specs.problems,
        dialect=dialect,
        data_dims=dims,
        classes=dataset.classes,
        tree=tree or _label_tree(specs, dataset, notes),
    )
    specs.problems.raise_errors(strict=strict)
    return Prepared(graph, dataset, source, inner, options, defaults, opened, notes)


def _label_tree(specs, dataset, notes) -> Tree | None:
    """The data's tree of labels where a layer needs one; a made-up one if the data has none."""
    if not needs_tree(specs.layers):
        return None
    if dataset.tree is None:
        tree, note = assumed_tree(specs.layers, dataset.classes)
        notes.append(f"{note}; {dataset.name} has none")
        return tree
    try:
        tree = Tree(*dataset.tree)
    except ValueError as problem:
        raise DataError(f"{dataset.name}: its tree of labels is no tree: {problem}") from None
    if tree.classes != dataset.classes:
        raise DataError(
            f"{dataset.name}: its tree of labels has {tree.classes:,} leaves, but there are "
            f"{dataset.classes:,} classes; each class is a leaf"
        )
    return tree


def _choose_source(options, defaults):
    if options.data:
        return options.data, []
    if defaults.source:
        return defaults.source, [f"data: {defaults.source}, named in the params file"]
    if os.environ.get(DATA_VARIABLE):
        source = os.environ[DATA_VARIABLE]
        return source, [f"data: {source}, from the variable {DATA_VARIABLE}"]
    why = f"no --data, no [data] section in the params file, no {DATA_VARIABLE}"
    return "shapes", [f"data: shapes, drawn on the fly ({why})"]


def _is_made(source: str) -> bool:
    """Whether the network's files say what is made; synthetic:... says it itself."""
    return source == "synthetic" or source.partition(":")[0] == "shapes"


def _made_size(specs, wanted, classes, notes):
    """(side, channels) to make images of; large ones leave room for the paper's crops."""
    channels, side = wanted or assumed_image(specs.layers)
    if wanted is None:
        notes.append(f"the spec declares no image size: taking {channels}x{side}x{side}")
    return (side * 8 // 7 if side >= 64 else side), channels


def _inner_side(dataset, options, wanted):
    """The side of the crops that the network gets."""
    given = [options.crop_border is not None, options.inner_size is not None]
    if all(given):
        raise DataError("--crop-border and --inner-size say the same thing; give one of them")
    if options.crop_border is not None:
        side = dataset.side - 2 * options.crop_border
        if options.crop_border < 0 or side < 1:
            raise DataError(
                f"--crop-border {options.crop_border} leaves nothing of {dataset.name}'s images "
                f"of {dataset.side}x{dataset.side}"
            )
        return side
    if options.inner_size is not None:
        return options.inner_size
    if wanted is not None:
        return wanted[1]
    return (
        dataset.side * 7 // 8
        if dataset.name.startswith("shapes") and dataset.side >= 64
        else dataset.side
    )
