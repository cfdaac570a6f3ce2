"""Convert checkpoints of cuda-convnet 1, the 2012 source and cuda-convnet2 (docs/dialect.md, 11).

`model` reads the pickled state, `spec_text` writes the layer and params files that it was built
from, `arrays` brings its matrices into our layout, and `convert` puts the parts together.
"""

from convnet.originals.convert import Imported, import_checkpoint

__all__ = ["Imported", "import_checkpoint"]
