"""Instructions of a whole warp (PTX manual, 9.7.9, 9.7.13 and 9.7.14)."""

from emulator.ptx import Instruction
from emulator.translate.code import Code
from emulator.translate.memory import address
from emulator.translate.opcodes import translates

_FUNCTIONS = {"tf32": ("mma_tf32", (4, 4, 2, 4)), "bf16": ("mma_bf16", (4, 4, 2, 4))}


@translates(
    "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
    "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
)
def matrix_product(code: Code, item: Instruction) -> None:
    function, sizes = _FUNCTIONS[item.parts[-2]]
    d, a, b, c = (code.vector(text) for text in item.operands)
    if tuple(map(len, (d, a, b, c))) != sizes:
        raise code.error(f"expected {sizes} registers")
    first, second = (_values(code, side, "u32") for side in (a, b))
    third, how = _values(code, c, "f32"), f"{code.active}, {item.text!r}"
    code.line(f"w = {function}({first}, {second}, {third}, {how})")
    for i, name in enumerate(d):
        code.assign(name, "f32", f"w[{i}]")


def _values(code: Code, names: list[str], kind: str) -> str:
    return f"({', '.join(code.value(name, kind) for name in names)},)"


@translates("ldmatrix.sync.aligned.m8n8.{x1,x2,x4}{,.trans}.shared.b16")
def load_matrix(code: Code, item: Instruction) -> None:
    names, count = code.vector(item.operands[0]), int(item.parts[4][1:])
    if len(names) != count:
        raise code.error(f"expected {count} registers")
    place = address(code, item.operands[1], "shared")
    how = f"{count}, {'trans' in item.parts}, {code.active}, {item.text!r}"
    code.line(f"w = load_matrix({place}, {how})")
    for i, name in enumerate(names):
        code.assign(name, "b32", f"w[{i}]")


@translates("shfl.sync.{up,down,bfly,idx}.b32")
def shuffle(code: Code, item: Instruction) -> None:
    target, *predicate = item.operands[0].split("|")
    a, b, c, members = (code.value(text, "u32") for text in item.operands[1:])
    how = f"{code.active}, {members}, {item.text!r}"
    code.line(f"w, v = shuffle({item.parts[2]!r}, {a}, {b}, {c}, {how})")
    code.assign(target, "b32", "w")
    for name in predicate:
        code.assign(name, "pred", "v")


@translates("vote.sync.{all,any,uni}.pred", "vote.sync.ballot.b32")
def vote(code: Code, item: Instruction) -> None:
    target, text, mask = item.operands
    predicate, members = code.predicate(text), code.value(mask, "u32")
    how = f"{code.active}, {members}, {item.text!r}"
    code.assign(target, item.parts[-1], f"vote({item.parts[2]!r}, {predicate}, {how})")
