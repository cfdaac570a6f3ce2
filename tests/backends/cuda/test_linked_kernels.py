"""What `make kernels` shows is the code that a GPU runs: that of link-time optimization."""

import numpy as np
import pytest

pytest.importorskip("numba.cuda.extending")

from numba import cuda
from numba.cuda import int64
from numba.cuda.cudadrv import driver

from convnet.backends.cuda.jit import SIMULATED, Kernel
from tests.support import linked_kernels
from tests.support.linked_kernels import assembled, compiled, long_divisions, optimized

pytestmark = pytest.mark.skipif(SIMULATED, reason="the simulator does not compile")
ARGUMENTS = int64[::1], int64


def halves(x, n):
    i = cuda.grid(1)
    if i < x.size:
        x[i] = x[i] // n


def test_the_code_is_what_numba_links():
    """Numba's own steps for a GPU, as far as they need none."""
    kernel = Kernel(halves, 256, 1)
    code, report = assembled(compiled(kernel, ARGUMENTS, "sm_90a"), "sm_90a")
    cc = linked_kernels.TARGETS["sm_90a"]
    linker = driver._Linker(cc=cc, lto=cuda.jit(halves).targetoptions["lto"])
    made, _ = cuda.compile(
        halves, ARGUMENTS, device=False, abi="numba", cc=cc, output="ltoir", launch_bounds=(256, 1)
    )
    assert linker.lto
    linker.add_ltoir(made)
    theirs = bytes(linker.complete().code)
    assert len(theirs) == len(code) and report["registers"] > 4
    assert np.mean(np.frombuffer(theirs, "u1") == np.frombuffer(code, "u1")) > 0.95  # but for names


def test_long_divisions_are_counted():
    assert long_divisions("\tdiv.s64 %rd1, %rd2, %rd3;\n\t@%p1 rem.u64 %rd1, %rd2, 7;\n") == 2
    assert long_divisions("\tdiv.s32 %r1, %r2, %r3;\n\tdiv.rn.f64 %fd1, %fd2, %fd3;\n") == 0
    assert long_divisions(optimized(compiled(Kernel(halves, 256, 1), ARGUMENTS, "sm_80"), "sm_80"))
