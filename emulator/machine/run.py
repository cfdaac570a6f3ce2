"""Some thread blocks of a launch, their threads in lock step."""

from typing import NoReturn

import numpy as np

from emulator.machine.calls import calls
from emulator.machine.faults import Fault
from emulator.machine.frame import Frame
from emulator.machine.memory.clock import Clock
from emulator.machine.memory.copies import Copies
from emulator.machine.memory.generic import Generic
from emulator.machine.memory.records import EXTENTS
from emulator.machine.memory.spaces import Space, Watch
from emulator.machine.observer import Observer
from emulator.machine.program import Program
from emulator.machine.schedule.barriers import Barriers
from emulator.machine.schedule.order import Order
from emulator.machine.schedule.ready import Ready
from emulator.machine.threads import Threads
from emulator.machine.types import Array, Mask
from emulator.machine.warps.together import WARP, Warps
from emulator.ptx import Guard
from emulator.translate import DTYPES
from emulator.translate.names import identifier


class Run:
    """What the threads of some blocks share while they run."""

    def __init__(
        self,
        program: Program,
        threads: Threads,
        frame: Frame,
        order: Order,
        clock: Clock,
        observer: Observer | None,
    ) -> None:
        self.program, self.kernel, self.threads = program, program.kernel, threads
        self.frame, self.order, self.clock, self.observer = frame, order, clock, observer
        count = threads.count
        self.watch = Watch(
            self.kernel.name,
            self.fail,
            np.ones(count, bool),
            threads.per_block,
            clock,
            observer,
            order.backward,
        )
        self.warps = Warps(self.watch, threads.missing())
        self.ready = Ready(order, self.warps, program.together)
        self.barriers = Barriers(
            self.warps, clock, self.ready, threads.launch.threads, self.operand
        )

    def begin(self, params: bytes, everything: Space, shared: Space, local: Space) -> None:
        """Bind what the translated code names; params: the kernel's, packed."""
        self.copies = Copies(everything, shared)
        generic = Generic(everything, shared, local)
        names = self.frame.names
        names.update(self.threads.registers())
        names.update(calls(self.warps, everything, shared, local, generic, self.copies, self.order))
        for known, (place, kind) in self.program.translation.params.items():
            names[known] = np.frombuffer(params, DTYPES[kind], 1, place)[0]
        for name, address in self.program.constants.items():
            names[f"address_{identifier(name)}"] = np.uint64(address)
        self.frame.clear()
        spaces = everything, shared, local
        places = self.clock.begin_run(
            self.threads.count // WARP, self.threads.per_block, [space.extents for space in spaces]
        )
        for space, place in zip(spaces, places, strict=True):
            space.layout[EXTENTS] = place

    def run(self) -> int:
        """Run all threads until they have ended; return the instructions of all threads."""
        sizes, blocks = self.program.translation.sizes, self.kernel.blocks
        missing, total = self.warps.ended, 0
        everyone = self.threads.count - int(np.count_nonzero(missing))
        self.ready.go_apart(0, ~missing if np.count_nonzero(missing) else True)
        while chosen := self._next():
            number, m = chosen
            active = everyone if m is True else int(np.count_nonzero(m))
            if self.observer:
                self.observer.block(self.kernel.name, number, active)
            self.frame.blocks[number](m)
            total += sizes[number] * active
            end = blocks[number].end
            if end.kind == "goto":
                self.ready.go(end.block, m)
            elif end.kind == "branch":
                self._branch(end.guard, end.block, end.other, m)
            elif end.kind == "exit":
                self._exit(end.guard, end.other, m)
            else:
                self.barriers.arrive(number, end, m)
        self.copies.end()
        return total

    def _next(self) -> tuple[int, Mask] | None:
        """Return what runs next, barriers released once nothing else can."""
        while True:
            chosen = self.ready.next()
            if chosen:
                return chosen
            if self.barriers.release_warps():
                continue
            chosen = self.ready.next_partial()
            if chosen or not self.barriers.release_blocks():
                return chosen

    def _branch(self, guard: Guard, block: int, other: int, m: Mask) -> None:
        taken, left = self._split(guard, m)
        if taken is not None:
            self.ready.go(block, taken)
        if left is not None:
            self.ready.go(other, left)

    def _exit(self, guard: Guard | None, other: int, m: Mask) -> None:
        ended, left = self._split(guard, m) if guard else (m, None)
        if ended is not None:
            self.warps.ended |= ended
        if left is not None:
            self.ready.go(other, left)

    def _split(self, guard: Guard, m: Mask) -> tuple[Mask | None, Mask | None]:
        """Return the threads for which a guard holds, and the others."""
        holds = self.frame.registers[guard.register].view(bool)
        if guard.negated:
            holds = ~holds
        taken = holds.copy() if m is True and not guard.negated else holds & m
        if not np.count_nonzero(taken):
            return None, m
        left = ~taken if m is True else m & ~taken
        if not np.count_nonzero(left):
            return m, None
        return taken, left

    def operand(self, text: str) -> Array:
        """Return the value of a 32-bit integer operand, for all threads or for each."""
        if text in self.kernel.registers:
            return np.asarray(self.frame.registers[text].view(np.uint32))
        return np.asarray(int(text.rstrip("U"), 0))

    def fail(self, what: str, text: str, who: int) -> NoReturn:
        """Raise the fault of a thread."""
        raise Fault(
            self.kernel.name, what, text, self.threads.block_of(who), self.threads.thread_of(who)
        )
