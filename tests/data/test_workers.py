"""Worker processes: the same minibatches as without, errors at their minibatch, no leaks."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, Prefetch, ViewPrefetch, decoding, open_dataset
from convnet.data.datasets.shards import Shards
from convnet.data.workers.pool import Workers
from convnet.data.workers.process import Task
from convnet.data.workers.shared_memory import SharedMemory
from convnet.errors import DataError
from tests.support.paths import ROOT
from tests.support.shard_sets import TEST, TRAIN, damage, made_set

SIDE, EPOCHS = 40, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_set(tmp_path_factory.mktemp("set"))


@pytest.fixture
def dataset(folder):
    return open_dataset(folder)


@pytest.fixture
def copied(folder, tmp_path):
    """A copy to damage."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.fixture(autouse=True)
def scribbled(monkeypatch):
    """Overwrite released memory, so that releasing it too early is seen."""
    release = SharedMemory._release

    def scribble(self, place, mapping):
        np.frombuffer(mapping, np.uint8)[:] = 0x55
        release(self, place, mapping)

    monkeypatch.setattr(SharedMemory, "_release", scribble)


def feed(dataset, split="train", minibatch=13, **options):
    return Feed(dataset, split, minibatch, FeedOptions(**{"side": SIDE, "seed": 3, **options}))


def positions(source):
    return [(e, i) for e in range(EPOCHS) for i in range(source.minibatches_per_epoch)]


def minibatches(source, places=None):
    """Position -> pixels, labels."""
    with Prefetch(source, places or positions(source)) as made:
        return {place: (b.matrices[0].copy(), b.labels) for place, b in made}


def alive(pid):
    """Return whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX"
    except OSError:
        return False


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("processes", "minibatch"), [(0, 13), (1, 13), (3, 13), (1, 7), (2, 16)])
def test_minibatches_are_the_same_with_any_number_of_workers(dataset, processes, minibatch):
    source = feed(dataset, minibatch=minibatch, color_noise=0.1)
    expected = {place: source.minibatch(*place) for place in positions(source)}
    with decoding(dataset, processes) as workers:
        assert (dataset.workers is not None) == (processes > 0) and dataset.workers is workers
        assert not workers or workers.is_canvas(source.buffers()[0])
        found = minibatches(source)
    assert dataset.workers is None
    assert list(found) == list(expected)
    for place, (pixels, labels) in found.items():
        np.testing.assert_array_equal(pixels, expected[place].matrices[0])
        np.testing.assert_array_equal(labels, expected[place].labels)
    assert len({pixels.tobytes() for pixels, _ in found.values()}) == len(found)


def test_minibatches_are_those_of_the_same_images_in_memory(dataset):
    """Packed images from the decoder and planes in memory give the same result."""
    source = feed(dataset, color_noise=0.1)
    images = dataset.images("train", np.arange(dataset.count("train")))
    plain = open_dataset(dataset.folder)
    plain.borrow = lambda split, indices: _Given(images[indices])
    expected = feed(plain, color_noise=0.1).minibatch(1, 0)
    np.testing.assert_array_equal(source.minibatch(1, 0).matrices[0], expected.matrices[0])


class _Given:
    def __init__(self, value):
        self.value = value

    def __enter__(self):
        return self.value

    def __exit__(self, *_):
        pass


def test_a_run_that_begins_in_the_middle_of_an_epoch(dataset):
    source = feed(dataset, color_noise=0.1)
    with decoding(dataset, 2):
        whole = minibatches(source)
        rest = minibatches(feed(dataset, color_noise=0.1), positions(source)[2:])
    for place, (pixels, _) in rest.items():
        np.testing.assert_array_equal(pixels, whole[place][0])


def test_training_and_testing_share_the_workers(dataset):
    train, test = feed(dataset), feed(dataset, "test", 4)
    expected = [test.minibatch(0, i).matrices[0] for i in range(test.minibatches_per_epoch)]
    with decoding(dataset, 2), Prefetch(train, positions(train)) as made:
        for place, batch in made:
            tested = minibatches(test, [(0, i) for i in range(test.minibatches_per_epoch)])
            for pixels, wanted in zip(tested.values(), expected, strict=True):
                np.testing.assert_array_equal(pixels[0], wanted)
            np.testing.assert_array_equal(batch.matrices[0], train.minibatch(*place).matrices[0])


@pytest.mark.parametrize("views", [1, 9, 10])
def test_views_are_the_same_and_each_image_is_decoded_once(dataset, views, monkeypatch):
    source = feed(dataset, "test", 4)
    expected = [[b.matrices[0] for b in source.views(i, views)] for i in range(3)]
    asked = []
    with decoding(dataset, 2) as workers:
        decode = workers.decode
        monkeypatch.setattr(workers, "decode", lambda s, i: (asked.extend(i), decode(s, i))[1])
        with ViewPrefetch(source, range(3), views) as made:
            for (index, view), batch in made:
                np.testing.assert_array_equal(batch.matrices[0], expected[index][view])
    assert asked == list(range(2 * TEST))


def test_memory_is_used_again(dataset):
    source, test = feed(dataset), feed(dataset, "test", 13)
    with decoding(dataset, 2) as workers:
        for _ in range(4):
            minibatches(source)
            with ViewPrefetch(test, [0], 10) as made:
                next(made)  # and leaves the rest
            with ViewPrefetch(test, [0, 0], 10) as made:
                assert len(list(made)) == 20
        most = 3 * 3  # sizes of minibatches (13, 4 and 10) times those in the making
        assert workers._memory._size < most * 13 * 4 * 256**2


@pytest.mark.parametrize("processes", [1, 2])
def test_a_damaged_image_is_reported_at_its_minibatch(copied, processes):
    key = damage(copied, "train", 17)
    dataset = open_dataset(copied)
    source = feed(dataset, shuffle=False, minibatch=5)
    with decoding(dataset, processes), Prefetch(source, positions(source)) as made:
        for index in range(3):
            assert next(made)[0] == (0, index)
        with pytest.raises(DataError) as caught:
            next(made)
    message = str(caught.value)
    assert "train-00002.tar" in message and key in message and "its CRC-32 is" in message


class Broken(Shards):
    def places(self, split, indices):
        return super().places(split, indices) + [len(self.files), 0, 0, 0]


def test_an_unexpected_error_keeps_its_traceback(folder):
    dataset = Broken(folder)
    source = feed(dataset)
    with decoding(dataset, 1), Prefetch(source, positions(source)) as made:
        with pytest.raises(RuntimeError, match="(?s)in a data worker.*Traceback.*out of range"):
            next(made)


def test_a_missing_file_is_named(copied):
    dataset = open_dataset(copied)
    for path in copied.glob("train-*.tar"):
        path.unlink()
    source = feed(dataset)
    with decoding(dataset, 1), Prefetch(source, positions(source)) as made:
        with pytest.raises(DataError, match=r"train-\d+.tar: cannot be read: No such file"):
            next(made)


@pytest.mark.parametrize("processes", [1, 3])
def test_a_worker_that_is_killed(dataset, processes):
    source = feed(dataset)
    with decoding(dataset, processes) as workers:
        minibatches(source)
        victim = workers._processes[0]
        victim.kill()
        with pytest.raises(DataError, match=rf"process {victim.pid}\) was ended by SIGKILL; did"):
            while True:
                minibatches(source, [(0, 0)])
        with pytest.raises(DataError, match="SIGKILL"):
            workers.decode("train", [0])


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("convnet.data.workers.pool._PATIENCE", 3.0)
    monkeypatch.setattr("convnet.data.workers.pool._CHECK_INTERVAL", 0.1)


@pytest.mark.parametrize("processes", [1, 3])
def test_workers_that_hang_are_replaced(dataset, impatient, processes):
    source, said = feed(dataset, color_noise=0.1), []
    expected = {place: source.minibatch(*place) for place in positions(source)}
    files = len(os.listdir("/proc/self/fd"))
    with decoding(dataset, processes) as workers:
        workers.on_message = said.append
        minibatches(source, [(0, 0)])
        victims = [process.pid for process in workers._processes]
        for pid in victims:
            os.kill(pid, signal.SIGSTOP)
        for place, (pixels, labels) in minibatches(source).items():
            np.testing.assert_array_equal(pixels, expected[place].matrices[0])
            np.testing.assert_array_equal(labels, expected[place].labels)
        assert len(said) == 1 and "no data worker has answered for" in said[0]
        assert not any(map(alive, victims)) and len(workers._processes) == processes
        assert not workers._unanswered and not workers._requests
    assert len(os.listdir("/proc/self/fd")) == files


_HANGS = "import os, sys, time; os.read(int(sys.argv[1]), int(sys.argv[2])); time.sleep(600)"


def test_one_worker_that_hangs_among_others_that_answer(dataset, impatient, monkeypatch):
    """The first of three takes a task and never answers; its task is done again by others."""
    source, said, started = feed(dataset, color_noise=0.1), [], []
    start = Workers._start

    def start_one_that_hangs(self, tasks, answers):
        started.append(None)
        if len(started) > 1:
            return start(self, tasks, answers)
        command = [sys.executable, "-c", _HANGS, str(tasks), str(Task.form.size)]
        return subprocess.Popen(command, pass_fds=[tasks], process_group=0)

    monkeypatch.setattr(Workers, "_start", start_one_that_hangs)
    expected = {place: source.minibatch(*place) for place in positions(source)}
    with decoding(dataset, 3) as workers:
        workers.on_message = said.append
        first = [process.pid for process in workers._processes]
        for _ in range(2):  # the second time all three answer
            for place, (pixels, labels) in minibatches(source).items():
                np.testing.assert_array_equal(pixels, expected[place].matrices[0])
                np.testing.assert_array_equal(labels, expected[place].labels)
        # Once for the one that hangs; a busy machine may be too slow for this test's patience, too.
        assert said and all("no data worker has answered for" in line for line in said)
        assert len(started) == 3 + 3 * len(said) and not any(map(alive, first))
        assert not workers._unanswered and not workers._requests


def test_workers_that_hang_again_and_again_are_given_up(dataset, impatient, monkeypatch):
    source = feed(dataset)
    start = Workers._start

    def start_stopped(self, *arguments):
        process = start(self, *arguments)
        os.kill(process.pid, signal.SIGSTOP)
        return process

    monkeypatch.setattr(Workers, "_start", start_stopped)
    monkeypatch.setattr("convnet.data.workers.pool._FIRST_PATIENCE", 0.5)
    with decoding(dataset, 2) as workers:
        workers.on_message = (said := []).append
        with pytest.raises(DataError, match="no data worker has answered for .* disk"):
            minibatches(source, [(0, 0)])
        assert len(said) == 3
        with pytest.raises(DataError, match="no data worker has answered"):
            workers.decode("train", [0])


def test_idle_workers_are_left_alone(dataset, impatient):
    with decoding(dataset, 2) as workers:
        minibatches(feed(dataset), [(0, 0)])
        pids = [process.pid for process in workers._processes]
        time.sleep(4)
        minibatches(feed(dataset), [(0, 0)])
        assert [process.pid for process in workers._processes] == pids


def test_processes_threads_and_descriptors_do_not_leak(dataset):
    minibatches(feed(dataset))  # so that what stays open anyhow is, and
    gc.collect()  # what earlier tests left is not
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with decoding(dataset, 2) as workers:
            pids = [process.pid for process in workers._processes]
            assert all(os.getpgid(pid) != os.getpgid(0) for pid in pids)  # no Ctrl-C for them
            workers.decode("train", [1, 2])  # and nobody waits for it
            minibatches(feed(dataset))
        assert not any(map(alive, pids))
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files


def test_workers_end_with_a_parent_that_is_killed(folder):
    command = [sys.executable, "-m", "tests.support.orphaned_workers", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2 and all(map(alive, pids))
        parent.kill()
    wait_until(lambda: not any(map(alive, pids)))


def test_a_pending_request_fails_when_workers_end(dataset):
    with Workers(dataset, 1) as workers:
        os.kill(workers._processes[0].pid, signal.SIGSTOP)
        asked = workers.decode("train", [0])
        os.kill(workers._processes[0].pid, signal.SIGTERM)
        os.kill(workers._processes[0].pid, signal.SIGCONT)
    with pytest.raises(DataError, match="have ended|SIGTERM"), asked:
        pass


def test_workers_that_cannot_be_started(dataset, monkeypatch):
    files = len(os.listdir("/proc/self/fd"))

    def refuse(*_, **__):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(DataError, match="4 data workers cannot be started .Resource temporarily"):
        decoding(dataset, 4).__enter__()
    assert dataset.workers is None
    assert len(os.listdir("/proc/self/fd")) == files


def test_systems_without_memory_files(dataset, monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    source = feed(dataset)
    expected = source.minibatch(0, 1).matrices[0]
    with decoding(dataset, 1):
        np.testing.assert_array_equal(minibatches(source)[0, 1][0], expected)


def test_memory_is_reused_when_it_is_no_longer_referenced():
    memory = SharedMemory()
    array = memory.allocate(5000)
    address, column = array.ctypes.data, array[:4000].view(np.float32).reshape(10, 100)[:, 7:]
    assert memory.owner_of(array[:10]) is array and memory.owner_of(column) is None
    array[:] = 1
    del array
    assert memory.allocate(5000).ctypes.data != address
    assert (column.view(np.uint8) == 1).all()
    del column
    assert memory.allocate(5000).ctypes.data == address
    held = memory.allocate(1)
    memory.close()
    held[:] = 3


def test_sets_in_memory_need_no_workers():
    with decoding(open_dataset("digits"), 4) as workers:
        assert workers is None


def test_enough_minibatches_are_in_flight_to_keep_all_workers_busy(dataset):
    assert Workers(dataset, 2).minibatches_in_flight(128) == 3
    assert Workers(dataset, 16).minibatches_in_flight(128) == 9
    assert Workers(dataset, 64).minibatches_in_flight(128) == 17
    assert Workers(dataset, 2).minibatches_in_flight(1) == 5
    assert 2 * TRAIN == dataset.count("train")
