"""`convnet predict`: the most probable classes of a user's own images."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from convnet import checkpoint
from convnet.cli_options.predict import PredictArguments
from convnet.commands.load_network import load
from convnet.commands.output.console import lost_result, note
from convnet.commands.output.progress_bar import Counting
from convnet.commands.ranks import facts_of_prediction, joined, refuse_differences
from convnet.commands.run_options import device_options, start_workers
from convnet.commands.testing.printed_predictions import Facts, Printer, printer
from convnet.display import harmless
from convnet.distributed.group import Group
from convnet.engines import make_engine_of
from convnet.errors import ConvnetError, DataError
from convnet.network.network import Network
from convnet.predict.find import Found, find_pictures, listed_paths, shown
from convnet.predict.pictures import SPLIT, Blank, Pictures, record_of
from convnet.predict.predictor import Outputs, Predictor
from convnet.runs.saved import Saved
from convnet.train.ensemble import class_difference

STDIN = Path("-")
FEW = 64  # images that this process decodes sooner than worker processes start
MOST_DRAWN = 600


def predict(arguments: PredictArguments) -> int:
    """Print the predictions; return the exit code, 1 if an image could not be read."""
    if arguments.as_json and arguments.as_csv:
        raise click.UsageError("--json and --csv both say how to print; give one of them.")
    if arguments.out:
        from convnet.commands.output.output_files import refuse_picture

        refuse_picture(arguments.out)
    group = joined(arguments.device)
    found = find_pictures(_paths_of_all(group, arguments.images))
    for path, why in found.skipped:
        note_skipped(path, why)
    if not found.files:
        raise ConvnetError("there are no images among the paths given")
    members = _load_all(arguments, found, group)
    _refuse_different(members, arguments)
    prediction = _Prediction(members, arguments, found, group)
    prediction.run()
    skipped = prediction.skipped + len(found.skipped)
    if skipped:
        note(f"{skipped:,} of {len(found.files) + len(found.skipped):,} could not be read")
    return 1 if skipped else 0


def _paths_of_all(group: Group, given: tuple[Path, ...]) -> Iterable[Path]:
    """The paths; of several processes, only the first one has a list on standard input."""
    if group.size == 1 or STDIN not in given:
        return _paths(given)
    listed = [str(path) for path in _paths(given)] if group.is_first else None
    return [Path(path) for path in group.share(listed)]


def _paths(given: tuple[Path, ...]) -> Iterator[Path]:
    for path in given:
        if path == STDIN:
            if sys.stdin is not None:  # as where it was closed
                yield from listed_paths(sys.stdin.buffer)
        else:
            yield path


def note_skipped(path: Path, why: str) -> None:
    note(f"{shown(path)}: skipped: {harmless(why)}")


# -- the networks ----------------------------------------------------------------------------------


class _Member(NamedTuple):
    """A network that predicts, and the checkpoint it is from."""

    name: str
    predictor: Predictor
    has_names: bool


def _load_all(arguments: PredictArguments, found: Found, group: Group) -> list[_Member]:
    """Return the networks, with one size of minibatches that suits all of them and the images."""
    saved = [load(path, for_test=True) for path in arguments.load or (None,)]
    stored = (each.checkpoint.options.get("minibatch", 128) for each in saved)
    minibatch = min(arguments.minibatch or min(stored), len(found.files))
    refuse_differences(group, facts_of_prediction([s.checkpoint for s in saved], found, minibatch))
    return [_member(each, arguments, minibatch, group) for each in saved]


def _member(saved: Saved, arguments: PredictArguments, minibatch: int, group: Group) -> _Member:
    stored = saved.checkpoint
    record = record_of(stored.input, harmless(str(saved.path)))
    graph = saved.graph()
    chosen = make_engine_of(group, device_options(arguments.device), graph)
    network = Network(
        graph, minibatch, chosen.engine, seed=stored.seed, only_tests=True, initialize=False
    )
    checkpoint.restore(network, stored)
    note(f"{saved.path}, {chosen.line}")
    predictor = Predictor.of(network, record, stored.class_names, arguments.logreg_name)
    return _Member(str(saved.path), predictor, predictor.class_names == stored.class_names)


def _refuse_different(members: list[_Member], arguments: PredictArguments) -> None:
    """Raise an error unless the outputs can be averaged and drawn; note what they are."""
    first = members[0].predictor
    for member in members[1:]:
        difference = class_difference(first.class_names, member.predictor.class_names)
        if member.predictor.is_softmax != first.is_softmax:
            difference = "only one of them ends in a softmax"
        if difference:
            names = harmless(members[0].name), harmless(member.name)
            raise DataError(f"{names[0]} and {names[1]} cannot be averaged: {difference}")
    layer = first.layer
    if arguments.out and not first.is_softmax:
        raise ConvnetError(f"--out draws probabilities, but {layer} is not a softmax layer")
    if not first.is_softmax:
        note(
            f"{layer} is not a softmax layer: its outputs are shown as they are, the largest "
            "first; they are no probabilities that add up to 1"
        )
    if arguments.multiview and first.input.inner_size == first.input.side:
        note("the crops are as large as the images: the views are the image and its mirror image")
    if not members[0].has_names:
        note(f"{members[0].name} names no classes: their numbers are shown, from 0")


# -- running them ----------------------------------------------------------------------------------


class _Prediction:
    """The networks' predictions for the images, printed and drawn.

    skipped: how many images could not be read so far.
    """

    def __init__(
        self, members: list[_Member], arguments: PredictArguments, found: Found, group: Group
    ) -> None:
        self._group = group
        self._members, self._arguments, self._found = members, arguments, found
        self._predictors = [member.predictor for member in members]
        self._views = [p.all_views if arguments.multiview else 1 for p in self._predictors]
        self._datasets = self._open_pictures()
        self._drawn: dict[int, np.ndarray] = {}  # outputs by case
        self.skipped = 0

    def _open_pictures(self) -> list[Pictures]:
        """Return each network's data set; those that want the same share one and its workers."""
        opened: dict[tuple[int, int, Blank], Pictures] = {}
        keys = [
            (p.input.side, p.input.channels, Blank.of(p.network.graph)) for p in self._predictors
        ]
        for key, predictor in zip(keys, self._predictors, strict=True):
            if key not in opened:
                opened[key] = Pictures(self._found, predictor.input, key[-1])
        few = len(self._found.files) <= FEW
        count = (0 if few else None) if self._arguments.workers is None else self._arguments.workers
        for dataset in opened.values():
            start_workers(dataset, count)
        return [opened[key] for key in keys]

    def run(self) -> None:
        """Print all predictions, then draw them if a picture is wanted."""
        arguments, total = self._arguments, len(self._found.files)
        out = printer(self._facts(), self._found, arguments.as_json, arguments.as_csv)
        # On a terminal the rows themselves show how far it is.
        is_shown = arguments.as_json or not sys.stdout.isatty()
        with Counting("predicting", total, shows=is_shown) as counting:
            for cases, values in self._averages():
                for case, column in zip(cases.tolist(), values.T, strict=True):
                    self._take(out, case, column)
                counting.advance(len(cases))
                lost = lost_result() is not None and not arguments.out
                if self._group.agree(lost)[0]:
                    return  # nobody reads on, as behind `| head`
        out.end()
        if arguments.out and self._group.is_first:
            self._draw(arguments.out)

    def _facts(self) -> Facts:
        first = self._predictors[0]
        return Facts(
            checkpoints=tuple(member.name for member in self._members),
            class_names=first.class_names,
            layer=first.layer,
            is_softmax=first.is_softmax,
            views=max(self._views),
            top=min(self._arguments.top, len(first.class_names)),
        )

    def _averages(self) -> Iterator[Outputs]:
        """Yield the mean of the networks' outputs for each minibatch, in float64."""
        members = zip(self._predictors, self._datasets, self._views, strict=True)
        for found in zip(*(p.outputs(d, views) for p, d, views in members), strict=True):
            total = sum((each.values for each in found), np.zeros(()))
            yield Outputs(found[0].cases, total / len(found))

    def _take(self, out: Printer, case: int, values: np.ndarray) -> None:
        """Print the outputs for an image, or why it could not be read."""
        path = self._found.files[case]
        why = next((d.unreadable[case] for d in self._datasets if case in d.unreadable), None)
        if why is not None:
            self.skipped += 1
            out.skip(path, why)
            note_skipped(path, why)
            return
        out.add(path, values)
        if self._arguments.out and len(self._drawn) < MOST_DRAWN:
            self._drawn[case] = values

    def _draw(self, out: Path) -> None:
        """Draw the images as the first network saw them, with their most probable classes."""
        from convnet.commands.output.output_files import write_picture
        from convnet.report.figures.predictions import Prediction, predictions_picture

        read = len(self._found.files) - self.skipped
        if read > len(self._drawn):
            note(f"the first {len(self._drawn):,} of {read:,} images are drawn")
        first, dataset, views = self._predictors[0], self._datasets[0], self._views[0]
        cases = list(self._drawn)
        if views > 1:  # several views cover the whole image
            images = dataset.images(SPLIT, cases)
        else:
            images = first.feed(dataset).centers(cases)
        drawn = [
            Prediction(image, values, None, self._found.files[case].name)
            for image, (case, values) in zip(images, self._drawn.items(), strict=True)
        ]
        title = f"Predictions of {self._members[0].name}"
        write_picture(predictions_picture(drawn, first.class_names, harmless(title)), out)
