"""The parts of `make gpu`, the most informative first: two minutes show AlexNet's steps right."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A module of this package, or `tests/gpu`.

    seconds: its time limit; all limits together are below eight minutes.
    """

    name: str
    seconds: int
    shows: str


PARTS = (
    Part("smoke", 30, "a launch, products in each precision, copies, streams, a captured graph"),
    Part("compile", 55, "AlexNet's kernels, compiled by all cores before they are needed"),
    Part("sizes", 45, "each step of AlexNet at 128 cases against float64, in each precision"),
    Part("steps", 90, "AlexNet's training and test step beside PyTorch, and the floors"),
    Part("cases", 100, "the table of cases against the CPU engine, with and without graphs"),
    Part("layers", 55, "each layer in each direction beside PyTorch; shares of the bandwidth"),
    Part("training", 60, "digits to its accuracy, resuming, traces, AlexNet on two devices"),
    Part("sanitizer", 35, "compute-sanitizer on a few cases, where it is installed"),
)
NAMES = tuple(part.name for part in PARTS)
WHOLE_SECONDS = 475  # of all parts together


def chosen(names: str) -> list[Part]:
    """Return the parts of a list such as "smoke,cases", in the order of PARTS; all for "".

    ValueError for unknown names.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        raise ValueError(f"there is no part {', '.join(unknown)}; parts: {', '.join(NAMES)}")
    return [part for part in PARTS if not wanted or part.name in wanted]
