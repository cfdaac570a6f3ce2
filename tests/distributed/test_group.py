"""What ranks agree on, and how signals and bad data of one reach all."""

import signal
from types import SimpleNamespace

import numpy as np
import pytest

from convnet.distributed.group import Alone, Ranks
from convnet.distributed.waiting import Waiting
from convnet.errors import DataError
from convnet.train.agreed import SharedDataError, settle_requests, wait_together
from convnet.train.signals import Interrupted, Signals
from tests.support.thread_ranks import on_ranks


def of_groups(size, work):
    return on_ranks(size, lambda transport: work(Ranks(transport, 60)))


def test_agreeing_and_sharing():
    def work(group):
        found = group.agree(group.rank, -group.rank, 2**40)
        values = group.all_values({"rank": group.rank, "text": "é\udcff"})
        return found, group.share([group.rank], 2), values, group.is_first

    for rank, (found, shared, values, first) in enumerate(of_groups(3, work)):
        assert found == [2, 0, 2**40] and shared == [2]
        assert values == [{"rank": each, "text": "é\udcff"} for each in range(3)]
        assert first == (rank == 0)
    assert Alone().agree(3, 4) == [3, 4] and Alone().share("x") == "x"


def caught(number=None):
    signals = Signals(agrees=True)
    if number:
        signals._on_stop(number, None)
    return signals


def test_a_signal_at_one_rank_interrupts_the_waits_of_all():
    def work(group):
        signals = caught(signal.SIGTERM if group.rank == 1 else None)
        assert signals.stop is None  # not before all have agreed
        with pytest.raises(Interrupted):
            wait_together(group, signals, lambda: 1)
        return signals.stop

    assert of_groups(3, work) == [signal.SIGTERM] * 3


def test_bad_data_at_one_rank_is_an_error_at_all():
    def read(rank):
        if rank == 2:
            raise DataError("image 7 is damaged")
        return rank

    def work(group):
        signals = caught()
        assert wait_together(group, signals, lambda: group.rank) == group.rank
        with pytest.raises(SharedDataError, match="image 7 is damaged"):
            wait_together(group, signals, lambda: read(group.rank))
        return True

    assert all(of_groups(3, work))


def test_requests_are_settled_between_minibatches():
    def work(group):
        signals = caught(signal.SIGINT if group.rank == 0 else None)
        signals._on_save(signal.SIGUSR1, None) if group.rank == 1 else None
        assert signals.stop is None and not signals.save
        retry = settle_requests(group, signals, group.rank == 1)
        return signals.stop, signals.take_save(), retry

    assert of_groups(2, work) == [(signal.SIGINT, True, True)] * 2


@pytest.mark.parametrize("other", [None, signal.SIGTERM])
def test_signals_that_arrive_while_ranks_agree_are_not_lost(other):
    class Late(Ranks):
        """Is asked to stop and to save when it has said that it was not."""

        def agree(self, *numbers):
            found = super().agree(*numbers)
            if self.rank == 1:
                signals[1]._on_stop(signal.SIGINT, None)
                signals[1]._on_save(signal.SIGUSR1, None)
            return found

    signals = [caught(other), caught()]

    def work(transport):
        group, mine = Late(transport, 60), signals[transport.rank]
        settle_requests(group, mine, False)
        first = mine.stop, mine.take_save()
        settle_requests(Ranks(transport, 60), mine, False)
        return first, (mine.stop, mine.take_save())

    later = (other or signal.SIGINT, True)
    assert on_ranks(2, work) == [((other, False), later)] * 2


def test_one_process_is_asked_at_once():
    signals = Signals()
    signals._on_save(signal.SIGUSR1, None)
    signals._on_stop(signal.SIGINT, None)
    assert signals.stop == signal.SIGINT and signals.take_save()
    assert settle_requests(Alone(), signals, True) and not settle_requests(Alone(), signals, False)


class Never:
    def start(self):
        pass

    def is_done(self):
        return False


def test_a_wait_ends_after_its_timeout_with_the_ranks_waited_for():
    def give_up(ranks, seconds):
        raise TimeoutError(list(ranks), seconds)

    waiting = Waiting(0.3, give_up)
    with pytest.raises(TimeoutError) as found:
        waiting.complete(Never(), (3,))
    ranks, seconds = found.value.args
    assert ranks == [3] and 0.3 < seconds < 5


def test_progress_calls_what_is_not_done():
    """MPI goes on with all messages where one is asked for, unless that one is over."""
    asked = []

    def request(name, done):
        return SimpleNamespace(start=lambda: None, is_done=lambda: asked.append(name) or done)

    waiting = Waiting(60, lambda *_: None)
    for each in (request("over", True), request("under way", False), request("later", False)):
        waiting.start(each)
    waiting.progress()
    assert asked == ["over", "under way"]


def test_arrays_are_shared_whole():
    text = "x" * 100_000
    assert of_groups(2, lambda group: group.share(text if group.is_first else None)) == [text] * 2
    assert np.array_equal(of_groups(2, lambda g: g.agree(*range(50)))[0], range(50))
