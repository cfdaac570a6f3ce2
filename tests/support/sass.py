"""What the main loop of a compiled kernel consists of, from NVIDIA's disassembler."""

import re
import subprocess
import tempfile
from collections import Counter
from functools import cache
from importlib import metadata

ARITHMETIC = ("HGMMA", "HMMA", "FFMA")  # those of tensor cores first: FFMA also round


def main_loop(cubin: bytes) -> str:
    """Like "FFMA 78 % of 653": the loop with most multiply-adds; "" where there is none.

    "?" if the disassembler is not installed.
    """
    program = _disassembler()
    if program is None:
        return "?"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        done = subprocess.run(
            [program, "-c", file.name], capture_output=True, text=True, check=True
        )
    return _described(*_instructions(done.stdout))


@cache
def _disassembler():
    try:
        files = metadata.files("nvidia-cuda-nvdisasm") or ()
    except metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.stem == "nvdisasm"), None)


def _instructions(text):
    """Instructions in order, and at which of them each label stands."""
    found, labels = [], {}
    for line in text.splitlines():
        if label := re.match(r"\.(L_x_\d+):", line):
            labels[label[1]] = len(found)
        elif instruction := re.search(r"/\*[0-9a-f]{4,}\*/\s+(.*?);", line):
            found.append(instruction[1])
    return found, labels


def _described(instructions, labels):
    best = Counter(), 0
    for end, instruction in enumerate(instructions):
        jump = re.search(r"BRA.*?\(\.(L_x_\d+)\)", instruction)
        start = labels.get(jump[1], end) if jump else end
        inside = Counter(map(_name, instructions[start : end + 1]))
        if sum(inside[a] for a in ARITHMETIC) > sum(best[0][a] for a in ARITHMETIC):
            best = inside, end + 1 - start
    most = next((a for a in ARITHMETIC if best[0][a]), "FFMA")
    count = best[0][most]
    return f"{most} {count / best[1]:.0%} of {best[1]}" if count >= 16 else ""


def _name(instruction):
    return re.sub(r"^@!?U?P[T\d]+ ", "", instruction).split()[0].split(".")[0]
