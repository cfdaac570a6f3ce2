"""What is on the disk when the power goes or the process is killed: at most a shard is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import write_tree
from tests.support.paths import ROOT


def test_killed_at_any_step_the_same_command_makes_the_same_bytes(tmp_path):
    command = [sys.executable, "-m", "tests.support.killed_making", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["different"] == []
    assert found["kills"] > 80


class Disk:
    """What a power cut would leave of a folder that is there: what was synced.

    Contents count from an fsync of the file on, names from an fsync of the folder on.
    """

    def __init__(self, monkeypatch, root):
        self.root, self.contents, self.names, self.folders = root, {}, {}, set()
        fsync = os.fsync

        def synced(descriptor):
            fsync(descriptor)
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            number = os.stat(path).st_ino
            if path.is_dir():
                self.names[path] = {item.name: os.stat(item).st_ino for item in path.iterdir()}
                self.folders |= {item for item in path.iterdir() if item.is_dir()}
            else:
                self.contents[number] = path.read_bytes()

        monkeypatch.setattr(os, "fsync", synced)

    def after_a_power_cut(self, target, folder=None):
        """Write what is left of the root, or of a folder in it, to a new folder."""
        folder = folder or self.root
        target.mkdir()
        for name, number in self.names.get(folder, {}).items():
            if folder / name in self.folders:
                self.after_a_power_cut(target / name, folder / name)
            else:
                (target / name).write_bytes(self.contents.get(number, b""))


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("shard", [0, 1, 2])
def test_a_power_cut_loses_at_most_the_shard_being_written(tmp_path, monkeypatch, shard):
    """After each shard, what was synced is all that the next run needs."""
    train = write_tree(tmp_path / "train", 2, 6)
    options = MakeOptions(train, hold_out=0.25, shard_images=4)
    make_data(options, tmp_path / "whole")
    begun = 0

    def write_shard(*arguments):
        nonlocal begun
        if begun == shard:
            raise PowerCut
        begun += 1
        return original(*arguments)

    from convnet.make_data import write

    original = write._write_shard
    with monkeypatch.context() as patch:
        disk = Disk(patch, tmp_path)
        patch.setattr(write, "_write_shard", write_shard)
        with pytest.raises(PowerCut):
            make_data(options, tmp_path / "cut")
    disk.after_a_power_cut(tmp_path / "disk")
    remade = []
    monkeypatch.setattr(write, "_write_shard", lambda *a: remade.append(a[3]) or original(*a))
    make_data(options, tmp_path / "disk" / "cut")
    assert len(remade) == 3 - shard
    left, whole = (
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()}
        for name in ("disk/cut", "whole")
    )
    assert left == whole


def test_a_complete_set_is_on_the_disk(tmp_path, monkeypatch):
    train = write_tree(tmp_path / "train", 2, 6)
    disk = Disk(monkeypatch, tmp_path)
    make_data(MakeOptions(train, hold_out=0.25, shard_images=4), tmp_path / "set")
    disk.after_a_power_cut(tmp_path / "disk")
    for path in (tmp_path / "set").iterdir():
        assert (tmp_path / "disk" / "set" / path.name).read_bytes() == path.read_bytes(), path
