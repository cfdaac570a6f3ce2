"""`convnet show-preds`: draw test images with their most probable classes."""

import numpy as np

from convnet.cli_options.show import ShowPredsArguments
from convnet.commands.load_for_test import LoadedForTest, load_for_test
from convnet.commands.output.console import note
from convnet.commands.output.output_files import refuse_picture, write_picture
from convnet.commands.output.quarters import Quarters
from convnet.report.figures.predictions import Prediction, predictions_picture
from convnet.train.multiview import averaged_batches, predict
from convnet.train.worst import worst_cases


def show_preds(arguments: ShowPredsArguments) -> None:
    """Write a picture of test images, the worst or random ones, and their predictions."""
    refuse_picture(arguments.out)
    found = load_for_test(arguments.load, arguments.evaluation)
    chosen = (_worst if arguments.worst else _random)(found, arguments)
    if len(chosen) < arguments.count:
        kind = "misclassified test images" if arguments.only_errors else "test images"
        note(f"there are only {len(chosen)} {kind}")
    title = _title(found, arguments)
    write_picture(predictions_picture(chosen, found.class_names, title), arguments.out)


def _random(found: LoadedForTest, arguments: ShowPredsArguments) -> list[Prediction]:
    random = np.random.default_rng(arguments.seed)
    chosen: list[Prediction] = []
    for index in random.permutation(found.feed.minibatches_per_epoch).tolist():
        candidates = _predictions(found, index, arguments)
        if arguments.only_errors:
            candidates = [one for one in candidates if not one.is_right]
        order = random.permutation(len(candidates)).tolist()
        chosen += [candidates[place] for place in order][: arguments.count - len(chosen)]
        if len(chosen) == arguments.count:
            break
    return chosen


def _worst(found: LoadedForTest, arguments: ShowPredsArguments) -> list[Prediction]:
    indices = list(range(found.feed.minibatches_per_epoch))
    views = _views(found, arguments)
    batches = averaged_batches(found.network, found.feed, indices, views, arguments.logreg_name)
    progress = Quarters("test images").of(batches, len(indices))
    cases = worst_cases(progress, found.feed, arguments.count, only_errors=arguments.only_errors)
    images = _images(found, np.array([case.index for case in cases], np.int64), arguments)
    return [
        Prediction(image, case.probabilities, case.label)
        for image, case in zip(images, cases, strict=True)
    ]


def _predictions(found: LoadedForTest, index, arguments) -> list[Prediction]:
    views = _views(found, arguments)
    probabilities, labels = predict(found.network, found.feed, index, views, arguments.logreg_name)
    images = _images(found, found.feed.indices(0, index), arguments)
    cases = zip(images, probabilities.T, labels.tolist(), strict=True)
    return [Prediction(*case) for case in cases]


def _views(found: LoadedForTest, arguments) -> int:
    return found.all_views if arguments.multiview else 1


def _images(found: LoadedForTest, indices: np.ndarray, arguments) -> np.ndarray:
    """Return what the network saw: crops, or whole images, which several views cover."""
    if _views(found, arguments) > 1:
        return found.prepared.dataset.images("test", indices)
    return found.feed.centers(indices)


def _title(found: LoadedForTest, arguments):
    kind = "misclassified test images" if arguments.only_errors else "test images"
    title = f"{kind[0].upper()}{kind[1:]} of {found.prepared.dataset.name}"
    return title + ": lowest probability of the true class first" * arguments.worst
