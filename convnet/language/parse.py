"""Text to sections.  The grammar recognizes the kind of every line, right or wrong; this module
makes sections of the right lines and problems of the others.  It knows nothing about layers."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from convnet.display import harmless, named_character, quoted
from convnet.language import grammar
from convnet.language.hints import explain
from convnet.language.interpolate import resolve
from convnet.language.problems import Problems
from convnet.language.source import Source, Span
from convnet.language.specfile import Entry, Section, SpecFile
from convnet.language.values import MalformedValue, Value, split

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Token | Tree[Token]

BLANKS = " \t"
# The largest published file has 700 lines; more than this is another kind of file, and slow.
MAX_LINES = 50_000
MAX_VALUE = 65_536
DEFAULT = "DEFAULT"

_NAME = re.compile(r"[A-Za-z0-9_.\-]+")
_ALLOWED = "letters, digits, '_', '.' and '-'"
# Indented lines that were probably not meant to continue a value.
_LOOKS_MISPLACED = re.compile(r"#|;|\[[^\]]*\]\s*$|[A-Za-z_]\w{0,40}\s*=")


def parse(source: Source, problems: Problems) -> SpecFile:
    """Parse a file and return what could be read of it (docs/dialect.md, 1).

    Errors and warnings go to `problems`.
    """
    if len(source.lines) > MAX_LINES:
        message = f"the file has {len(source.lines)} lines; at most {MAX_LINES} are allowed"
        problems.error(Span(source, MAX_LINES + 1, 1), message)
        return SpecFile(source, ())
    blocks = grammar.syntax_tree(source.text + "\n", "file").children
    opening, *others = cast("list[Tree[Token]]", blocks)
    reader = _Reader(source, problems)
    reader.read_opening(opening)
    for block in others:
        reader.read_section(block)
    defaults = reader.defaults
    sections = resolve(
        list(reader.sections.values()), defaults.entries if defaults else {}, problems
    )
    for section in sections:
        for entry in section.entries.values():
            _check_brackets(entry, problems)
    return SpecFile(source, sections, defaults)


def _check_brackets(entry: Entry, problems: Problems) -> None:
    if any(bracket in entry.value.text for bracket in "[]()"):
        try:
            split(entry.value)
        except MalformedValue as error:
            hint = ""
            if _comment_follows(entry.value):
                hint = "' ;' starts a comment; write ';' without the space"
            problems.error(error.span, f"{entry.key}: {error.message}", hint)


def _comment_follows(value: Value) -> bool:
    """Whether an inline comment follows the first line of the value."""
    span = value.line_spans[0] if value.line_spans else value.span
    behind = span.source.line(span.line)[span.column - 1 + span.width :]
    return behind.lstrip().startswith(";")


class _Reader:
    """Collects the sections of one file."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.sections: dict[str, Section] = {}
        self.defaults: Section | None = None

    def read_opening(self, block: "Tree[Token]") -> None:
        """Read what precedes the first section; only comments may."""
        entries = list(self._entries(block.children))
        if entries:
            count = len(entries) - 1
            more = f" (and {count} more key{'s' * (count != 1)})" if count else ""
            message = f"{quoted(entries[0].key)} is outside any section{more}"
            self.problems.error(entries[0].key_span, message, "start a section first: [name]")

    def read_section(self, block: "Tree[Token]") -> None:
        """Add a section's entries to those of the same name."""
        header, *rest = block.children
        span = self._header(cast("Token", header))
        found: dict[str, Entry] = {}
        for entry in self._entries(rest):
            self._warn_of_change(found.get(entry.key.lower()), entry)
            found[entry.key.lower()] = entry
        if span is None:
            return
        name = self.source.line(span.line)[span.column - 1 : span.column - 1 + span.width]
        if name == DEFAULT:
            self.defaults = self.defaults or Section(name, span, {})
            self.defaults.entries.update(found)
        else:
            self.sections.setdefault(name, Section(name, span, {})).entries.update(found)

    def _warn_of_change(self, old: Entry | None, new: Entry) -> None:
        if old is not None and old.value != new.value:
            message = f"{quoted(new.key)} is set twice in this section, to different values"
            first = old.key_span.source.number(old.key_span.line)
            hint = f"line {first} sets it first; the last value is used"
            self.problems.warn(new.key_span, message, hint)

    def _header(self, token: "Token") -> Span | None:
        """The span of the section's name; None if there is no usable one.  A damaged header still
        starts its section: the keys below it would only look wrong elsewhere."""
        span = self._span(token, 0, len(token.rstrip()))
        if token.type == "NAME":
            return span if self._is_name(token, span, "section name") else None
        if token.type == "NAMELESS_HEADER":
            self.problems.error(span, "the section has no name", "write [name]")
            return None
        # UNCLOSED_HEADER is "[name ...", UNOPENED_HEADER is "name]" or "...[name]".
        start = token.rfind("[") + 1
        match = _NAME.match(token, start)
        name = match.group() if match else "name"
        if token.type == "UNCLOSED_HEADER":
            message = "the section header is not closed"
        else:
            message = "a section header must start with '[' in the first column"
        self.problems.error(span, message, f"write [{name[:40]}]")
        return self._span(token, start, len(name)) if match else None

    def _entries(self, nodes: "Iterable[Node]") -> Iterator[Entry]:
        """The entries among the nodes of a block; wrong lines become problems."""
        for node in nodes:
            if isinstance(node, str):
                self._wrong_line(node)
            else:
                entry = self._entry(cast("list[Token]", node.children))
                if entry is not None:
                    yield entry

    def _entry(self, tokens: "list[Token]") -> Entry | None:
        key, *rest = tokens
        lines = []
        for token in rest:
            if token.type == "VALUE":
                lines.append(self._line_of_value(token))
            elif token.type == "INDENTED":
                lines.append(self._continuation(token, key))
            else:
                self._wrong_line(token)
        text = key.rstrip(BLANKS)
        span = self._span(key, 0, len(text))
        if not self._is_key(text, span):
            return None
        value = self._value(key, lines)
        written = tuple(line.span for line in lines if line.text)
        return Entry(text, span, value, written)

    def _value(self, key: "Token", lines: list[Value]) -> Value:
        lines = [line for line in lines if line.text]
        if not lines:  # just after the separator
            return Value("", self._span(key, len(key) + 1, 1))
        if len(lines) == 1 and lines[0].text == '""' and lines[0].span.line == key.line:
            return Value("", lines[0].span)
        text = "\n".join(line.text for line in lines)
        if len(text) > MAX_VALUE:
            message = f"the value has {len(text)} characters; at most {MAX_VALUE} are allowed"
            self.problems.error(lines[0].span, message)
            return Value("", lines[0].span)
        spans = tuple(line.span for line in lines)
        return Value(text, spans[0], spans)

    def _line_of_value(self, token: "Token") -> Value:
        """One line of a value, stripped.  Characters that do not print are refused, since messages
        print values on a terminal, and replaced by spaces, so that the rest can be checked."""
        text = str(token)
        wrong = [i for i, c in enumerate(text) if not c.isprintable() and c not in "\t\n"]
        if wrong:
            message = f"a value cannot contain {named_character(text[wrong[0]])}"
            self.problems.error(self._span(token, wrong[0], 1), message)
            text = harmless(text, " ")
        start = len(text) - len(text.lstrip())
        text = text.strip()
        return Value(text, self._span(token, start, len(text)))

    def _continuation(self, token: "Token", key: str) -> Value:
        value = self._line_of_value(token)
        if _LOOKS_MISPLACED.match(value.text):
            message = f"this indented line is read as part of the value of {quoted(key.rstrip())}"
            self.problems.warn(value.span, message, "if it is not, start it in the first column")
        return value

    def _wrong_line(self, token: "Token") -> None:
        line = token.rstrip("\n")
        if token.type == "INDENTED":
            text = line.strip(BLANKS)
            span = self._span(token, len(line) - len(line.lstrip(BLANKS)), len(text))
            message = "this line is indented, but there is no key above it to continue"
            self.problems.error(span, message, "start it in the first column")
        else:
            found = explain(harmless(line)) or ("this line cannot be parsed", "write key=value")
            self.problems.error(self._span(token, 0, len(line.rstrip(BLANKS))), *found)

    def _is_key(self, text: str, span: Span) -> bool:
        if _NAME.fullmatch(text):
            return True
        found = explain(harmless(self.source.line(span.line)))
        if found:
            self.problems.error(span, *found)
            return False
        return self._is_name(text, span, "key")

    def _is_name(self, text: str, span: Span, kind: str) -> bool:
        match = _NAME.match(text)
        end = match.end() if match else 0
        if end == len(text):
            return True
        message = f"the {kind} {quoted(text)} contains {named_character(text[end])}"
        self.problems.error(span.slice(end, 1), message, f"allowed are {_ALLOWED}")
        return False

    def _span(self, token: "Token", start: int, width: int) -> Span:
        """`width` characters of a token's line, from `start` characters into the token."""
        line, column = token.line or 0, token.column or 0
        return Span(self.source, line, column + start, max(1, width))
