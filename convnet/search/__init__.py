"""Search in vectors: the nearest by Euclidean distance, the nearest binary codes, and recall."""

from convnet.search.codes import nearest_codes, packed
from convnet.search.exact import Nearest, nearest
from convnet.search.recall import recall_at, same_class

__all__ = ["Nearest", "nearest", "nearest_codes", "packed", "recall_at", "same_class"]
