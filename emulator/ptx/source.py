"""The text of a module with its comments blanked, and the line of each place in it."""

import re
from bisect import bisect_right

from emulator.ptx.errors import PtxError

NAME = r"(?:[A-Za-z][\w$]*|[_$%][\w$]+)"  # an identifier (PTX manual, 4.4)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


class Source:
    """text: of the module, as long as the original, with spaces for comments."""

    def __init__(self, text: str) -> None:
        self.text = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        self._newlines = [match.start() for match in re.finditer("\n", self.text)]

    def line(self, place: int) -> int:
        """Return the number, from 1, of the line that contains a place."""
        return bisect_right(self._newlines, place - 1) + 1

    def error(self, place: int, problem: str, text: str = "") -> PtxError:
        return PtxError(self.line(place), problem, text)

    def closing(self, place: int, pair: str) -> int:
        """Return the place of the bracket that closes the one at `place`; pair: as "{}"."""
        depth = 0
        for match in re.compile(f"[{re.escape(pair)}]").finditer(self.text, place):
            depth += 1 if match[0] == pair[0] else -1
            if not depth:
                return match.start()
        raise self.error(place, f"a {pair[0]!r} that is not closed")

    def semicolon(self, place: int, end: int) -> int:
        """Return the place of the next semicolon before `end`."""
        found = self.text.find(";", place, end)
        if found < 0:
            rest = " ".join(self.text[place:end].split())
            raise self.error(place, "a statement without a semicolon", rest)
        return found
