"""Drawings of networks, in the way of the paper's Figure 2: a column a device, a row a step.

    placed graph  ->  Boxes (boxes.py)  ->  rows and lanes (arrange.py)  ->  Scene (compose.py)
                                                                       ->  SVG or a picture

A `Scene` is rectangles, lines and texts with their places; `svg.py` and `picture.py` only paint it.
"""

from convnet.drawing.compose import draw_network
from convnet.drawing.picture import picture
from convnet.drawing.svg import svg

__all__ = ["draw_network", "picture", "svg"]
