"""A kernel as Python source: a function for each basic block, over arrays of a value per thread."""

from collections import Counter
from typing import Any

from numpy.typing import NDArray

from emulator.ptx import Block, Branch, Exit, Guard, Instruction, Kernel
from emulator.translate.code import Code
from emulator.translate.kinds import kinds
from emulator.translate.names import Names
from emulator.translate.opcodes import handler


class Translation:
    """The translation of a kernel; raises PtxError for what is not supported.

    source: functions b0(m), b1(m), ..., one for each block.  m: True, or a mask of the threads that
    execute it.  registers: name in the source -> register and the type it is seen as.  params: name
    -> offset and type.  constants: name -> array of no axes.  sizes: instructions of each block.
    kinds: of each block, how many instructions of each kind it has (`translate/kinds.py`).
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._names, self._site = Names(kernel), 0
        self.source = "\n".join(self._function(block) for block in kernel.blocks)
        self.sizes = [len(block.body) + 1 for block in kernel.blocks]
        self.kinds: list[Counter[str]] = [kinds(block) for block in kernel.blocks]

    @property
    def registers(self) -> dict[str, tuple[str, str]]:
        return self._names.registers

    @property
    def params(self) -> dict[str, tuple[int, str]]:
        return self._names.params

    @property
    def constants(self) -> dict[str, NDArray[Any]]:
        return self._names.constants

    def predicate(self, guard: Guard) -> str:
        """Return the name in the source of a guard's register, negated or not."""
        item = Instruction("", (), guard, f"@{guard.register}", 0)
        return self._names.register(guard.register, "pred", item)

    def _function(self, block: Block) -> str:
        if isinstance(block.end, Branch | Exit) and block.end.guard:
            self.predicate(block.end.guard)  # the machine reads it
        code = Code(self._names)
        start = self._site
        if block.body:
            with code.block("if m is True:", None):
                self._body(code, block)
                code.line("return")
            self._site = start
            code.mask = "m"
            self._body(code, block)
        else:
            code.line("return")
        return "\n".join([f"def b{block.number}(m):", *code.lines])

    def _body(self, code: Code, block: Block) -> None:
        for item in block.body:
            code.item, code.site = item, self._site
            self._site += 1
            _instruction(code, item)


def _instruction(code: Code, item: Instruction) -> None:
    translate = handler(item)
    if not item.guard:
        translate(code, item)
        return
    guard = code.predicate("!" * item.guard.negated + item.guard.register)
    if code.mask:
        code.line(f"g = {code.mask} & {guard}")
        with code.block("if count_nonzero(g):", "g"):
            translate(code, item)
        return
    written = item.guard.register in "".join(item.operands[:1]) and not item.guard.negated
    code.line(f"g = {guard}.copy()" if written else f"g = {guard}")
    code.line("n = count_nonzero(g)")
    with code.block("if n == len(g):", None):
        translate(code, item)
    with code.block("elif n:", "g"):
        translate(code, item)
