"""Chooses the data set for a pair of files and builds their graph with its sizes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from msgspec import structs

from convnet.data import Dataset, Feed, FeedOptions, open_dataset
from convnet.data.input import describe_difference, input_of, small_crop, with_colors
from convnet.data.listing import changed_folder
from convnet.data.open import is_built_in
from convnet.data.pipeline.feed import border
from convnet.data.workers.pool import cores
from convnet.display import harmless
from convnet.errors import DataError
from convnet.graph.build import Graph, build
from convnet.graph.fit_classes import OPTION, fit_classes
from convnet.graph.guess_sizes import infer_image
from convnet.graph.infer_inputs import (
    declared_channels,
    declared_classes,
    declared_image,
    needs_tree,
    placeholder_tree,
)
from convnet.language.specs import RunDefaults, Specs
from convnet.layers import Tree
from convnet.stored.input_record import InputRecord

DATA_VARIABLE = "CONVNET_DATA"
_MOST_COLORS = 64  # channels of images whose principal colors are recorded


@dataclass
class DataOptions:
    """How the data is chosen and preprocessed.

    Parameters:
        data: A built-in data set ("digits", "shapes:...", "synthetic:...") or a folder; None for
            the default of the parameter file or of the environment.
        crop_border: Pixels to crop from each side of the images.
        inner_size: Height and width of the crops, in pixels, instead of `crop_border`; 0: no crop.
        train_range: Training batches of a cuda-convnet folder, such as "1-5".
        test_range: Test batches of it.
        size: Height and width that a folder of pictures is brought to, in pixels; None: what the
            network's files declare, with room for random crops.
        hold_out: Share of each class of such a folder, or number of pictures, to test on; None: a
            tenth, unless it has a folder of test pictures.
        shuffle: Shuffle training images each epoch; None: unless the data comes in batches.
        flip: Reflect training images at random; None: if the data set suits it.
        mean: What to subtract: "image", "scalar", "none" or a number.
        scalar_mean: A number to subtract instead; see `convnet train --help`.
        color_noise: Strength of the PCA color augmentation.
        augment: False takes the centers of training images instead of random crops.
        data_seed: Seed of the pictures that are held out, and of data sets that are generated.
    """

    data: str | None = None
    crop_border: int | None = None
    inner_size: int | None = None
    train_range: str | None = None
    test_range: str | None = None
    size: int | None = None
    hold_out: float | None = None
    shuffle: bool | None = None
    flip: bool | None = None
    mean: str | float = "image"
    scalar_mean: float | None = None
    color_noise: float | None = None
    augment: bool | None = None
    data_seed: int = 0


@dataclass(frozen=True)
class Trained:
    """What a network's checkpoint says about its input.

    Parameters:
        where: The checkpoint, for messages; "" for a new network.
        input: Its record of the input; None in checkpoints without one.
        class_names: The classes that it was trained on; () if they are not known.
        data: The data set that it was trained on, as it was named.
        listing: Which pictures that was, if it was a folder of pictures (`convnet.data.listing`).
        tree: Tree of the labels that it was trained with, if any.
        keeps_mean: Subtract the recorded mean; False: the one that the options name.
        keeps_crop: Take the recorded crop; False: the one that the options name.
    """

    where: str = ""
    input: InputRecord | None = None
    class_names: tuple[str, ...] = ()
    data: str = ""
    listing: Mapping[str, Any] | None = None
    tree: Tree | None = None
    keeps_mean: bool = True
    keeps_crop: bool = True


UNTRAINED = Trained()


@dataclass
class Prepared:
    """A graph and its data.

    specs: the parsed files, fitted to the data if asked for.  source: name of the data set.  side:
    height and width of the network's images, in pixels.  opened: the arguments of `open_dataset`
    that gave the data.  trained: what the network's checkpoint says, if it has one.  notes: lines
    to print.
    """

    graph: Graph
    specs: Specs
    dataset: Dataset
    source: str
    side: int
    options: DataOptions
    defaults: RunDefaults
    opened: dict[str, Any]
    trained: Trained
    notes: list[str] = field(default_factory=list)

    def feed(self, split: str, minibatch: int, seed: int = 0, plain: bool = False) -> Feed:
        """Return the feed of a split, "train" or "test".

        plain: take training images too in order and without augmentation.
        """
        stored = self.dataset.stored_batches(split) is not None
        shuffle = not stored if self.options.shuffle is None else self.options.shuffle
        layers: list[Any] = [node.layer for node in self.graph.nodes if node.is_data]
        options = FeedOptions(
            side=self.side,
            seed=seed,
            shuffle=shuffle and not plain,
            augment=self.options.augment is not False and not plain,
            flip=self.options.flip,
            mean=self.input.mean,
            color_noise=0.0 if plain else self.options.color_noise or 0.0,
            color_pca=self.input.color_pca,
            matrices=tuple(sorted({layer.data_idx for layer in layers})),
        )
        return Feed(self.dataset, split, minibatch, options)

    @cached_property
    def input(self) -> InputRecord:
        """How images become input: as in the checkpoint, else as the options and the data say."""
        known = self.trained.input
        if known is not None and self.trained.keeps_mean:
            made = structs.replace(known, side=self.dataset.side, inner_size=self.side)
        else:
            made = input_of(self.dataset, self.side, self.mean())
        if not self.options.color_noise or self.dataset.channels > _MOST_COLORS:
            return made
        colors = known.color_pca if known else None
        return with_colors(made, colors or self.dataset.color_pca)

    def mean(self) -> str | float:
        """Return what to subtract, reading `scalar_mean` as the files' own system does.

        Source: docs/dialect.md, 9.2.
        """
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
    trained: Trained = UNTRAINED,
    classes_from_data: bool = False,
    workers: int | None = None,
) -> Prepared:
    """Choose the data set and build the graph with its sizes.

    Parameters:
        specs: The two parsed files.
        options: How the data is chosen and preprocessed.
        dialect: Dialect of the files; None recognizes it.
        strict: Treat warnings about the files as errors.
        trained: What the network's checkpoint says about its input.
        classes_from_data: Fit the files to the number of classes of the data.
        workers: Processes that read a folder of pictures the first time; None: one for each core.

    Raises:
        SpecError: If the files have errors; it lists all of them.
        DataError: If the data set is missing, damaged or does not fit.
    """
    defaults = RunDefaults(specs.params, specs.problems)
    source, notes = _choose_source(options, defaults)
    wanted = declared_image(specs.layers)
    tree = trained.tree
    classes = declared_classes(specs.layers) or (tree.classes if tree else None)
    side, channels = None, wanted[0] if wanted else declared_channels(specs.layers)
    if _is_made(source):
        side, channels = _made_size(specs, wanted, notes)
    elif not is_built_in(source):
        side = _picture_size(options, wanted, trained)
    opened: dict[str, Any] = {
        "name": source,
        "side": side,
        "channels": channels,
        "classes": classes,
        "seed": options.data_seed,
        "train_range": options.train_range,
        "test_range": options.test_range,
        "hold_out": options.hold_out,
    }
    dataset = open_dataset(**opened, workers=workers or cores())
    _refuse_size(dataset, options)
    _refuse_channels(dataset, specs, wanted)
    inner = _inner_side(dataset, options, wanted, trained)
    dims = {0: dataset.channels * inner**2, 1: dataset.targets or 1}
    if dataset.targets is None:
        dims[2] = dataset.classes
    if classes_from_data:
        specs, fitted = fit_classes(specs, dataset.classes)
        notes += [f"{OPTION}: {line}" for line in fitted]
    graph = build(
        specs.layers,
        specs.params,
        specs.problems,
        dialect=dialect,
        data_dims=dims,
        classes=dataset.classes or None,
        tree=tree or _label_tree(specs, dataset, notes),
    )
    specs.problems.raise_errors(strict=strict)
    notes += dataset.notes  # which reads a folder of pictures: after all that may be refused
    notes += filter(None, [small_crop(dataset, inner), _changed(trained, dataset, options)])
    notes += _input_notes(trained, dataset, inner)
    if trained.input is not None:
        dataset.use_scale(trained.input.scale)
    return Prepared(graph, specs, dataset, source, inner, options, defaults, opened, trained, notes)


def _input_notes(trained: Trained, dataset: Dataset, inner: int) -> list[str]:
    """A line about how the data differs from what a network was trained on, and what is used.

    Raises DataError if the recorded mean image does not cover the crops.
    """
    if not trained.where:
        return []
    if trained.input is None:
        unknown = "has no record of what its network's input was (it is older, or imported)"
        used = f": the mean of {dataset.name} is used" if trained.keeps_mean else ""
        return [f"{trained.where} {unknown}{used}"]
    covered = np.shape(trained.input.mean)[-1:]
    if trained.keeps_mean and covered and covered[0] < inner:
        raise DataError(
            f"{trained.where}: its mean image of {covered[0]}x{covered[0]} does not cover crops of "
            f"{inner}x{inner}: give other crops (--inner-size), or --mean image for the mean of "
            f"{dataset.name}"
        )
    differences = describe_difference(trained.input, trained.class_names, dataset)
    if not differences:
        return []
    used = "the checkpoint's mean" if trained.keeps_mean else "the mean that the options name"
    return [
        f"{dataset.name} differs from the data that the network was trained with: it has "
        f"{'; '.join(differences)}. Used: {used}, crops of {inner}x{inner}"
    ]


def _label_tree(specs: Specs, dataset: Dataset, notes: list[str]) -> Tree | None:
    """The tree of labels if a layer needs one: the data's, or an assumed one if it has none."""
    if not needs_tree(specs.layers):
        return None
    if dataset.tree is None:
        tree, note = placeholder_tree(specs.layers, dataset.classes)
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


def _choose_source(options: DataOptions, defaults: RunDefaults) -> tuple[str, list[str]]:
    if options.data:
        return options.data, []
    if defaults.source:
        return str(defaults.source), [f"data: {defaults.source}, named in the parameter file"]
    if os.environ.get(DATA_VARIABLE):
        source = os.environ[DATA_VARIABLE]
        return source, [f"data: {source}, from the variable {DATA_VARIABLE}"]
    why = f"no --data, no [data] section in the parameter file, no {DATA_VARIABLE}"
    return "shapes", [f"data: shapes, drawn on the fly ({why})"]


def _is_made(source: str) -> bool:
    """Whether images are generated in the size that the network's files declare.

    `synthetic:...` declares its own size.
    """
    return source == "synthetic" or source.partition(":")[0] == "shapes"


def _made_size(specs: Specs, wanted: tuple[int, int] | None, notes: list[str]) -> tuple[int, int]:
    """(side, channels) of generated images; large ones leave room for the paper's crops."""
    channels, side = wanted or infer_image(specs.layers)
    if wanted is None:
        notes.append(f"the layer file declares no image size: assuming {channels}x{side}x{side}")
    return (side * 8 // 7 if side >= 64 else side), channels


def _picture_size(
    options: DataOptions, wanted: tuple[int, int] | None, trained: Trained
) -> int | None:
    """The size that a folder of pictures is brought to; None if the files declare none.

    It is that of the training, or leaves room for the paper's crops (224 out of 256).
    """
    if options.size is not None:
        return options.size
    if trained.input is not None and trained.keeps_crop:
        return int(trained.input.side)
    declared = wanted[1] if wanted else None
    if options.crop_border is not None:
        return declared and declared + 2 * options.crop_border
    inner = options.inner_size or declared
    return inner if options.inner_size == 0 or inner is None else inner * 8 // 7


def _refuse_size(dataset: Dataset, options: DataOptions) -> None:
    if options.size not in (None, dataset.side):
        raise DataError(
            f"--size {options.size}: {dataset.name} has images of {dataset.side}x{dataset.side}; "
            f"{dataset.other_sizes}"
        )


def _refuse_channels(dataset: Dataset, specs: Specs, wanted: tuple[int, int] | None) -> None:
    if wanted and {wanted[0], dataset.channels} == {1, 3}:
        raise DataError(
            f"{dataset.name} has images of {dataset.channels} channels, but "
            f"{harmless(specs.layers.source.path)} declares {wanted[0]} (channels=): choose a "
            "network for such images (`convnet nets`), or another data set"
        )


def _changed(trained: Trained, dataset: Dataset, options: DataOptions) -> str:
    """A line if a folder of pictures has changed; "" for another folder, which was asked for."""
    is_same = options.data in (None, trained.data)
    return changed_folder(trained.listing, dataset) if is_same else ""


def _inner_side(
    dataset: Dataset, options: DataOptions, wanted: tuple[int, int] | None, trained: Trained
) -> int:
    """The height and width of the crops that the network gets.  DataError if they do not fit."""
    side = _chosen_side(dataset, options, wanted, trained)
    if options.inner_size and side == options.inner_size > dataset.side:
        raise DataError(
            f"--inner-size {side}: {dataset.name} has images of {dataset.side}x{dataset.side}; "
            f"give at most {dataset.side}, or 0 for no crop"
        )
    border(dataset, side)
    return side


def _chosen_side(
    dataset: Dataset, options: DataOptions, wanted: tuple[int, int] | None, trained: Trained
) -> int:
    whole: int = dataset.side
    if trained.input is not None and trained.keeps_crop:
        return trained.input.inner_size
    given = [options.crop_border is not None, options.inner_size is not None]
    if all(given):
        raise DataError("--crop-border and --inner-size both set the crops' size; give one of them")
    if options.crop_border is not None:
        side: int = dataset.side - 2 * options.crop_border
        if options.crop_border < 0 or side < 1:
            raise DataError(
                f"--crop-border {options.crop_border} leaves nothing of {dataset.name}'s images "
                f"of {dataset.side}x{dataset.side}: give 0 to {(dataset.side - 1) // 2}"
            )
        return side
    if options.inner_size is not None:
        if options.inner_size < 0:
            raise DataError(f"--inner-size {options.inner_size} is negative; 0 means no crop")
        return options.inner_size or whole
    if wanted is not None:
        return wanted[1]
    return whole * 7 // 8 if dataset.name.startswith("shapes") and whole >= 64 else whole
