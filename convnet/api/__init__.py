"""The Python interface (docs/api.md): networks in memory that take and return NumPy arrays."""

from convnet.api.net import Net, NetOptions

__all__ = ["Net", "NetOptions"]
