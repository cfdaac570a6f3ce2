"""The measurements as tables, from the records of the parts.  It needs only Python."""

from benchmarks.tables import table


def tables(parts: dict[str, dict]) -> list[str]:
    """Return the tables of the parts that were run, as texts."""
    found = []
    for name, make in MADE.items():
        records = parts.get(name, {}).get("records", [])
        figures = {r["name"]: r["figures"] for r in records if r.get("figures")}
        found += make(figures)
    return found


def _titled(title: str, rows: list[dict]) -> list[str]:
    return [f"{title}\n{table(rows)}"] if rows else []


# -- whole steps ------------------------------------------------------------------


def steps(figures: dict[str, dict]) -> list[str]:
    """Training and test steps, then the host's time, gaps and two devices."""
    rows = [
        step_row(name, program, found[program])
        for name, found in figures.items()
        if name.startswith("step ")
        for program in ("train", "test")
        if program in found
    ]
    peaks = figures.get("peaks", {}).get("shown", {})
    shown = ["measured peaks: " + ", ".join(f"{k} {v}" for k, v in peaks.items())] if peaks else []
    shown += _titled("AlexNet (ratio: PyTorch's best time / ours; floor / ours)", rows)
    shown += _titled("host", _other_rows(figures, "host "))
    gaps = {name: _gap(found) for name, found in figures.items() if name.startswith("gaps ")}
    shown += _titled("gaps", [{"": name, **row} for name, row in gaps.items()])
    devices = [
        {"": name, "two / one": _inverse(found.get("two / one")), **_times(found["times"])}
        for name, found in figures.items()
        if name.startswith("two devices ")
    ]
    return shown + _titled("two logical devices on one card", devices)


def step_row(name: str, program: str, found: dict) -> dict:
    times = found["times"]
    return {
        "": f"{name.removeprefix('step ')} {program}",
        "ours ms": times.get("ours", {}).get("ms"),
        "uploading": times.get("ours, upload", {}).get("ms"),
        "torch ms": times.get(found.get("best torch"), {}).get("ms"),
        "best of torch": found.get("best torch") or "-",
        "ratio": found.get("ratio"),
        "floor": found.get("share of floor"),
    }


def _other_rows(figures, start):
    return [{"": name, **found} for name, found in figures.items() if name.startswith(start)]


def _gap(found):
    rows = {}
    for who, figures in found.items():
        rows |= {f"{who} {key}": figures.get(key) for key in ("ms", "idle share", "kernels")}
    return rows


def _times(times):
    return {f"{name} ms": found.get("ms") for name, found in times.items()}


def _inverse(ratio):
    return round(1 / ratio, 3) if ratio else None


# -- single layers ------------------------------------------------------------------


def layers(figures: dict[str, dict]) -> list[str]:
    """Return products by precision, then kernels that only move memory."""
    products, moved = [], []
    for name, found in figures.items():
        for precision, judged in found.get("by precision", {}).items():
            row = layer_row(name, precision, judged)
            (products if found["flops"] else moved).append(row)
    title = "layers (ratio: PyTorch's time / ours; floor / ours)"
    return _titled(title, products) + _titled("kernels that only move memory", moved)


def layer_row(name: str, precision: str, judged: dict) -> dict:
    times = judged["times"]
    others = [t["ms"] for n, t in times.items() if n != "ours" and "ms" in t]
    row = {
        "": name,
        "in": precision,
        "ours us": _micro(times["ours"].get("ms")),
        "torch us": _micro(min(others, default=None)),
        "ratio": judged.get("ratio"),
    }
    share = "bandwidth share" if "bandwidth share" in judged else "share of floor"
    return {**row, "floor": judged.get(share)}


def _micro(ms):
    return None if ms is None else round(1e3 * ms, 2)


# -- errors ------------------------------------------------------------------


def sizes(figures: dict[str, dict]) -> list[str]:
    return _titled("AlexNet's steps at their real sizes, against float64", _worst(figures))


def cases(figures: dict[str, dict]) -> list[str]:
    return _titled("the table of cases, against float64", _worst(figures))


def _worst(figures):
    """The largest error in each precision or program, and where."""
    worst: dict[str, tuple[float, str]] = {}
    for name, found in figures.items():
        for precision, error in found.items():
            worst[precision] = max(worst.get(precision, (0.0, "")), (error, name))
    return [{"in": p, "largest error": f"{e:.1e}", "of": n} for p, (e, n) in worst.items()]


# -- others ------------------------------------------------------------------


def listed(figures: dict[str, dict]) -> list[str]:
    """A line for each check."""
    rows = [f"{name}: {', '.join(f'{k} {v}' for k, v in f.items())}" for name, f in figures.items()]
    return ["\n".join(rows)] if rows else []


MADE = {
    "smoke": listed,
    "compile": listed,
    "cases": cases,
    "sizes": sizes,
    "steps": steps,
    "layers": layers,
    "training": listed,
    "sanitizer": listed,
}
