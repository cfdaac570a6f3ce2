"""The curves of a run as arrays, for plots of one's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from convnet import checkpoint
from convnet.journal import FILE_NAME, of_checkpoint, read
from convnet.report.curves import cost_layer, draw_curves


@dataclass(frozen=True, eq=False)
class Points:
    """Values of one number over a run.

    Attributes:
        step: Minibatches trained, int64 (n,).
        epoch: Epochs trained, float64 (n,); NaN in journals that do not record them.
        value: Means over the cases, float64 (n,); NaN where the journal has no number.
    """

    step: np.ndarray
    epoch: np.ndarray
    value: np.ndarray

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True, eq=False)
class Curve:
    """One number of a cost layer: of the training minibatches, and of the tests."""

    training: Points
    test: Points


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of a run; `curves[layer][number]` is one of them.

    Attributes:
        layers: By cost layer and number, such as `layers["logprob"]["top-1 error"]`, in the order
            of the journal.  Errors are shares, 0 to 1.
        records: The journal that they are made of.
    """

    layers: Mapping[str, Mapping[str, Curve]]
    records: list[dict[str, Any]]

    def __getitem__(self, layer: str) -> Mapping[str, Curve]:
        """Return the numbers of a cost layer.  DataError if there is no such layer."""
        return self.layers[cost_layer(self.records, layer)]

    def figure(self, cost: str | None = None, *, log: bool = False) -> Image.Image:
        """Return a picture: the cost in one panel, the errors in another.

        Parameters:
            cost: The cost layer; by default the first.
            log: A logarithmic axis for the cost.

        Raises:
            DataError: If there are no costs yet, or no such layer.
        """
        return draw_curves(self.records, cost=cost, log=log)


def curves(run: str | Path) -> Curves:
    """Return the curves of a run from its journal.

    Parameters:
        run: The folder of a run, or a checkpoint in it.

    Raises:
        CheckpointError: If a folder holds neither a journal nor a checkpoint.
        DataError: If the journal cannot be read.
    """
    path = Path(run)
    records = read(path if (path / FILE_NAME).is_file() else of_checkpoint(checkpoint.newest(path)))
    return Curves(_layers(records), records)


def _layers(records: list[dict[str, Any]]) -> dict[str, dict[str, Curve]]:
    costs = [item for record in records for item in record.get("costs", {}).items()]
    names = {
        layer: dict.fromkeys(n for at, found in costs if at == layer for n in found)
        for layer in dict.fromkeys(layer for layer, numbers in costs if numbers)
    }
    return {
        layer: {
            number: Curve(*(_points(records, event, layer, number) for event in ("train", "test")))
            for number in numbers
        }
        for layer, numbers in names.items()
    }


def _points(records, event: str, layer: str, number: str) -> Points:
    rows = [
        (record["step"], record.get("epoch", np.nan), record["costs"][layer][number])
        for record in records
        if record["event"] == event and number in record.get("costs", {}).get(layer, {})
    ]
    steps, epochs, values = zip(*rows, strict=True) if rows else ((), (), ())
    return Points(
        np.array(steps, np.int64),
        np.array(epochs, np.float64),
        np.array([np.nan if value is None else value for value in values], np.float64),
    )
