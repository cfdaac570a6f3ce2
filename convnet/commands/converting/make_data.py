"""`convnet make-data`: make a data set of shards from archives or folders of images."""

import click

from convnet.cli_options.convert import MakeDataArguments
from convnet.cli_options.record import shared_values
from convnet.commands.output.console import note, result
from convnet.commands.output.progress_bar import Counting
from convnet.data.datasets.shard_folder import read_manifest
from convnet.data.workers.pool import cores
from convnet.make_data.make import Progress, make_data
from convnet.make_data.options import MakeOptions
from convnet.make_data.picture import Jpeg
from convnet.make_data.verify import verify
from convnet.make_data.write import unreadable


def run(arguments: MakeDataArguments) -> int:
    """Make or verify a data set; return the exit code."""
    workers = arguments.workers or cores()
    if arguments.verify:
        return _verify(arguments.verify, workers)
    missing = [f"--{name}" for name in ("train", "out") if not getattr(arguments, name)]
    if missing:
        raise click.UsageError(f"Missing option {' and '.join(missing)} (or --verify).")
    options = shared_values(arguments, MakeOptions)
    upright = arguments.devkit is None if arguments.upright is None else arguments.upright
    jpeg = Jpeg(arguments.quality, arguments.chroma, arguments.size, upright)
    options |= {"jpeg": jpeg, "workers": workers, "hold_out": arguments.hold_out or 0.0}
    return _make(MakeOptions(**options), arguments.out)


def _make(wanted, out):
    try:
        with _Shown(wanted.workers) as shown:
            manifest = make_data(wanted, out, shown)
    except KeyboardInterrupt:
        note(f"stopped; the same command continues after the last complete shard of {out}")
        return 130
    _report(manifest, out)
    unread = unreadable(manifest)
    if unread:
        note(
            f"{unread:,} files or folders could not be read, so images may be missing; see "
            f"{out / 'remarks.txt'}; to add them, make them readable, delete {out} and repeat the "
            "command"
        )
    return 1 if unread else 0


class _Shown(Progress):
    """Prints what `make_data` plans and how far it is."""

    def __init__(self, workers):
        self._workers, self._counting = workers, None

    def __enter__(self):
        return self

    def __exit__(self, *details):
        if self._counting:
            self._counting.__exit__(*details)

    def found(self, images):
        if images % 100_000 == 0:
            note(f"scanning: {images:,} images found")

    def planned(self, plan, done):
        for line in plan.notes:
            note(line)
        train, test = (len(plan.parts[split].names) for split in ("train", "test"))
        note(
            f"{train:,} training and {test:,} test images of {len(plan.classes.ids):,} classes"
            f"{f', {done:,} already made' if done else ''}; {self._workers} workers"
        )
        self._counting = Counting("making", train + test, done).__enter__()

    def made(self, images):
        self._counting.advance(images)


def _report(manifest, out):
    shards = [shard for split in manifest.shards.values() for shard in split]
    result(
        f"{out}: {len(manifest.ids):,} classes, {manifest.images('train'):,} training and "
        f"{manifest.images('test'):,} test images of {manifest.side}x{manifest.side}, "
        f"{sum(s.bytes for s in shards) / 1e9:.2f} GB in {len(shards):,} shards"
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
        note("restore these files from a copy, or delete the folder and make the data set again")
        return 1
    _report(manifest, folder)
    result("verified: all images, indices and checksums are as they were written")
    return 0
