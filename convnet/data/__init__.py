"""Data: sets of labelled images, and the minibatches cut from them.

`open_dataset` finds a set by name or folder, `Feed` cuts it into float32 matrices with one column
a case, `Prefetch` does so ahead of the network in a thread.  Knows nothing of networks.
"""

from importlib import import_module

_MODULES = {
    "BUILT_IN": "open",
    "Batch": "pipeline.feed",
    "Dataset": "dataset",
    "Feed": "pipeline.feed",
    "Prefetch": "pipeline.prefetch",
    "ViewPrefetch": "pipeline.prefetch",
    "decoding": "workers.pool",
    "open_dataset": "open",
}
__all__ = sorted(_MODULES)


def __getattr__(name):
    if name in _MODULES:  # on demand: worker processes need no kernels
        return getattr(import_module(f"convnet.data.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'convnet.data' has no attribute '{name}'")
