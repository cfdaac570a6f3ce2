"""Text to sections.  The grammar finds every line's kind, right or wrong; this module makes
sections of the right ones and problems of the others.  Nothing here knows about layers."""

import re

from convnet.language import grammar
from convnet.language.display import harmless, named_character, quoted
from convnet.language.hints import explain
from convnet.language.interpolate import resolve
from convnet.language.problems import Problems
from convnet.language.source import Source, Span
from convnet.language.specfile import Entry, Section, SpecFile
from convnet.language.values import MalformedValue, Value, split

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
    """Read a file (dialect, section 1).  Mistakes go to `problems`; what could be read is
    returned."""
    if len(source.lines) > MAX_LINES:
        message = f"the file has {len(source.lines)} lines; {MAX_LINES} are allowed"
        problems.error(Span(source, MAX_LINES + 1, 1), message)
        return SpecFile(source, ())
    opening, *blocks = grammar.tree(source.text + "\n", "file").children
    reader = _Reader(source, problems)
    reader.read_opening(opening)
    for block in blocks:
        reader.read_section(block)
    sections = resolve(list(reader.sections.values()), reader.defaults, problems)
    for section in sections:
        for entry in section.entries.values():
            _check_brackets(entry, problems)
    return SpecFile(source, sections)


def _check_brackets(entry: Entry, problems: Problems):
    if any(bracket in entry.value.text for bracket in "[]()"):
        try:
            split(entry.value)
        except MalformedValue as error:
            hint = "' ;' starts a comment; write ';' without the space" if _cut(entry.value) else ""
            problems.error(error.span, f"{entry.key}: {error.message}", hint)


def _cut(value: Value) -> bool:
    """Whether an inline comment follows the first line of the value."""
    span = value.pieces[0] if value.pieces else value.span
    behind = span.source.line(span.line)[span.column - 1 + span.width :]
    return behind.lstrip().startswith(";")


class _Reader:
    """Collects the sections of one file."""

    def __init__(self, source: Source, problems: Problems):
        self.source = source
        self.problems = problems
        self.sections: dict[str, Section] = {}
        self.defaults: dict[str, Entry] = {}

    def read_opening(self, block):
        """What stands before the first section; only comments may."""
        entries = list(self._entries(block.children))
        if entries:
            more = f" (and {len(entries) - 1} more after it)" if len(entries) > 1 else ""
            message = f"{quoted(entries[0].key)} stands before any section{more}"
            self.problems.error(entries[0].key_span, message, "open a section first: [name]")

    def read_section(self, block):
        header, *rest = block.children
        span = self._header(header)
        found: dict[str, Entry] = {}
        for entry in self._entries(rest):
            self._warn_of_change(found.get(entry.key.lower()), entry)
            found[entry.key.lower()] = entry
        if span is None:
            return
        name = self.source.line(span.line)[span.column - 1 : span.column - 1 + span.width]
        if name == DEFAULT:
            self.defaults |= found
        else:
            self.sections.setdefault(name, Section(name, span, {})).entries.update(found)

    def _warn_of_change(self, old: Entry | None, new: Entry):
        if old is not None and old.value != new.value:
            message = f"{quoted(new.key)} is given twice in this section, with two values"
            hint = f"the first is on line {old.key_span.line}; this one counts"
            self.problems.warn(new.key_span, message, hint)

    def _header(self, token) -> Span | None:
        """The span of the section's name; None if there is no usable one.  A damaged header still
        opens its section: the keys below it would only look wrong elsewhere."""
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
            message = "a section header starts with '[' at the first column"
        self.problems.error(span, message, f"write [{name[:40]}]")
        return self._span(token, start, len(name)) if match else None

    def _entries(self, nodes):
        """The entries among the nodes of a block; wrong lines become problems."""
        for node in nodes:
            if hasattr(node, "children"):
                entry = self._entry(node.children)
                if entry is not None:
                    yield entry
            else:
                self._wrong_line(node)

    def _entry(self, tokens) -> Entry | None:
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
        return Entry(text, span, self._value(key, lines))

    def _value(self, key, lines: list[Value]) -> Value:
        lines = [line for line in lines if line.text]
        if not lines:  # the place just after the separator
            return Value("", self._span(key, len(key) + 1, 1))
        if len(lines) == 1 and lines[0].text == '""' and lines[0].span.line == key.line:
            return Value("", lines[0].span)
        text = "\n".join(line.text for line in lines)
        if len(text) > MAX_VALUE:
            message = f"the value has {len(text)} characters; {MAX_VALUE} are allowed"
            self.problems.error(lines[0].span, message)
            return Value("", lines[0].span)
        spans = tuple(line.span for line in lines)
        return Value(text, spans[0], spans)

    def _line_of_value(self, token) -> Value:
        """One line of a value, stripped.  What does not print is refused, since values reach the
        terminal in messages, and blanked, so that the rest can be judged."""
        text = str(token)
        wrong = [i for i, c in enumerate(text) if not c.isprintable() and c not in "\t\n"]
        if wrong:
            message = f"a value cannot hold {named_character(text[wrong[0]])}"
            self.problems.error(self._span(token, wrong[0], 1), message)
            text = harmless(text, " ")
        start = len(text) - len(text.lstrip())
        text = text.strip()
        return Value(text, self._span(token, start, len(text)))

    def _continuation(self, token, key) -> Value:
        value = self._line_of_value(token)
        if _LOOKS_MISPLACED.match(value.text):
            message = f"this indented line is read as part of the value of {quoted(key.rstrip())}"
            self.problems.warn(value.span, message, "start it at the first column if it is not")
        return value

    def _wrong_line(self, token):
        line = token.rstrip("\n")
        if token.type == "INDENTED":
            text = line.strip(BLANKS)
            span = self._span(token, len(line) - len(line.lstrip(BLANKS)), len(text))
            message = "this line is indented, but there is no key above it to continue"
            self.problems.error(span, message, "start it at the first column")
        else:
            found = explain(harmless(line)) or ("this line cannot be read", "write key=value")
            self.problems.error(self._span(token, 0, len(line.rstrip(BLANKS))), *found)

    def _is_key(self, text: str, span: Span) -> bool:
        if _NAME.fullmatch(text):
            return True
        found = explain(harmless(self.source.line(span.line)))
        if found:
            self.problems.error(span, *found)
            return False
        return self._is_name(text, span, "key")

    def _is_name(self, text: str, span: Span, what: str) -> bool:
        match = _NAME.match(text)
        end = match.end() if match else 0
        if end == len(text):
            return True
        message = f"the {what} {quoted(text)} holds {named_character(text[end])}"
        self.problems.error(span.slice(end, 1), message, f"allowed are {_ALLOWED}")
        return False

    def _span(self, token, start: int, width: int) -> Span:
        """`width` characters of a token's line, from `start` characters into the token."""
        return Span(self.source, token.line, token.column + start, max(1, width))
