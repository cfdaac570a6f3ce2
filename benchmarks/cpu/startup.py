"""How long commands take from the shell: help, a check, the first minibatch of a training.

The first minibatch is also measured as a newcomer meets it, without a compiled kernel on disk.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.graphs import ROOT

RUNS = 3
COLD = {"digits": 4.0, "cifar10": None, "alexnet-groups": 10.0}  # limits in seconds
DATA = {"cifar10": "synthetic:10x3x32x32", "alexnet-groups": "synthetic:1000x3x256x256"}
CORPUS = Path(os.environ.get("CONVNET_CORPUS") or ROOT.parent / "shared" / "corpus")
_ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
_CONVNET = (sys.executable, "-c", "import sys; from convnet.cli import main; sys.exit(main())")


def rows() -> list[dict]:
    """Seconds of each command: the median of a few runs after a first one, and its limit."""
    files = largest_pair()
    digits = ["--layers", ROOT / "layers/digits.cfg", "--params", ROOT / "params/digits.params"]
    train = ["train", *digits, "--max-batches", "1"]
    commands = {
        "convnet --help": (["--help"], 0.3),
        f"convnet check {' '.join(path.name for path in files)}": (["check", *files], 0.5),
        "convnet train, one minibatch of digits": (train, 3.0),
    }
    warm = [
        {"what": name, "seconds": seconds(arguments), "limit": limit}
        for name, (arguments, limit) in commands.items()
    ]
    return warm + [
        {
            "what": f"convnet train, one minibatch of {net}, without compiled kernels",
            "seconds": cold_seconds(net),
            "limit": limit,
        }
        for net, limit in COLD.items()
    ]


def largest_pair() -> list[Path]:
    """The largest spec file of the corpus, where there is one, or of ours, and its partner."""
    found = [*CORPUS.rglob("*.cfg")] or [*(ROOT / "layers").glob("*.cfg")]
    largest = max((p for p in found if "param" not in p.name), key=lambda p: p.stat().st_size)
    partners = [largest.with_name(largest.name.replace("layers", "layer-params")),
                ROOT / f"params/{largest.stem}.params"]  # fmt: skip
    return [largest, *[p for p in partners if p.exists() and p != largest][:1]]


def seconds(arguments) -> float:
    """The median time of a command, after one run that fills the caches."""
    found = [_seconds(arguments) for _ in range(RUNS + 1)]
    return sorted(found[1:])[RUNS // 2]


def cold_seconds(net: str) -> float:
    """The time of one minibatch of a shipped net with an empty cache of kernels, in one run.

    The minibatch's last step is followed by a checkpoint, which counts too.
    """
    data = ["--data", DATA[net]] if net in DATA else []
    with tempfile.TemporaryDirectory() as cache:
        return _seconds(["train", "--layers", net, *data, "--max-batches", "1"], cache)


def _seconds(arguments, cache: str | None = None) -> float:
    command = [*_CONVNET, *map(str, arguments)]
    env = {**_ENV, "NUMBA_CACHE_DIR": cache} if cache else _ENV
    with tempfile.TemporaryDirectory() as folder:  # runs are saved there
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=folder, env=env)
        return time.perf_counter() - start
