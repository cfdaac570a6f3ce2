"""What is different now: told when a run is resumed with a new params file, or other options."""

from convnet.language import Problems, Source, SpecFile, harmless, parse

# Options as a checkpoint holds them; those of the data lie in an object of their own.
TOLD = ("epochs", "minibatch", "wupdate_freq", "test_every", "save_every", "drop_rate_when_stuck")
TOLD += ("stop_when_stuck", "stuck_tests", "stuck_improvement", "precision")
TOLD_OF_DATA = ("crop_border", "inner_size", "train_range", "test_range", "mean", "scalar_mean")
TOLD_OF_DATA += ("color_noise",)


def describe_changes(old: Source | str, new: Source | str) -> list[str]:
    """One line for each difference: "conv1, conv2: epsW 0.01 -> 0.001".

    Sections with the same difference share a line.  SpecError if one of the files is malformed.
    """
    before, after = _parsed(old, "<old params>"), _parsed(new, "<new params>")
    names = dict.fromkeys(section.name for file in (before, after) for section in file.sections)
    found: dict[str, list[str]] = {}
    for name in names:
        for change in _section_changes(before.get(name), after.get(name)):
            found.setdefault(change, []).append(name)
    return [f"{', '.join(sections)}: {change}" for change, sections in found.items()]


def describe_options(old: dict, new: dict) -> list[str]:
    """One line for each option of a run, as checkpoints hold them, that is another one now."""
    pairs = [(key, old, new) for key in TOLD]
    data = old.get("data_options", {}), new.get("data_options", {})
    pairs += [(key, *data) for key in TOLD_OF_DATA]
    return [
        f"{key.replace('_', '-')} {_option(before[key])} -> {_option(after[key])}"
        for key, before, after in pairs
        if key in before and key in after and before[key] != after[key]
    ]


def _option(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(none)" if value is None else harmless(str(value))


def _parsed(source: Source | str, name: str) -> SpecFile:
    problems = Problems()
    source = Source.from_text(source, name) if isinstance(source, str) else source
    found = parse(source, problems)
    problems.raise_errors()
    return found


def _section_changes(old, new) -> list[str]:
    if new is None:
        return ["the section is gone"]
    lines = [] if old else ["the section is new"]
    entries = [section.entries if section else {} for section in (old, new)]
    for key in dict.fromkeys([*entries[0], *entries[1]]):
        found = [given.get(key) for given in entries]
        texts = [entry.value.text if entry else None for entry in found]
        if not _same(*texts):
            key = (found[1] or found[0]).key
            lines.append(f"{key} {_shown(texts[0])} -> {_shown(texts[1])}")
    return lines


def _shown(text):
    return "(none)" if text is None else harmless(" ".join(text.split()))


def _same(old, new):
    """Whether two values, None if not given, are the same number or list, or the same text."""
    if old is None or new is None:
        return old is new
    return _reading(old) == _reading(new)


def _reading(text):
    items = []
    for item in text.split(","):
        try:
            items.append(float(item))
        except ValueError:
            items.append("".join(item.split()).lower())
    return items
