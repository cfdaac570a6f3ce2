"""The form of a message, and collecting them."""

import pytest

from convnet.errors import SpecError
from convnet.language import Problem, Problems, Source, Span, did_you_mean
from convnet.language.problems import MAX_SHOWN

SOURCE = Source.from_text("[conv1]\nflters=128\n", "a.cfg")
KEY = Span(SOURCE, 2, 1, 6)


def test_the_form_of_an_error():
    problem = Problem(KEY, "conv1 has no field 'flters'", "did you mean 'filters'?")
    assert str(problem) == (
        "a.cfg:2:1: conv1 has no field 'flters'\n"
        "    2 | flters=128\n"
        "      | ^^^^^^\n"
        "   did you mean 'filters'?"
    )


def test_a_warning_says_so():
    problem = Problem(KEY, "odd", severity="warning")
    assert str(problem).startswith("a.cfg:2:1: warning: odd\n")
    assert str(Problem(None, "odd", severity="warning")) == "warning: odd"


def test_errors_are_raised_in_the_order_of_the_file():
    problems = Problems()
    problems.error(Span(SOURCE, 2, 8), "second")
    problems.error(Span(SOURCE, 1, 2), "first")
    problems.error(Span(SOURCE, 1, 2), "first")
    problems.warn(KEY, "only a warning")
    with pytest.raises(SpecError) as caught:
        problems.raise_errors()
    assert [p.message for p in caught.value.problems] == ["first", "second"]
    assert [p.message for p in problems.warnings] == ["only a warning"]


def test_warnings_are_errors_only_if_strict():
    problems = Problems()
    problems.warn(KEY, "odd")
    problems.raise_errors()
    with pytest.raises(SpecError, match="^a.cfg:2:1: odd"):
        problems.raise_errors(strict=True)


def test_a_flood_of_errors_is_cut():
    problems = Problems()
    for column in range(MAX_SHOWN + 7):
        problems.error(Span(SOURCE, 1, column + 1), "wrong")
    with pytest.raises(SpecError, match="and 7 more problems$") as caught:
        problems.raise_errors()
    assert len(caught.value.problems) == MAX_SHOWN + 1


def test_a_flood_of_warnings_is_cut():
    problems = Problems()
    for column in range(MAX_SHOWN + 7):
        problems.warn(Span(SOURCE, 1, column + 1), "odd")
    *shown, last = problems.warnings
    assert len(shown) == MAX_SHOWN and shown[0].span.column == 1
    assert str(last) == "warning: and 7 more warnings"
    with pytest.raises(SpecError, match="and 7 more problems$"):
        problems.raise_errors(strict=True)
    few = Problems()
    for column in range(MAX_SHOWN):
        few.warn(Span(SOURCE, 1, column + 1), "odd")
    assert len(few.warnings) == MAX_SHOWN


def test_did_you_mean():
    assert did_you_mean("FLTERS", ["filters", "filterSize"]) == "did you mean 'filters'?"
    assert did_you_mean("filtersize", ["filterSize"]) == "did you mean 'filterSize'?"
    assert did_you_mean("zebra", ["filters"]) == ""
    assert did_you_mean("", []) == ""


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("logsoftmax", ["cost.msm", "cost.sum2"], ""),
        ("logsoftmax", ["cost.msm", "softmax"], "softmax"),
        ("crossent", ["cost.crossent", "cost.sum2"], "cost.crossent"),
        ("rleu", ["relu", "brelu"], "relu"),
        ("maxpool", ["cmpool", "nailbed"], ""),
        ("dense", ["data", "resize"], ""),
        ("batchnorm", ["cmrnorm", "cnorm"], ""),
        ("lr", ["relu", "wc"], ""),
    ],
)
def test_a_far_fetched_name_is_no_suggestion(word, known, found):
    assert did_you_mean(word, known) == (f"did you mean '{found}'?" if found else "")


def hint_at(line, column):
    problems = Problems()
    problems.error(Span(Source.from_text(line), 1, column), "wrong", "repair it")
    return str(problems.errors[0])


@pytest.mark.parametrize(
    ("line", "column"),
    [("filters=64 # wide", 9), ("padding: 2# two", 10), ("   b # second input", 4)],
)
def test_a_wrong_value_with_a_hash_is_no_comment(line, column):
    hint = (
        "repair it\n   '#' behind a value starts no comment: write the comment on a line of its own"
    )
    assert hint_at(line, column).endswith(hint)


@pytest.mark.parametrize(
    ("line", "column"),
    [("filters=64", 9), ("filters=64 ; # wide", 9), ("filters=64 # wide", 1), ("[conv#1]", 2)],
)
def test_other_lines_with_a_hash(line, column):
    assert hint_at(line, column).endswith("repair it")


def test_control_characters_of_names_are_not_printed():
    """Wherever a message's text came from: file names, layers, values."""
    text = str(Problem(None, "a\x1b[2J of b\x00", "try c\x07\nor d\u202e"))
    assert text == "a?[2J of b?\n   try c?\n   or d?"
