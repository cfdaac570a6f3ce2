"""`convnet show-preds`: test images with the classes that the network takes them for."""

import numpy as np

from convnet.commands.console import note
from convnet.commands.load_for_test import Ready, ready
from convnet.commands.show import write_picture
from convnet.report.predictions import Prediction, predictions_picture
from convnet.train.multiview import predict


def show_preds(**given) -> None:
    found = ready(given)
    random = np.random.default_rng(given["seed"])
    views = found.all_views if given["multiview"] else 1
    chosen = []
    for index in random.permutation(found.feed.minibatches_per_epoch).tolist():
        candidates = _predictions(found, index, views, given["logreg_name"])
        if given["only_errors"]:
            candidates = [one for one in candidates if not one.is_right]
        order = random.permutation(len(candidates)).tolist()
        chosen += [candidates[place] for place in order][: given["count"] - len(chosen)]
        if len(chosen) == given["count"]:
            break
    if len(chosen) < given["count"]:
        kind = "wrong ones" if given["only_errors"] else "test images"
        note(f"there are only {len(chosen)} {kind}")
    write_picture(
        predictions_picture(chosen, found.class_names, _title(found, given)), given["out"]
    )


def _predictions(found: Ready, index, views, cost) -> list[Prediction]:
    probabilities, labels = predict(found.network, found.feed, index, views, cost)
    images = found.prepared.dataset.images("test", found.feed.indices(0, index))
    cases = zip(images, probabilities.T, labels.tolist(), strict=True)
    return [Prediction(*case) for case in cases]


def _title(found: Ready, given):
    kind = "wrongly classified images" if given["only_errors"] else "test images"
    return f"{kind[0].upper()}{kind[1:]} of {found.prepared.dataset.name}"
