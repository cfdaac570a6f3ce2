"""Launches: limits, which blocks run together, and what they see of memory."""

import threading
import time
from dataclasses import replace
from typing import Protocol

import numpy as np

from emulator.machine.faults import Fault
from emulator.machine.frame import Frame, frame_bytes
from emulator.machine.limits import SHARED, Launch, broken_limit
from emulator.machine.memory.arena import Arena
from emulator.machine.memory.clock import Clock
from emulator.machine.memory.copies import COLUMNS
from emulator.machine.memory.reserved import reserved
from emulator.machine.memory.shadow import NO_RECORDS, Shadow
from emulator.machine.memory.spaces import Space
from emulator.machine.observer import Observer
from emulator.machine.program import Program
from emulator.machine.run import Run
from emulator.machine.schedule.order import Order
from emulator.machine.threads import Threads
from emulator.machine.types import Bytes, Int64s, Sides

AT_ONCE = 1 << 13  # threads that run together, whole blocks
_SCRATCH = 1 << 30  # bytes, reserved: registers
_LARGEST = 1 << 28  # bytes, reserved: shared memory of blocks that run together; local memory
_COPIES = 1 << 28  # bytes, reserved: asynchronous copies under way
_FRAMES = 64  # kept for further launches


class Choices(Protocol):
    """The options that a machine reads."""

    @property
    def seed(self) -> int | None:
        """Decides all orders; None: the plain ones."""

    @property
    def races(self) -> bool:
        """Whether races are looked for."""


class Machine:
    """Runs launches on the memory of an arena, one at a time.

    instructions, seconds: of all threads of all launches.  sample: the numbers of the thread blocks
    that are run, for counters; None: all.
    """

    def __init__(self, memory: Arena, options: Choices, observer: Observer | None = None) -> None:
        self.memory, self.options, self.observer = memory, options, observer
        self.launches = self.instructions = 0
        self.seconds = 0.0
        self.sample: Int64s | None = None
        self._clock, self._lock = Clock(), threading.RLock()
        self._registers = reserved(_SCRATCH)
        self._shared, self._local = reserved(_LARGEST), reserved(_LARGEST)
        self._copies = reserved(_COPIES).view(np.int64).reshape(-1, COLUMNS)
        self._shadow, self._shared_shadow = Shadow(len(memory.bytes)), Shadow(_LARGEST)
        self._frames: dict[tuple[int, int], tuple[Program, Frame]] = {}

    def launch(
        self,
        program: Program,
        grid: Sides,
        block: Sides,
        params: bytes,
        extents: list[tuple[int, int]],
        shared: int = 0,
        shared_limit: int = SHARED,
        registers: int | None = None,
    ) -> None:
        """Run a kernel to its end; raise Fault for whatever rule it breaks.

        params: packed, as the kernel's declaration says.  extents: address and size of each array
        that it may touch.  shared: bytes of dynamic shared memory.  shared_limit, registers: see
        `limits.Launch`.
        """
        launch = Launch(grid, block, shared, shared_limit, registers)
        with self._lock, np.errstate(all="ignore"):
            started = time.perf_counter()
            self.launches += 1
            program.launches += 1
            try:
                self._launch(program, launch, params, extents)
            except Fault as fault:
                raise replace(fault, seed=self.options.seed, launch=self.launches) from None
            finally:
                self.seconds += time.perf_counter() - started

    def _launch(
        self, program: Program, launch: Launch, params: bytes, extents: list[tuple[int, int]]
    ) -> None:
        wrong = broken_limit(program.kernel, launch)
        if wrong:
            raise Fault(program.kernel.name, wrong)
        if len(params) < program.kernel.param_bytes:
            found = f"{len(params)} bytes of parameters, expected {program.kernel.param_bytes}"
            raise Fault(program.kernel.name, found)
        rows = _rows(extents + self._constants(program))
        order = Order(self.options.seed, self.launches)
        self._clock.begin_launch()
        sample = self.sample
        for blocks in order.blocks(
            launch.blocks if sample is None else len(sample), self._at_once(program, launch)
        ):
            blocks = blocks if sample is None else sample[blocks]
            threads = Threads(launch, blocks)
            frame = self._frame(program, threads.count)
            run = Run(program, threads, frame, order, self._clock, self.observer)
            run.begin(params, self._copies, *self._spaces(run, launch, rows))
            done = run.run()
            program.instructions += done
            self.instructions += done

    def _at_once(self, program: Program, launch: Launch) -> int:
        """Return how many thread blocks run together at most."""
        threads = -(-launch.threads // 32) * 32
        shared = _aligned(program.kernel.shared_bytes + launch.shared)
        local = threads * _aligned(program.kernel.local_bytes)
        rooms = [AT_ONCE // threads, _SCRATCH // (frame_bytes(program, threads) + 1)]
        rooms += [_LARGEST // (room + 1) for room in (shared, local)]
        return max(1, min(rooms))

    def _frame(self, program: Program, count: int) -> Frame:
        key = id(program), count
        if key not in self._frames:
            while len(self._frames) >= _FRAMES:
                self._frames.pop(next(iter(self._frames)))
            frame = Frame(program, count, self._registers, self.options.seed)
            self._frames[key] = program, frame
        return self._frames[key][1]

    def _spaces(self, run: Run, launch: Launch, rows: Int64s) -> tuple[Space, Space, Space]:
        """Return global, shared and local memory as a run sees them, the latter two full of NaN."""
        kernel, threads, shifts = run.kernel, run.threads, run.program.unit_shifts
        races = self.options.races
        everything = Space(
            "global",
            run.watch,
            self.memory.bytes,
            rows,
            (-self.memory.base, threads.count, 0),
            self._shadow.records(shifts["global"]) if races else NO_RECORDS,
            shifts["global"],
        )
        bytes_ = kernel.shared_bytes + launch.shared
        shared = Space(
            "shared",
            run.watch,
            _poisoned(self._shared, len(threads.blocks) * _aligned(bytes_)),
            _rows([(0, bytes_)]),
            (0, threads.per_block, _aligned(bytes_)),
            self._shared_shadow.records(shifts["shared"]) if races else NO_RECORDS,
            shifts["shared"],
        )
        local = Space(
            "local",
            run.watch,
            _poisoned(self._local, threads.count * _aligned(kernel.local_bytes)),
            _rows([(0, kernel.local_bytes)]),
            (0, 1, _aligned(kernel.local_bytes)),
            NO_RECORDS,
            0,
        )
        return everything, shared, local

    def _constants(self, program: Program) -> list[tuple[int, int]]:
        """Return the extents of a kernel's constants, which its first launch puts into memory."""
        kernel = program.kernel
        for name, data in kernel.constants.items():
            if name not in program.constants and data:
                address = self.memory.allocate(len(data))
                if address is None:
                    raise Fault(kernel.name, f"no memory for {len(data)} bytes of {name}")
                self.memory.of(address, len(data))[:] = np.frombuffer(data, np.uint8)
                program.constants[name] = address
        return [(at, len(kernel.constants[name])) for name, at in program.constants.items()]


def _rows(extents: list[tuple[int, int]]) -> Int64s:
    rows = sorted((start, start + size) for start, size in extents if size > 0)
    return np.array(rows or [(0, 0)], np.int64)


def _aligned(size: int) -> int:
    return -(-size // 16) * 16


def _poisoned(memory: Bytes, size: int) -> Bytes:
    found = memory[: _aligned(size)]
    found[:] = 0xFF
    return found
