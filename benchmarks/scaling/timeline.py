"""When each task of a step runs, on ranks that work in order and links that carry messages.

Knows nothing of convnet.
"""

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """Work of a rank, or a message.

    seconds: how long it takes.  after: numbers of the earlier tasks that it waits for.
    rank: whose work it is; a rank does its tasks in the order of the list.  None for a message.
    uses: of a message, what it occupies alone, such as a link in one direction.  Of the messages
    that wait for the same, the one that was ready first goes first.
    """

    seconds: float
    after: tuple[int, ...] = ()
    rank: Hashable = None
    uses: tuple[Hashable, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """starts: of each task.  seconds: until all tasks are done.  waiting: by rank, the share of
    that time in which it does nothing."""

    starts: list[float]
    seconds: float
    waiting: dict[Hashable, float]


def simulate(tasks: Sequence[Task]) -> Timeline:
    """Return when the tasks run if each starts as soon as it can.

    ValueError if a task waits for a later one.
    """
    run = _Run(tasks)
    while run.running:
        run.advance()
    seconds = run.now
    busy: dict[Hashable, float] = {}
    for task in tasks:
        if task.rank is not None:
            busy[task.rank] = busy.get(task.rank, 0.0) + task.seconds
    waiting = {rank: 1 - time / seconds if seconds else 0.0 for rank, time in busy.items()}
    return Timeline(run.starts, seconds, waiting)


class _Run:
    """A simulation in progress.  running: tasks by their end; now: the time."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks, self.now = tasks, 0.0
        self.starts = [0.0] * len(tasks)
        self.running: list[tuple[float, int]] = []
        self._left = [len(set(task.after)) for task in tasks]
        self._readers: list[list[int]] = [[] for _ in tasks]
        self._queues: dict[Hashable, list[int]] = {}
        self._messages: list[int] = []
        self._used: set[Hashable] = set()
        for number, task in enumerate(tasks):
            for other in set(task.after):
                if other >= number:
                    raise ValueError(
                        f"task {number} waits for task {other}, which is no earlier one"
                    )
                self._readers[other].append(number)
            if task.rank is not None:
                self._queues.setdefault(task.rank, []).append(number)
            elif not self._left[number]:
                self._messages.append(number)
        self._next = dict.fromkeys(self._queues, 0)
        self._start_what_can(list(self._queues))

    def advance(self) -> None:
        """Go on to the end of the task that is done next."""
        self.now, number = heapq.heappop(self.running)
        task = self.tasks[number]
        ranks = [] if task.rank is None else [task.rank]
        self._used.difference_update(task.uses)
        if task.rank is not None:
            self._used.discard(("rank", task.rank))
            self._next[task.rank] += 1
        for reader in self._readers[number]:
            self._left[reader] -= 1
            if not self._left[reader]:
                rank = self.tasks[reader].rank
                if rank is None:
                    self._messages.append(reader)
                else:
                    ranks.append(rank)
        self._start_what_can(ranks)

    def _start_what_can(self, ranks: list[Hashable]) -> None:
        for rank in ranks:
            queue, place = self._queues[rank], self._next[rank]
            free = ("rank", rank) not in self._used
            if free and place < len(queue) and not self._left[queue[place]]:
                self._start(queue[place], (("rank", rank),))
        waiting = []
        for number in self._messages:
            if self._used.isdisjoint(self.tasks[number].uses):
                self._start(number, self.tasks[number].uses)
            else:
                waiting.append(number)
        self._messages = waiting

    def _start(self, number: int, uses: tuple[Hashable, ...]) -> None:
        self._used.update(uses)
        self.starts[number] = self.now
        heapq.heappush(self.running, (self.now + self.tasks[number].seconds, number))
