"""Part "compile": AlexNet's kernels, compiled by several processes before they are needed.

Numba compiles a kernel when it is first launched, on one core.  Here each process compiles every
n-th of the kernels that the networks' programs will launch, into the shared cache.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.gpu.records import Failed, error_text
from benchmarks.gpu.settings import Settings
from convnet.network.memory import View
from convnet.network.plan import Plan
from convnet.network.planner import make_plan

if TYPE_CHECKING:
    from convnet.backends.cuda.runtime.launch import Array

MOST_PROCESSES = 12


def checks(settings: Settings) -> Iterator[tuple[str, object]]:
    processes = min(MOST_PROCESSES, os.cpu_count() or 1)
    yield "kernels", lambda: compile_all(settings, 1 if settings.rehearsal else processes)
    yield "launches", lambda: {"kernels": len(kernels(settings))}


def compile_all(settings: Settings, processes: int) -> dict:
    """Compile all kernels; return how many there are, and how long it took."""
    started = time.perf_counter()
    if processes == 1:
        shares = [compile_share(settings, 0, 1)]
    else:
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        with context.Pool(processes) as pool:
            numbers = [(settings, i, processes) for i in range(processes)]
            shares = pool.starmap(compile_share, numbers)
    problems = [problem for _, found in shares for problem in found]
    figures = {"kernels": sum(count for count, _ in shares), "processes": processes,
               "seconds": round(time.perf_counter() - started, 1)}  # fmt: skip
    if problems:
        raise Failed("; ".join(problems), figures)
    return figures


def compile_share(settings: Settings, first: int, stride: int) -> tuple[int, list[str]]:
    """Compile every `stride`-th kernel; return how many were compiled, and the errors."""
    done, problems = 0, []
    for kernel, signature in list(kernels(settings).values())[first::stride]:
        try:
            kernel.dispatcher.compile(signature)
            done += 1
        except Exception as error:
            problems.append(f"{kernel.name}: {error_text(error)[:200]}")
    return done, problems


def kernels(settings: Settings) -> dict:
    """Return (kernel, signature) of all launches of AlexNet's programs, each once.

    The keys are module, name and signature.
    """
    from benchmarks.gpu import ours

    found = {}
    for name in ("alexnet-groups", "alexnet"):
        graph = ours.alexnet(settings, name)
        for cases in settings.cases:
            plan = make_plan(graph, cases)
            for precision in settings.precisions:
                for launch in launches(plan, cases, precision):
                    signature = tuple(map(numba_type, launch.arguments))
                    key = launch.kernel.function.__module__, launch.kernel.name, str(signature)
                    found.setdefault(key, (launch.kernel, signature))
    return found


def launches(plan: Plan, cases: int, precision: str) -> Iterator:
    """Yield every launch of a plan's programs, over arrays without memory."""
    from convnet.backends.cuda.engine import operation
    from convnet.backends.cuda.runtime.launch import Array, Launch

    for step in [step for program in plan.programs.values() for step in program]:
        function = operation(step.operation)
        arguments = [stand_in(a, cases) if isinstance(a, View) else a for a in step.arguments]
        extra = {"precision": precision} if function.takes_precision else {}
        if function.scratch_size is not None:
            size = int(function.scratch_size(*arguments, **extra))
            extra["scratch"] = Array(None, 0, (size,), np.dtype(np.uint8))
        yield from (i for i in function(*arguments, **extra) if isinstance(i, Launch))


def stand_in(view: View, cases: int) -> "Array":
    """Return the array of a view, without memory."""
    from convnet.backends.cuda.runtime.launch import Array

    dtype = np.dtype(np.float32 if view.buffer.dtype == "real" else view.buffer.dtype)
    start = view.start * (cases if view.buffer.per_case else 1) * dtype.itemsize
    return Array(None, start, view.shape(cases), dtype)


def numba_type(argument: object) -> object:
    """Return the type that Numba's dispatcher gives an argument."""
    from numba.cuda import types

    if isinstance(argument, tuple):
        return types.Tuple([numba_type(value) for value in argument])
    dtype = types.__dict__[np.dtype(argument.dtype).name]
    is_array = isinstance(argument, np.ndarray) or hasattr(argument, "on_device")
    return dtype[::1] if is_array else dtype
