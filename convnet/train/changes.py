"""What a new params file changes, layer by layer: told when a run is resumed with it."""

from convnet.spec import Problems, Source, SpecFile, harmless, parse


def describe_changes(old: Source | str, new: Source | str) -> list[str]:
    """One line for each difference: "conv1: epsW 0.01 -> 0.001".  SpecError if one is malformed."""
    before, after = _parsed(old, "<old params>"), _parsed(new, "<new params>")
    names = dict.fromkeys(section.name for file in (before, after) for section in file.sections)
    return [line for name in names for line in _section_changes(name, before, after)]


def _parsed(source: Source | str, name: str) -> SpecFile:
    problems = Problems()
    source = Source.from_text(source, name) if isinstance(source, str) else source
    found = parse(source, problems)
    problems.raise_errors()
    return found


def _section_changes(name, before, after):
    old, new = (file.get(name) for file in (before, after))
    if new is None:
        return [f"{name}: the section is gone"]
    lines = [] if old else [f"{name}: the section is new"]
    entries = [section.entries if section else {} for section in (old, new)]
    for key in dict.fromkeys([*entries[0], *entries[1]]):
        found = [given.get(key) for given in entries]
        texts = [entry.value.text if entry else None for entry in found]
        if not _same(*texts):
            key = (found[1] or found[0]).key
            lines.append(f"{name}: {key} {_shown(texts[0])} -> {_shown(texts[1])}")
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
