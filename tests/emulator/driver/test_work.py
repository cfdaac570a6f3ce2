"""Work of emulated GPUs, in the middle of which Python's collector frees nothing."""

import gc

from emulator.driver.work import Operation, Scheduler


class Memory:
    """Part of a cycle, so that only the collector frees it, which tells `freed` of it."""

    def __init__(self, freed):
        self.itself, self.freed = self, freed

    def __del__(self):
        self.freed()


def test_nothing_is_freed_in_the_middle_of_work():
    freed, running = [], []

    def run():
        running.append("a kernel")
        Memory(lambda: freed.append(list(running)))
        assert [[n] for n in range(10 * gc.get_threshold()[0])]  # as much as starts the collector
        running.clear()

    scheduler = Scheduler(seed=None, late=False)
    scheduler.add(Operation("kernel", 0, run))
    assert gc.isenabled()
    gc.collect()
    assert freed == [[]]
