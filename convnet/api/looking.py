"""Looks into a network in memory: its filters and activities; the part of `Net` that does."""

from __future__ import annotations

from convnet.api.pictured import Picture, data_set_of, refuse_unreadable
from convnet.api.running import RUNS, Running
from convnet.errors import ConvnetError, DataError
from convnet.predict.pictures import SPLIT, Blank, record_of
from convnet.report.figures.maps import Seen
from convnet.report.filters import FilterOptions, Filters, layer_filters
from convnet.report.maps import Maps, layers_with_maps, maps_of, seen_of


class Looking(Running):
    """Shows filters and activities; the part of `Net` that does."""

    def filters(
        self, layer: str | None = None, input: int = 0, *, channels: int = 0, plane: int = 0
    ) -> Filters:
        """Return the filters of a layer, as arrays and with a `figure` of them.

        Parameters:
            layer: Name of the layer; `conv1` also means the parts `conv1a`, `conv1b`, ... of a
                layer split over devices.  By default the first with weights.
            input: Position in the layer's `inputs`.
            channels: Of an fc layer, the channels of the images that its rows are shown as; 0:
                those of its input.
            plane: Of a local layer, the output position.

        Returns:
            `arrays`: by name of the layer or of its parts, (filters, channels, rows, columns).
            `figure()`: a Pillow image, as `convnet show-filters` draws it.

        Raises:
            DataError: If there is no such layer, or if it has no filters.
        """
        options = FilterOptions(index=input, channels=channels, plane=plane)
        parameters, network = self.network.parameters, self.network
        return layer_filters(
            self.graph,
            lambda node, at: network.read(parameters[f"{node.name}.weights.{at}"]),
            layer,
            options,
        )

    def maps(self, layer: str, image: Picture | None = None, *, case: int = 0) -> Maps:
        """Return a layer's activities for one image, as arrays and with a `figure` of them.

        Parameters:
            layer: Name of the layer; `conv1` also means the parts `conv1a`, `conv1b`, ... of a
                layer split over devices.
            image: An image as `predict` takes one; it becomes the last minibatch.  By default a
                case of the last minibatch.
            case: Which case of the last minibatch, if no image is given.

        Returns:
            `arrays`: by name of the layer or of its parts, (channels, rows, columns), of layers
            without pixels (values, 1, 1).  `figure()`: a Pillow image, as `convnet show-maps` draws
            it.

        Raises:
            DataError: If there is no such layer, it has no outputs, or the image cannot be read.
            ConvnetError: If there is no such case, or the network has no record of its input.
        """
        layers_with_maps(self.graph, layer)
        seen = None if image is None else self._look_at(image)
        if not {*RUNS} & self._ran:
            raise ConvnetError(f"there are no activities yet: call {', '.join(RUNS)} first")
        if not 0 <= case < self.network.cases:
            last = self.network.cases - 1
            raise ConvnetError(f"the last minibatch has cases 0 to {last}, there is no {case}")
        of_layer, names = self.network.output, self.class_names
        title = f"Activities of {layer}"
        return maps_of(self.graph, of_layer, layer, case, seen=seen, class_names=names, title=title)

    def _look_at(self, image: Picture) -> Seen:
        """Run the network on an image and return what it saw."""
        record = record_of(self.input, "the network")
        dataset = data_set_of(image, record, Blank.of(self.graph))
        if dataset.count(SPLIT) != 1:
            raise DataError(f"give one image; found {dataset.count(SPLIT):,}")
        squares = dataset.images(SPLIT, [0])
        refuse_unreadable(dataset)
        seen = seen_of(record, squares)
        self._run("forward", (seen.values[None],), needs_all=False)
        return seen
