"""A process that feeds, and is timed.  Arguments: KIND FOLDER WORKERS MINIBATCH.

KIND: ours, loader (a PyTorch DataLoader), pillow (nothing but decoding, in one process), threads
(the same in WORKERS threads).  Answers with images a second, and the time of all cores
for one (see timing.serve).
"""

import io
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.timing import serve
from convnet.data import open_dataset

SIDE, SEED, STRENGTH = 224, 1, 0.1


class Ours:
    """Feed and Prefetch, as `convnet train` has them."""

    def __init__(self, dataset, workers, minibatch):
        from convnet.data import Feed, Prefetch, decoding

        self._prefetch, self._epoch = Prefetch, 0
        options = {"side": SIDE, "seed": SEED, "color_noise": STRENGTH}
        self._feed = Feed(dataset, "train", minibatch, **options)
        self._workers = decoding(dataset, workers).__enter__()

    def __call__(self, epochs):
        self._epoch += epochs
        each = range(self._feed.minibatches_per_epoch)
        places = [(self._epoch + e, i) for e in range(epochs) for i in each]
        with self._prefetch(self._feed, places) as batches:
            return sum(batch.cases for _, batch in batches)


class Loader:
    """A DataLoader whose workers live on, as users of PyTorch have it."""

    def __init__(self, dataset, workers, minibatch):
        import torch

        from benchmarks.torch_feed import Photos

        torch.set_num_threads(1)
        self._photos = Photos(dataset, SIDE, STRENGTH)
        self._loader = torch.utils.data.DataLoader(
            self._photos, minibatch, shuffle=True, num_workers=workers, persistent_workers=True
        )

    def __call__(self, epochs):
        return sum(len(labels) for _ in range(epochs) for _, labels in self._loader)


def decode(file):
    """What Pillow needs to decode a file, told what size is wanted."""
    image = Image.open(io.BytesIO(file))
    image.draft("RGB", (SIDE, SIDE))
    image.load()


class Pillow:
    """All files, read before, decoded by `threads` threads.

    busy: meanwhile another thread runs Python, as a training loop may.
    """

    def __init__(self, dataset, threads, busy=False):
        self._files = dataset.encoded("train", np.arange(dataset.count("train")))
        self._threads, self._is_busy = threads, busy

    def __call__(self, epochs):
        done = threading.Event()
        if self._is_busy:
            threading.Thread(target=_run_python, args=(done,)).start()
        mine = [self._files[k :: self._threads] for k in range(self._threads)]
        threads = [threading.Thread(target=_decode_all, args=(files, epochs)) for files in mine]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        return epochs * len(self._files)


def _decode_all(files, epochs):
    for _ in range(epochs):
        for file in files:
            decode(file)


def _run_python(done):
    while not done.is_set():
        pass


def cpu_seconds() -> float:
    """CPU time of this process and its children so far."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if os.getpid() in (int(path.parent.name), int(stat[1])):
            total += int(stat[11]) + int(stat[12])
    return total / os.sysconf("SC_CLK_TCK")


def main(kind, folder, workers, minibatch):
    dataset, workers = open_dataset(folder), int(workers)
    rivals = {
        "ours": lambda: Ours(dataset, workers, int(minibatch)),
        "loader": lambda: Loader(dataset, workers, int(minibatch)),
        "pillow": lambda: Pillow(dataset, 1),
        "threads": lambda: Pillow(dataset, workers),
        "busy": lambda: Pillow(dataset, workers, busy=True),
    }
    rival = rivals[kind]()

    def rate(epochs):
        start, used = time.perf_counter(), cpu_seconds()
        images = rival(epochs)
        seconds = time.perf_counter() - start
        return images / seconds, (cpu_seconds() - used) / images

    serve({"rate": rate})


if __name__ == "__main__":
    main(*sys.argv[1:])
