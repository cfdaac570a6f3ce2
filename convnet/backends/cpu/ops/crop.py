"""A square part of an image."""

from convnet.backends.base import implements
from convnet.operations import crop


@implements(crop.forward)
def forward(x, y, row, column):
    side = y.shape[1]
    y[...] = x[:, row : row + side, column : column + side]
