"""Lists the steps of a network's programs: `convnet describe --steps`."""

from collections.abc import Iterator
from itertools import groupby

from convnet.network.crossing import bytes_sent
from convnet.network.plan import Plan
from convnet.network.record import BETWEEN_DEVICES, Step
from convnet.report.describe_table import short_count


def step_lines(plan: Plan, programs: tuple[str, ...] = ("load", "train", "test")) -> Iterator[str]:
    """Yield the lines of a listing: every step under its layer, and the counts of each program."""
    for name in programs:
        steps = plan.programs[name]
        yield f"program {name}: {len(steps)} steps"
        for layer, group in groupby(steps, key=lambda step: step.layer):
            yield f"  {layer}"
            yield from (f"    {step}" for step in group)
        yield f"  {_counts(steps, plan)}"
        yield ""


def _counts(steps: list[Step], plan: Plan) -> str:
    phases = dict.fromkeys(step.phase for step in steps)
    counted = [f"{sum(s.phase == phase for s in steps)} {phase}" for phase in phases]
    moved = [step for step in steps if step.operation in BETWEEN_DEVICES]
    size = sum(bytes_sent(step, plan) for step in moved)
    return f"{', '.join(counted)}; {len(moved)} copies between devices, {short_count(size)}B"
