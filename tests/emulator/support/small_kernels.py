"""Small kernels written in PTX, run on the emulator's machine.

A kernel's body finds these registers: %a and %b, the addresses of two arrays; %t and %blk, the
numbers of the thread and its block; %own, 4 %t; %pa and %pb, %a and %b + 4 %t.  It may use %r0...,
%rd0..., %rs0..., %f0..., %fd0..., %p0... and the array `s` in shared memory.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulator.machine import Arena, Machine, Observer, Program
from emulator.ptx import parse

_TEXT = """
.version 8.0
.target sm_80
.address_size 64
{outside}
.visible .entry small(.param .u64 param_a, .param .u64 param_b){heading}
{{
    .reg .pred %p<20>; .reg .b16 %rs<20>; .reg .b32 %r<60>; .reg .b64 %rd<30>;
    .reg .f32 %f<60>; .reg .f64 %fd<10>;
    .reg .b64 %a, %b, %pa, %pb, %wide; .reg .b32 %t, %blk, %own;
    {shared}
    ld.param.u64 %a, [param_a];
    ld.param.u64 %b, [param_b];
    mov.u32 %t, %tid.x;
    mov.u32 %blk, %ctaid.x;
    shl.b32 %own, %t, 2;
    mul.wide.u32 %wide, %t, 4;
    add.s64 %pa, %a, %wide;
    add.s64 %pb, %b, %wide;
{body}
    ret;
}}
"""


@dataclass(frozen=True)
class Choices:
    seed: int | None = None
    races: bool = True


def small_program(body: str, shared: int = 256, heading: str = "", outside: str = "") -> Program:
    declared = f".shared .align 16 .b8 s[{shared}];" if shared else ""
    text = _TEXT.format(body=body, heading=heading, outside=outside, shared=declared)
    return Program(parse(text)["small"])


class Small:
    """A machine with two arrays, and a kernel to launch on them.

    a, b: their contents; after a launch, what they hold then.
    """

    def __init__(
        self,
        body: str,
        a: Any = (),
        b: Any = (),
        seed: int | None = None,
        races: bool = True,
        observer: Observer | None = None,
        **program: Any,
    ) -> None:
        self.program = small_program(body, **program)
        self.arena = Arena(1 << 20)
        self.machine = Machine(self.arena, Choices(seed, races), observer)
        self.a, self.b = (self._array(given) for given in (a, b))

    def _array(self, given: Any) -> Any:
        array = np.asarray(given, None if np.size(given) else np.float32).reshape(-1)
        address = self.arena.allocate(max(array.nbytes, 16))
        assert address is not None
        view = self.arena.of(address, array.nbytes).view(array.dtype)
        view[:] = array
        return view

    def launch(
        self, threads: int = 32, blocks: int = 1, extents: Any = None, **given: Any
    ) -> "Small":
        """Launch with both arrays as extents, or those given."""
        pointers = [array.ctypes.data for array in (self.a, self.b)]
        if extents is None:
            extents = [(array.ctypes.data, array.nbytes) for array in (self.a, self.b)]
        grid, block = given.pop("grid", (blocks, 1, 1)), given.pop("block", (threads, 1, 1))
        params = struct.pack("QQ", *pointers)
        self.machine.launch(self.program, grid, block, params, extents, **given)
        return self
