"""Messages about the progress of a long pass over a data set, one at each quarter."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from convnet.commands.output.console import note

Item = TypeVar("Item")
_LONG = 20  # minibatches


class Quarters:
    """Prints how many minibatches of a long pass are done, at each quarter.

    title: of the pass, such as "10 views".
    """

    def __init__(self, title: str):
        self.title, self._printed = title, 0

    def __call__(self, done: int, total: int) -> None:
        """Take note that so many minibatches are done."""
        if total > _LONG and done * 4 // total > self._printed:
            self._printed = done * 4 // total
            note(f"{self.title}: {done} of {total} minibatches")

    def of(self, items: Iterable[Item], total: int) -> Iterator[Item]:
        """Yield the items, one for each minibatch, and count them."""
        for done, item in enumerate(items, 1):
            yield item
            self(done, total)
