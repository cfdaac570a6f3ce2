"""Runs as a whole: which there are, how far each has got, and how they differ."""

from convnet.runs.differences import differences
from convnet.runs.summary import RunSummary, run_folders, summary_of

__all__ = ["RunSummary", "differences", "run_folders", "summary_of"]
