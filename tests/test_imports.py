"""Who may import whom (ARCHITECTURE.md), read from the source; and what importing costs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ROOT = ROOT / "convnet"

# For each part: the parts it may import, itself aside.  A name stands for all below it.
MAY_IMPORT = {
    "arithmetic": [],
    "memory": [],
    "progress": [],
    "display": [],
    "stored": ["display", "errors"],
    "errors": [],
    "nets": ["errors"],
    "cli_options": ["errors", "stored", "nets"],
    "language": ["errors", "stored"],
    "compiling": ["stored"],
    "data": ["errors", "stored", "compiling"],
    "make_data": ["errors", "stored", "data"],
    "search": ["errors", "compiling"],
    "operations": [],
    "layers": ["language", "operations"],
    "graph": ["errors", "language", "layers"],
    "network": ["errors", "operations", "graph", "layers"],
    "distributed": ["errors", "operations", "network"],
    "drawing": ["graph", "layers"],
    "backends.base": ["operations"],
    "backends.cpu": [
        "errors",
        "compiling",
        "operations",
        "backends.base",
        "network.memory",
        "network.record",
        "network.trace",
    ],
    "backends.cuda_probe": [],
    "backends.cuda": [
        "errors",
        "compiling",
        "operations",
        "backends.base",
        "backends.cuda_probe",
        "network.memory",
        "network.record",
        "network.trace",
    ],
    "journal": ["errors", "stored", "language"],
    "checkpoint": ["errors", "stored", "language"],
    "originals": [
        "errors",
        "stored",
        "language",
        "layers",
        "graph",
        "initial",
        "data",
        "checkpoint",
    ],
    "foreign": [
        "errors",
        "stored",
        "language",
        "layers",
        "graph",
        "data",
        "checkpoint",
        "export",
    ],
    "export": ["errors", "stored", "language", "layers", "operations", "graph", "checkpoint"],
    "initial": ["errors", "stored", "language", "layers", "graph", "network", "checkpoint"],
}
SEE_PLANS = ("engine", "inputs", "prepared")  # of backends.cpu
# Above these the rule is one of levels: nobody imports what stands after it.
LEVELS = [
    "train",
    "report",
    "runs",
    "sweep",
    "html",
    "engines",
    "prepare",
    "predict",
    "api",
    "commands",
    "cli",
    "__main__",
]


def part_of(module: str) -> str:
    """The part of `convnet.x.y` that the rules speak of: x, or backends.x."""
    names = module.split(".")[1:]
    return ".".join(names[:2]) if names[:1] == ["backends"] else ".".join(names[:1])


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    return {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports_of(name: str, path: Path, known) -> set[str]:
    """The modules of ours that a file imports anywhere, inside functions too."""
    found = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *base.split(".")] if base else above)
            inner = {f"{base}.{alias.name}" for alias in node.names}
            found |= (inner & set(known)) or {base}
    return {module for module in found if module.split(".")[0] == "convnet"}


MODULES = modules()
IMPORTS = {name: imports_of(name, path, MODULES) for name, path in MODULES.items()}


def allowed(part: str, target: str) -> bool:
    parts = [part, "arithmetic", "memory", "display", "progress", *MAY_IMPORT[part]]
    return any(target == f"convnet.{p}" or target.startswith(f"convnet.{p}.") for p in parts)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_parts_import_only_what_lies_below_them(part):
    mine = {name: found for name, found in IMPORTS.items() if part_of(name) == part}
    assert mine
    wrong = {
        name: sorted(target for target in found if not allowed(part, target))
        for name, found in mine.items()
    }
    assert not {name: targets for name, targets in wrong.items() if targets}


def test_every_module_has_a_rule():
    parts = {part_of(name) for name in MODULES} - {"", "backends"}
    assert parts == {*MAY_IMPORT, *LEVELS}


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_nobody_imports_upwards(level):
    above = LEVELS[level + 1 :]
    wrong = [
        (name, target)
        for name, found in IMPORTS.items()
        if part_of(name) == LEVELS[level]
        for target in found
        if part_of(target) in above
    ]
    assert not wrong


def test_kernels_know_nothing_but_arrays():
    """Of the CPU backend, only its engine and what it asks about plans see them."""
    below = {"arithmetic", "operations", "backends.base", "backends.cpu", "compiling"}
    for name, found in IMPORTS.items():
        if part_of(name) == "backends.cpu" and name.rpartition(".")[2] not in SEE_PLANS:
            assert {part_of(t) for t in found} <= below, name


def test_the_cuda_backend_is_imported_only_where_a_cuda_device_is_asked_for():
    importers = {
        name
        for name, found in IMPORTS.items()
        if part_of(name) != "backends.cuda" and "backends.cuda" in map(part_of, found)
    }
    assert importers == {"convnet.engines"}


def test_no_circle_of_imports():
    """Imports inside functions count too: a circle cannot be read in any order."""
    reached = {name: {t for t in found if t in MODULES} for name, found in IMPORTS.items()}
    changed = True
    while changed:
        changed = False
        for found in reached.values():
            more = set().union(*(reached[target] for target in found)) - found
            found |= more
            changed = changed or bool(more)
    assert not [name for name, found in reached.items() if name in found]


def loaded_by(statement: str) -> set[str]:
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    command, folder = [sys.executable, "-c", code], ROOT.parent
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize("statement", ["import convnet", "import convnet.cli"])
def test_importing_loads_no_machinery(statement):
    """`convnet --help` answers at once."""
    heavy = {"numba", "numpy", "lark", "torch", "matplotlib", "convnet.cli_options.shared"}
    assert not heavy & loaded_by(statement)


def test_workers_that_make_pictures_load_no_kernels():
    """Each worker process imports this module first."""
    assert "numba" not in loaded_by("import convnet.make_data.workers")


def test_exporting_needs_no_kernels():
    """Nor onnx and PyTorch before they are used: they are extras."""
    loaded = loaded_by(
        "import convnet.export.formats, convnet.commands.converting.export, "
        "convnet.foreign.exported, convnet.foreign.onnx_file.read"
    )
    assert not {"numba", "onnx", "torch"} & loaded


def test_readers_of_caffe_load_protobuf_when_they_read():
    loaded = loaded_by("import convnet.foreign.caffe, convnet.foreign.formats")
    assert not {"numba", "google.protobuf"} & loaded


def test_checking_files_needs_no_kernels():
    """Graphs are built without Numba: on a machine that only checks files, nothing is compiled."""
    assert "numba" not in loaded_by("import convnet.graph.build, convnet.graph.summary")
