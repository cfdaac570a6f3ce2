"""A process that tries inputs, with bounds on its memory; its parent ends it if an input hangs."""

import mmap
import os
import resource
import struct
import sys
from pathlib import Path

from tests.fuzz.loop import MOST_MEMORY, Loop, Result
from tests.fuzz.reader import Inputs
from tests.fuzz.readers import READERS

FORM = "<qqqdqq"  # number of the input, tried, refused, slowest, its number, memory


class Report:
    """Memory in a file that parent and worker share: the progress of the worker."""

    def __init__(self, path: Path):
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), struct.calcsize(FORM))

    def write(self, number: int, found: Result) -> None:
        facts = (found.tried, found.refused, found.slowest, found.slowest_number, found.memory)
        struct.pack_into(FORM, self._memory, 0, number, *facts)

    def read(self) -> tuple[int, Result]:
        number, *facts = struct.unpack_from(FORM, self._memory)
        return number, Result(*facts)


def bound_memory() -> None:
    """Let this process have MOST_MEMORY more of address space than now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(name: str, seed: str, first: str, seconds: str, folder: str, failures: str) -> None:
    inputs = Inputs(READERS[name], int(seed))
    report = Report(Path(folder) / "report")
    loop = Loop(inputs, Path(folder), Path(failures), report.write)
    found = loop.run(0, most=len(inputs.trees))  # also loads what the reader needs
    if found.failures or found.refused:
        print(
            f"{name}: seeds not accepted: {found.refused} {dict(found.failures)}", file=sys.stderr
        )
    loop.result = Result()
    bound_memory()
    loop.run(max(int(first), len(inputs.trees)), seconds=float(seconds))
    report.write(-1, loop.result)


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    main(*sys.argv[1:])
