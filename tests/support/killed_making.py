"""Makes a data set in children that are killed with SIGKILL at each step that reaches the disk.

`python killed_making.py FOLDER` makes FOLDER/sources and, uninterrupted, FOLDER/whole.  Then, for
each call of a function that changes the folder, a child is killed just before or after it, and
another child is given the same work.  Prints a JSON object: how many were killed, and the names of
the sets that differ from the whole one.
"""

import json
import os
import signal
import sys
from pathlib import Path

from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import write_tree

STEPS = ("replace", "fsync", "mkdir", "unlink", "rmdir")


def kill_at(number, after):
    """Let the call `number` of all steps kill this process, before or after it is carried out."""
    calls = 0

    def wrap(name):
        original = getattr(os, name)

        def step(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*arguments, **options)
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(os, name, step)

    for name in STEPS:
        wrap(name)


def in_child(work) -> bool:
    """Do some work in a child, without waiting for a disk; return whether it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        os.fsync = lambda descriptor: None  # a kill loses nothing that was written
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise AssertionError("a child failed")
    return os.WIFSIGNALED(status)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def main(base):
    train = write_tree(base / "sources", 2, 4)
    options = MakeOptions(train, hold_out=0.25, shard_images=4)
    make_data(options, base / "whole")
    whole, kills, different = contents(base / "whole"), 0, []
    for after in (False, True):
        number = 1
        while True:
            out = base / f"{'after' if after else 'before'}-{number}"

            def killed(out=out, number=number, after=after):
                kill_at(number, after)  # which counts them all the same
                make_data(options, out)

            if not in_child(killed):
                break
            in_child(lambda out=out: make_data(options, out))
            kills += 1
            if contents(out) != whole or (out / "making").exists():
                different.append(out.name)
            number += 1
    print(json.dumps({"kills": kills, "different": different}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
