"""Compiles the kernels of a program, and reports how many are left.

Whether a kernel has to be compiled is known before: its file is on disk, or it is not.  Kernels
that nobody could know of beforehand are reported one by one.
"""

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from numba.core import event

from convnet.compiling.kernel_cache import is_kept
from convnet.compiling.replay import KernelCall
from convnet.compiling.side_by_side import compile_all
from convnet.progress import Report, Work, reported

_here = threading.local()  # depth: functions that this thread compiles, one within the other


def compiled(calls: Sequence[Callable]) -> list[Callable]:
    """Return the calls, those of captured kernels in the form in which they are replayed."""
    kernels = [call for call in calls if isinstance(call, KernelCall)]
    missing = {(id(call.dispatcher), call.types): call for call in kernels if not _is_at_hand(call)}
    if missing:
        with reported("compiling kernels", len(missing)) as report, _no_collector():
            compile_all(list(missing.values()), _compile, report)
    return [call.compiled() if isinstance(call, KernelCall) else call for call in calls]


def _is_at_hand(call: KernelCall) -> bool:
    """Whether a kernel is compiled already, in this process or on disk."""
    return call.types in call.dispatcher.overloads or is_kept(call.dispatcher, call.types)


def _compile(call: KernelCall) -> None:
    _here.depth = getattr(_here, "depth", 0) + 1  # so that it is not reported once more
    try:
        call.dispatcher.compile(call.types)
    finally:
        _here.depth -= 1


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without Python's collector, which goes through all the objects that Numba makes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Reporter(event.Listener):
    """Reports the functions that Numba compiles, but for those within another one."""

    def on_start(self, event):
        depth = getattr(_here, "depth", 0)
        if not depth:
            _here.report = Report(Work("compiling a kernel"))
        _here.depth = depth + 1

    def on_end(self, event):
        _here.depth -= 1
        if not _here.depth:
            _here.report.end()


event.register("numba:compile", _Reporter())
