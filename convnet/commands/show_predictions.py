"""`convnet show-preds`: draw test images with their most probable classes."""

import numpy as np

from convnet.cli_options.show import ShowPredsArguments
from convnet.commands.console import note
from convnet.commands.load_for_test import LoadedForTest, load_for_test
from convnet.commands.output_files import refuse_picture, write_picture
from convnet.report.predictions import Prediction, predictions_picture
from convnet.train.multiview import predict


def show_preds(arguments: ShowPredsArguments) -> None:
    """Write a picture of randomly chosen test images and their predictions."""
    refuse_picture(arguments.out)
    found = load_for_test(arguments.load, arguments.evaluation)
    random = np.random.default_rng(arguments.seed)
    views = found.all_views if arguments.multiview else 1
    chosen = []
    for index in random.permutation(found.feed.minibatches_per_epoch).tolist():
        candidates = _predictions(found, index, views, arguments.logreg_name)
        if arguments.only_errors:
            candidates = [one for one in candidates if not one.is_right]
        order = random.permutation(len(candidates)).tolist()
        chosen += [candidates[place] for place in order][: arguments.count - len(chosen)]
        if len(chosen) == arguments.count:
            break
    if len(chosen) < arguments.count:
        kind = "misclassified test images" if arguments.only_errors else "test images"
        note(f"there are only {len(chosen)} {kind}")
    title = _title(found, arguments)
    write_picture(predictions_picture(chosen, found.class_names, title), arguments.out)


def _predictions(found: LoadedForTest, index, views, cost) -> list[Prediction]:
    probabilities, labels = predict(found.network, found.feed, index, views, cost)
    indices = found.feed.indices(0, index)
    images = found.feed.centres(indices)  # what the network saw
    if views > 1:  # several views cover the whole image
        images = found.prepared.dataset.images("test", indices)
    cases = zip(images, probabilities.T, labels.tolist(), strict=True)
    return [Prediction(*case) for case in cases]


def _title(found: LoadedForTest, arguments):
    kind = "misclassified test images" if arguments.only_errors else "test images"
    return f"{kind[0].upper()}{kind[1:]} of {found.prepared.dataset.name}"
