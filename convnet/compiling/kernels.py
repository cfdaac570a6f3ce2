"""Decorators for functions that Numba compiles for the processor: kernels and pieces of them."""

import numba
from numba.core.ccallback import CFunc

from convnet.compiling import kernel_cache
from convnet.compiling.replay import Kernel

# `linking` and `files` stand in for inner parts of Numba, as these are in the versions that they
# were tested with.  With others, kernels are compiled and kept as Numba does it.
IS_KNOWN = numba.version_info.short == (0, 68)

_COMMON = {"error_model": "numpy"}
if IS_KNOWN:
    from convnet.compiling.linking import LateCompiler

    _COMMON["pipeline_class"] = LateCompiler


def kernel(**options):
    """A decorator of functions that Python calls; compiled ones are kept on disk.

    options: of `numba.njit`.
    """

    def made(function):
        dispatcher = numba.njit(function, cache=True, no_cfunc_wrapper=True, **_COMMON, **options)
        return Kernel(_kept(dispatcher, function))

    return made


def piece(**options):
    """A decorator of functions that only kernels call: Python must not, there is no way in."""
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_COMMON, **options)


def callback(function, signature) -> CFunc:
    """The function compiled for a signature, kept on disk, to be called by its `address`."""
    types = signature.args, signature.return_type
    made = CFunc(function, types, locals={}, options={"nopython": True})
    made.enable_caching()
    _kept(made, function).compile()
    return made


def _kept(compiled, function):
    if IS_KNOWN:
        kernel_cache.keep(compiled, function)
    return compiled
