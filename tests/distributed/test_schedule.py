"""When messages start and are waited for."""

import pytest

from convnet.distributed.placement import Placement
from convnet.distributed.schedule import Segment, Start, Wait, schedule
from convnet.network.memory import Buffer
from convnet.network.record import Recorder
from convnet.operations import elementwise, transfer

SIZES = (4,)


def buffers(device, count=3, rows=8, **options):
    return [Buffer(f"{device}.{n}", device, rows, "activities", **options) for n in range(count)]


def scale(ops, source, target):
    elementwise.scale(ops, source, target, 1.0, False)


def shown(items, names):
    """Items as words: numbers of steps, +message and -message."""
    words = []
    for item in items:
        if isinstance(item, Segment):
            words += [names[id(step)] for step in item.steps]
        elif isinstance(item, Start):
            words.append(f"+{item.message.number}")
        else:
            assert isinstance(item, Wait)
            words.append(f"-{item.message.number}")
    return " ".join(words)


def of_rank(steps, rank, ranks=(0, 1), sizes=SIZES):
    names = {id(step): str(number) for number, step in enumerate(steps)}
    placement = Placement(ranks, max(ranks) + 1)
    return shown(schedule(steps, sizes, placement, rank), names)


def test_a_message_starts_behind_the_last_write_and_is_waited_for_before_the_next_access():
    ops = Recorder()
    (a, b, c), (p, q, r) = ([x.view() for x in buffers(d)] for d in (0, 1))
    scale(ops, a, b)  # 0: writes what is sent
    scale(ops, a, c)  # 1
    scale(ops, p, q)  # 2: reads where it arrives
    scale(ops, q, r)  # 3
    transfer.copy(ops, b, p)  # 4
    scale(ops, q, r)  # 5
    scale(ops, b, c)  # 6: only reads what is sent
    scale(ops, p, q)  # 7
    scale(ops, c, b)  # 8: writes it
    assert of_rank(ops.steps, 0) == "0 +0 1 6 -0 8"
    assert of_rank(ops.steps, 1) == "2 +0 3 5 -0 7"


def test_rows_count_and_not_whole_buffers():
    ops = Recorder()
    (a, b), (p, q) = ([x.view() for x in buffers(d, 2)] for d in (0, 1))
    scale(ops, a.rows(0, 4), b.rows(0, 4))  # 0
    scale(ops, a.rows(4, 4), b.rows(4, 4))  # 1
    scale(ops, p.rows(4, 4), q.rows(4, 4))  # 2
    transfer.copy(ops, b.rows(0, 4), p.rows(0, 4))  # 3
    scale(ops, p.rows(4, 4), q.rows(4, 4))  # 4
    scale(ops, a.rows(4, 4), b.rows(4, 4))  # 5
    assert of_rank(ops.steps, 0) == "0 +0 1 5 -0"
    assert of_rank(ops.steps, 1) == "+0 2 4 -0"


def test_what_one_message_brings_another_one_sends_on():
    ops = Recorder()
    (a,), (b,), (c,) = ([x.view() for x in buffers(d, 1)] for d in (0, 1, 2))
    transfer.copy(ops, a, b)
    transfer.copy(ops, b, c)
    assert of_rank(ops.steps, 1, (0, 1, 2)) == "+0 -0 +1 -1"


def test_memory_that_a_message_is_arriving_in_is_not_offered_again():
    """The second message touches rows of the first one; a step between them does not."""
    ops = Recorder()
    (a, b), (p, q) = ([x.view() for x in buffers(d, 2)] for d in (0, 1))
    transfer.copy(ops, a.rows(0, 4), p.rows(0, 4))
    scale(ops, p.rows(4, 4), q.rows(4, 4))  # 1
    transfer.copy(ops, b, p)
    assert of_rank(ops.steps, 1) == "+0 1 -0 +1 -1"


def test_microbatches_of_other_sizes_overlap_where_their_values_do():
    """Rows 4 to 8 of two cases are where rows 2 to 4 of four cases are."""
    ops = Recorder()
    (a,), (p, q) = [x.view() for x in buffers(0, 1)], [x.view() for x in buffers(1, 2)]
    ops.microbatch = 0
    transfer.copy(ops, a.rows(2, 2), p.rows(2, 2))
    ops.microbatch = 1
    scale(ops, p.rows(4, 4), q.rows(4, 4))  # 1
    assert of_rank(ops.steps, 1, sizes=(4, 2)) == "+0 -0 1"
    assert of_rank(ops.steps, 1, sizes=(4, 4)) == "+0 1 -0"


def test_steps_on_empty_microbatches_are_left_out_on_both_sides():
    ops = Recorder()
    (a,), (p,) = ([x.view() for x in buffers(d, 1)] for d in (0, 1))
    ops.microbatch = 1
    transfer.copy(ops, a, p)
    assert of_rank(ops.steps, 0, sizes=(4, 0)) == of_rank(ops.steps, 1, sizes=(4, 0)) == ""


@pytest.mark.parametrize("ranks", [(0, 0), (1, 1)])
def test_copies_within_a_rank_are_steps(ranks):
    ops = Recorder()
    (a,), (p,) = ([x.view() for x in buffers(d, 1)] for d in (0, 1))
    transfer.copy(ops, a, p)
    assert of_rank(ops.steps, ranks[0], ranks) == "0"
