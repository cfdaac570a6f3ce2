"""Counters: what the warps of a launch ask of memory, and what that predicts for a GPU."""

from emulator.counters.counts import Array, Counts
from emulator.counters.gpu import H200, Gpu, blocks_at_once, seconds
from emulator.counters.watcher import Watcher

__all__ = ["H200", "Array", "Counts", "Gpu", "Watcher", "blocks_at_once", "seconds"]
