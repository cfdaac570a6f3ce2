"""What the pixels' size can be known or assumed to be before there is a data set."""

from convnet.layers import Tree
from convnet.spec import SpecFile


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
    """The usual image of an original file that declares none: ImageNet's or CIFAR's."""
    many = (classes or wanted_classes(layers) or 10) > 100
    return (3, 224) if many or needs_tree(layers) else (3, 32)


def assumed_dims(
    layers: SpecFile, given: dict[int, int] | None, classes: int | None
) -> tuple[dict[int, int], str]:
    """Values per case of each data matrix, without a data set: given, declared or assumed.

    The second result says what was assumed, "" if nothing was.
    """
    dims = {1: 1, **({2: classes} if classes else {}), **(given or {})}
    if 0 in dims or declared_image(layers) is not None:
        return dims, ""
    channels, side = assumed_image(layers, classes)
    dims[0] = channels * side**2
    dims.setdefault(2, wanted_classes(layers) or 10)
    return dims, f"taking images of {channels}x{side}x{side}; --data-dims says otherwise"
