"""Training: the loop, the state of a run, tests during and after it, signals, and resuming."""

from convnet.train.changes import describe_changes
from convnet.train.evaluate import Score, evaluate
from convnet.train.loop import Outcome, fit
from convnet.train.multiview import ViewScore, evaluate_views
from convnet.train.observer import Observer
from convnet.train.run import Options, Run
from convnet.train.run_folder import RunFolder, new_run_folder

__all__ = [
    "Observer",
    "Options",
    "Outcome",
    "Run",
    "RunFolder",
    "Score",
    "ViewScore",
    "describe_changes",
    "evaluate",
    "evaluate_views",
    "fit",
    "new_run_folder",
]
