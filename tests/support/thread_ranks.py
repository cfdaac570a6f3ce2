"""Ranks as threads of this process: the engines and the schedule as they are, messages by copying.

Only one thread runs at a time: it hands over where it waits, since kernels of two threads must not
run at once.  What may go wrong with messages shows in the numbers: memory is filled with garbage
when a message is offered it, and what is sent is copied at a random moment between the start and
the ends of the two waits.
"""

import random
import threading
from collections import defaultdict

import numpy as np
from numba import set_num_threads

from convnet.distributed.engine import DistributedEngine
from convnet.distributed.placement import Placement
from convnet.distributed.waiting import Waiting

_SHARE = 0.2  # how often a message goes over when somebody looks for it


class Hub:
    """What the ranks share: whose turn it is, and messages that one end has started."""

    def __init__(self, size, seed=0):
        self.size, self.rng = size, random.Random(seed)
        self.turn = threading.Lock()
        self.queues = defaultdict(list)  # (sender, receiver, tag): ends that wait for the other
        self.collectives = defaultdict(dict)  # number of the call: the arrays by rank
        self.sent = 0  # bytes

    def transports(self):
        return [Transport(self, rank) for rank in range(self.size)]


class _Request:
    def __init__(self, hub):
        self.hub, self.done = hub, True

    def is_done(self):
        if not self.done:
            self.hub.turn.release()  # another rank may go on
            self.hub.turn.acquire()
        if not self.done:  # the other end may have done it meanwhile
            self.advance()
        return self.done


class _End(_Request):
    """One end of a message."""

    def __init__(self, hub, key, array, sends):
        super().__init__(hub)
        self.key, self.array, self.sends, self.other = key, array, sends, None
        assert array.flags.c_contiguous

    def start(self):
        assert self.done, "a message was started before its last one was waited for"
        self.done, self.other = False, None
        if not self.sends:
            self.array.view(np.uint8).reshape(-1)[:] = 0xFF  # NaN, as far as it is real
        ends = self.hub.queues[self.key]
        found = next((end for end in ends if end.sends != self.sends), None)
        if found is None:
            ends.append(self)
        else:
            ends.remove(found)
            self.other, found.other = found, self

    def advance(self):
        if self.other is not None and self.hub.rng.random() < _SHARE:
            source, target = (self, self.other) if self.sends else (self.other, self)
            assert source.array.nbytes == target.array.nbytes
            np.copyto(target.array, source.array.reshape(target.array.shape))
            self.hub.sent += source.array.nbytes
            self.done = self.other.done = True


class _Collective(_Request):
    def __init__(self, hub, rank, number, array, combine):
        super().__init__(hub)
        self.rank, self.number, self.array, self.combine = rank, number, array, combine

    def start(self):
        self.done = False
        self.hub.collectives[self.number][self.rank] = self.array.copy()

    def advance(self):
        arrays = self.hub.collectives[self.number]
        if len(arrays) == self.hub.size:
            np.copyto(self.array, self.combine(arrays))
            self.done = True


class Transport:
    """One rank's side."""

    def __init__(self, hub, rank):
        self.hub, self.rank, self.size, self.calls = hub, rank, hub.size, 0

    def send(self, array, to, tag):
        return _End(self.hub, (self.rank, to, tag), array, sends=True)

    def receive(self, array, source, tag):
        return _End(self.hub, (source, self.rank, tag), array, sends=False)

    def broadcast(self, array, root):
        return self._collective(array, lambda arrays: arrays[root])

    def maximum(self, numbers):
        return self._collective(numbers, lambda arrays: np.max(list(arrays.values()), axis=0))

    def _collective(self, array, combine):
        self.calls += 1
        return _Collective(self.hub, self.rank, self.calls, array, combine)


def give_up(ranks, seconds):
    raise AssertionError(f"waited for ranks {ranks} for {seconds:.0f} s")


def on_ranks(size, work, seed=0, timeout=60):
    """What `work(transport)` returned on each rank; its first exception is raised here."""
    hub = Hub(size, seed)
    found, problems = [None] * size, []

    def run(transport):
        set_num_threads(1)  # Numba's pool is one process's: threads that take turns disturb it
        with hub.turn:
            try:
                found[transport.rank] = work(transport)
            except BaseException as error:
                problems.append(error)

    threads = [threading.Thread(target=run, args=[each], daemon=True) for each in hub.transports()]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive() and not problems:
            thread.join(0.1)
    if problems:
        raise problems[0]
    return found


def engine_of(transport, make_local, ranks):
    """A rank's engine.  ranks: of each device."""
    placement = Placement.of(len(ranks), transport.size, ranks)
    return DistributedEngine(make_local(), transport, placement, Waiting(60, give_up))
