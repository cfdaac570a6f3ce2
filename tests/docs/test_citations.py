"""Citations of docs/dialect.md name sections it has; links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

from convnet.layers import LAYER_TYPES
from convnet.layers.nonlinearity import NEURONS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DIALECT = DOCS / "dialect.md"
SCANNED = ("convnet", "docs", "tests", "benchmarks", "examples")
SUFFIXES = (".py", ".md", ".lark")
FEWEST = 150  # citations; far fewer would mean that they are no longer recognized

_NUMBER = r"\d{1,2}(?:\.\d{1,2})?(?!\d)"
_GAP = r"\s+(?:#\s*)?"  # a citation may go on in the next line of a comment
_CITATION = re.compile(
    rf"\bdialect(?:\.md)?(?:{_GAP}reference)?,?{_GAP}(?:sections?{_GAP})?"
    rf"({_NUMBER}(?:(?:,?{_GAP}and|,){_GAP}{_NUMBER})*)",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")


def cited(text: str):
    """(line, section) of each section that a text cites."""
    for citation in _CITATION.finditer(text):
        for number in re.finditer(_NUMBER, citation[1]):
            yield text.count("\n", 0, citation.start(1) + number.start()) + 1, number[0]


def headings(text: str) -> list[str]:
    return [match[2] for match in _HEADING.finditer(_without_blocks(text))]


def sections(text: str) -> list[str]:
    """The numbers of the numbered headings."""
    found = (re.match(r"(\d+(?:\.\d+)?)\.? ", heading) for heading in headings(text))
    return [match[1] for match in found if match]


def unresolved(files: dict[str, str], known) -> list[str]:
    """file:line of each citation of a section that is not known."""
    return [
        f"{name}:{line}: there is no section {number}"
        for name, text in files.items()
        for line, number in cited(text)
        if number not in known
    ]


def anchors(text: str) -> set[str]:
    """What `#...` in a link to a page may name, as GitHub makes it of the headings."""
    found: dict[str, int] = {}
    for heading in headings(text):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    repeated = {f"{name}-{n}" for name, last in found.items() for n in range(1, last + 1)}
    return {*found, *repeated}


def broken_links(page: Path, text: str) -> list[str]:
    """file:line of each relative link of a page that leads to no file, or to no heading of it."""
    plain = _CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    found = []
    for link in _LINK.finditer(plain):
        path, _, anchor = link[1].partition("#")
        if re.match(r"\w+:", path):
            continue
        target = page.parent / path if path else page
        where = f"{page.name}:{plain.count(chr(10), 0, link.start()) + 1}"
        if path and not target.is_file():
            found.append(f"{where}: there is no file {path}")
        elif anchor:
            there = target.read_text(encoding="utf-8") if path else text
            if anchor not in anchors(there):
                found.append(f"{where}: {target.name} has no heading #{anchor}")
    return found


def _without_blocks(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _scanned() -> dict[str, str]:
    paths = (path for folder in SCANNED for path in (ROOT / folder).rglob("*"))
    wanted = (p for p in paths if p.suffix in SUFFIXES and p != Path(__file__))
    return {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in sorted(wanted)}


FILES = _scanned()
# A template is no page: what is made of it is one.
PAGES = sorted(p for p in DOCS.glob("*.md") if not p.name.endswith(".template.md"))
TEXT = DIALECT.read_text(encoding="utf-8")


def test_every_cited_section_exists():
    found = unresolved(FILES, set(sections(TEXT)))
    assert not found, "\n" + "\n".join(found)


def test_citations_are_recognized():
    assert sum(len(list(cited(text))) for text in FILES.values()) > FEWEST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(dialect, 6.2)", ["6.2"]),
        ("with ties. Dialect, 7.", ["7"]),
        ("Dialect, 3.2 and 3.3. A bias is not included.", ["3.2", "3.3"]),
        ("(paper, 5; dialect, 5.1).", ["5.1"]),
        ("(dialect, 3.6; Krizhevsky et al. 2012, section 3.3).", ["3.6"]),
        ("(dialect, 3.2, 3.3 and 5.1).", ["3.2", "3.3", "5.1"]),
        ("(dialect, section 1)", ["1"]),
        ("in the dialect reference, section 1", ["1"]),
        ("the rules of dialect 8.2; data", ["8.2"]),
        ("(dialect, 9.2: --color-noise)", ["9.2"]),
        ("(docs/dialect.md, 6.2)", ["6.2"]),
        ("(docs/dialect.md, 6.2 and 6.4)", ["6.2", "6.4"]),
        ("(docs/dialect.md, 3.3, 3.6)", ["3.3", "3.6"]),
        ("docs/dialect.md,\n    section 12", ["12"]),
        ("# see docs/dialect.md,\n# 3.10", ["3.10"]),
        ("docs/dialect.md, 6.2, 128 cases", ["6.2"]),
        ('("dialect", 3), dialect=chm, 2012, dialects, 4', []),
    ],
)
def test_forms_of_a_citation(text, expected):
    assert [number for _, number in cited(text)] == expected


def test_an_unknown_section_is_told_with_its_place():
    files = {"a.py": "x\n(dialect, 6.2 and\n 6.9)\n", "b.md": "docs/dialect.md, 13"}
    places = [message.split(": ")[0] for message in unresolved(files, {"6.2"})]
    assert places == ["a.py:3", "b.md:1"]


def test_sections_are_numbered_once_and_in_order():
    numbers = [tuple(map(int, number.split("."))) for number in sections(TEXT)]
    assert numbers == sorted(set(numbers))
    assert {n[0] for n in numbers} == set(range(1, 13))


@pytest.mark.parametrize("name", sorted(LAYER_TYPES))
def test_every_layer_type_has_a_heading_or_a_row(name):
    word = rf"(?<![\w.]){re.escape(name)}(?![\w.])"
    in_heading = any(re.search(word, heading, re.IGNORECASE) for heading in headings(TEXT))
    assert in_heading or f"\n| `{name}` |" in TEXT


@pytest.mark.parametrize("name", sorted(NEURONS))
def test_every_neuron_has_a_row(name):
    assert re.search(rf"^\| `{name}(\[[ab,]+\])?` \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    found = broken_links(page, page.read_text(encoding="utf-8"))
    assert not found, "\n" + "\n".join(found)


def test_broken_links_are_told_with_their_place():
    text = (
        "# A page\n[good](#a-page) and [twice](#a-page-1)\n\n# A page\n[lost](#a-pag)\n"
        "[no file](nowhere.md) `[code](nowhere.md)` [outside](https://example.org/x)\n"
        "[there](dialect.md#62-the-update), [not there](dialect.md#62)\n"
    )
    assert broken_links(DOCS / "page.md", text) == [
        "page.md:5: page.md has no heading #a-pag",
        "page.md:6: there is no file nowhere.md",
        "page.md:7: dialect.md has no heading #62",
    ]
