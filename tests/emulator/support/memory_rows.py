"""Checks of loads and stores, on a memory of one array of bytes."""

import numpy as np

from emulator.ptx import SIZES
from emulator.translate import DTYPES
from tests.emulator.support.machine_rows import COUNT, MASKS, braces, checks
from tests.emulator.support.one_kernel import Frame, kernel, register_type
from tests.emulator.support.rows import wrapped

TYPES = "{b8,b16,b32,b64,u8,u16,u32,u64,s8,s16,s32,s64,f32,f64}"


class Memory:
    """Bytes that all spaces share; calls: the space, the mask and the text of each call."""

    def __init__(self):
        self.bytes = np.random.default_rng(5).integers(0, 256, 1 << 13, np.uint8)
        self.calls = []

    def functions(self):
        spaces = ("global", "shared", "local", "generic")
        loads = {f"load_{space}": self._load(space) for space in spaces}
        return loads | {f"store_{space}": self._store(space) for space in spaces}

    def _load(self, space):
        def load(address, size, count, m, text):
            self.calls.append((space, m, text))
            at = address if m is True else address[m]
            places = [at + size * i for i in range(count)]
            return [np.array([self.read(p, size) for p in place], f"u{size}") for place in places]

        return load

    def _store(self, space):
        def store(address, values, size, m, text):
            self.calls.append((space, m, text))
            for i, value in enumerate(values):
                value = np.broadcast_to(value, COUNT)
                assert value.dtype == f"u{size}"
                for lane in np.arange(COUNT)[m if m is not True else slice(None)]:
                    place = int(address[lane]) + size * i
                    self.bytes[place : place + size] = np.frombuffer(value[lane].tobytes(), "u1")

        return store

    def read(self, place, size):
        return int.from_bytes(self.bytes[place : place + size].tobytes(), "little")


def number_of(parts):
    return next((int(part[1]) for part in parts if part in ("v2", "v4")), 1)


def space_of(parts):
    found = next((p for p in parts if p in ("global", "shared", "local", "const")), "generic")
    return "global" if found == "const" else found


@checks(f"ld{{,.const,.global,.shared,.local}}{{,.v2,.v4}}.{TYPES}")
def load(op):
    """Into registers of the type's size and into wider ones, at a register plus an offset."""
    parts, kind = op.split("."), op.split(".")[-1]
    names = [f"%d{i}" for i in range(number_of(parts))]
    for wide in {register_type(kind), "b32", "b64"}:
        if SIZES[wide] < SIZES[kind]:
            continue
        for m in MASKS:
            memory = Memory()
            registers = dict.fromkeys(names, wide) | {"%at": "b64"}
            frame = Frame(
                kernel(f"{op} {braces(names)}, [%at+40];", registers), COUNT, **memory.functions()
            )
            places = np.arange(COUNT)[::-1] * 32
            frame.set("%at", places, "s64")
            old = frame.memory["%d0"].copy()
            frame.run(m)
            active = np.ones(COUNT, bool) if m is True else m
            for i, name in enumerate(names):
                for lane in np.flatnonzero(active):
                    bits = memory.read(places[lane] + 40 + i * SIZES[kind], SIZES[kind])
                    bits = wrapped(bits, f"s{8 * SIZES[kind]}") if kind[0] == "s" else bits
                    assert frame.memory[name][lane] == wrapped(bits, f"u{8 * SIZES[wide]}")
            assert np.array_equal(frame.memory["%d0"][~active], old[~active])
            space, mask, text = memory.calls[0]
            assert (space, len(memory.calls)) == (space_of(parts), 1) and mask is m
            assert text.startswith(op)


@checks(f"st{{,.global,.shared,.local}}{{,.v2,.v4}}.{TYPES}")
def store(op):
    """From registers, wider ones and numbers; the low bits of a register are stored."""
    parts, kind = op.split("."), op.split(".")[-1]
    names = [f"%a{i}" for i in range(number_of(parts))]
    number = {"f32": "0f3FC00000", "f64": "0d3FF8000000000000"}.get(kind, "-7")
    bits = {"f32": 0x3FC00000, "f64": 0x3FF8000000000000}.get(kind, -7)
    for m in MASKS:
        memory, before = Memory(), Memory()
        registers = dict.fromkeys(names, register_type(kind)) | {"%at": "b64"}
        lines = f"{op} [%at], {braces(names)};"
        lines += f"{op} [%at+-2048], {braces([number] * len(names))};"
        frame = Frame(kernel(lines, registers), COUNT, **memory.functions())
        places = np.arange(COUNT) * 32 + 2048
        frame.set("%at", places, "s64")
        values = np.random.default_rng(1).integers(0, 256, (len(names), COUNT, 8), np.uint8)
        for name, value in zip(names, values, strict=True):
            whole = frame.memory[name]
            whole[:] = value.view(np.uint64)[:, 0].astype(whole.dtype)
        size = SIZES[kind]
        for lane in np.arange(COUNT)[slice(None) if m is True else m]:
            for i, value in enumerate(values):
                place, low = places[lane] + i * size, -7 if kind[0] not in "f" else bits
                before.bytes[place : place + size] = value[lane, :size]
                data = wrapped(low, f"u{8 * size}").to_bytes(size, "little")
                before.bytes[place - 2048 : place - 2048 + size] = np.frombuffer(data, "u1")
        frame.run(m)
        assert np.array_equal(memory.bytes, before.bytes)
        assert [call[0] for call in memory.calls] == [space_of(parts)] * 2
        assert memory.calls[0][1] is m


@checks(f"ld.param{{,.v2,.v4}}.{TYPES}")
def parameter(op):
    parts, kind = op.split("."), op.split(".")[-1]
    names, size = [f"%d{i}" for i in range(number_of(parts))], SIZES[kind]
    data = bytes((37 * i + 129) % 256 for i in range(64))
    parameters = ".param .b32 first, .param .align 8 .b8 k_param_1[48]"
    text = f"{op} {braces(names)}, [k_param_1+8];"
    for m in MASKS:
        given = kernel(text, dict.fromkeys(names, register_type(kind)), parameters=parameters)
        assert given.params["k_param_1"] == (8, 48) and given.param_bytes == 56
        frame = Frame(given, COUNT)
        for known, (place, type_) in frame.translation.params.items():
            frame.names[known] = np.frombuffer(data, DTYPES[type_], 1, place)[0]
        frame.run(m)
        for i, name in enumerate(names):
            bits = int.from_bytes(data[16 + i * size :][:size], "little")
            bits = wrapped(bits, f"s{8 * size}") if kind[0] == "s" else bits
            wanted = wrapped(bits, f"u{8 * frame.memory[name].itemsize}")
            assert (frame.memory[name][m] == wanted).all()
