"""Sizes of the data, from what the layer file declares, where there is no data set."""

from collections.abc import Mapping

from convnet.language import Entry, SpecFile
from convnet.layers import Tree

Entries = Mapping[str, Entry]
_JOINS = ("pass", "concat")


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
    """Return the outputs of the layer below the softmax of the first logreg cost, or None.

    Layers that a `pass` or `concat` joins, as the parts of one layer on several devices, are added.
    """
    sections = {section.name: section.entries for section in layers.sections}
    for entries in sections.values():
        if _text(entries, "type") != "cost.logreg":
            continue
        probabilities = _inputs(entries)[-1:]
        below = _inputs(sections.get(probabilities[0], {})) if probabilities else []
        found = _outputs_of(sections, below)
        if found is not None:
            return found
    return None


def _outputs_of(sections: Mapping[str, Entries], names: list[str], depth: int = 2) -> int | None:
    """Return the declared outputs of layers, added up; None if they are not known of one."""
    total = 0
    for name in names:
        entries = sections.get(name, {})
        outputs: int | None = None
        declared = _text(entries, "outputs")
        if declared.isdecimal() and len(declared) < 10:
            outputs = int(declared)
        elif depth and _text(entries, "type") in _JOINS:
            outputs = _outputs_of(sections, _inputs(entries), depth - 1)
        if outputs is None:
            return None
        total += outputs
    return total or None


def _text(entries: Entries, key: str) -> str:
    return entries[key].value.text if key in entries else ""


def _inputs(entries: Entries) -> list[str]:
    return [item.text for item in entries["inputs"].value.items()] if "inputs" in entries else []


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


def last_outputs(layers: SpecFile) -> int | None:
    """Return the `outputs` of the last layer that has them, or None."""
    found = (section.entries.get("outputs") for section in reversed(layers.sections))
    texts = (entry.value.text for entry in found if entry is not None)
    return next((int(text) for text in texts if text.isdecimal() and len(text) < 8), None)
