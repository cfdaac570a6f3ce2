"""Nearest neighbors: exact by Euclidean distance, or by binary codes, and the recall of these."""

from convnet.search.codes import nearest_codes, packed
from convnet.search.exact import Nearest, nearest
from convnet.search.recall import recall_at, same_class

__all__ = ["Nearest", "nearest", "nearest_codes", "packed", "recall_at", "same_class"]
