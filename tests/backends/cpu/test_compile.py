"""`Engine.compile` finds the kernels of any operation in memory that nobody has written."""

import warnings

import numpy as np
import pytest

from convnet.backends.cpu import engine as cpu
from convnet.compiling.replay import KernelCall
from convnet.network.prune_buffers import leave_out
from tests.support.cases import CASES
from tests.support.rows import network_of


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.name)
def test_memory_that_holds_anything(row, monkeypatch):
    network, found = network_of(row, np.float32), []
    monkeypatch.setattr(cpu, "compiled", found.extend)
    engine, plan = cpu.Engine(), network.plan
    leave_out(plan, engine.unused)
    engine.allocate(plan.buffers, plan.capacity)
    random = np.random.default_rng(0)
    for array in engine.memory.values():
        array.view(np.uint8)[:] = random.integers(0, 256, array.nbytes, np.uint8)
    steps = [step for program in plan.programs.values() for step in program]
    with warnings.catch_warnings(action="error"):
        engine.compile(steps, plan.sizes(network.minibatch))
    assert any(isinstance(call, KernelCall) for call in found)
