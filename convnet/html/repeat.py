"""The command that would train a run again."""

import shlex
from pathlib import Path
from typing import Any

from convnet.checkpoint import Checkpoint

# Options whose stored value is what the command would take by default.
_DEFAULTS = {"wupdate_freq": 1, "precision": "fp32", "stuck_tests": 5, "stuck_improvement": 0.01}
_OPTIONS = ("minibatch", "epochs", "test_every", "wupdate_freq", "precision")
_DATA = ("crop_border", "inner_size", "train_range", "test_range", "mean", "color_noise")


def command_of(saved: Checkpoint) -> str:
    """Return the command line of a run: its files, data, seed and the options that matter."""
    words = ["convnet", "train"]
    words += ["--layers", Path(saved.layers.path).name, "--params", Path(saved.params.path).name]
    words += ["--data", saved.data] if saved.data else []
    words += ["--seed", str(saved.seed)]
    options = saved.options
    words += _flags(options, _OPTIONS) + _flags(options.get("data_options") or {}, _DATA)
    if options.get("drop_rate_when_stuck"):
        words.append("--drop-rate-when-stuck")
    return shlex.join(words)


def _flags(options: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    found = []
    for name in names:
        value = options.get(name)
        if value is not None and value != _DEFAULTS.get(name):
            shown = "-".join(map(str, value)) if isinstance(value, list) else str(value)
            found += ["--" + name.replace("_", "-"), shown]
    return found
