"""Data: sets of labelled images, and the minibatches cut from them.

`open_dataset` finds a set by name or folder, `Feed` cuts it into float32 matrices with one column
a case, `Prefetch` does so ahead of the network in a thread.  Knows nothing of networks.
"""

from convnet.data.dataset import Dataset
from convnet.data.feed import Batch, Feed
from convnet.data.open import BUILT_IN, open_dataset
from convnet.data.prefetch import Prefetch

__all__ = ["BUILT_IN", "Batch", "Dataset", "Feed", "Prefetch", "open_dataset"]
