"""Data: sets of labelled images, and minibatches of them.

`open_dataset` finds a set by name or folder, `Feed` makes minibatches of it, float32 matrices with
one column a case, and `Prefetch` makes them ahead of the network in threads.  This package does not
depend on networks.
"""

from importlib import import_module

_MODULES = {
    "BUILT_IN": "open",
    "Batch": "pipeline.feed",
    "Dataset": "dataset",
    "Feed": "pipeline.feed",
    "FeedOptions": "pipeline.feed",
    "Prefetch": "pipeline.prefetch",
    "ViewPrefetch": "pipeline.prefetch",
    "decoding": "workers.pool",
    "open_dataset": "open",
}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name in _MODULES:  # on demand: worker processes load no kernels
        return getattr(import_module(f"convnet.data.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'convnet.data' has no attribute '{name}'")
