"""Training of a network in memory by the loop of `convnet train`; the part of `Net` that does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from convnet.api.running import Running
from convnet.api.training_data import Arrays, TrainingData, array_data, named_data
from convnet.checkpoint import has_checkpoint
from convnet.data import decoding
from convnet.errors import ConvnetError
from convnet.graph.checkpoint_facts import facts_to_store
from convnet.prepare import Trained
from convnet.train import Options, Run, RunFolder, fit
from convnet.train.history import History
from convnet.train.observer import Observer, Observers

Training = str | os.PathLike[str] | Arrays


class Fitting(Running):
    """Trains; the part of `Net` that does."""

    def fit(
        self,
        data: Training,
        epochs: int,
        *,
        test: Arrays | None = None,
        callbacks: Iterable[Observer] = (),
        save: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train on a data set, as `convnet train` does, and return the costs of the run.

        Images larger than the network's input are cropped and mirrored at random, the mean of the
        training images is subtracted, the training cases are shuffled in each epoch, and the
        learning rates follow their schedules.  Training starts from the weights as they are; a
        second call is another run, with its own schedules.  `input` and `class_names` are then
        those of this data.  Ctrl-C ends it after a minibatch.

        Parameters:
            data: A folder or a built-in set, as `--data` takes it, such as `"digits"`; the network
                is tested on its test images after each epoch.  Or (images, labels): images of
                values 0 to 255, (cases, channels, rows, columns) or (cases, rows, columns), and
                labels, integers (cases,).
            epochs: How often to train on all cases.
            test: (images, labels) to test on, if `data` are arrays; None for no tests.
            callbacks: Objects whose methods are called as the training goes on, of classes derived
                from `convnet.Observer`.
            save: Folder to write checkpoints and the journal to; None writes nothing.

        Returns:
            A `convnet.train.history.History`: `train` and `test` are lists of entries with step,
            epoch, cases and costs.

        Raises:
            DataError: If the data does not fit the network.
            TrainingError: If the cost is no longer finite.
            ConvnetError: If an argument has an impossible value, or `save` holds a run already.
        """
        self._refuse_unless_trainable()
        if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 1:
            raise ConvnetError(f"epochs is a number of epochs, 1 or more, found {epochs!r}")
        if isinstance(data, str | os.PathLike):
            if test is not None:
                raise ConvnetError("test is for data in arrays; a data set has its own test images")
            found = named_data(self.specs, self.network, self._trained(), data)
        else:
            found = array_data(self.network, self._trained(), data, test)
        if save is not None and has_checkpoint(Path(save)):
            raise ConvnetError(f"{save} already holds a run; give another folder")
        with decoding(found.dataset):
            run = self._new_run(found, int(epochs), tuple(callbacks))
            run.folder = None if save is None else RunFolder(Path(save))
            outcome = fit(run)
        self.input, self.class_names = run.input, run.class_names
        self._ran.add("train")
        if outcome.reason.startswith("SIG"):
            signal.raise_signal(signal.Signals[outcome.reason])
        return run.history

    def _trained(self) -> Trained:
        """What is known of the network's input: it is kept if it is trained on."""
        return Trained(where="the network", input=self.input, class_names=self.class_names)

    def _new_run(self, found: TrainingData, epochs: int, observers: tuple[Observer, ...]) -> Run:
        return Run(
            self.network,
            found.train,
            found.test,
            options=Options(epochs=epochs),
            observer=Observers(observers),
            data=found.source,
            class_names=found.dataset.class_names,
            settings={**facts_to_store(self.graph), **found.settings},
            input=found.input,
        )
