"""docs/language.md is what its template and the declarations make."""

import pytest

from convnet.layers import LAYER_TYPES
from convnet.layers.nonlinearity import NEURONS
from convnet.report.language import PAGE, TEMPLATE, language_page
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
TEXT = language_page((DOCS / TEMPLATE).read_text(encoding="utf-8"))


def test_the_page_is_fresh():
    written = (DOCS / PAGE).read_text(encoding="utf-8")
    assert written == TEXT, "run `make docs` (python -m convnet.report.language docs)"


@pytest.mark.parametrize("name", sorted(LAYER_TYPES))
def test_every_type_has_a_section_with_its_keys(name):
    section = TEXT.split(f"\n### {name}\n")[1].split("\n### ")[0]
    shared = TEXT.split("\n### blur\n")[0]
    for field in LAYER_TYPES[name].fields.values():
        assert f"| `{field.key}`" in section + shared


def test_neurons_and_schedules():
    assert all(f"| `{name}" in TEXT for name in NEURONS)
    assert "jdexp" in TEXT.split("### Schedules")[1]


def test_rows_of_tables_have_their_columns():
    for line in TEXT.split("## Reference")[1].splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") in (5, 6)
