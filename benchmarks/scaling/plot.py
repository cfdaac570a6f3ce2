"""A picture of predicted speedups, as SVG: devices and speedups on logarithmic axes."""

from math import log2

from benchmarks.scaling.growth import Prediction

WIDTH, HEIGHT = 640, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 120, 40, 50
MOST = 10  # powers of two on either axis
COLORS = {"data": "#1f6fb4", "model": "#b3432b", "hybrid": "#2e8540", "balanced hybrid": "#8a5fb0"}


def plot(found: list[Prediction]) -> str:
    """Return the picture: a line for each way of parallelism while it is faster than one device."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 22, "Predicted speedup of AlexNet, 128 cases a device", "middle", 15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "devices", "middle"),
        f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
        'text-anchor="middle">speedup</text>',
    ]
    for power in range(MOST + 1):
        x, y = _place(2**power, 2**power)
        parts += [
            f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y:.1f}H{WIDTH - RIGHT}" '
            'stroke="#ddd" fill="none"/>',
            _text(x, HEIGHT - BOTTOM + 16, f"{2**power:,}", "middle"),
            _text(LEFT - 8, y + 4, f"{2**power:,}", "end"),
        ]
    parts.append(_line([_place(1, 1), _place(2**MOST, 2**MOST)], "#888", "5 4"))
    parts.append(_text(*_beside(_place(2**MOST, 2**MOST)), "ideal"))
    for way, color in COLORS.items():
        mine = [each for each in found if each.way == way and each.speedup >= 1]
        places = [_place(each.devices, each.speedup) for each in mine]
        parts += [_line(places, color), _text(*_beside(places[-1]), way, color=color)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _place(devices: float, speedup: float) -> tuple[float, float]:
    across = (WIDTH - LEFT - RIGHT) / MOST
    up = (HEIGHT - TOP - BOTTOM) / MOST
    return LEFT + across * log2(devices), HEIGHT - BOTTOM - up * log2(speedup)


def _beside(place: tuple[float, float]) -> tuple[float, float]:
    return place[0] + 8, place[1] + 4


def _line(places: list[tuple[float, float]], color: str, dashes: str = "") -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"{dashed}/>'


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: int = 12, color: str = "#222"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{color}">{text}</text>'
    )
