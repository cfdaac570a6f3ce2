"""Tables that are written into pages of the documentation, between markers."""

import re
from collections.abc import Callable, Mapping

from convnet.errors import ConvnetError


def with_tables(text: str, tables: Mapping[str, Callable[[], str]], where: str) -> str:
    """Return a page in which each `<!-- table: NAME -->` is followed by that table.

    What stood between it and the next `<!-- end -->` is replaced.  where: the page, for messages.
    Raises ConvnetError for the name of no table.
    """

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        if name not in tables:
            raise ConvnetError(f"{where}: there is no table {name!r}; known: {', '.join(tables)}")
        return f"<!-- table: {name} -->\n\n{tables[name]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\S+) -->.*?<!-- end -->", replaced, text, flags=re.S)
