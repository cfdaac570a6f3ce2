"""A made-up CIFAR-10 archive, and files in place of the originals': all tiny."""

import pickle
from pathlib import Path

import numpy as np

CASES = 20  # of a data batch

LAYERS = """# a header
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[fc1]
type=fc
inputs=data
outputs=10
initW=0.0001
[probs]
type=softmax
inputs=fc1
[logprob]
type=cost.logreg
inputs=labels,probs
"""
PARAMS = """# epsW=1 in a comment stays
[fc1]
epsW=0.0001
epsB=0.002
momW=0.9
momB=0.9
wc=0.03

[logprob]
coeff=1
"""


def make_archive(folder: Path) -> Path:
    """Write CIFAR-10's Python version with 20 images in each file, whose classes can be learned."""
    folder.mkdir(parents=True)
    numbers = np.random.default_rng(5)
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        labels = numbers.integers(0, 10, CASES)
        images = numbers.integers(0, 60, (CASES, 3072)) + 18 * labels[:, np.newaxis]
        batch = {"data": images.astype(np.uint8), "labels": labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    names = {"label_names": [f"class {n}" for n in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(names, protocol=2))
    return folder


def make_corpus(folder: Path) -> Path:
    """Write layer and parameter files under the names of the originals' 80sec and 19pct."""
    files = folder / "cc1" / "example-layers"
    files.mkdir(parents=True)
    for name in ("80sec", "19pct"):
        (files / f"layers-{name}.cfg").write_text(LAYERS)
        (files / f"layer-params-{name}.cfg").write_text(PARAMS)
    return folder
