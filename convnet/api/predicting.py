"""Predictions of a network in memory for pictures and arrays; the part of `Net` that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np

from convnet.api.parameters import Array
from convnet.api.pictured import Pictured, data_set_of, refuse_unreadable
from convnet.api.running import Running
from convnet.data import decoding
from convnet.errors import ConvnetError, DataError
from convnet.predict.pictures import SPLIT, Blank, record_of
from convnet.predict.predictor import Predictor, names_of, output_node

Top = list[list[tuple[str, float]]]
FEW = 64  # files that this process decodes sooner than worker processes start


class Predicting(Running):
    """Predicts; the part of `Net` that does."""

    @overload
    def predict(self, images: Pictured, top: None = None, multiview: bool = False) -> Array: ...

    @overload
    def predict(self, images: Pictured, top: int, multiview: bool = False) -> Top: ...

    def predict(
        self, images: Pictured, top: int | None = None, multiview: bool = False
    ) -> Array | Top:
        """Return the probabilities of the classes for images, as `convnet predict` prints them.

        The network's input is made of them as in its training: the central square of a picture,
        scaled to the side of the training images, is cropped, and the mean is subtracted.

        Parameters:
            images: Image files, folders with all images below them, Pillow's images, or arrays of
                one picture, uint8 (rows, columns, channels) or (rows, columns): one of these or a
                sequence.  Or the images of a data set, an array (cases, channels, rows, columns) of
                values 0 to 255, of the data set's size or of the crop's.  Of a network without a
                record of its input (`input` is None), the array that `forward` takes.
            top: How many classes to return, the most probable first; None for the probabilities
                of all.
            multiview: Average over ten views of each image, or nine (docs/dialect.md, 9.2).

        Returns:
            float64 (cases, classes), in the order given.  With `top`, for each case a list of
            (class, probability); classes without names are named by their numbers.  If the network
            does not end in a softmax, its outputs take the place of probabilities.

        Raises:
            DataError: If an image cannot be read, or an array does not fit.
            ConvnetError: If pictures are given and the network has no record of its input.
        """
        if top is not None and (isinstance(top, bool) or not isinstance(top, int) or top < 1):
            raise ConvnetError(f"top is a number of classes, 1 or more, found {top!r}")
        if self.input is None and isinstance(images, np.ndarray):
            values, names = self._forward_all(images, multiview)
        else:
            values, names = self._predict_pictures(images, multiview)
        if top is None:
            return values
        order = np.argsort(-values, axis=1, kind="stable")[:, :top]
        return [
            [(names[label], float(row[label])) for label in labels]
            for row, labels in zip(values, order.tolist(), strict=True)
        ]

    def _predict_pictures(self, images: Pictured, multiview: bool) -> tuple[Array, Sequence[str]]:
        record = record_of(self.input, "the network")
        predictor = Predictor.of(self.network, record, self.class_names)
        dataset = data_set_of(images, record, Blank.of(self.graph))
        if multiview and dataset.side < record.side:
            raise DataError(
                f"the views are crops of images of {record.side}x{record.side} pixels, found an "
                f"array of {dataset.side}x{dataset.side}: give whole images, or take one view"
            )
        views, found = predictor.all_views if multiview else 1, []
        with decoding(dataset, None if dataset.count(SPLIT) > FEW else 0):
            for outputs in predictor.outputs(dataset, views):
                refuse_unreadable(dataset)
                found.append(outputs.values.T)
        self._ran.add("forward")
        return np.concatenate(found), predictor.class_names

    def _forward_all(self, images: Array, multiview: bool) -> tuple[Array, Sequence[str]]:
        """Return the outputs for arrays that are the network's input themselves."""
        if multiview:
            raise ConvnetError(
                "several views need the record of the network's input, which this network has not"
            )
        node = output_node(self.graph)
        found, size = [], self.network.minibatch
        for start in range(0, max(len(images), 1), size):
            self._run("forward", (images[start : start + size],), needs_all=False)
            found.append(self.network.values(node).reshape(node.shape.size, -1).T)
        return np.concatenate(found).astype(np.float64), names_of(node, self.class_names)
