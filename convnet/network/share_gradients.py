"""Let gradients of layers' outputs share memory, if none of them is needed while another one is.

A backward pass needs the gradients of a layer's output and inputs together, and hardly any others:
two buffers, used in turn, hold all gradients of a chain of layers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from convnet.network.memory import Buffer, View
from convnet.network.plan import Plan
from convnet.network.record import BETWEEN_DEVICES, Step

_Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Needed:
    """When a gradient is needed: by program, the positions of the first and last step on it."""

    buffer: Buffer
    spans: dict[str, _Span]

    def overlaps(self, other: "_Needed") -> bool:
        """Whether a program needs both gradients at the same time."""
        both = self.spans.keys() & other.spans.keys()
        return any(_overlap(self.spans[name], other.spans[name]) for name in both)


def share_gradients(plan: Plan) -> None:
    """Replace gradients in a plan by as few buffers as its programs allow.

    Those keep their memory that are read after a program, or that copies between devices read or
    write: a copy may start long before its place in the program, if its memory is free.
    """
    homes = _homes(list(_candidates(plan)))
    for name, steps in plan.programs.items():
        plan.programs[name] = [_moved(step, homes) for step in steps]
    plan.buffers = [buffer for buffer in plan.buffers if homes.get(buffer, buffer) is buffer]


def _candidates(plan: Plan) -> Iterator[_Needed]:
    kept = {view.buffer for view in plan.data_gradients.values()}
    spans: dict[Buffer, dict[str, _Span]] = {}
    for name, steps in plan.programs.items():
        for place, step in enumerate(steps):
            for buffer in {view.buffer for view in step.views()}:
                if buffer.role != "gradients":
                    continue
                first, _ = spans.setdefault(buffer, {}).get(name, (place, place))
                spans[buffer][name] = first, place
                if step.operation in BETWEEN_DEVICES:
                    kept.add(buffer)
    for buffer, found in spans.items():
        if buffer not in kept:
            yield _Needed(buffer, found)


def _homes(gradients: list[_Needed]) -> dict[Buffer, Buffer]:
    """Return the buffer that each gradient is moved to: that of the largest one that shares it."""
    groups: list[list[_Needed]] = []
    for gradient in sorted(gradients, key=lambda gradient: -gradient.buffer.rows):
        for group in groups:
            same_device = group[0].buffer.device == gradient.buffer.device
            if same_device and not any(gradient.overlaps(other) for other in group):
                group.append(gradient)
                break
        else:
            groups.append([gradient])
    return {member.buffer: group[0].buffer for group in groups for member in group}


def _overlap(one: _Span, other: _Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _moved(step: Step, homes: dict[Buffer, Buffer]) -> Step:
    arguments = (_view(a, homes) if isinstance(a, View) else a for a in step.arguments)
    return replace(step, arguments=tuple(arguments))


def _view(view: View, homes: dict[Buffer, Buffer]) -> View:
    home = homes.get(view.buffer, view.buffer)
    return view if home is view.buffer else replace(view, buffer=home, planned=view.buffer)
