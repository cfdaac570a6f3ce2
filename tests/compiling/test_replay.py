"""Kernel calls that are captured, and replayed by a program in place of its steps."""

from functools import partial
from threading import Thread

import numpy as np
import pytest
from numba import get_num_threads, prange

from convnet.compiling.kernels import kernel
from convnet.compiling.replay import captured, repeatable
from tests.support.cases import BY_NAME
from tests.support.rows import network_of


@kernel(parallel=True)
def _add(x, value):
    for i in prange(x.size):
        x[i] += value


@repeatable
def add_twice(x, value):
    _add(x, value)
    _add(x.reshape(-1)[1:], 2.0 * value)


def test_captured_calls_do_the_work_each_time_they_are_called():
    x = np.zeros(4)
    calls = captured(add_twice, x, 1.0)
    assert len(calls) == 2 and not x.any()
    for _ in range(2):
        for call in calls:
            call()
    assert x.tolist() == [2.0, 6.0, 6.0, 6.0]


def test_a_kernel_runs_at_once_after_a_capture_has_failed():
    x = np.zeros(4)
    with pytest.raises(ZeroDivisionError):
        captured(lambda: 1 / 0)
    add_twice(x, 1.0)
    assert x.tolist() == [1.0, 3.0, 3.0, 3.0]


def test_kernels_of_other_threads_run_during_a_capture():
    x, y = np.zeros(3), np.zeros(3)

    def both():
        _add(x, 1.0)
        other = Thread(target=_add, args=(y, 1.0))
        other.start()
        other.join()

    assert len(captured(both)) == 1
    assert not x.any() and y.all()


def test_a_program_replays_kernels_without_the_functions_that_called_them():
    network = network_of(BY_NAME["conv"])
    calls = [call for bound in network.program("train").bound for call in bound.calls]
    functions = [call.func.__name__ for call in calls]
    assert all(isinstance(call, partial) for call in calls)
    assert {"correlate", "pack_forward", "_sgd_kernel"} <= set(functions)
    assert not {"forward_fused", "weights_grad", "sgd"} & set(functions)


@pytest.mark.parametrize("cases", [5, 2000])
def test_calls_are_captured_for_the_threads_that_run_them(cases):
    network = network_of(BY_NAME["conv"], cases=cases)
    counts = {
        (bound.threads, call.args[4].shape[0])
        for bound in network.program("train").bound
        for call in bound.calls
        if call.func.__name__ == "correlate"
    }
    assert counts == {(1, 1) if cases == 5 else (get_num_threads(),) * 2}
