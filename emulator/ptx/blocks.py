"""Instructions grouped into basic blocks."""

from emulator.ptx.errors import PtxError
from emulator.ptx.records import Barrier, Block, Branch, End, Exit, Goto, Instruction

_ENDS = ("bra", "ret", "exit", "bar", "barrier")


def blocks(items: list[Instruction], labels: dict[str, int]) -> list[Block]:
    """Return basic blocks; labels: the number of the instruction behind each.

    A block begins at a label and behind a branch, an exit or a barrier.  The last one is empty: a
    thread that runs off the end of the kernel ends there.
    """
    after_end = (i + 1 for i, item in enumerate(items) if _is_end(item))
    starts = sorted({0, *labels.values(), *after_end} - {len(items)}) if items else []
    last = len(starts)
    numbers = {start: number for number, start in enumerate(starts)} | {len(items): last}
    targets = {name: numbers[start] for name, start in labels.items()}
    found = []
    for number, start in enumerate(starts):
        body = items[start : (*starts, len(items))[number + 1]]
        end: End = Goto("goto", number + 1)
        if _is_end(body[-1]):
            end = _end(body.pop(), number + 1, targets)
        found.append(Block(number, body, end))
    return [*found, Block(last, [], Exit("exit", None, last))]


def _is_end(item: Instruction) -> bool:
    return item.parts[0] in _ENDS


def _end(item: Instruction, follower: int, targets: dict[str, int]) -> End:
    head = item.parts[0]
    if head == "bra":
        name = item.operands[0] if len(item.operands) == 1 else ""
        if name not in targets or item.op not in ("bra", "bra.uni"):
            raise PtxError(item.line, "a branch to a label that is not there", item.text)
        target = targets[name]
        if item.guard:
            return Branch("branch", item.guard, target, follower)
        return Goto("goto", target)
    if head in ("ret", "exit"):
        return Exit("exit", item.guard, follower)
    if item.guard:
        raise PtxError(item.line, "a barrier with a guard is not supported", item.text)
    return Barrier("bar", item, follower)
