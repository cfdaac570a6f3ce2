"""Multiply-add with one rounding, to nearest even (PTX manual, 9.7.3.6).

A ufunc around LLVM's `llvm.fma`, the fusedMultiplyAdd of IEEE 754: one instruction of the CPU, or
the C library's `fma` where it has none.  An error-free transformation in NumPy takes five to
seven times as long.
"""

from typing import Any

import numba
from numba import extending

__all__ = ["fma"]


def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return signature and code generator, as Numba asks for them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, b, c), generate


_intrinsic: Any = extending.intrinsic
_vectorize: Any = numba.vectorize
_llvm_fma: Any = _intrinsic(_fused)


@_vectorize(
    [  # type: ignore[untyped-decorator]
        "float32(float32, float32, float32)",
        "float64(float64, float64, float64)",
    ]
)
def fma(a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once, in float32 or float64.

    An array may follow for the results; Numba's ufuncs know no `where`.
    """
    return _llvm_fma(a, b, c)
