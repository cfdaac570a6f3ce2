"""Weights, biases and their gradients as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from convnet.api.running import GRADIENT_RUNS, Running
from convnet.errors import ConvnetError
from convnet.graph.build import Node
from convnet.network.given_arrays import checked_array
from convnet.network.plan import Parameter

Array = npt.NDArray[Any]


class ParameterAccess(Running):
    """Reads and writes the parameters of a network; the part of `Net` that does."""

    @property
    def layers(self) -> list[str]:
        """The names of the layers, in the order of the layer file."""
        return [node.name for node in self.graph.declared()]

    def weights(self, layer: str, input: int = 0) -> Array:
        """Return the weights of a layer for one of its inputs.

        Parameters:
            layer: Name of the layer.
            input: Position in the layer's `inputs`.

        Returns:
            conv: (filters, channels, rows, columns).  local: (places, filters, channels, rows,
            columns).  fc: (outputs, inputs).

        Raises:
            ConvnetError: If there are no such weights.
        """
        return self._outward(self.network.read(self._parameter(layer, input)))

    def set_weights(self, layer: str, values: npt.ArrayLike, input: int = 0) -> None:
        """Set the weights of a layer for one of its inputs.

        Parameters:
            layer: Name of the layer.
            values: Array of the shape that `weights` returns.
            input: Position in the layer's `inputs`.

        Raises:
            ConvnetError: If there are no such weights, or the shape is another.
        """
        parameter = self._parameter(layer, input)
        array = checked_array(parameter.name, values)
        self._write(parameter, self._inward(array), array.shape)

    def biases(self, layer: str) -> Array:
        """Return the biases of a layer, a flat array."""
        return np.asarray(self.network.read(self._parameter(layer, None)))

    def set_biases(self, layer: str, values: npt.ArrayLike) -> None:
        """Set the biases of a layer; values: of the shape that `biases` returns."""
        parameter = self._parameter(layer, None)
        array = checked_array(parameter.name, values)
        self._write(parameter, array, array.shape)

    def weights_gradient(self, layer: str, input: int = 0) -> Array:
        """Return the gradient of the cost by the weights, in the shape of `weights`.

        It is summed over the cases of the last `backward` or `train`.

        Raises:
            ConvnetError: If there are no such weights, or they are not trained.
        """
        return self._outward(self._gradient(self._parameter(layer, input)))

    def biases_gradient(self, layer: str) -> Array:
        """Return the gradient of the cost by the biases, as `weights_gradient` does."""
        return self._gradient(self._parameter(layer, None))

    def _gradient(self, parameter: Parameter) -> Array:
        self._refuse_unless_trainable()
        if not parameter.learns:
            raise ConvnetError(
                f"{parameter.name} is not trained (its rate is 0), so it has no gradient; "
                "train_all=True computes all"
            )
        self._refuse_unless_run("gradients", GRADIENT_RUNS)
        return np.asarray(self.network.read_gradient(parameter))

    def _node(self, layer: str) -> Node:
        if layer not in self.layers:
            raise ConvnetError(f"there is no layer '{layer}'; there are {', '.join(self.layers)}")
        return self.graph.node(layer)

    def _parameter(self, layer: str, index: int | None) -> Parameter:
        node = self._node(layer)
        if index is not None and not isinstance(index, int | np.integer):
            raise ConvnetError(f"an input is named by its position, 0, 1, ..., found {index!r}")
        if not node.owners or (index is not None and not 0 <= index < len(node.owners)):
            counted = f"weights for {len(node.owners)} inputs" if node.owners else "no weights"
            raise ConvnetError(f"{layer} has {counted}; input {index} was asked for")
        if index is None:
            return self.network.parameters[f"{layer}.biases"]
        owner, at = node.owners[index]
        return self.network.parameters[f"{owner.name}.weights.{at}"]

    def _write(self, parameter: Parameter, values: Array, given: tuple[int, ...]) -> None:
        if values.shape != parameter.spec.shape:
            wanted = self._outward(np.empty(parameter.spec.shape)).shape
            raise ConvnetError(f"{parameter.name} has shape {wanted}, found an array of {given}")
        if not np.isfinite(values).all():
            raise ConvnetError(f"{parameter.name}: the array holds values that are not finite")
        self.network.write(parameter, values)

    @staticmethod
    def _outward(values: Array) -> Array:
        """Move the filters of stored weights (..., channels, rows, columns, filters) first."""
        return np.moveaxis(values, -1, -4) if values.ndim >= 4 else values

    @staticmethod
    def _inward(values: Array) -> Array:
        return np.moveaxis(values, -4, -1) if values.ndim >= 4 else values
