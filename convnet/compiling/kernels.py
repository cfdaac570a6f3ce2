"""Decorators for functions that Numba compiles for the CPU.

Two words are used throughout: a *kernel* is called from Python, and its machine code is cached on
disk; a *helper* is called only by kernels and other helpers, and is compiled into them.
"""

from collections.abc import Callable
from functools import partial

import numba
from numba.core.ccallback import CFunc

from convnet.compiling import kernel_cache
from convnet.compiling.replay import Kernel

# `linking` and `kernel_cache` replace internals of Numba.  They are used only with the version they
# are tested with; with any other, kernels are compiled and cached in Numba's own way.
IS_KNOWN = numba.version_info.short == (0, 68)

_COMMON = {"error_model": "numpy"}
if IS_KNOWN:
    from convnet.compiling.linking import LateCompiler

    _COMMON["pipeline_class"] = LateCompiler


def kernel(**options) -> Callable[[Callable], Kernel]:
    """Return a decorator that compiles kernels; options: those of `numba.njit`."""

    def decorate(function):
        make = partial(numba.njit, function, no_cfunc_wrapper=True, **_COMMON, **options)
        return Kernel(_cached(partial(make, cache=True), make, function))

    return decorate


def helper(**options) -> Callable[[Callable], Callable]:
    """Return a decorator that compiles helpers; options: those of `numba.njit`.

    Python must not call a helper: it is compiled without the wrapper that unpacks Python objects.
    """
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_COMMON, **options)


def callback(function: Callable, signature) -> CFunc:
    """Compile a function for one signature; kernels call it by its `address`.  Cached on disk."""
    types = signature.args, signature.return_type
    make = partial(CFunc, function, types, locals={}, options={"nopython": True})

    def with_caching():
        compiled = make()
        compiled.enable_caching()
        return compiled

    compiled = _cached(with_caching, make, function)
    compiled.compile()
    return compiled


def _cached(make, without, function):
    compiled, has_cache = kernel_cache.with_cache(make, without, numba.config)
    if IS_KNOWN and has_cache:
        kernel_cache.keep(compiled, function)
    return compiled
