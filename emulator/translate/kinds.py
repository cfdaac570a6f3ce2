"""The kinds of instructions, for counters."""

from collections import Counter

from emulator.ptx import Block, Goto, Instruction
from emulator.translate.opcodes import canonical

_LOADED = ("param", "const", "global", "shared", "local", "generic")
_STORED = ("global", "shared", "local", "generic")
KINDS = {
    "fp32": "arithmetic in float32, but for approximations",
    "fp64": "arithmetic in float64",
    "int": "integer arithmetic, logic and shifts, also of predicates",
    "special": "approximations",
    "compare": "setp, selp, slct, testp",
    "convert": "conversions between types",
    "move": "moves and conversions of addresses",
    **{f"ld.{space}": f"loads from {space} memory" for space in _LOADED},
    **{f"st.{space}": f"stores to {space} memory" for space in _STORED},
    "ldmatrix": "loads of matrices from shared memory",
    "mma": "matrix products",
    "cp.async": "asynchronous copies",
    "cp.async.group": "commits of and waits for asynchronous copies",
    "warp": "shuffles and votes",
    "barrier": "barriers",
    "branch": "branches and exits",
    "other": "fences and prefetches",
    "predicated": "instructions with a guard, branches aside; each has another kind as well",
}
_HEADS = {
    **dict.fromkeys(("setp", "selp", "slct", "testp"), "compare"),
    **dict.fromkeys(("mov", "cvta"), "move"),
    **dict.fromkeys(("shfl", "vote"), "warp"),
    **dict.fromkeys(("bar", "barrier"), "barrier"),
    **dict.fromkeys(("bra", "ret", "exit"), "branch"),
    **dict.fromkeys(("membar", "fence", "prefetch"), "other"),
    **{"cvt": "convert", "mma": "mma", "ldmatrix": "ldmatrix"},
}


def kind(item: Instruction) -> str:
    """Return the kind of an instruction."""
    parts = canonical(item.op).split(".")
    if parts[0] in ("ld", "st"):
        return f"{parts[0]}.{parts[1] if parts[1] in _LOADED else 'generic'}"
    if parts[0] == "cp":
        return "cp.async" if "shared" in parts else "cp.async.group"
    if parts[0] in _HEADS:
        return _HEADS[parts[0]]
    if "approx" in parts or "full" in parts:
        return "special"
    return {"f32": "fp32", "f64": "fp64"}.get(parts[-1], "int")


def kinds(block: Block) -> Counter[str]:
    """Return how many instructions of each kind a block has; its end counts as one."""
    found = Counter(kind(item) for item in block.body)
    found["predicated"] = sum(item.guard is not None for item in block.body)
    if block.end.kind == "bar":
        found["barrier"] += 1
    elif not isinstance(block.end, Goto):
        found["branch"] += 1
    return +found
