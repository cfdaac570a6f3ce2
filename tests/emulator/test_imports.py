"""The emulator stands alone: it imports nothing of the project around it, nor of the tests."""

import ast

import pytest

from tests.support.paths import ROOT

PARTS = {  # what each part may import of the others
    "ptx": set(),
    "arithmetic": set(),
    "translate": {"ptx"},
}


def imported(path):
    """Yield the full names of what a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, path
            yield node.module


def test_nothing_of_the_project_is_imported():
    files = sorted((ROOT / "emulator").rglob("*.py"))
    assert len(files) > 20
    for path in files:
        heads = {name.partition(".")[0] for name in imported(path)}
        assert not heads & {"convnet", "tests"}, path


@pytest.mark.parametrize("part", PARTS)
def test_parts_import_only_what_they_build_on(part):
    for path in (ROOT / "emulator" / part).glob("*.py"):
        names = [name.split(".") for name in imported(path) if name.startswith("emulator.")]
        assert {name[1] for name in names} - {part} <= PARTS[part], path
