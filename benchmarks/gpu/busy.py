"""When a GPU computes and when it is idle, by PyTorch's profiler, which records all kernels."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch

STEPS = 3
LONGEST = 12
DEVICE_WORK = ("kernel", "gpu_memcpy", "gpu_memset")


def busy(call: Callable[[], object], wait: Callable[[], object], steps: int = STEPS) -> dict:
    """Run some steps in a row; return milliseconds a step, and the idle share of the GPU."""
    wait()
    with torch.profiler.profile(activities=_activities()) as profiler:
        for _ in range(steps):
            call()
        wait()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return summary(events, steps)


def _activities():
    kinds = torch.profiler.ProfilerActivity
    return [kinds.CUDA] if torch.cuda.is_available() else [kinds.CPU]


def summary(events: list[dict], steps: int) -> dict:
    """Summarize events of Chrome's trace format, whose times are microseconds."""
    work = [e for e in events if e.get("ph") == "X" and e.get("cat") in DEVICE_WORK]
    if not work:
        return {"kernels": 0}
    spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in work)
    whole = max(end for _, end in spans) - spans[0][0]
    by_name: dict[str, float] = defaultdict(float)
    for event in work:
        by_name[event["name"]] += event["dur"] / steps
    longest = sorted(by_name.items(), key=lambda item: -item[1])[:LONGEST]
    return {
        "kernels": round(len(work) / steps),
        "ms": round(whole / steps / 1e3, 4),
        "idle share": round(1 - covered(spans) / whole, 4),
        "longest us": {name[:80]: round(duration, 1) for name, duration in longest},
    }


def covered(spans: list[tuple[float, float]]) -> float:
    """Return the length of the union of sorted intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in spans:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
