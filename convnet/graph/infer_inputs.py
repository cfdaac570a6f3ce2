"""What the pixels' size can be known or assumed to be before there is a data set."""

from convnet.errors import SpecError
from convnet.graph.build import build
from convnet.language import Problems, SpecFile
from convnet.layers import Tree


def declared_image(layers: SpecFile) -> tuple[int, int] | None:
    """(channels, side) that the pixels' data layer declares, if it does."""
    for section in layers.sections:
        values = {key: entry.value.text for key, entry in section.entries.items()}
        pixels = values.get("type") == "data" and values.get("dataidx") == "0"
        size = values.get("imgsize", "")
        if pixels and size.isdecimal():
            channels = values.get("channels", "3")
            return (int(channels) if channels.isdecimal() else 3), int(size)
    return None


def wanted_classes(layers: SpecFile) -> int | None:
    """Outputs of the layer below the first logreg cost's softmax."""
    sections = {section.name: section.entries for section in layers.sections}

    def value(entries, key):
        return entries[key].value if key in entries else None

    for entries in sections.values():
        kind = value(entries, "type")
        if kind is None or kind.text != "cost.logreg":
            continue
        inputs = value(entries, "inputs")
        names = [item.text for item in inputs.items()] if inputs else []
        below = value(sections.get(names[-1] if names else "", {}), "inputs")
        outputs = value(sections.get(below.text, {}), "outputs") if below else None
        if outputs is not None and outputs.text.isdecimal():
            return int(outputs.text)
    return None


def assumed_tree(layers: SpecFile, classes: int | None) -> tuple[Tree | None, str]:
    """A made-up tree of labels where a treefc layer needs one, and a line that says so.

    The classes hang under 10 inner labels (or fewer, of few classes), those under a root.
    """
    if not needs_tree(layers):
        return None, ""
    classes = classes or 10
    inner = min(10, classes)
    below = {classes + i: [] for i in range(inner)}
    for label in range(classes):
        below[classes + label * inner // classes].append(label)
    root = classes + inner
    children = {label: tuple(labels) for label, labels in below.items()} | {root: tuple(below)}
    note = f"taking a made-up tree of labels: {classes} classes under {inner} inner labels"
    return Tree(children, root), note


def needs_tree(layers: SpecFile) -> bool:
    """Whether there is a treefc layer."""
    types = (s.entries["type"].value.text for s in layers.sections if "type" in s.entries)
    return "treefc" in types


def assumed_image(layers: SpecFile, classes: int | None = None) -> tuple[int, int]:
    """(channels, side) where a file declares no image: the first usual one that fits."""
    rows = assumed_dims(layers, None, classes)[0][0]
    return next(image for image in _images(layers, classes) if rows == image[0] * image[1] ** 2)


def assumed_dims(
    layers: SpecFile, given: dict[int, int] | None, classes: int | None
) -> tuple[dict[int, int], str]:
    """Values per case of each data matrix, without a data set: given, declared or assumed.

    The second result says what was assumed, "" if nothing was.  What is assumed are usual images,
    and labels or label matrices, the first with which the file has no mistakes.
    """
    dims = {1: 1, **({2: classes} if classes else {}), **(given or {})}
    if 0 in dims or declared_image(layers) is not None:
        return dims, ""
    dims.setdefault(2, _last_outputs(layers) or 10)
    candidates = [
        (image, {**dims, 0: image[0] * image[1] ** 2, 1: rows})
        for rows in ([dims[1]] if given and 1 in given else [1, dims[2]])
        for image in _images(layers, classes)
    ]
    fits = (c for c in candidates if _builds(layers, c[1], classes))
    (channels, side), found = next(fits, candidates[0])
    labels = f" and {found[1]} label values" if found[1] > 1 else ""
    return found, f"taking images of {channels}x{side}x{side}{labels}; --data-dims says otherwise"


_USUAL = ((3, 224), (3, 32), (3, 24), (3, 64), (3, 128), (1, 28), (1, 32))


def _images(layers, classes):
    """(channels, side) of usual images, the likeliest first: ImageNet's or CIFAR's."""
    many = (classes or wanted_classes(layers) or _last_outputs(layers) or 10) > 100
    first = (3, 224) if many or needs_tree(layers) else (3, 32)
    return [first, *(image for image in _USUAL if image != first)]


def _last_outputs(layers):
    found = (section.entries.get("outputs") for section in reversed(layers.sections))
    texts = (entry.value.text for entry in found if entry is not None)
    return next((int(text) for text in texts if text.isdecimal() and len(text) < 8), None)


def _builds(layers, dims, classes):
    tree = assumed_tree(layers, classes)[0]
    try:
        build(layers, None, Problems(), data_dims=dims, classes=classes, tree=tree)
    except SpecError:
        return False
    return True
