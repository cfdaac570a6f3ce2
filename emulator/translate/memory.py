"""Loads, stores and asynchronous copies (PTX manual, 9.7.9)."""

from emulator.ptx import SIZES, Instruction
from emulator.translate.code import Code
from emulator.translate.names import DTYPES, UNSIGNED, identifier, plain
from emulator.translate.opcodes import canonical, translates

_TYPES = "{b8,b16,b32,b64,u8,u16,u32,u64,s8,s16,s32,s64,f32,f64}"
_SPACES = ("global", "shared", "local", "const")


def address(code: Code, text: str, space: str) -> str:
    """Return an address in brackets as an array of int64 or int32."""
    base, offset = code.address(text)
    if base in code.kernel.registers:
        bits = 8 * SIZES[code.kernel.registers[base]]
        if bits not in (32, 64):
            raise code.error(f"address {text}")
        found = code.names.register(base, f"s{bits}", code.item)
        return f"{found} + {offset}" if offset else found
    if base in code.kernel.constants:
        return f"everywhere(int(address_{identifier(base)}) + {offset})"
    places = {"shared": code.kernel.shared, "local": code.kernel.local}.get(space, {})
    if base in places:
        return f"everywhere({places[base].offset + offset})"
    if base.isdigit():
        return f"everywhere({int(base) + offset})"
    raise code.error(f"address {text}")


def _space(item: Instruction) -> str:
    return next((part for part in canonical(item.op).split(".") if part in _SPACES), "generic")


@translates(f"ld.param{{,.v2,.v4}}.{_TYPES}")
def load_parameter(code: Code, item: Instruction) -> None:
    kind, (base, offset) = item.parts[-1], code.address(item.operands[1])
    if base not in code.kernel.params:
        raise code.error(f"no parameter {base}")
    names = code.vector(item.operands[0])
    place = code.kernel.params[base]
    if offset < 0 or offset + len(names) * SIZES[kind] > place.size:
        raise code.error(f"beyond the {place.size} bytes of the parameter")
    for i, name in enumerate(names):
        value = code.names.param(place.offset + offset + i * SIZES[kind], kind)
        if name != "_":
            code.extend(name, kind, value)


@translates(f"ld{{,.const,.global,.shared,.local}}{{,.v2,.v4}}.{_TYPES}")
def load(code: Code, item: Instruction) -> None:
    kind, space = item.parts[-1], _space(item)
    names, size = code.vector(item.operands[0]), SIZES[item.parts[-1]]
    place = address(code, item.operands[1], space)
    space = "global" if space == "const" else space
    code.line(f"w = load_{space}({place}, {size}, {len(names)}, {code.active}, {item.text!r})")
    for i, name in enumerate(names):
        code.loaded(name, kind, f"w[{i}]")


@translates(f"st{{,.global,.shared,.local}}{{,.v2,.v4}}.{_TYPES}")
def store(code: Code, item: Instruction) -> None:
    kind, space = item.parts[-1], _space(item)
    place = address(code, item.operands[0], space)
    values = ", ".join(_stored(code, name, kind) for name in code.vector(item.operands[1]))
    size = SIZES[kind]
    code.line(f"store_{space}({place}, ({values},), {size}, {code.active}, {item.text!r})")


def _stored(code: Code, name: str, kind: str) -> str:
    """Return a value as unsigned integers of its size."""
    unsigned = UNSIGNED[SIZES[kind]]
    if name in code.kernel.registers:
        return code.value(name, unsigned)
    value = code.value(name, kind)  # a number of the type that is stored
    return value if plain(kind) == unsigned else f"{value}.view({DTYPES[unsigned]})"


@translates("cp.async.{ca,cg}.shared.global")
def copy(code: Code, item: Instruction) -> None:
    target, source, count, *given = item.operands
    if count not in (("4", "8", "16") if item.parts[2] == "ca" else ("16",)):
        raise code.error(f"a copy of {count} bytes")
    if len(given) > 1 or (given and code.kernel.registers.get(given[0]) == "pred"):
        raise code.error("an asynchronous copy with a predicate is not supported")
    size = code.value(given[0], "u32") if given else f"everywhere({count})"
    shared, outer = address(code, target, "shared"), address(code, source, "global")
    code.line(f"copy_async({shared}, {outer}, {count}, {size}, {code.active}, {item.text!r})")


@translates("cp.async.{commit_group,wait_group,wait_all}")
def group(code: Code, item: Instruction) -> None:
    if item.parts[2] == "commit_group":
        code.line(f"commit_copies({code.active})")
        return
    if item.parts[2] == "wait_all":
        code.line(f"wait_all_copies({code.active})")
        return
    pending = item.operands[0]
    if not pending.isdigit():
        raise code.error(f"{pending} is not a number of groups")
    code.line(f"wait_copies({int(pending)}, {code.active})")


@translates("prefetch{,.global}.{L1,L2}", "membar.{cta,gl,sys}", "fence.{sc,acq_rel}.{cta,gpu,sys}")
def ordering(code: Code, item: Instruction) -> None:
    """Nothing to do: memory has one order here, and there are no caches."""
