"""The one error of reading PTX."""


class PtxError(ValueError):
    """PTX that cannot be parsed or translated; the message begins with its line number.

    The text in it is cut to 200 characters, and characters that do not print are escaped.
    """

    def __init__(self, line: int, problem: str, text: str = "") -> None:
        shown = text if len(text) <= 200 else text[:197] + "..."
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
        super().__init__(f"PTX line {line}: {problem}" + (f": {shown}" if shown else ""))
        self.line = line
