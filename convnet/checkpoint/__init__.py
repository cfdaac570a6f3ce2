"""Checkpoints: a run's complete state in one safetensors file.

Its arrays are the weights, biases and velocities, under the names of the network's parameters. Its
metadata are the text of both spec files, options, position, seed and history.  A checkpoint file is
complete at every moment, and nothing in it is unpickled or evaluated.
"""

from convnet.checkpoint.contents import Checkpoint, Position
from convnet.checkpoint.find import BEST, Found, has_checkpoint, load_newest, newest, numbered
from convnet.checkpoint.read import load, read_header
from convnet.checkpoint.restore import restore
from convnet.checkpoint.write import is_temporary, save, temporary_name

__all__ = [
    "BEST",
    "Checkpoint",
    "Found",
    "Position",
    "has_checkpoint",
    "is_temporary",
    "load",
    "load_newest",
    "newest",
    "numbered",
    "read_header",
    "restore",
    "save",
    "temporary_name",
]
