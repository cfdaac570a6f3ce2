"""List what differs when a run is resumed with a new params file or other options."""

from typing import Any

from convnet.language import Problems, Source, SpecFile, harmless, parse
from convnet.language.specfile import Section

# The options to compare, as a checkpoint stores them; those of the data are in an object of theirs.
_OPTIONS = (
    "epochs",
    "minibatch",
    "wupdate_freq",
    "test_every",
    "save_every",
    "drop_rate_when_stuck",
    "stop_when_stuck",
    "stuck_tests",
    "stuck_improvement",
    "precision",
)
_DATA_OPTIONS = (
    "crop_border",
    "inner_size",
    "train_range",
    "test_range",
    "size",
    "hold_out",
    "data_seed",
    "mean",
    "scalar_mean",
    "color_noise",
)


def describe_changes(old: Source | str, new: Source | str) -> list[str]:
    """Return one line for each difference of two params files: "conv1, conv2: epsW 0.01 -> 0.001".

    Sections with the same difference share a line.  SpecError if one of the files is malformed.
    """
    before, after = _parsed(old, "<old params>"), _parsed(new, "<new params>")
    names = dict.fromkeys(section.name for file in (before, after) for section in file.sections)
    found: dict[str, list[str]] = {}
    for name in names:
        for change in _section_changes(before.get(name), after.get(name)):
            found.setdefault(change, []).append(name)
    return [f"{', '.join(sections)}: {change}" for change, sections in found.items()]


def describe_options(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return one line for each option, as checkpoints store them, whose value has changed."""
    pairs = [(key, old, new) for key in _OPTIONS]
    data = old.get("data_options", {}), new.get("data_options", {})
    pairs += [(key, *data) for key in _DATA_OPTIONS]
    return [
        f"{key.replace('_', '-')} {_option(before[key])} -> {_option(after[key])}"
        for key, before, after in pairs
        if key in before and key in after and before[key] != after[key]
    ]


def _option(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(none)" if value is None else harmless(str(value))


def _parsed(source: Source | str, name: str) -> SpecFile:
    problems = Problems()
    source = Source.from_text(source, name) if isinstance(source, str) else source
    found = parse(source, problems)
    problems.raise_errors()
    return found


def _section_changes(old: Section | None, new: Section | None) -> list[str]:
    if new is None:
        return ["the section is gone"]
    lines = [] if old else ["the section is new"]
    before, after = old.entries if old else {}, new.entries
    for key in dict.fromkeys([*before, *after]):
        entries = before.get(key), after.get(key)
        texts = [entry.value.text if entry else None for entry in entries]
        if not _same(*texts):
            written = next(entry.key for entry in reversed(entries) if entry)
            lines.append(f"{written} {_shown(texts[0])} -> {_shown(texts[1])}")
    return lines


def _shown(text: str | None) -> str:
    return "(none)" if text is None else harmless(" ".join(text.split()))


def _same(old: str | None, new: str | None) -> bool:
    """Return whether two values, None if not given, are equal as numbers, lists or texts."""
    if old is None or new is None:
        return old is new
    return _items(old) == _items(new)


def _items(text: str) -> list[float | str]:
    items: list[float | str] = []
    for item in text.split(","):
        try:
            items.append(float(item))
        except ValueError:
            items.append("".join(item.split()).lower())
    return items
