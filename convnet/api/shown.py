"""How a network in memory is shown: as text, and in notebooks; the part of `Net` that does."""

from __future__ import annotations

import html
from io import StringIO
from pathlib import Path
from typing import Literal

from PIL import Image

from convnet.api.running import Running
from convnet.display import harmless
from convnet.drawing import draw_network, picture, svg
from convnet.graph.summary import layer_rows, parameter_count
from convnet.report.describe import network_summary
from convnet.report.describe_table import console, print_description


class Shown(Running):
    """Shows; the part of `Net` that does."""

    def summary(self) -> str:
        """Return a table of the layers, their shapes, parameters, multiply-adds and memory.

        It is what `convnet describe` prints, for the network's minibatch.
        """
        text = StringIO()
        summary = network_summary(self.graph, self.network.minibatch)
        print_description(self.graph, summary, console(text))
        return text.getvalue()

    def __repr__(self) -> str:
        source = self.graph.layers_file.source.path
        count = sum(map(parameter_count, self.graph.declared()))
        classes = f", {len(self.class_names):,} classes" if self.class_names else ""
        return (
            f"<Net {harmless(source)}: {len(self.graph.declared())} layers, {count:,} parameters"
            f"{classes}, minibatch {self.network.minibatch}, on {self.network.engine.kind}>"
        )

    def _repr_html_(self) -> str:
        about = f"<p>{html.escape(repr(self)[1:-1])}</p>"
        drawing = svg(draw_network(self.graph, self._name()))
        return f"{about}{self._html_table()}<details><summary>drawing</summary>{drawing}</details>"

    def drawing(self, theme: Literal["light", "dark"] = "light") -> Image.Image:
        """Return a drawing of the network, a column for each device, as `convnet draw` makes it."""
        return picture(draw_network(self.graph, self._name()), theme)

    def _name(self) -> str:
        return Path(self.graph.layers_file.source.path).stem

    def _html_table(self) -> str:
        """The table of the layers."""
        heads = ("layer", "type", "inputs", "output", "parameters", "MACs")
        lines = [_html_row("th", heads)]
        for row in layer_rows(self.graph):
            node = self.graph.node(row["name"])
            shape = "" if node.is_cost else str(node.shape)
            numbers = f"{parameter_count(node):,}", f"{row['operations']:,}"
            inputs = ", ".join(row["inputs"])
            lines.append(_html_row("td", (node.name, row["type"], inputs, shape, *numbers)))
        return f"<table>{''.join(lines)}</table>"


def _html_row(tag: str, texts: tuple[str, ...]) -> str:
    cells = "".join(f"<{tag}>{html.escape(harmless(text))}</{tag}>" for text in texts)
    return f"<tr>{cells}</tr>"
