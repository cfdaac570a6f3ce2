"""Checks of asynchronous copies and of the instructions of a warp."""

import numpy as np

from tests.emulator.support.machine_rows import COUNT, MASKS, Recorder, braces, checks
from tests.emulator.support.one_kernel import Frame, kernel


@checks("cp.async.{ca,cg}.shared.global")
def copy(op):
    for m in MASKS:
        copied = Recorder()
        lines = f"{op} [%to+64], [%from+16], 16, %n;\n{op} [%to], [%from], 16;"
        registers = {"%to": "b32", "%from": "b64", "%n": "b32"}
        frame = Frame(kernel(lines, registers), COUNT, copy_async=copied)
        frame.memory["%to"][:] = np.arange(COUNT) * 16
        frame.memory["%from"][:] = np.arange(COUNT) * 4096
        frame.memory["%n"][:] = np.arange(COUNT) % 2 * 16
        frame.run(m)
        to, source, size, given, mask, text = copied.given[0]
        assert np.array_equal(to, np.arange(COUNT) * 16 + 64) and size == 16 and mask is m
        assert np.array_equal(source, np.arange(COUNT) * 4096 + 16) and text.startswith(op)
        assert np.array_equal(given, np.arange(COUNT) % 2 * 16)
        assert (copied.given[1][3] == 16).all()


@checks("cp.async.{commit_group,wait_group,wait_all}")
def group(op):
    function = {"commit_group": "commit_copies", "wait_group": "wait_copies"}
    name = function.get(op.split(".")[2], "wait_all_copies")
    for m in MASKS:
        recorder = Recorder()
        line = f"{op} 3;" if "wait_group" in op else f"{op};"
        Frame(kernel(line, {}), COUNT, **{name: recorder}).run(m)
        given = recorder.given[0]
        assert given[:-1] == ((3,) if "wait_group" in op else ()) and given[-1] is m


@checks(
    "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
    "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
)
def product(op):
    for m in MASKS:
        found = [np.arange(COUNT, dtype=np.float32) + 100 * i for i in range(4)]
        recorder = Recorder(found)
        registers = {
            f"%{s}{i}": "b32" for s, n in zip("dabc", (4, 4, 2, 4), strict=True) for i in range(n)
        }
        names = {s: braces([n for n in registers if n[1] == s]) for s in "dabc"}
        given = kernel(f"{op} {names['d']}, {names['a']}, {names['b']}, {names['c']};", registers)
        name = "mma_tf32" if "tf32" in op else "mma_bf16"
        frame = Frame(given, COUNT, **{name: recorder})
        for place, register in enumerate(registers):
            frame.memory[register][:] = place * 1000 + np.arange(COUNT)
        a, b, c = [], [], []
        frame.run(m)
        a, b, c, mask, text = recorder.given[0]
        wanted = [place * 1000 + np.arange(COUNT) for place in range(14)]
        assert mask is m and text.startswith(op)
        for found_ones, first in ((a, 4), (b, 8)):
            assert all(v.dtype == np.uint32 for v in found_ones)
            for i, values in enumerate(found_ones):
                assert np.array_equal(values, wanted[first + i])
        assert (len(a), len(b), len(c)) == (4, 2, 4)
        for i, values in enumerate(c):
            assert values.dtype == np.float32
            assert np.array_equal(values.view(np.uint32), wanted[10 + i])
        for i in range(4):
            assert np.array_equal(frame.get(f"%d{i}", "f32")[m], found[i][m])


@checks("ldmatrix.sync.aligned.m8n8.{x1,x2,x4}{,.trans}.shared.b16")
def matrices(op):
    count = int(op.split(".")[4][1:])
    for m in MASKS:
        found = [np.arange(COUNT, dtype=np.uint32) + 7 * i for i in range(count)]
        recorder = Recorder(found)
        names = [f"%d{i}" for i in range(count)]
        text = f"{op} {{{', '.join(names)}}}, [%at+32];"
        given = kernel(text, dict.fromkeys(names, "b32") | {"%at": "b32"})
        frame = Frame(given, COUNT, load_matrix=recorder)
        frame.memory["%at"][:] = np.arange(COUNT) * 16
        frame.run(m)
        address, number, transposed, mask, shown = recorder.given[0]
        assert np.array_equal(address, np.arange(COUNT) * 16 + 32) and shown.startswith(op)
        assert (number, transposed) == (count, ".trans" in op) and mask is m
        for i, name in enumerate(names):
            assert np.array_equal(frame.memory[name][m], found[i][m])


@checks("shfl.sync.{up,down,bfly,idx}.b32")
def shuffled(op):
    for m in MASKS:
        found = np.arange(COUNT, dtype=np.uint32), np.arange(COUNT) % 5 == 0
        recorder = Recorder(found)
        registers = {"%d": "b32", "%e": "pred", "%a": "b32", "%b": "b32"}
        given = kernel(f"{op} %d|%e, %a, %b, 31, -1;", registers)
        frame = Frame(given, COUNT, shuffle=recorder)
        frame.memory["%a"][:], frame.memory["%b"][:] = np.arange(COUNT) + 5, 3
        frame.run(m)
        how, a, b, c, mask, members, text = recorder.given[0]
        assert (how, c, members) == (op.split(".")[2], 31, 0xFFFFFFFF) and mask is m
        assert np.array_equal(a, np.arange(COUNT) + 5) and (b == 3).all() and text.startswith(op)
        for name, values in zip(("%d", "%e"), found, strict=True):
            assert np.array_equal(frame.memory[name][m], values[m])


@checks("vote.sync.{all,any,uni}.pred", "vote.sync.ballot.b32")
def voted(op):
    kind = "b32" if "ballot" in op else "pred"
    for m in MASKS:
        found = np.arange(COUNT).astype(np.uint32 if kind == "b32" else bool)
        recorder = Recorder(found)
        given = kernel(f"{op} %d, !%a, 0xffffffff;", {"%d": kind, "%a": "pred"})
        frame = Frame(given, COUNT, vote=recorder)
        frame.memory["%a"][:] = np.arange(COUNT) % 2
        frame.run(m)
        how, predicate, mask, members, text = recorder.given[0]
        assert (how, members) == (op.split(".")[2], 0xFFFFFFFF) and mask is m
        assert np.array_equal(predicate, np.arange(COUNT) % 2 == 0) and text.startswith(op)
        assert np.array_equal(frame.memory["%d"][m], found[m])


@checks("prefetch{,.global}.{L1,L2}", "membar.{cta,gl,sys}", "fence.{sc,acq_rel}.{cta,gpu,sys}")
def nothing(op):
    line = f"{op} [%at];" if op.startswith("prefetch") else f"{op};"
    frame = Frame(kernel(line, {"%at": "b64"}), COUNT)
    before = frame.memory["%at"].copy()
    frame.run()
    frame.run(MASKS[1])
    assert np.array_equal(frame.memory["%at"], before)
