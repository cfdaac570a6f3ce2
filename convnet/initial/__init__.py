"""Initial weights from functions that a spec names in initWFunc, initBFunc and initCFunc.

A spec alone runs no code: a function is called only if it is one of `builtin`, which read
checkpoints, or is defined in a file that the user allowed by name.
"""

from convnet.initial.calls import InitOptions, fill, resolve

__all__ = ["InitOptions", "fill", "resolve"]
