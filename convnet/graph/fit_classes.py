"""Fits a network's files to another number of classes, by editing single values of their text.

`outputs` of the last fc layers below the softmax of each cost becomes the number of classes, and
`topk` of these costs is lowered if it is larger.  All else, comments too, stays as it is.
"""

from convnet.display import harmless, quoted
from convnet.errors import DataError
from convnet.language import Section, SpecFile
from convnet.language.edit import Editor
from convnet.language.specs import Specs

OPTION = "--classes-from-data"
# Costs that compare their second input with the classes: with labels, or with one value for each
# class, which is data matrix 2.
_OF_LABELS = "cost.logreg"
_OF_TARGETS = ("cost.crossent", "cost.bce", "cost.dce")
# Types with as many outputs as each of their inputs, so that the search goes on below them.
_PASSING = ("softmax", "neuron", "dropout", "dropout2", "eltsum", "eltmax")


def fit_classes(specs: Specs, classes: int) -> tuple[Specs, list[str]]:
    """Return the files with `classes` classes, parsed, and a line for each value that changed.

    The files themselves, and no lines, if they have these classes already.  DataError if no cost
    needs classes, or if the layers that make them are of a type other than fc.
    """
    layers, params = specs.layers, specs.params
    lines: list[str] = []
    above, below = Editor(layers), Editor(params) if params else None
    costs = [section for section in layers.sections if _is_over_classes(layers, section)]
    if not costs:
        raise DataError(
            f"{OPTION}: {harmless(layers.source.path)} has no cost over classes, such as "
            f"{_OF_LABELS}"
        )
    found = (fc.name for cost in costs for fc in _last_fc(layers, cost, classes))
    for name in dict.fromkeys(found):
        _set(above, layers, name, "outputs", classes, lines)
    for cost in costs:
        _set(below, params, cost.name, "topk", classes, lines, most=True)
    if not lines:
        return specs, []
    return Specs.parse(above.source(), below.source() if below else None), lines


def _is_over_classes(layers: SpecFile, cost: Section) -> bool:
    kind, inputs = _text(cost, "type"), _inputs(cost)
    targets = layers.get(inputs[0]) if inputs else None
    is_matrix = targets is not None and _text(targets, "dataidx") == "2"
    return kind == _OF_LABELS or (kind in _OF_TARGETS and is_matrix)


def _last_fc(layers: SpecFile, cost: Section, classes: int) -> list[Section]:
    """Return the fc layers whose outputs reach a cost unchanged in number."""
    found: list[Section] = []
    seen: set[str] = set()
    places = _inputs(cost)[1:2]
    while places:
        name = places.pop(0)
        section = layers.get(name)
        if section is None or name in seen:  # an unknown name is an error of its own
            continue
        seen.add(name)
        kind = _text(section, "type")
        if kind == "fc":
            found.append(section)
        elif kind in _PASSING:
            places += _inputs(section)
        else:
            raise DataError(
                f"{OPTION}: the {classes:,} classes would be outputs of {quoted(name)}, which is "
                f"of type {kind or '(none)'}; only those of fc layers can be set: edit "
                f"{section.span} to fit"
            )
    return found


def _set(
    editor: Editor | None,
    file: SpecFile | None,
    name: str,
    key: str,
    number: int,
    lines: list[str],
    most: bool = False,
) -> None:
    """Set a key of a section, unless it has that value, and add a line about it to `lines`.

    most: only lower a value that is larger.
    """
    section = file.get(name) if file else None
    entry = section.entries.get(key) if section else None
    if editor is None or entry is None:  # a required key that is missing is an error of its own
        return
    text = entry.value.text
    if text.isdecimal() and (int(text) <= number if most else int(text) == number):
        return
    if "\n" in text or (most and not text.isdecimal()):
        return
    lines.append(f"{name}: {key} {text} -> {number}")
    editor.set(name, key, str(number))


def _inputs(section: Section) -> list[str]:
    entry = section.entries.get("inputs")
    return [item.text for item in entry.value.items()] if entry else []


def _text(section: Section, key: str) -> str:
    entry = section.entries.get(key)
    return entry.value.text if entry else ""
