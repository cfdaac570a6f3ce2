"""What differs between runs."""

from collections import Counter
from collections.abc import Sequence

from convnet.runs.summary import RunSummary

MISSING = "-"


def differences(runs: Sequence[RunSummary]) -> dict[str, list[str]]:
    """Return the settings that are not equal in all runs: by name, the value in each run.

    A setting that a run does not have is "-".  Settings that differ in the same way in all runs,
    such as the learning rates of all layers, are one entry: "conv1.epsW and 4 more".
    """
    names = dict.fromkeys(name for run in runs for name in run.settings)
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        values = tuple(run.settings.get(name, MISSING) for run in runs if run.settings)
        if len(set(values)) > 1:
            alike.setdefault(values, []).append(name)
    found: dict[str, list[str]] = {}
    for values, equal in alike.items():
        by_run = iter(values)
        found[_title(equal)] = [next(by_run) if run.settings else MISSING for run in runs]
    return found


def _title(names: list[str]) -> str:
    """The name, or a pattern for several with the same key: "*.epsW (5 layers)"."""
    if len(names) == 1:
        return names[0]
    keys = Counter(name.rpartition(".")[2] for name in names)
    if len(keys) == 1 and not names[0].startswith("--"):
        return f"{next(iter(keys))} of {len(names)} layers"
    return f"{names[0]} and {len(names) - 1} more"
