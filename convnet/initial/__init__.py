"""Initial weights from functions that a spec names in initWFunc, initBFunc and initCFunc.

A spec alone runs nothing: a function is called only if it is one of `builtin`, which read
checkpoints of ours, or stands in a file that the user allowed by name.
"""

from convnet.initial.calls import InitOptions, fill, resolve

__all__ = ["InitOptions", "fill", "resolve"]
