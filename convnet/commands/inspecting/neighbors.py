"""`convnet neighbors`: for test images, the training images nearest in a layer's features."""

import time

import numpy as np

from convnet.cli_options.show import NeighborsArguments
from convnet.commands.inspecting.recall import table_of_recall
from convnet.commands.output.console import note, result, result_json
from convnet.commands.output.output_files import refuse_picture, write_picture
from convnet.data import open_dataset
from convnet.data.datasets.feature_files import FeatureFolder
from convnet.errors import DataError
from convnet.report.figures.neighbors import Row, Shown, neighbors_picture
from convnet.search import Nearest, nearest


def neighbors(arguments: NeighborsArguments) -> None:
    """Print what the search found as JSON, or write a picture of it."""
    if not arguments.as_json:
        refuse_picture(arguments.out)
    folder = FeatureFolder(arguments.features)
    queries = _queries(folder, arguments)
    found, seconds = _search(folder, queries, arguments.k)
    recall = _recall(folder, arguments) if arguments.codes else None
    if arguments.as_json:
        result_json({**_facts(folder, queries, found, seconds), "codes": recall and recall.facts})
        return
    note(_speed_line(folder, queries, seconds))
    if recall:
        result(recall.text)
    write_picture(_picture(folder, queries, found, arguments.data), arguments.out)


def _recall(folder, arguments: NeighborsArguments):
    codes = FeatureFolder(arguments.codes)
    return table_of_recall(folder, codes, arguments.k, arguments.recall_cases)


def _queries(folder, arguments: NeighborsArguments) -> np.ndarray:
    """Rows of the test features: those of the named cases, or of random ones."""
    total = len(folder.matrix("test"))
    if not arguments.case:
        order = np.random.default_rng(arguments.seed).permutation(total)
        return np.sort(order[: arguments.count])
    wrong = [number for number in arguments.case if number >= total]
    if wrong:
        raise DataError(
            f"{folder.path} holds {total:,} test cases, 0 to {total - 1:,}; there is no {wrong[0]}"
        )
    return np.array(arguments.case)


def _search(folder, queries, k) -> tuple[Nearest, float]:
    vectors, wanted = folder.matrix("train"), np.array(folder.matrix("test")[queries])
    nearest(wanted, vectors[:1], 1)  # compiles, or loads, the kernels: not timed
    started = time.perf_counter()
    found = nearest(wanted, vectors, k)
    return found, time.perf_counter() - started


def _speed_line(folder, queries, seconds):
    vectors = folder.matrix("train")
    speed = f"{vectors.nbytes / 1e9 / seconds:.1f} GB/s"
    return (
        f"{len(queries)} queries in {len(vectors):,} vectors of {vectors.shape[1]:,} "
        f"values: {seconds:.2f} s ({speed})"
    )


def _facts(folder, queries, found, seconds) -> dict:
    labels, indices = folder.labels("train"), folder.indices("train")
    rows = []
    for query, near, distances in zip(queries, found.indices, found.distances, strict=True):
        neighbors = [
            {"case": int(indices[i]), "label": int(labels[i]), "distance": float(distance)}
            for i, distance in zip(near, distances, strict=True)
        ]
        case = {"case": int(folder.indices("test")[query])}
        rows.append({**case, "label": int(folder.labels("test")[query]), "neighbors": neighbors})
    about = {"features": str(folder.path), "layers": list(folder.layers), "seconds": seconds}
    return {**about, "queries": rows}


def _refuse_other_images(folder, dataset):
    """Raise DataError unless the cases of the features are those of the data set."""
    for split in ("train", "test"):
        count, places = dataset.count(split), folder.indices(split)
        wrong = places[(places < 0) | (places >= count)]
        if not len(wrong):
            labels = folder.labels(split), dataset.labels(split, places)
            wrong = places[labels[0] != labels[1]]
        if len(wrong):
            raise DataError(
                f"{folder.path} are features of other images than {dataset.name}'s: case "
                f"{wrong[0]} of its {count:,} {split} images has another label, or is not there. "
                "Name the data set that they were computed from with --data"
            )


def _picture(folder, queries, found, data):
    dataset = open_dataset(**{**folder.dataset, **({"name": data} if data else {})})
    if dataset.channels not in (1, 3):
        raise DataError(
            f"{folder.path} are features of {dataset.name}, which holds no images that could be "
            "drawn; --json prints what was found"
        )

    _refuse_other_images(folder, dataset)
    inner = min(folder.inner_size or dataset.side, dataset.side)
    border = (dataset.side - inner) // 2
    seen = slice(border, border + inner)  # what the network saw

    def shown(split, rows, notes):
        places, labels = folder.indices(split)[rows], folder.labels(split)[rows].tolist()
        images = dataset.images(split, places)[:, :, seen, seen]
        return list(map(Shown, images, labels, notes))

    rows = []
    for query, near, distances in zip(queries, found.indices, found.distances, strict=True):
        (asked,) = shown("test", [query], [""])
        rows.append(Row(asked, shown("train", near, [f"{d:.3g}" for d in distances])))
    layers = " and ".join(folder.layers)
    title = f"Test images of {dataset.name} and the nearest training images"
    return neighbors_picture(
        rows, folder.class_names, title, f"nearest by Euclidean distance in {layers}"
    )
