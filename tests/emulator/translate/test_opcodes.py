"""Every opcode that is translated, against exact arithmetic, at special and at random values."""

import zlib

import numpy as np
import pytest

from emulator.translate import DTYPES, HANDLERS
from tests.emulator.support import (  # noqa: F401  # they fill ROWS
    approximate_rows,
    conversion_rows,
    float_rows,
    integer_rows,
    memory_rows,
    warp_rows,
)
from tests.emulator.support.machine_rows import MACHINE_ROWS
from tests.emulator.support.one_kernel import Frame, kernel, register_type
from tests.emulator.support.rounding import bits_of
from tests.emulator.support.rows import ROWS
from tests.emulator.support.values import sample

COUNT = 256


def test_every_opcode_has_a_row():
    assert set(HANDLERS) == set(ROWS) | set(MACHINE_ROWS)


def instruction(op, row, immediate=None):
    """Return the kernel of one instruction with inputs %a0, %a1, ... and outputs %d, %e."""
    names = [f"%a{i}" for i in range(len(row.inputs))]
    registers = {n: register_type(k) for n, k in zip(names, row.inputs, strict=True)}
    registers |= {n: register_type(k) for n, k in zip(("%d", "%e"), row.outputs, strict=False)}
    form = row.form or "{d}, " + ", ".join(f"{{{i}}}" for i in range(len(names)))
    if immediate is not None:
        names[-1] = immediate
    return kernel(f"{op} {form.format(*names, d='%d', e='%e')};", registers)


def text_of(value, kind):
    """Return a value as a number in PTX."""
    if kind in ("f32", "f64"):
        return f"0{'fd'[kind == 'f64']}{bits_of(float(value), kind):0{8 if kind == 'f32' else 16}X}"
    return str(int(value))


def same(found, wanted, kind):
    if callable(wanted):
        return wanted(found)
    if DTYPES[kind].startswith("float"):
        return bits_of(found, kind) == bits_of(wanted, kind)
    return found == wanted


def check(frame, row, inputs, active):
    """The active threads' results are those of the row; the others' are as before."""
    outputs = [frame.get(n, k) for n, k in zip(("%d", "%e"), row.outputs, strict=False)]
    for i, values in enumerate(zip(*(values.tolist() for values in inputs), strict=True)):
        if not active[i]:
            continue
        wanted = row.expected(*values)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        for output, one, kind in zip(outputs, wanted, row.outputs, strict=True):
            assert same(output[i].item(), one, kind), (values, output[i], one)


@pytest.mark.parametrize("op", sorted(ROWS))
def test_results(op):
    row, rng = ROWS[op], np.random.default_rng(zlib.crc32(op.encode()))
    inputs = [sample(kind, COUNT, rng) for kind in row.inputs]
    seed = None if rng.random() < 0.5 else int(rng.integers(1000))
    frame = Frame(instruction(op, row), COUNT, seed)
    before = frame.memory["%d"].copy()
    for name, kind, values in zip(("%a0", "%a1", "%a2", "%a3"), row.inputs, inputs, strict=False):
        frame.set(name, values, kind)
    some = rng.random(COUNT) < 0.5
    frame.run(some)
    check(frame, row, inputs, some)
    assert np.array_equal(frame.memory["%d"][~some], before[~some])
    frame.run()
    check(frame, row, inputs, np.ones(COUNT, bool))


@pytest.mark.parametrize("op", sorted(op for op in ROWS if ROWS[op].immediate))
def test_results_with_a_number_in_the_text(op):
    row, rng = ROWS[op], np.random.default_rng(zlib.crc32(op.encode()) + 1)
    for _ in range(3):
        inputs = [sample(kind, 32, rng) for kind in row.inputs]
        inputs[-1][:] = inputs[-1][0]
        frame = Frame(instruction(op, row, text_of(inputs[-1][0], row.inputs[-1])), 32)
        for i, values in enumerate(inputs[:-1]):
            frame.set(f"%a{i}", values, row.inputs[i])
        some = rng.random(32) < 0.5
        frame.run(some)
        check(frame, row, inputs, some)
        frame.run()
        check(frame, row, inputs, np.ones(32, bool))


@pytest.mark.parametrize("op", sorted(ROWS))
def test_a_result_may_replace_an_operand(op):
    """d may be a register that is also read, with all threads and with some."""
    row, rng = ROWS[op], np.random.default_rng(zlib.crc32(op.encode()) + 2)
    for place, kind in enumerate(row.inputs):
        if register_type(kind) != register_type(row.outputs[0]):
            continue
        for some in (np.ones(64, bool), rng.random(64) < 0.5):
            inputs = [sample(kind, 64, rng) for kind in row.inputs]
            frame = Frame(aliased(op, row, place), 64)
            for i, values in enumerate(inputs):
                frame.set(f"%a{i}", values, row.inputs[i])
            frame.run(True if some.all() else some)
            frame.memory["%d"] = frame.memory[f"%a{place}"]
            check(frame, row, inputs, some)


def aliased(op, row, place):
    names = [f"%a{i}" for i in range(len(row.inputs))]
    registers = {n: register_type(k) for n, k in zip(names, row.inputs, strict=True)}
    registers |= {n: register_type(k) for n, k in zip(("%d", "%e"), row.outputs, strict=False)}
    form = row.form or "{d}, " + ", ".join(f"{{{i}}}" for i in range(len(names)))
    return kernel(f"{op} {form.format(*names, d=names[place], e='%e')};", registers)


@pytest.mark.parametrize("op", sorted(MACHINE_ROWS))
def test_calls_of_the_machine(op):
    MACHINE_ROWS[op](op)
