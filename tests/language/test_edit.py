"""Edits of single values: what changes, what stays, and where later errors are reported."""

import pytest

from convnet.language import Problems, Source, parse
from convnet.language.edit import Editor
from convnet.language.source import Span

TEXT = """# head
[DEFAULT]
momW=0.9
[a] ; of a
epsW = 1 ; why
long=one,
# between
  two,
  three
ref=%(epsW)s
empty=
bare= ; why
; after

[b]
epsW:2
"""


def read(text):
    problems = Problems()
    found = parse(Source.from_text(text, "f.params"), problems)
    assert not problems.errors
    return found


def edited(*settings, text=TEXT):
    editor = Editor(read(text))
    for setting in settings:
        editor.set(*setting)
    return editor.source()


def differences(new, old=TEXT):
    """(lines that are gone, lines that are new)."""
    before, after = old.split("\n"), new.text.split("\n")
    return [x for x in before if x not in after], [x for x in after if x not in before]


@pytest.mark.parametrize(
    ("section", "key", "gone", "new"),
    [
        ("a", "epsw", ["epsW = 1 ; why"], ["epsW = 7 ; why"]),
        ("a", "long", ["long=one,", "  two,", "  three"], ["long=7"]),
        ("a", "ref", ["ref=%(epsW)s"], ["ref=7"]),
        ("a", "empty", ["empty="], ["empty=7"]),
        ("a", "bare", ["bare= ; why"], ["bare=7 ; why"]),
        ("a", "new", [], ["new=7"]),
        ("a", "momW", [], ["momW=7"]),
        ("b", "epsW", ["epsW:2"], ["epsW:7"]),
        ("DEFAULT", "momW", ["momW=0.9"], ["momW=7"]),
        ("c", "x", [], ["[c]", "x=7"]),
    ],
)
def test_one_value_changes_and_all_else_stays(section, key, gone, new):
    source = edited((section, key, "7"))
    assert differences(source) == (gone, new)
    file = read(source.text)
    found = file.defaults if section == "DEFAULT" else file.get(section)
    assert found.entries[key.lower()].value.text == "7"
    others = {(s.name, k): e.value.text for s in read(TEXT).sections for k, e in s.entries.items()}
    for (name, other), text in others.items():
        if other != key.lower() and not (other == "ref" and key == "epsw"):
            assert file.get(name).entries[other].value.text == text


def test_a_new_key_is_added_below_the_others_of_its_section():
    lines = edited(("a", "new", "7")).text.split("\n")
    assert lines[lines.index("new=7") - 1] == "bare= ; why"
    assert edited(("e", "k", "1"), text="[e]\n[f]\nx=1\n").text == "[e]\nk=1\n[f]\nx=1\n"
    assert edited(("g", "k", "1"), text="[e]\nx=1").text == "[e]\nx=1\n\n[g]\nk=1"


def test_several_edits_of_one_line():
    source = edited(("b", "new", "8", "--new"), ("b", "epsW", "7", "--eps"))
    assert source.text.endswith("[b]\nepsW:7\nnew=8\n")
    assert [(mark.line, mark.column, mark.option) for mark in source.marks] == [
        (16, 6, "--eps"),
        (17, 1, "--new"),
    ]


def test_without_edits_it_is_the_same_text():
    file = read(TEXT)
    assert Editor(file).source() is file.source


def test_errors_in_a_given_value_name_the_option_and_show_only_it():
    source = edited(("a", "epsW", "one;two", "--set a.epsW"))
    span = Span(source, 5, 12, 3)
    assert str(span) == "--set a.epsW"
    assert span.excerpt() == "      | one;two\n      |     ^^^"


def test_errors_elsewhere_name_the_lines_of_the_file():
    source = edited(("a", "long", "7", "--set a.long"), ("DEFAULT", "wc", "0", "--set DEFAULT.wc"))
    line = source.text.split("\n").index("epsW:2") + 1
    assert line == 15, "one line is new, two are gone"
    span = Span(source, line, 6)
    assert str(span) == "f.params:16:6"
    assert span.excerpt().startswith("   16 | epsW:2")


def test_an_added_line_has_the_number_of_the_line_above():
    source = edited(("a", "new", "7"))
    assert str(Span(source, source.text.split("\n").index("new=7") + 1, 1)) == "f.params:12:1"


def test_marks_and_numbers_outlive_a_second_edit():
    first = edited(("a", "epsW", "5", "--one"), ("a", "long", "7"))
    problems = Problems()
    editor = Editor(parse(first, problems))
    editor.set("DEFAULT", "x", "1", "--two")
    second = editor.source()
    options = {str(Span(second, m.line, m.column)): second.line(m.line) for m in second.marks}
    assert options == {"--one": "epsW = 5 ; why", "--two": "x=1"}
    line = second.text.split("\n").index("epsW:2") + 1
    assert str(Span(second, line, 1)) == "f.params:16:1"
