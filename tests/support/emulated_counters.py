"""Counts of the CUDA backend's launches, some blocks of which run in the emulator.

The code is what link-time optimization makes, kept in build/counters until the sources change.
"""

import hashlib
import random
import re
from dataclasses import dataclass

import numpy as np

from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.ptx.warp_tiles import DEPTHS
from convnet.backends.cuda.runtime.launch import Launch
from emulator.counters import Counts, Watcher
from emulator.machine import Arena, Machine, Program
from emulator.ptx import parse
from tests.scripts.kernels_table import signature
from tests.support.emulated_launches import Memory, packed
from tests.support.linked_kernels import NEWEST, OLDEST, assembled, compiled, optimized
from tests.support.paths import ROOT
from tests.support.sass import main_loop

CACHE = ROOT / "build" / "counters"
_ROOM = 6 << 30  # bytes of addresses; memory takes room where it is touched


@dataclass(frozen=True)
class Options:
    """What the machine reads: everything in its plain order, without looking for races."""

    seed: int | None = None
    races: bool = False


class Counted:
    """Runs launches, each with a sample of its blocks; sampled: how many, 0 for all."""

    def __init__(self, sampled: int = 0, seed: int = 1) -> None:
        self.arena = Arena(_ROOM)
        self.memory, self.watcher = Memory(self.arena), Watcher()
        self.machine = Machine(self.arena, Options(), self.watcher)
        self._sampled, self._random = sampled, random.Random(seed)
        self._programs: dict[object, tuple[Program, dict[str, int]]] = {}

    def counts(self, launch: Launch) -> tuple[Counts, dict[str, int]]:
        """What was counted, and what the assembler reports of the kernel."""
        program, report = self._program(launch)
        grid = (*launch.blocks, 1, 1)[:3]
        blocks = int(np.prod(grid))
        count = min(self._sampled or blocks, blocks)
        chosen = sorted(self._random.sample(range(blocks), count))
        params, extents = packed(launch, self.memory)
        self.machine.sample = np.array(chosen)
        self.watcher.begin(program.translation, blocks, count, launch.threads, extents)
        self.machine.launch(program, grid, (launch.threads, 1, 1), params, extents)
        return self.watcher.end(), report

    def _program(self, launch: Launch) -> tuple[Program, dict[str, int]]:
        key = launch.kernel.name, signature(launch)
        if key not in self._programs:
            text, report = code_of(launch)
            self._programs[key] = Program(next(iter(parse(text).values()))), report
        return self._programs[key]


def code_of(launch: Launch) -> tuple[str, dict[str, int]]:
    """PTX, and the assembler's report for the newest target; kept in build/counters."""
    source = (ROOT / "convnet" / "backends" / "cuda").rglob("*.py")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(source)))
    digest.update(f"{launch.kernel.name} {signature(launch)}".encode())
    path = CACHE / f"{launch.kernel.name}-{digest.hexdigest()[:16]}.ptx"
    if not path.exists():
        code = compiled(launch.kernel, signature(launch), OLDEST)
        cubin, report = assembled(code, NEWEST)
        share = re.match(r"\w+ (\d+)%", main_loop(cubin))
        report["share"] = int(share[1]) if share else 0
        numbers = " ".join(f"{name}={value}" for name, value in report.items())
        CACHE.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// {numbers}\n{optimized(code, OLDEST)}")
    text = path.read_text()
    numbers = text[3 : text.index("\n")].split()
    return text, {name: int(value) for name, value in (n.split("=") for n in numbers)}


def tiles_of(launch: Launch) -> tuple[float, float] | None:
    """Of a product: the bytes that its tiles have to read and write, and those of a pair of tiles.

    None for other launches.  Each block reads its rows and columns of the operands once, in
    float32, and writes its part of the result once for each split of k.
    """
    found = re.search(r"_(\d+)x(\d+)_(?:fp32|tf32|bf16)", launch.kernel.name)
    if found is None:
        return None
    rows, columns = int(found[1]), int(found[2])
    m, n, depth = (int(number) for number in launch.arguments[9:12])
    across, down = -(-n // columns), -(-m // rows)
    groups, splits = launch.blocks[0] // across, launch.blocks[2]
    values = m * depth * across + n * depth * down + m * n * splits
    step = DEPTHS[PRECISIONS.index(launch.kernel.name.split("_")[4])]
    return 4.0 * groups * values, 4.0 * (rows + columns) * step
