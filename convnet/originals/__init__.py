"""Checkpoints of cuda-convnet 1, of the 2012 source and of cuda-convnet2, as checkpoints of ours.

`model` reads the pickled state, `spec_text` writes the layer and params files that it was made
from, `arrays` turns its matrices, and `convert` puts the parts together (dialect, 11).
"""

from convnet.originals.convert import Imported, import_checkpoint

__all__ = ["Imported", "import_checkpoint"]
