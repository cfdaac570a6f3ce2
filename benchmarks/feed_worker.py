"""A process that feeds, and is timed.  Arguments: KIND FOLDER WORKERS MINIBATCH.

KIND: ours, loader (a PyTorch DataLoader), pillow (nothing but decoding, in one process), threads
(the same in WORKERS threads), busy (these beside another that runs Python).  Answers with images a
second, and the time of all cores for one (see timing.serve).  Who makes minibatches ahead goes on
from one question to the next, as in a training: what was made in between is taken before the time.
"""

import io
import os
import sys
import threading
import time
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.timing import serve
from convnet.data import open_dataset

SIDE, SEED, STRENGTH = 224, 1, 0.1


class Ours:
    """Feed and Prefetch, as `convnet train` has them."""

    def __init__(self, dataset, workers, minibatch):
        from convnet.data import Feed, FeedOptions, Prefetch, decoding

        options = {"side": SIDE, "seed": SEED, "color_noise": STRENGTH}
        feed = Feed(dataset, "train", minibatch, FeedOptions(**options))
        decoding(dataset, workers).__enter__()
        places = ((e, i) for e in count() for i in range(feed.minibatches_per_epoch))
        made = Prefetch(feed, places)
        self._sizes = (batch.cases for _, batch in made)
        self.ahead = made.ahead + 1

    def minibatch(self) -> int:
        """The cases of the next one."""
        return next(self._sizes)


class Loader:
    """A DataLoader whose one epoch never ends, so that none costs it time."""

    _PREFETCH = 2  # minibatches of each worker, as is PyTorch's default

    def __init__(self, dataset, workers, minibatch):
        import torch

        from benchmarks.pytorch.feed import Photos

        torch.set_num_threads(1)
        photos = Photos(dataset, SIDE, STRENGTH)
        many = torch.utils.data.RandomSampler(photos, replacement=True, num_samples=1 << 24)
        loader = torch.utils.data.DataLoader(
            photos, minibatch, sampler=many, num_workers=workers, prefetch_factor=self._PREFETCH
        )
        self._sizes = (len(labels) for _, labels in loader)
        self.ahead = workers * self._PREFETCH

    def minibatch(self) -> int:
        return next(self._sizes)


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
        self.count = len(self._files)

    def decode(self, epochs):
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


def feeding(rival, epochs, images) -> tuple[float, float]:
    """Images a second, and CPU seconds for one, of minibatches of `epochs` times `images` or so."""
    for _ in range(rival.ahead):
        rival.minibatch()
    start, used, taken = time.perf_counter(), cpu_seconds(), 0
    while taken < epochs * images:
        taken += rival.minibatch()
    return taken / (time.perf_counter() - start), (cpu_seconds() - used) / taken


def decoded(pillow, epochs) -> tuple[float, float]:
    """The same of nothing but decoding."""
    start, used, images = time.perf_counter(), cpu_seconds(), epochs * pillow.count
    pillow.decode(epochs)
    return images / (time.perf_counter() - start), (cpu_seconds() - used) / images


def main(kind, folder, workers, minibatch):
    dataset, workers = open_dataset(folder), int(workers)
    if kind in ("ours", "loader"):
        rival = {"ours": Ours, "loader": Loader}[kind](dataset, workers, int(minibatch))
        serve({"rate": lambda epochs: feeding(rival, epochs, dataset.count("train"))})
    else:
        pillow = Pillow(dataset, 1 if kind == "pillow" else workers, busy=kind == "busy")
        serve({"rate": lambda epochs: decoded(pillow, epochs)})


if __name__ == "__main__":
    main(*sys.argv[1:])
