"""Compiles every CUDA kernel that the table of cases and the shipped networks need; no GPU needed.

`make kernels` runs it: for sm_80 and sm_90a it prints registers, shared memory, spills and stack of
each kernel, its divisions of 64-bit integers and what its main loop consists of, and fails if one
does not compile, spills registers, has a stack frame, divides 64-bit integers, or computes in
float64 where it should not.
All tiles of the products are compiled in each precision.  The code is what a GPU would run: made by
link-time optimization, as `numba.cuda.jit` makes it.
"""

import multiprocessing
import os
import re
import sys

import numpy as np
from numba.cuda import types

from convnet import nets
from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.engine import operation
from convnet.backends.cuda.gemm import gemm
from convnet.backends.cuda.gemm.kernel import Variant, product_kernel
from convnet.backends.cuda.gemm.tile import COLUMNS, MODULES, ROWS, WINDOW
from convnet.backends.cuda.runtime.launch import Array, Launch
from convnet.graph.build import build
from convnet.language.specs import Specs
from convnet.network.memory import View
from convnet.network.planner import make_plan
from tests.support.cases import CASES
from tests.support.kernel_arithmetic import unexpected_doubles
from tests.support.linked_kernels import (
    NEWEST,
    OLDEST,
    TARGETS,
    assembled,
    compiled,
    long_divisions,
    optimized,
)
from tests.support.rows import graph_of, texts
from tests.support.sass import main_loop


def launches(plan, cases, precision):
    """Every launch of a plan's programs, over arrays without memory."""
    for program in plan.programs.values():
        for step in program:
            function = operation(step.operation)
            arguments = [stand_in(a, cases) if isinstance(a, View) else a for a in step.arguments]
            extra = {"precision": precision} if function.takes_precision else {}
            if function.scratch_size is not None:
                size = int(function.scratch_size(*arguments, **extra))
                extra["scratch"] = Array(None, 0, (size,), np.dtype(np.uint8))
            for item in function(*arguments, **extra):
                if isinstance(item, Launch):
                    yield item


def stand_in(view, cases):
    dtype = np.dtype(np.float32 if view.buffer.dtype == "real" else view.buffer.dtype)
    start = view.start * (cases if view.buffer.per_case else 1) * dtype.itemsize
    return Array(None, start, view.shape(cases), dtype)


def plans():
    """(plan, cases, precisions)"""
    for row in CASES:
        graph = graph_of(*texts(row), row.data_dims(), row.tree)
        yield make_plan(graph, row.cases, input_gradients=True), row.cases, PRECISIONS[:1]
    for net in nets.shipped():
        yield plan_of(net, 128), 128, PRECISIONS


def plan_of(net, cases):
    specs = Specs.read(net.layers, net.params)
    return make_plan(build(specs.layers, specs.params, specs.problems), cases)


def signature(launch):
    return tuple(numba_type(argument) for argument in launch.arguments)


def numba_type(argument):
    if isinstance(argument, tuple):
        return types.UniTuple(types.int32, len(argument))
    dtype = types.__dict__[np.dtype(argument.dtype).name]
    return dtype[::1] if isinstance(argument, Array | np.ndarray) else dtype


def products():
    """(kernel, types of its arguments) of the products with every tile and aligned operands.

    The largest tiles also with operands and results that are not aligned.
    """
    real, whole = types.float32[::1], types.int32
    pairs = (ROWS, ROWS), (COLUMNS, ROWS), (COLUMNS, COLUMNS), (ROWS, WINDOW), (MODULES, COLUMNS)
    sizes, last = types.UniTuple(whole, 12), (real, whole, whole, types.float32, types.float32)
    arguments = (real, sizes, real, sizes, whole[::1], real, *[whole] * 8, *last)
    for a, b in pairs:
        for precision, name in enumerate(PRECISIONS):
            wide = ROWS, WINDOW, *((COLUMNS, MODULES) if precision else ())
            widths = *(4 if kind in wide else 1 for kind in (a, b)), 4
            large = gemm.BF16_TILES if name == "bf16" else ()
            found = [(tile, widths) for tile in (*gemm.TILES, *large)]
            for (rows, columns, _), (x, y, z) in [*found, *((tile, (1, 1, 1)) for tile in large)]:
                variant = Variant(a, x, b, y, z, rows, columns, precision)
                yield product_kernel(variant), arguments


def reported(number) -> tuple[str, bool]:
    """The lines of one kernel of WANTED, and whether all is well.

    The optimizer's input is the same for all targets (`same_text`), so that Numba compiles once.
    """
    kernel, arguments = WANTED[number]
    module = kernel.function.__module__.removeprefix("convnet.backends.cuda.")
    name = f"{module}.{kernel.name}"
    lines, good = [], True
    try:
        code = compiled(kernel, arguments, OLDEST)
        text = optimized(code, OLDEST)
        if found := unexpected_doubles(module, text):
            raise ValueError(f"float64 where none should be: {sorted(found)}")
        if number % 16 == 0:
            newest = compiled(kernel, arguments, NEWEST)
            if not same_text(optimized(code, NEWEST), optimized(newest, NEWEST)):
                raise ValueError("its text is not the same for both targets")
        for arch in TARGETS:
            cubin, report = assembled(code, arch)
            report["div 64"] = long_divisions(text)
            wrong = report["spilled"] or report["stack"] or report["div 64"]
            good = good and not wrong
            numbers = "".join(f"{value:9}" for value in report.values())
            loop = main_loop(cubin) if module == "gemm.kernel" and arch == NEWEST else ""
            lines.append(f"{name:54}{arch:8}{numbers}  {loop}{'  WRONG' if wrong else ''}")
    except Exception as problem:
        return f"{name}: {str(problem)[:300]}  WRONG", False
    return "\n".join(lines), good


def same_text(first, second) -> bool:
    """Whether two kernels are the same but for the numbers in names."""
    one, other = (re.sub(r"_ZN\w+|_cudapy_smem_\d+", "", text) for text in (first, second))
    return one == other


def wanted():
    """Each kernel with its types of arguments, once."""
    found = {}
    for plan, cases, precisions in plans():
        for precision in precisions:
            for launch in launches(plan, cases, precision):
                found.setdefault((launch.kernel.name, signature(launch)), launch.kernel)
    for kernel, arguments in products():
        found.setdefault((kernel.name, arguments), kernel)
    ordered = sorted(found.items(), key=lambda item: str(item[0]))
    return [(kernel, arguments) for (_, arguments), kernel in ordered]


WANTED = []


def main() -> int:
    WANTED.extend(wanted())
    heads = "".join(f"{head:>9}" for head in ("registers", "shared", "spilled", "stack", "div 64"))
    print(f"{'kernel':54}{'target':8}{heads}  main loop: share of multiply-adds, instructions")
    bad = 0
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as workers:
        for lines, good in workers.imap(reported, range(len(WANTED))):
            print(lines, flush=True)
            bad += not good
    print(f"{len(WANTED)} kernels and variants, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
