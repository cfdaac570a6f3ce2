"""Compiles every CUDA kernel that the table of cases and the shipped networks need; no GPU needed.

`make kernels` runs it: for sm_80 and sm_90a it prints registers, shared memory, spills and stack of
each kernel, and fails if one does not compile, spills registers or has a stack frame it should not.
"""

import re
import sys
from pathlib import Path

import numpy as np
from cases import CASES
from cuda.core import Linker, LinkerOptions, ObjectCode
from numba import cuda
from numba.cuda import types
from rows import graph_of, texts

from convnet.backends.cuda.engine import operation
from convnet.backends.cuda.launch import Array, Launch
from convnet.graph.build import build
from convnet.network.memory import View
from convnet.network.plan import make_plan
from convnet.spec import Problems, Source, parse

TARGETS = ((8, 0), (9, 0, "a"))
SHIPPED = Path(__file__).parent.parent / "layers"
# The sine and cosine of large angles keep a table in local memory, which nrelu never reaches.
MAY_HAVE_A_STACK = {"_noisy"}


def launches(plan, cases):
    """Every launch of a plan's programs, over arrays without memory."""
    for program in plan.programs.values():
        for step in program:
            function = operation(step.operation)
            arguments = [stand_in(a, cases) if isinstance(a, View) else a for a in step.arguments]
            extra = {"precision": "fp32"} if function.takes_precision else {}
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
    for row in CASES:
        graph = graph_of(*texts(row), row.data_dims(), row.tree)
        yield make_plan(graph, row.cases, input_gradients=True), row.cases
    for path in sorted(SHIPPED.glob("alexnet*.cfg")):
        problems = Problems()
        files = [parse(Source.read(p), problems) for p in (path, params_of(path))]
        graph = build(*files, problems, data_dims={0: 3 * 224 * 224, 1: 1})
        yield make_plan(graph, 128), 128


def params_of(path):
    return path.parent.parent / "params" / f"{path.stem}.params"


def signature(launch):
    return tuple(numba_type(argument) for argument in launch.arguments)


def numba_type(argument):
    if isinstance(argument, tuple):
        return types.Tuple([numba_type(value) for value in argument])
    dtype = types.__dict__[np.dtype(argument.dtype).name]
    return dtype[::1] if isinstance(argument, Array | np.ndarray) else dtype


def built(kernel, arguments, target) -> dict[str, int]:
    """What the assembler reports of one kernel."""
    bounds = kernel.threads, kernel.blocks
    ptx, _ = cuda.compile(
        kernel.function, arguments, device=False, abi="numba", cc=target, launch_bounds=bounds
    )
    arch = "sm_" + "".join(map(str, target))
    options = LinkerOptions(arch=arch, verbose=True, ptxas_options=["-v"])
    linker = Linker(ObjectCode.from_ptx(ptx.encode()), options=options)
    linker.link("cubin")
    log = linker.get_info_log()
    patterns = {"registers": r"Used (\d+) registers", "stack": r"(\d+) bytes stack frame",
                "spilled": r"(\d+) bytes spill stores", "shared": r"(\d+) bytes smem"}  # fmt: skip
    return {name: int((re.search(p, log) or (0, 0))[1]) for name, p in patterns.items()}


def main() -> int:
    found = {}
    for plan, cases in plans():
        for launch in launches(plan, cases):
            found.setdefault((launch.kernel.name, signature(launch)), launch.kernel)
    print(f"{'kernel':34}{'target':8}{'registers':>10}{'shared':>8}{'spilled':>8}{'stack':>7}")
    bad = 0
    for (name, arguments), kernel in sorted(found.items(), key=lambda item: str(item[0])):
        module = kernel.function.__module__.rpartition(".")[2]
        for target in TARGETS:
            try:
                report = built(kernel, arguments, target)
            except Exception as problem:
                bad += 1
                print(f"{module}.{name}: does not compile: {str(problem)[:300]}")
                break
            wrong = report["spilled"] or (report["stack"] and name not in MAY_HAVE_A_STACK)
            bad += bool(wrong)
            arch = "sm_" + "".join(map(str, target))
            print(
                f"{f'{module}.{name}':34}{arch:8}{report['registers']:10}{report['shared']:8}"
                f"{report['spilled']:8}{report['stack']:7}{'  WRONG' if wrong else ''}"
            )
    print(f"{len(found)} kernels and variants, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
