"""Translations as a whole: guards, blocks, names, kinds, and what is refused."""

import ast
from collections import Counter

import numpy as np
import pytest

from emulator.ptx import PtxError, parse
from emulator.translate import HANDLERS, Translation, canonical
from emulator.translate.kinds import KINDS, kind
from emulator.translate.literals import literal
from tests.emulator.support.one_kernel import Frame, kernel

REGISTERS = {"%p": "pred", "%a": "b32", "%b": "b32", "%d": "b32"}


@pytest.mark.parametrize("negated", ["", "!"])
def test_a_guard_chooses_threads(negated):
    given = kernel(f"@{negated}%p add.s32 %d, %a, %b;\nmov.b32 %b, 7;", REGISTERS)
    for holds in (np.arange(8) % 2 == 0, np.ones(8, bool), np.zeros(8, bool)):
        for m in (True, np.arange(8) < 5):
            frame = Frame(given, 8)
            frame.set("%p", holds, "pred")
            frame.set("%a", np.arange(8), "u32")
            frame.set("%b", np.full(8, 100), "u32")
            old, others = frame.get("%d", "u32"), frame.get("%b", "u32")
            frame.run(m)
            active = np.ones(8, bool) if m is True else m
            added = active & (~holds if negated else holds)
            assert np.array_equal(frame.get("%d", "u32"), np.where(added, np.arange(8) + 100, old))
            assert np.array_equal(frame.get("%b", "u32"), np.where(active, 7, others))


def test_each_block_is_a_function():
    lines = (
        "mov.b32 %a, 1; bra.uni $L; $L: @%p bra $M; mov.b32 %a, 2; bar.sync 0; $M: mov.b32 %b, %a;"
    )
    translation = Translation(kernel(lines, REGISTERS))
    names = [item.name for item in ast.parse(translation.source).body]
    assert names == [f"b{i}" for i in range(len(translation.kernel.blocks))]
    assert translation.sizes == [2, 1, 2, 2, 1]
    guard = translation.kernel.blocks[1].end.guard
    assert translation.registers[translation.predicate(guard)] == ("%p", "pred")


def test_the_bits_of_a_register_are_seen_as_any_type_of_its_size():
    registers = {"%f": "f32", "%r": "b32", "%d": "pred"}
    frame = Frame(kernel("mov.b32 %r, 0fBF800000; mov.f32 %f, %r; neg.f32 %f, %f;", registers), 2)
    frame.run()
    assert (frame.get("%f", "f32") == 1).all() and (frame.get("%r", "u32") == 0xBF800000).all()


def test_moves_between_a_register_and_its_parts():
    registers = {"%w": "b64", "%lo": "b32", "%hi": "b32", "%h": "b16", "%d": "b64", "%k": "b16"}
    lines = """mov.b64 {%lo, %hi}, %w; mov.b32 {_, %h}, %hi; mov.b64 %d, {%hi, 5};
    mov.b64 {%k, _, _, _}, %w;"""
    for m in (True, np.array([True, False, True])):
        frame = Frame(kernel(lines, registers), 3)
        values = np.array([1, 2**63 + 3, 0x123456789ABCDEF0], np.uint64)
        frame.set("%w", values, "u64")
        frame.run(m)
        expected = {"%lo": values % 2**32, "%hi": values >> 32, "%h": values >> 48}
        expected |= {"%d": (values >> 32) + (5 << 32), "%k": values % 2**16}
        for name, wanted in expected.items():
            assert np.array_equal(frame.memory[name][m], wanted.astype(frame.memory[name].dtype)[m])


def test_special_registers_and_addresses():
    outside = ".shared .b8 gap[16]; .shared .b8 tile[64]; .const .b32 table[2] = {4, 5};"
    registers = {"%a": "b32", "%b": "b32", "%c": "b64", "%d": "b64", "%e": "b32"}
    lines = "mov.u32 %a, %tid.x; mov.u32 %b, %laneid; mov.u64 %c, tile; mov.u64 %d, table;"
    lines += "mov.u32 %e, gap; cvt.s64.s32 %c, %ctaid.y;" + "mov.u64 %c, tile;"
    arrays = {n: np.arange(4, dtype=np.uint32) + i for i, n in enumerate(("tid_x", "laneid"))}
    arrays |= {"ctaid_y": np.arange(4, dtype=np.uint32), "address_table": np.uint64(1 << 40)}
    frame = Frame(kernel(lines, registers, outside), 4, **arrays)
    frame.run()
    assert frame.get("%a", "u32").tolist() == [0, 1, 2, 3]
    assert frame.get("%b", "u32").tolist() == [1, 2, 3, 4]
    assert (frame.get("%c", "u64") == 16).all() and (frame.get("%d", "u64") == 1 << 40).all()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("atom.global.add.u32 %d, [%a], %b;", "an instruction that is not supported"),
        ("ld.acquire.gpu.global.u32 %d, [%a];", "an instruction that is not supported"),
        ("fma.rm.f64 %d, %a, %b, %a;", "an instruction that is not supported"),
        ("add.s32 %d, %a, %z;", "%z as .u32"),
        ("add.s64 %d, %a, %b;", "%a is .b32, not .u64"),
        ("add.s32 %z, %a, %b;", "register %z is not declared"),
        ("mov.u32 %d, %clock;", "%clock as .u32"),
        ("add.f32 %d, %a, 1;", "1 as .f32"),
        ("cp.async.cg.shared.global [%a], [%a], 8;", "a copy of 8 bytes"),
        ("cp.async.ca.shared.global [%a], [%a], 4, %p;", "an asynchronous copy with a predicate"),
        ("cp.async.wait_group %a;", "%a is not a number of groups"),
        ("ld.param.u32 %d, [nothing];", "no parameter nothing"),
        ("ld.param.u64 %d, [k_param_0+4];", "beyond the 8 bytes of the parameter"),
        ("ld.global.u32 %d, [%p];", "address [%p]"),
        ("ld.global.u32 %d, [nothing+4];", "address [nothing+4]"),
        ("lop3.b32 %d, %a, %b, %a, %b;", "a table that is not a number"),
        ("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%d}, [%a];", "expected 2 registers"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_text(line, problem):
    given = kernel("\n" + line, REGISTERS, parameters=".param .u64 k_param_0")
    with pytest.raises(PtxError) as error:
        Translation(given)
    assert str(error.value).startswith(f"PTX line 12: {problem}")
    assert line.rstrip(";") in str(error.value)


def test_names_that_would_be_one_name_in_the_code_are_refused():
    with pytest.raises(PtxError, match="differ only in"):
        Translation(kernel("", {"%a": "b32", "$a": "b32"}))


def test_hints_change_nothing():
    assert canonical("ld.volatile.global.L1::no_allocate.L2::128B.v4.f32") == "ld.global.v4.f32"
    assert canonical("ld.global.nc.u32") == canonical("ld.relaxed.gpu.global.u32")
    assert canonical("st.shared::cta.u32") == canonical("st.volatile.shared.u32")
    assert canonical("cp.async.ca.shared::cta.global.L2::128B") in HANDLERS
    assert canonical("add.rn.f32") == "add.rn.f32"


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("0f3F800000", "f32", np.float32(1)),
        ("-0f3F800000", "f32", np.float32(-1)),
        ("0d3FF0000000000000", "f64", np.float64(1)),
        ("0d3FF0000000000000", "f32", np.float32(1)),
        ("0fBF800000", "u32", np.uint32(0xBF800000)),
        ("0f3F800000", "u64", None),
        ("-1", "u32", np.uint32(0xFFFFFFFF)),
        ("0xFFFFFFFF", "s32", np.int32(-1)),
        ("4294967296", "u32", np.uint32(0)),
        ("12U", "u16", np.uint16(12)),
        ("010", "s32", np.int32(8)),
        ("1", "pred", np.bool_(True)),
        ("1", "f32", None),
        ("%r1", "u32", None),
    ],
)
def test_numbers(text, type_, value):
    found = literal(text, type_)
    assert found == value and type(found) is type(value)


def test_kinds_of_instructions():
    lines = """add.f32 %d, %a, %b; ex2.approx.f32 %d, %a; setp.lt.s32 %p, %a, 3; @%p mov.b32 %a, %b;
    ld.global.f32 %d, [%a]; st.shared.f32 [%a], %d; cvt.rn.f32.s32 %d, %a; xor.pred %p, %p, %p;
    cp.async.commit_group; cp.async.ca.shared.global [%a], [%a], 4; bar.sync 0; @%p ret;
    add.s32 %d, %a, %b;"""
    found = Translation(kernel(lines, REGISTERS)).kinds
    assert found[0] == Counter(
        "fp32 special compare move predicated ld.global st.shared convert int cp.async.group "
        "cp.async barrier".split()
    )
    assert found[1:] == [Counter(["branch"]), Counter(["int", "branch"]), Counter(["branch"])]


def test_every_opcode_has_a_kind():
    item = parse(".entry k() { add.s32 %r, %r, %r; }")["k"].blocks[0].body[0]
    for op in HANDLERS:
        changed = type(item)(op, item.operands, None, op, 1)
        assert kind(changed) in KINDS
