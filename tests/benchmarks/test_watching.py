"""The benchmark of watching: steps a second of runs that are stopped in between."""

import json

import pytest

from benchmarks.watching import active_rates, compared, rate, steps_at


def test_steps_of_a_run_that_is_stopped_between_its_turns():
    """Turns 0..10 and 100..110; a step a second, recorded every three; one lies over the pause."""
    times = [3.0, 6.0, 9.0, 102.0, 105.0, 108.0, 120.0]
    found = active_rates((times, [3, 6, 9, 12, 15, 18, 30]), [(0.0, 10.0), (100.0, 110.0)])
    assert found == pytest.approx([0.7, 0.8]), "nothing is known before 3 and after 108"
    dense = [number / 10 for number in range(101)]
    both = [*dense, *(100 + moment for moment in dense[1:])]
    steps = [*range(101), *range(101, 201)]
    assert active_rates((both, steps), [(0.0, 10.0), (100.0, 110.0)]) == pytest.approx([10, 10])


def test_steps_between_records(tmp_path):
    lines = [
        {"event": "train", "step": step, "time": f"2026-01-01T00:00:{second:02}+00:00"}
        for step, second in ((10, 0), (20, 10), (60, 20))
    ]
    text = "".join(json.dumps(line) + "\n" for line in [*lines, {"event": "save"}])
    (tmp_path / "journal.jsonl").write_text(text)
    steps = steps_at(tmp_path)
    start = 1767225600.0  # 2026-01-01 UTC
    assert steps(start + 5) == pytest.approx(15)
    assert rate(steps, (start + 5, start + 15)) == pytest.approx(2.5)


def test_a_row_holds_the_mean_ratio_and_its_error():
    row = compared("x", [(9.0, 10.0), (11.0, 10.0)], more=1)
    assert (row["ratio"], row["+-"], row["more"]) == ("1.0000", "0.1000", 1)
