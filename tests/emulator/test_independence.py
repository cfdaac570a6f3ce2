"""The emulator is a folder that other projects can take: it imports nothing of this one."""

import ast

import pytest

from tests.support.paths import ROOT

FILES = sorted((ROOT / "emulator").rglob("*.py"))
OURS = {"convnet", "tests", "benchmarks", "examples"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_nothing_of_the_project(path):
    assert not {name for name in imported(path) if name.partition(".")[0] in OURS}


def test_numba_cuda_is_imported_only_by_what_patches_it():
    """Everything else works, and is tested, without it."""
    users = {
        path.name for path in FILES for name in imported(path) if name.startswith("numba.cuda")
    }
    assert users <= {"link.py", "pytest_plugin.py"}


def test_there_are_files():
    assert len(FILES) > 50
