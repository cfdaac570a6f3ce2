"""The exact search of `convnet neighbors` in a file of random features: seconds and what bounds it.

    python -m benchmarks.neighbors --vectors 1000000        # 16 GB, written to --file

The second search of each number of queries is timed; the file is then in the page cache if it fits.
"""

import time
from pathlib import Path

import click
import numpy as np

from convnet.search import nearest

VALUES = 4096
_CHUNK = 10_000


def write(path: Path, vectors: int) -> None:
    """Features like those behind a ReLU: a thousand clusters, half of the values 0."""
    random = np.random.default_rng(0)
    centers = random.standard_normal((1000, VALUES), np.float32)
    with path.open("wb") as file:
        form = {"descr": "<f4", "fortran_order": False, "shape": (vectors, VALUES)}
        np.lib.format.write_array_header_1_0(file, form)
        for first in range(0, vectors, _CHUNK):
            count = min(_CHUNK, vectors - first)
            near = centers[np.arange(first, first + count) % len(centers)]
            file.write(np.maximum(near + random.standard_normal(near.shape, np.float32), 0))


def read_seconds(vectors: np.ndarray) -> float:
    """Of looking at every value once."""
    started = time.perf_counter()
    for first in range(0, len(vectors), _CHUNK):
        vectors[first : first + _CHUNK].max()
    return time.perf_counter() - started


@click.command()
@click.option("--vectors", default=100_000, show_default=True)
@click.option("--queries", multiple=True, default=(6, 100, 1000), show_default=True)
@click.option("--file", type=click.Path(path_type=Path), default=Path("build/neighbors.npy"),
              show_default=True)  # fmt: skip
def main(vectors, queries, file):
    """Time exact searches for the six nearest."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        write(file, vectors)
    mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    size = mapped.nbytes / 1e9
    read_seconds(mapped)
    click.echo(f"{len(mapped):,} vectors of {VALUES:,} values, {size:.1f} GB")
    click.echo(f"one pass over the mapped file: {size / read_seconds(mapped):.1f} GB/s")
    click.echo(f"{'queries':>8} {'seconds':>8} {'processor s':>12} {'GB/s':>6} {'GFLOP/s':>8}")
    for count in queries:
        wanted = mapped[np.arange(count) * 7919 % len(mapped)] + np.float32(0.1)
        nearest(wanted, mapped[:2000], 6)
        started, worked = time.perf_counter(), time.process_time()
        nearest(wanted, mapped, 6)
        seconds, busy = time.perf_counter() - started, time.process_time() - worked
        speed = 2 * count * mapped.size / 1e9 / seconds
        click.echo(f"{count:8,} {seconds:8.2f} {busy:12.2f} {size / seconds:6.1f} {speed:8.0f}")


if __name__ == "__main__":
    main()
