"""Convolutional networks declared in two text files, in the style of cuda-convnet.

`convnet.Net` is the Python interface (docs/api.md); the command line is `convnet`.
"""

__version__ = "0.1.0"
__all__ = ["Net", "__version__"]


def __getattr__(name):
    if name == "Net":  # on demand: importing convnet must not import NumPy and Numba
        from convnet.api import Net

        return Net
    raise AttributeError(f"module 'convnet' has no attribute '{name}'")
