"""The Python interface (docs/api.md): networks in memory that take and return NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from convnet.api.net import Net
from convnet.api.options import NetOptions
from convnet.report.confusion import Confusion
from convnet.report.curve_arrays import Curves, curves
from convnet.train.observer import Observer

__all__ = ["Confusion", "Curves", "Net", "NetOptions", "Observer", "curves", "load"]


def load(path: str | Path = "checkpoints", **options: Unpack[NetOptions]) -> Net:
    """Load a network from a checkpoint, with its weights, its class names and its input record.

    Parameters:
        path: A checkpoint, the folder of a run, or a folder of runs: its newest checkpoint.  Or the
            name of a trained net that comes with convnet, such as `"cifar10"`.
        options: Keyword arguments of `Net`, such as `device="cuda"`.

    Raises:
        CheckpointError: If there is no checkpoint, or it is damaged.
    """
    return Net.load(path, **options)
