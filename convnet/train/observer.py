"""What a run tells while it goes on.  The library prints nothing; who wants to show it derives."""

from pathlib import Path


class Observer:
    """All methods do nothing here.  Records are those of the journal, as dictionaries."""

    def on_start(self, record: dict) -> None:
        """A `start` or `resume` record."""

    def on_step(self, position, costs: dict[str, dict[str, float]]) -> None:
        """A minibatch was trained: the position behind it, its costs per case."""

    def on_train(self, record: dict) -> None:
        """The means over the minibatches since the record before."""

    def on_test(self, record: dict) -> None:
        """A test."""

    def on_save(self, path: Path) -> None:
        """A checkpoint was saved."""

    def on_message(self, text: str) -> None:
        """A line for the user.  May be called from within a signal handler."""
