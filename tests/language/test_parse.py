"""The rules of the file format, one test for each row of the table in docs/dialect.md, 1."""

import subprocess
import sys
import time

import pytest

from convnet.language import Problems, Source, Value, format_spec, parse


def read(text):
    """(file, problems) of a text."""
    problems = Problems()
    return parse(Source.from_text(text), problems), problems


def good(text):
    """{section: {key: text}} of a text without errors or warnings."""
    spec, problems = read(text)
    assert not problems.errors and not problems.warnings, problems.errors + problems.warnings
    return {s.name: {k: e.value.text for k, e in s.entries.items()} for s in spec.sections}


def one_error(text):
    _, problems = read(text)
    (error,) = problems.errors
    return error


def test_section_names_keep_case_and_the_rest_of_the_line_is_ignored():
    assert good("[a]\n[A] # = x\n[2-b_c.d]]\n") == {"a": {}, "A": {}, "2-b_c.d": {}}


@pytest.mark.parametrize("line", ["epsW=0.1", "epsW: 0.1", "EPSw  =  0.1  ", "epsW\t:\t0.1\t"])
def test_keys_and_separators(line):
    assert good(f"[a]\n{line}\n") == {"a": {"epsw": "0.1"}}


def test_the_first_separator_counts():
    assert good("[a]\nk=a:b=c\nj: a=b:c\n") == {"a": {"k": "a:b=c", "j": "a=b:c"}}


def test_empty_values():
    assert good('[a]\nk=""\nj=\ni= \nh=""""\n') == {"a": {"k": "", "j": "", "i": "", "h": '""""'}}


@pytest.mark.parametrize("line", ["# x", "; x", "#", "rem x", "REM", "Rem k = 1", "", " \t "])
def test_comment_lines(line):
    assert good(f"{line}\n[a]\n{line}\nk=1\n{line}\nj=2\n{line}\n") == {"a": {"k": "1", "j": "2"}}


def test_what_is_no_comment():
    assert good("[a]\nrem=1\nremark=2\nk=1 # 2\n") == {
        "a": {"rem": "1", "remark": "2", "k": "1 # 2"}
    }


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1 ; one", "1"),
        ("1\t; one", "1"),
        ("1;one", "1;one"),
        ("a;b ; c", "a;b ; c"),
        ("a ; b;c", "a"),
        (" ; nothing", ""),
        (";x", ";x"),
        ("dexp[base=0.01;tgtFactor=250;numSteps=4]", "dexp[base=0.01;tgtFactor=250;numSteps=4]"),
    ],
)
def test_inline_comments(written, value):
    assert good(f"[a]\nk={written}\n") == {"a": {"k": value}}


def test_an_inline_comment_can_cut_a_call():
    assert "'[' has no closing ']'" in one_error("[a]\nk=dexp[base=0.01 ;n=4]\n").message


def test_continuation_lines():
    text = "[a]\nk=1,\n  2,\n# between\n\n\t3 ; 4\nj=\n  5\n"
    assert good(text) == {"a": {"k": "1,\n2,\n3 ; 4", "j": "5"}}


def test_continuation_lines_keep_their_places():
    spec, _ = read("[a]\nk=one, two,\n    three[1,\n  2], four\n")
    items = spec.get("a").entries["k"].value.items()
    assert [item.text for item in items] == ["one", "two", "three[1,\n2]", "four"]
    assert [(i.span.line, i.span.column) for i in items] == [(2, 3), (2, 8), (3, 5), (4, 7)]


def test_an_indented_comment_is_part_of_the_value_and_suspicious():
    spec, problems = read("[a]\nk=1\n  # one\n  [b]\n  j=2\n")
    assert spec.get("a").entries["k"].value == Value("1\n# one\n[b]\nj=2", None)
    assert [p.span.line for p in problems.warnings] == [3, 4, 5] and not problems.errors


def test_duplicate_sections_merge():
    text = "[a]\nk=1\nj=1\n[b]\n[a]\nK=2\ni=3\n"
    assert good(text) == {"a": {"k": "2", "j": "1", "i": "3"}, "b": {}}
    spec, _ = read(text)
    assert [section.name for section in spec.sections] == ["a", "b"]
    assert spec.get("a").span.line == 1 and spec.get("a").entries["k"].key_span.line == 6
    assert spec.get("A") is None


def test_of_duplicate_keys_the_last_wins_with_a_warning_if_they_differ():
    spec, problems = read("[a]\nk=1\nK=2\n")
    assert spec.get("a").entries["k"].value.text == "2"
    assert [p.span.line for p in problems.warnings] == [3]
    assert good("[a]\nk=1\nk=1\n") == {"a": {"k": "1"}}


def test_key_before_any_section():
    error = one_error("x=1\ny=2\n[a]\n")
    assert (error.span.line, error.span.column) == (1, 1)
    assert error.message == "'x' is outside any section (and 1 more key)"


def test_default_section():
    text = "[DEFAULT]\nk=1\nm=%(name)s!\n[a]\nK=2\nname=A\n[DEFAULT]\nj=3\n[b]\nname=B\n"
    assert good(text) == {
        "a": {"k": "2", "name": "A", "m": "A!", "j": "3"},
        "b": {"name": "B", "k": "1", "m": "B!", "j": "3"},
    }


def test_default_counts_only_in_capitals():
    assert good("[default]\nk=1\n[a]\n") == {"default": {"k": "1"}, "a": {}}


def test_interpolation():
    text = "[a]\nbase=%(X)s%%,%(x)s\nx=%(y)s1\ny=0.\n"
    assert good(text)["a"] == {"base": "0.1%,0.1", "x": "0.1", "y": "0."}


def test_an_interpolated_value_keeps_the_place_of_its_text():
    spec, _ = read("[a]\nx=1\nk= %(x)s, 2\n")
    for item in spec.get("a").entries["k"].value.items():
        assert (item.span.line, item.span.column, item.span.width) == (3, 4, 8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("k=5%", "a single '%' has no meaning"),
        ("k=%(x", "a single '%' has no meaning"),
        ("k=%(x)d", "a single '%' has no meaning"),
        ("k=%(x)s", "'%(x)s' refers to a key that this section does not have"),
        ("k=%(k)s", "'k' refers to itself"),
        ("k=%(j)s\nj=%(k)s", "refers to itself"),
    ],
)
def test_wrong_interpolation(values, message):
    _, problems = read(f"[a]\n{values}\n")
    assert message in problems.errors[0].message


def test_interpolation_has_bounds():
    deep = "".join(f"k{i}=%(k{i + 1})s\n" for i in range(2000)) + "k2000=1\n"
    assert "nested more than 10 deep" in read(f"[a]\n{deep}")[1].errors[0].message
    wide = "".join(f"k{i}={f'%(k{i + 1})s' * 2000}\n" for i in range(8)) + "k8=12345678\n"
    assert "expand to too much text" in read(f"[a]\n{wide}")[1].errors[0].message
    defaults = "[DEFAULT]\n" + "".join(f"k{i}=\n" for i in range(2000))
    sections = "".join(f"[a{i}]\n" for i in range(2000))
    assert "too many" in read(defaults + sections)[1].errors[0].message


def test_spans():
    spec, _ = read("[ab]\nepsW =  0.1, 0.25 ; x\nj=\n")
    entry = spec.get("ab").entries["epsw"]
    assert (entry.key, entry.key_span.line, entry.key_span.column) == ("epsW", 2, 1)
    assert (spec.get("ab").span.column, spec.get("ab").span.width) == (2, 2)
    assert (entry.value.span.column, entry.value.span.width) == (9, 9)
    assert [(i.text, i.span.column, i.span.width) for i in entry.value.items()] == [
        ("0.1", 9, 3),
        ("0.25", 14, 4),
    ]
    assert spec.get("ab").entries["j"].value.span.column == 3


def test_values_may_hold_any_letters_but_names_may_not():
    assert good("[a]\nk=\u00e4\u5927\n")["a"]["k"] == "\u00e4\u5927"
    assert "U+00E4" in one_error("[a]\n\u00e4=1\n").message
    assert "U+001B" in one_error("[a\x1b]\n").message
    assert "U+202E" in one_error("[a]\nk=\u202e1\n").message


def test_all_errors_are_reported_together():
    _, problems = read("k=1\n[a\nfilters 64\n[]\nx=1\n=2\n[b]\nz=%\nj=f[\n")
    assert [p.span.line for p in problems.errors] == [1, 2, 3, 4, 6, 8, 9]


def test_a_damaged_header_still_opens_its_section():
    spec, problems = read("[a\nk=1\nb]\nk=2\nx[c]\nk=3\n")
    assert [(s.name, s.entries["k"].value.text) for s in spec.sections] == [
        ("a", "1"),
        ("b", "2"),
        ("c", "3"),
    ]
    assert len(problems.errors) == 3


GOOD = [
    "",
    "[a]\n",
    "[a]\nepsW=0.1,0.2\ninitW: 0.01\n\n[b]\nk=\n",
    "[DEFAULT]\nd=50%%\n[a]\nk=%(d)s and %%\n[a]\nj=1\n",
    "[a]\nk=1,\n  2\n  ; 3\n",
    '[a]\ns=;\nq="\nk=%(s)s\nx=x %(s)s\ny=%(q)s%(q)s\ne=\nz=%(e)s a%(e)s\n  %(e)s\n',
    "[a]\nk=dexp[base=0.01;tgtFactor=250;numSteps=4], const[base=1]\n",
    '[a]\nrem=1\nk=\n  ""\n',
]


@pytest.mark.parametrize("text", GOOD)
def test_printing_and_parsing_again_gives_equal_sections(text):
    first, problems = read(text)
    assert not problems.errors
    second, problems = read(format_spec(first))
    assert not problems.errors
    assert second == first


def test_equality_looks_at_names_keys_and_values():
    assert read("[a]\nk=1\n")[0] == read("\n[a]\nK = 1\n")[0]
    assert read("[a]\nk=1\n")[0] != read("[a]\nk=2\n")[0]
    assert read("[a]\n")[0] != read("[b]\n")[0]


def test_a_file_of_300_lines_parses_at_once():
    lines = [f"[layer{i}]\nepsW=0.1,0.2\nepsB=0.1\nmomW=0.9 ; x\nk=f[1,2]\n" for i in range(60)]
    read("[a]\nk=f[1]\n")  # builds the parser
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        read("".join(lines))
        best = min(best, time.perf_counter() - start)
    assert best < 0.06


def test_importing_the_package_does_not_import_lark():
    code = "import convnet.language, sys; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nk=" + "[" * 60_000,
        "[a]\nk=" + "[" * 30_000 + "]" * 30_000,
        "[a]\nk=" + "a," * 30_000,
        "[a]\nk=a,\n" + " a,\n" * 15_000,
        "[a]\nk=" + "%(" * 30_000,
        "[a]\nk=" + " " * 300_000 + ";",
        "[a]\n" + "x" * 300_000,
        "[a]\n" + "x " * 150_000,
        "[" * 300_000,
        "[a]\nk=" + "\u00a0" * 60_000,
        "[a]\nk=" + "x" * 300_000,
        "[a]\n" * 49_000,
        "x\n" * 2_000_000,
    ],
    ids=lambda text: text[:9],
)
def test_hostile_files_are_parsed_quickly(text):
    start = time.perf_counter()
    spec, _ = read(text)
    for section in spec.sections:
        for entry in section.entries.values():
            entry.value.items()
    assert time.perf_counter() - start < 5


def test_a_file_of_too_many_lines_is_refused():
    assert (
        one_error("[a]\n" * 60_000).message == "the file has 60001 lines; at most 50000 are allowed"
    )
