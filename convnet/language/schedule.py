"""Learning-rate schedules: pure functions of the progress of training (docs/dialect.md, 6.4)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

KINDS = ("const", "linear", "exp", "dexp", "jdexp")


@dataclass(frozen=True)
class Schedule:
    """A learning rate over the run: `base` at the start, `base / factor` at the end.

    steps: plateaus of dexp and jdexp.  noise: standard deviation of the multiplicative noise,
    which is sampled again at every use of the rate.
    """

    kind: str = "const"
    base: float = 0.0
    factor: float = 1.0
    steps: int = 1
    noise: float = 0.0

    def with_base(self, base: float) -> "Schedule":
        """Return the same schedule from another base."""
        return replace(self, base=base)

    def rate(self, progress: float) -> float:
        """Return the rate at `progress`, a number from 0 to 1, without noise."""
        if self.kind == "linear":
            return self.base * (1 - progress) + self.base / self.factor * progress
        if self.kind == "exp":
            exponential: float = self.base * self.factor ** (-progress)
            return exponential
        if self.kind == "dexp":
            return self._plateau(self._step(progress))
        if self.kind == "jdexp":
            return self._jdexp(progress)
        return self.base

    def _step(self, progress: float) -> int:
        return max(0, min(self.steps - 1, math.ceil(progress * self.steps) - 1))

    def _plateau(self, step: int) -> float:
        if step == self.steps - 1:
            return self.base / self.factor
        plateau: float = self.base * self.factor ** (-step / (self.steps - 1))
        return plateau

    def _jdexp(self, progress: float) -> float:
        """dexp, but in the second half of a plateau its geometric mean with the one before."""
        step = self._step(progress)
        late = progress > (step + 0.5) / self.steps
        if step > 0 and 0.2 < progress < 0.9 and late:
            return math.sqrt(self._plateau(step) * self._plateau(step - 1))
        return self._plateau(step)

    def noisy_rate(self, progress: float, normal: Callable[[], float]) -> float:
        """Return the rate times (1 + |N(0,1)|·noise); `normal()` samples the N(0,1)."""
        rate = self.rate(progress)
        return rate * (1 + abs(normal()) * self.noise) if self.noise > 0 else rate

    def parameters(self) -> dict[str, float]:
        """Return the parameters beside the base, by their names in the spec language."""
        if self.kind == "const":
            return {}
        if self.kind in ("dexp", "jdexp"):
            return {"tgtFactor": self.factor, "numSteps": self.steps}
        return {"tgtFactor": self.factor}

    def __str__(self) -> str:
        if self.kind == "const":
            return f"{self.base:g}"
        parts = [f"base={self.base:g}"]
        parts += [f"{name}={value:g}" for name, value in self.parameters().items()]
        if self.noise:
            parts.append(f"noiseStdev={self.noise:g}")
        return f"{self.kind}[{';'.join(parts)}]"
