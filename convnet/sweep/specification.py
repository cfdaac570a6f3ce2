"""What a sweep consists of, as `sweep.json` in its folder records it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from convnet.display import harmless
from convnet.errors import DataError
from convnet.stored.files import plain_bytes, reason, replacing
from convnet.stored.records import Positive, from_json
from convnet.sweep.grid import SweepRun, combinations, runs

FILE_NAME = "sweep.json"
_MOST = 1 << 24  # bytes: two texts of a megabyte, as JSON
_ADVICE = "give another folder (--out) and start the sweep anew"


class File(msgspec.Struct):
    """A file of the network, as it was when the sweep began."""

    path: str
    text: str


class Specification(msgspec.Struct):
    """A sweep.

    tries: the values of each key.  seeds: their number, from 0 on.  options: further words of each
    run's command line.
    """

    version: Literal[1]
    tries: dict[str, list[str]]
    seeds: Positive
    options: list[str]
    layers: File
    params: File

    def runs(self) -> list[SweepRun]:
        """Return all runs."""
        return list(runs(combinations(dict(self.tries)), self.seeds))


def read(folder: Path) -> Specification | None:
    """Return the specification of a sweep's folder, None if it has none.

    Raises DataError if it cannot be read or is damaged.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    return from_json(plain_bytes(path, _MOST), Specification, path, advice=_ADVICE)


def write(folder: Path, specification: Specification) -> None:
    """Write the specification into the folder, which is made.  DataError if that fails."""
    text = msgspec.json.format(msgspec.json.encode(specification), indent=1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / FILE_NAME) as temporary:
            temporary.write_bytes(text + b"\n")
    except OSError as error:
        where = harmless(str(folder))
        raise DataError(f"{where}: cannot be used as a sweep's folder ({reason(error)})") from None


def differences(
    old: Specification,
    new: Specification,
    old_options: Mapping[str, str],
    new_options: Mapping[str, str],
) -> list[str]:
    """Return "fc4.epsW 0.1 -> 0.2" and the like for all in which two sweeps differ.

    old_options, new_options: the options of their runs, by name.
    """
    before = {key: ", ".join(values) for key, values in old.tries.items()}
    after = {key: ", ".join(values) for key, values in new.tries.items()}
    before |= {"--seeds": str(old.seeds), **old_options}
    after |= {"--seeds": str(new.seeds), **new_options}
    found = [
        f"{name} {before.get(name, '(none)')} -> {after.get(name, '(none)')}"
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]
    if list(old.tries) != list(new.tries) and not found:
        found.append(f"the order of the keys {', '.join(old.tries)} -> {', '.join(new.tries)}")
    return found + changed_files(old, new)


def changed_files(old: Specification, new: Specification) -> list[str]:
    """Return a line for each of the two files whose text is another."""
    pairs = [(old.layers, new.layers), (old.params, new.params)]
    return [
        f"{after.path} is another file, or has been edited"
        for before, after in pairs
        if before.text != after.text
    ]
