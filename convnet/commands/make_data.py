"""`convnet make-data`: a data set of shards, from archives or folders of images."""

import os
from pathlib import Path

import click

from convnet.commands.console import note, result
from convnet.commands.progress_bar import Counting
from convnet.data.datasets.shard_folder import read_manifest
from convnet.make_data.make import Progress, make_data
from convnet.make_data.options import MakeOptions
from convnet.make_data.picture import Jpeg
from convnet.make_data.verify import verify


def run(verify: Path | None, **given) -> int:
    """Make or verify as asked; returns the exit code."""
    workers = given.pop("workers") or _cores()
    if verify:
        return _verify(verify, workers)
    out = given.pop("out")
    missing = [
        f"--{name}" for name, value in (("train", given["train"]), ("out", out)) if not value
    ]
    if missing:
        raise click.UsageError(f"Missing option {' and '.join(missing)} (or --verify).")
    jpeg = Jpeg(given.pop("quality"), given.pop("chroma"))
    return _make(MakeOptions(**given, jpeg=jpeg, workers=workers), out)


def _cores():
    """That this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _make(wanted, out):
    try:
        with _Shown(wanted.workers) as shown:
            manifest = make_data(wanted, out, shown)
    except KeyboardInterrupt:
        note(f"stopped; the same command goes on behind the last finished shard of {out}")
        return 130
    _report(manifest, out)
    return 0


class _Shown(Progress):
    def __init__(self, workers):
        self._workers, self._counting = workers, None

    def __enter__(self):
        return self

    def __exit__(self, *details):
        if self._counting:
            self._counting.__exit__(*details)

    def found(self, images):
        if images % 100_000 == 0:
            note(f"looking through: {images:,} images found")

    def planned(self, plan, done):
        for line in plan.notes:
            note(line)
        train, test = (len(plan.parts[split].names) for split in ("train", "test"))
        note(
            f"{train:,} training and {test:,} test images of {len(plan.classes.ids):,} classes"
            f"{f', {done:,} made before' if done else ''}; {self._workers} workers"
        )
        self._counting = Counting("making", train + test, done).__enter__()

    def made(self, images):
        self._counting.advance(images)


def _report(manifest, out):
    shards = [shard for split in manifest.shards.values() for shard in split]
    result(
        f"{out}: {len(manifest.ids):,} classes, {manifest.images('train'):,} training and "
        f"{manifest.images('test'):,} test images, {sum(s.bytes for s in shards) / 1e9:.2f} GB in "
        f"{len(shards):,} shards"
    )
    result(f"labels: {manifest.label_order}")
    for kind, count in manifest.remarks.items():
        result(f"{kind}: {count:,}")
    if manifest.remarks:
        result(f"their names: {out / 'remarks.txt'}")


def _verify(folder, workers):
    manifest = read_manifest(folder)
    with Counting("verifying", sum(map(manifest.images, manifest.shards))) as counting:
        manifest, problems = verify(folder, workers, counting.advance)
    for problem in problems:
        result(problem)
    if problems:
        note("take these files from a copy, or delete the folder and make the set again")
        return 1
    _report(manifest, folder)
    result("verified: every image, index and checksum is as it was written")
    return 0
