"""Convolutional networks declared in two text files, in the style of cuda-convnet.

`convnet.load`, `convnet.Net`, `convnet.curves` and `convnet.Confusion` are the Python interface
(docs/api.md), `convnet.ConvnetError` the base of what they raise; the command line is `convnet`.
"""

from convnet.errors import ConvnetError

__version__ = "0.1.0"
__all__ = ["Confusion", "ConvnetError", "Net", "Observer", "__version__", "curves", "load"]


def __getattr__(name):
    if name in __all__:  # on demand: `import convnet` imports no NumPy or Numba
        from convnet import api

        return getattr(api, name)
    raise AttributeError(f"module 'convnet' has no attribute '{name}'")
