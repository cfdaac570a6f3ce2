"""Sizes of the data, from what the layer file declares, where there is no data set."""

from convnet.errors import SpecError
from convnet.graph.build import build
from convnet.language import Entry, Problems, SpecFile, Value
from convnet.layers import Tree


def declared_image(layers: SpecFile) -> tuple[int, int] | None:
    """Return (channels, side) of the image that the pixels' data layer declares, or None."""
    for section in layers.sections:
        values = {key: entry.value.text for key, entry in section.entries.items()}
        pixels = values.get("type") == "data" and values.get("dataidx") == "0"
        size = values.get("imgsize", "")
        if pixels and size.isdecimal():
            channels = values.get("channels", "3")
            return (int(channels) if channels.isdecimal() else 3), int(size)
    return None


def declared_channels(layers: SpecFile) -> int | None:
    """Return the `channels` of the first layer that reads the pixels directly, or None."""
    texts = [
        {key: entry.value.text for key, entry in section.entries.items()}
        for section in layers.sections
    ]
    pixels = {
        section.name
        for section, values in zip(layers.sections, texts, strict=True)
        if values.get("type") == "data" and values.get("dataidx") == "0"
    }
    found = (v.get("channels", "") for v in texts if v.get("inputs") in pixels)
    return next((int(text) for text in found if text.isdecimal() and 0 < len(text) < 6), None)


def declared_classes(layers: SpecFile) -> int | None:
    """Return the outputs of the layer below the softmax of the first logreg cost, or None."""
    sections = {section.name: section.entries for section in layers.sections}

    def value(entries: dict[str, Entry], key: str) -> Value | None:
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


def placeholder_tree(layers: SpecFile, classes: int | None) -> tuple[Tree | None, str]:
    """Return a placeholder for the data's tree of labels and a line that says so.

    (None, "") if there is no treefc layer.  The classes are below 10 inner labels, or as many as
    there are classes, and these below a root.
    """
    if not needs_tree(layers):
        return None, ""
    classes = classes or 10
    inner = min(10, classes)
    below: dict[int, list[int]] = {classes + i: [] for i in range(inner)}
    for label in range(classes):
        below[classes + label * inner // classes].append(label)
    root = classes + inner
    children = {label: tuple(labels) for label, labels in below.items()} | {root: tuple(below)}
    note = f"assuming a tree of labels: {classes} classes below {inner} inner labels"
    return Tree(children, root), note


def needs_tree(layers: SpecFile) -> bool:
    """Return whether there is a treefc layer."""
    types = (s.entries["type"].value.text for s in layers.sections if "type" in s.entries)
    return "treefc" in types


def infer_image(layers: SpecFile, classes: int | None = None) -> tuple[int, int]:
    """Return (channels, side) for a file that declares no image: the first usual one that fits."""
    rows = infer_dims(layers, None, classes)[0][0]
    return next(image for image in _images(layers, classes) if rows == image[0] * image[1] ** 2)


def infer_dims(
    layers: SpecFile, given: dict[int, int] | None, classes: int | None
) -> tuple[dict[int, int], str]:
    """Return the values per case of each data matrix: as given, as declared, or as assumed.

    The second result says what is assumed, "" if nothing is: an image of a usual size, and labels
    or a matrix of labels, the first with which the file has no errors.
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
    return (
        found,
        f"assuming images of {channels}x{side}x{side}{labels}; --data-dims sets other sizes",
    )


_USUAL = ((3, 224), (3, 32), (3, 24), (3, 64), (3, 128), (1, 28), (1, 32))


def _images(layers: SpecFile, classes: int | None) -> list[tuple[int, int]]:
    """(channels, side) of usual images, the likeliest first: ImageNet's or CIFAR's."""
    many = (classes or declared_classes(layers) or _last_outputs(layers) or 10) > 100
    first = (3, 224) if many or needs_tree(layers) else (3, 32)
    return [first, *(image for image in _USUAL if image != first)]


def _last_outputs(layers: SpecFile) -> int | None:
    found = (section.entries.get("outputs") for section in reversed(layers.sections))
    texts = (entry.value.text for entry in found if entry is not None)
    return next((int(text) for text in texts if text.isdecimal() and len(text) < 8), None)


def _builds(layers: SpecFile, dims: dict[int, int], classes: int | None) -> bool:
    tree = placeholder_tree(layers, classes)[0]
    try:
        build(layers, None, Problems(), data_dims=dims, classes=classes, tree=tree)
    except SpecError:
        return False
    return True
