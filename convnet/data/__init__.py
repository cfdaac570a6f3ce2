"""Data: sets of labeled images, and minibatches of them.

`open_dataset` finds a set by name or folder, `Feed` makes minibatches of it, float32 matrices with
one column a case, and `Prefetch` makes them ahead of the network in threads.  This package does not
depend on networks.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convnet.data.dataset import Dataset
    from convnet.data.open import BUILT_IN, open_dataset
    from convnet.data.pipeline.feed import Batch, Feed, FeedOptions
    from convnet.data.pipeline.prefetch import Prefetch, ViewPrefetch
    from convnet.data.workers.pool import decoding

__all__ = [
    "BUILT_IN",
    "Batch",
    "Dataset",
    "Feed",
    "FeedOptions",
    "Prefetch",
    "ViewPrefetch",
    "decoding",
    "open_dataset",
]

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


def __getattr__(name: str) -> object:
    if name in _MODULES:  # on demand: worker processes load no kernels
        return getattr(import_module(f"convnet.data.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'convnet.data' has no attribute '{name}'")
