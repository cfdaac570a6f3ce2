"""The CPU engine with memory for two minibatches, as the CUDA engine has."""

from contextlib import contextmanager

import numpy as np

from convnet.backends.cpu.engine import Engine


class TwoSlots(Engine):
    """happened: what was asked of it, in order: "fill", "swap", "run", "read"."""

    loads_ahead = True

    def allocate(self, buffers, minibatch):
        super().allocate(buffers, minibatch)
        inputs = {b: memory for b, memory in self.memory.items() if b.role == "inputs"}
        other = {b: np.full_like(memory, np.nan) for b, memory in inputs.items()}
        self.slots, self.current, self.happened = (inputs, other), 0, []

    @contextmanager
    def on(self, slot):
        self.memory |= self.slots[slot]
        yield
        self.memory |= self.slots[self.current]

    def fill(self, view, cases, values):
        self.happened.append("fill")
        with self.on(1 - self.current):
            self.write(view, cases, values)

    def read(self, view, cases):
        self.happened.append("read")
        return super().read(view, cases)

    def swap(self):
        self.happened.append("swap")
        self.current = 1 - self.current
        self.memory |= self.slots[self.current]

    def program(self, steps, sizes):
        found = []
        for slot in (0, 1):
            with self.on(slot):
                found.append(super().program(steps, sizes))
        return Both(self, found, loads=steps[0].phase == "load")


class Both:
    """A program on either slot."""

    def __init__(self, engine, programs, loads):
        self.engine, self.programs, self.loads = engine, programs, loads

    def run(self):
        if self.loads:
            self.programs[1 - self.engine.current].run()
        else:
            self.engine.happened.append("run")
            self.programs[self.engine.current].run()
