"""When each step of a program ran, and where: a file for trace viewers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from convnet.network.record import Step


@dataclass(frozen=True)
class Span:
    """A step's time.  device, queue: names of its place; times in microseconds from any origin."""

    step: Step
    device: str
    queue: str
    start: float
    duration: float


def write_trace(path: Path, spans: list[Span]) -> None:
    """A JSON file in Chrome's trace event format; chrome://tracing and Perfetto show it."""
    events = [*_names(spans), *map(_event, spans)]
    text = json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})
    path.write_text(text + "\n", encoding="utf-8")


def _event(span: Span) -> dict[str, object]:
    step = span.step
    return {
        "ph": "X",
        "name": f"{step.layer} {step.operation}",
        "cat": step.phase,
        "pid": span.device,
        "tid": span.queue,
        "ts": round(span.start, 3),
        "dur": round(span.duration, 3),
        "args": {"step": str(step), "pass": step.number},
    }


def _names(spans: list[Span]) -> Iterator[dict[str, object]]:
    for device in dict.fromkeys(span.device for span in spans):
        yield {"ph": "M", "name": "process_name", "pid": device, "args": {"name": device}}
