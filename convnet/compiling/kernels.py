"""Decorators for functions that Numba compiles for the processor: kernels and pieces of them."""

import numba
from numba.core.ccallback import CFunc

from . import files
from .linking import LateCompiler

_COMMON = {"error_model": "numpy", "pipeline_class": LateCompiler}


def kernel(**options):
    """A decorator of functions that Python calls; compiled ones are kept on disk.

    options: of `numba.njit`.
    """

    def made(function):
        dispatcher = numba.njit(function, cache=True, no_cfunc_wrapper=True, **_COMMON, **options)
        files.keep(dispatcher, function)
        return dispatcher

    return made


def piece(**options):
    """A decorator of functions that only kernels call: Python must not, there is no way in."""
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_COMMON, **options)


def callback(function, signature) -> CFunc:
    """The function compiled for a signature, kept on disk, to be called by its `address`."""
    types = signature.args, signature.return_type
    made = CFunc(function, types, locals={}, options={"nopython": True})
    made.enable_caching()
    files.keep(made, function)
    made.compile()
    return made
