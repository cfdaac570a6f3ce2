"""The host's time for a training step of AlexNet on the CUDA engine, without a GPU.

`python -m benchmarks.host_time`: in Numba's simulator, with a stand-in for the launch of the graph.
What the driver's calls take is not in it; `make gpu` measures that.  Prints microseconds.
"""

import os
import time
from statistics import median
from types import SimpleNamespace

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

from benchmarks.gpu import ours  # noqa: E402
from benchmarks.gpu.settings import Settings  # noqa: E402
from convnet.backends.cuda.runtime.program import Program  # noqa: E402

REPEATS = 500
TINY = Settings(True, (2,), 16, 67, 1, ("fp32",), "cpu")


def main() -> None:
    replay = SimpleNamespace(launch=lambda: None)
    Program._graph_of = lambda self, _: None if self.steps[0].phase == "load" else replay
    graph = ours.alexnet(TINY)
    network, matrices = ours.network(graph, 2), ours.matrices(graph, 2)
    calls = {
        "set the rates": lambda: network.set_rates(0.0),
        "run": lambda: network.run("train"),
        "load ahead, a tiny minibatch": lambda: network.load_ahead(matrices),
    }
    for name, call in calls.items():
        print(f"{name:28} {1e6 * median(_seconds(call) for _ in range(REPEATS)):6.1f}")


def _seconds(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
