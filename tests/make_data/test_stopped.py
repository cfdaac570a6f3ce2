"""Any number of workers, interrupted anywhere and continued: the same bytes."""

import os
import signal
import subprocess
import sys
import time

import pytest

from convnet.errors import DataError
from convnet.make_data import write
from convnet.make_data.make import Progress, make_data
from tests.support.made_sets import GOOD, contents, wanted


class StopAfter(Progress):
    def __init__(self, images):
        self.left, self.done_before = images, None

    def planned(self, plan, done):
        self.done_before = done

    def made(self, images):
        self.left -= images
        if self.left < 0:
            raise KeyboardInterrupt


def test_two_workers_write_the_same_bytes(archives, made, tmp_path):
    make_data(wanted(archives, workers=2), tmp_path / "set")
    assert contents(tmp_path / "set") == contents(made)


def test_an_interrupted_run_continues_to_the_same_bytes(archives, made, tmp_path):
    out, done = tmp_path / "set", []
    for images in (0, 20, 33, 1, 1000):
        watcher = StopAfter(images)
        try:
            make_data(wanted(archives), out, watcher)
        except KeyboardInterrupt:
            assert not (out / "dataset.json").exists()
            assert not list(out.glob("*.partial"))
        done.append(watcher.done_before)
    assert done == [0, 0, 16, 48, 48]
    assert contents(out) == contents(made)


_KILLED = """
import os, signal, sys
from pathlib import Path
from convnet.make_data.make import Progress, make_data
from convnet.make_data.options import MakeOptions

class Kill(Progress):
    shards = 0
    def made(self, images):
        self.shards += 1
        if self.shards == 3:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    *sources, out = map(Path, sys.argv[1:])
    make_data(MakeOptions(*sources, shard_images=16, seed=3, workers=2), out, Kill())
"""


def test_a_killed_run_continues_to_the_same_bytes_and_its_workers_end(archives, made, tmp_path):
    script, out = tmp_path / "killed.py", tmp_path / "set"
    script.write_text(_KILLED)
    sources = [archives.train, archives.val, archives.devkit]
    process = subprocess.Popen([sys.executable, script, *sources, out], start_new_session=True)
    assert process.wait(120) == -signal.SIGKILL
    assert (out / "train-00001.tar").exists()
    assert not (out / "train-00003.tar").exists()
    _wait_until_gone(process.pid)
    make_data(wanted(archives), out)
    assert contents(out) == contents(made)


def _wait_until_gone(group):
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    pytest.fail("workers outlived the process that started them")


def test_a_complete_set_is_not_changed(archives, made):
    before = contents(made)
    (made / "making").mkdir()  # as if killed while this was being removed
    assert make_data(wanted(archives), made).images("train") == GOOD
    assert contents(made) == before
    with pytest.raises(DataError, match="started with --seed 3, not 4; repeat"):
        make_data(wanted(archives, seed=4), made)


def test_a_run_is_not_continued_with_other_options_or_sources(archives, tmp_path):
    out = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        make_data(wanted(archives), out, StopAfter(20))
    with pytest.raises(DataError, match="started with --shard-images 16, not 17"):
        make_data(wanted(archives, shard_images=17), out)
    tar = out / "train-00000.tar"
    whole = tar.read_bytes()
    tar.write_bytes(whole[:-512])
    with pytest.raises(DataError, match="train-00000.tar: is not as it was written; delete"):
        make_data(wanted(archives), out)
    tar.write_bytes(whole)
    before = os.stat(archives.val).st_mtime_ns
    os.utime(archives.val, ns=(before, before + 1))
    with pytest.raises(DataError, match="started with --val .*img_val.tar"):
        make_data(wanted(archives), out)
    os.utime(archives.val, ns=(before, before))
    make_data(wanted(archives), out)
    with pytest.raises(DataError, match="exists and is not a data set started by make-data"):
        make_data(wanted(archives), archives.train.parent)


def test_two_at_once_are_refused(archives, tmp_path):
    class Second(Progress):
        def planned(self, plan, done):
            make_data(wanted(archives), tmp_path / "set")

    with pytest.raises(DataError, match="another make-data is writing to it"):
        make_data(wanted(archives), tmp_path / "set", Second())


def test_a_full_disk_is_reported_in_advance(archives, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 300_000})
    monkeypatch.setattr(write.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match=r"0.0 GB free, .* need about 0.0 GB; free some space"):
        make_data(wanted(archives), tmp_path / "set")
    monkeypatch.undo()
    make_data(wanted(archives), tmp_path / "set")
