"""Layer and parameter files, parsed and built."""

import re
from functools import cache
from pathlib import Path
from random import Random

from convnet.graph.build import build
from convnet.language.specs import RunDefaults, Specs
from tests.fuzz.bytes_of import CHARACTERS, NUMBERS, WORDS, damage
from tests.fuzz.reader import Reader, Tree
from tests.support.paths import ROOT
from tests.support.training import LAYERS, PARAMS

_SHIPPED = {"digits": (64, 10), "cifar10": (1728, 10), "alexnet-groups": (150_528, 1000)}
_VALUES = (
    "conv1,conv2", "data", "1,2,3", "1,,2", "dexp[base=0.1;tgtFactor=10;numSteps=3]", "pow[2]",
    "linear[a=1;b=2]", "tanh[1.79,-0.66]", "%(seed)s", "%(", "initw.makew(x)", "const[base=]",
    "-1", "0", "0.5", "1e-3", "true", "relu", "cost.logreg", "square[", "0,1", '""', "a[b[c[d]]]",
)  # fmt: skip
_ENTRY = re.compile(rb"^([A-Za-z_]\w*)(\s*[=:]\s*)(.*)$", re.MULTILINE)


def seeds() -> list[Tree]:
    """Pairs of files; their name states the values of an image and the classes."""
    found = [{"36-10.cfg": LAYERS.encode(), "36-10.params": PARAMS.encode()}]
    for name, (values, classes) in _SHIPPED.items():
        files = ROOT / "layers" / f"{name}.cfg", ROOT / "params" / f"{name}.params"
        found.append({f"{values}-{classes}{file.suffix}": file.read_bytes() for file in files})
    return found


def read(folder: Path) -> None:
    name = min(folder.iterdir()).stem
    values, classes = map(int, name.split("-"))
    specs = Specs.read(folder / f"{name}.cfg", folder / f"{name}.params")
    RunDefaults(specs.params, specs.problems)
    dims = {0: values, 1: 1, 2: classes}
    build(specs.layers, specs.params, specs.problems, data_dims=dims, classes=classes)
    for problem in specs.problems.warnings:
        if not str(problem).replace("\n", "").isprintable():
            raise AssertionError(f"a warning that is not printable: {problem!s}")
    specs.problems.raise_errors()


def change(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Change values, keys, sections and their order."""
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        match rng.randrange(8):
            case 0 | 1 | 2:
                lines[at] = _ENTRY.sub(lambda m: m[1] + m[2] + _value(rng, others), lines[at])
            case 3:
                lines.insert(at, rng.choice(_lines(others)))
            case 4:
                lines.pop(at)
                lines = lines or [b""]
            case 5:
                lines[at] = damage(rng, lines[at], [])
            case 6:
                lines.insert(at, b"[" + rng.choice((b"a", b"conv1", b"", b"DEFAULT", b"x]")) + b"]")
            case _:
                start = rng.randrange(len(lines))
                lines[at:at] = lines[start : start + rng.choice((3, 10, 100))] * rng.choice(
                    (1, 1, 20)
                )
    return b"\n".join(lines)[: 1 << 17]


def _value(rng, others):
    match rng.randrange(5):
        case 0:
            return str(rng.choice(NUMBERS)).encode()
        case 1:
            return rng.choice(WORDS + CHARACTERS).encode("utf-8", "surrogatepass")
        case 2:
            found = _ENTRY.match(rng.choice(_lines(others)))
            return found[3] if found else b"1"
        case 3:
            return b",".join(rng.choice(_VALUES).encode() for _ in range(rng.choice((2, 3, 200))))
        case _:
            return rng.choice(_VALUES).encode()


@cache
def _lines_of(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def _lines(others):
    return [line for data in others for line in _lines_of(data)]


READERS = (Reader("spec", seeds, read, {"*": change}, share=2),)
