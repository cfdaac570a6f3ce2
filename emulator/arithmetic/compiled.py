"""Instructions that are frequent and take NumPy several passes, as ufuncs compiled by Numba.

Each is called as f(operands, array for the results); they take no `where`.  Multiply-add is rounded
once, to nearest even (PTX manual, 9.7.3.6): it is LLVM's `llvm.fma`, IEEE 754's fusedMultiplyAdd,
which is one instruction of the CPU, or the C library's `fma` where it has none.  An error-free
transformation in NumPy takes several times as long.
"""

from collections.abc import Callable
from typing import Any

import numba
from numba import extending

__all__ = ["fma", "select", "wide_product", "wide_product_sum"]


def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return signature and code generator, as Numba asks for them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, b, c), generate


_intrinsic: Any = extending.intrinsic
_vectorize: Any = numba.vectorize
_llvm_fma: Any = _intrinsic(_fused)


def _ufunc(*signatures: str) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function of numbers, or loads it from Numba's cache."""

    def decorate(function: Callable[..., Any]) -> Any:
        # The ufunc itself: Numba's wrapper takes three times as long as a call of it.
        return _vectorize(list(signatures), cache=True)(function).ufunc

    return decorate


@_ufunc("float32(float32, float32, float32)", "float64(float64, float64, float64)")
def fma(a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once."""
    return _llvm_fma(a, b, c)


@_ufunc(
    "uint16(boolean, uint16, uint16)",
    "uint32(boolean, uint32, uint32)",
    "uint64(boolean, uint64, uint64)",
)
def select(condition: Any, a: Any, b: Any) -> Any:
    """Return `a` where the condition holds, else `b`."""
    return a if condition else b


@_ufunc(
    "int32(int16, int16)", "uint32(uint16, uint16)", "int64(int32, int32)", "uint64(uint32, uint32)"
)
def wide_product(a: Any, b: Any) -> Any:
    """Return a * b in twice as many bits."""
    return a * b


@_ufunc(
    "int32(int16, int16, int32)",
    "uint32(uint16, uint16, uint32)",
    "int64(int32, int32, int64)",
    "uint64(uint32, uint32, uint64)",
)
def wide_product_sum(a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, the product in twice as many bits."""
    return a * b + c
