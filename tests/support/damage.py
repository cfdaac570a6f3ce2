"""Damaged copies of a record: one field at a time is another value, gone, or under another name."""

import copy

ODD = (
    None, True, -1, 0, 3, 2.5, 1e300, float("nan"), 1 << 70, "", "x", "~nobody/x", "a\0b",
    "\x1b[2J", "\udcff", "n" * 100_000, [], [1], {}, {"a": 1},
)  # fmt: skip


def places(record):
    """Yield the path of every field of nested dicts and lists."""
    items = record.items() if isinstance(record, dict) else enumerate(record)
    for key, value in items:
        yield (key,)
        if isinstance(value, dict | list):
            yield from ((key, *below) for below in places(value))


def damages(record, odd=ODD):
    """Yield (path, damaged copy), one for each field and each odd value."""
    for place in list(places(record)):
        for value in odd:
            yield place, _changed(record, place, lambda holder, key, v=value: _set(holder, key, v))
        yield place, _changed(record, place, lambda holder, key: holder.pop(key))
        yield place, _changed(record, place, _rename)


def _changed(record, place, change):
    damaged = copy.deepcopy(record)
    holder = damaged
    for key in place[:-1]:
        holder = holder[key]
    change(holder, place[-1])
    return damaged


def _set(holder, key, value):
    holder[key] = value


def _rename(holder, key):
    value = holder.pop(key)
    if isinstance(holder, dict):
        holder["\x1bother"] = value
    else:
        holder.insert(0, [value])
