"""Print predictions for 2 to 1,024 devices, and draw them: `python -m benchmarks.scaling`."""

import argparse
from dataclasses import asdict
from pathlib import Path

import msgspec

from benchmarks.scaling.from_plan import Link
from benchmarks.scaling.growth import WAYS, Prediction, predict
from benchmarks.scaling.plot import plot
from benchmarks.scaling.profile import Layer, Profile, measure, read_profile
from benchmarks.tables import processor, table

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "benchmarks/results/scaling.json"
PICTURE = ROOT / "docs/scaling.svg"
DEVICES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def main() -> None:
    """Read the options, predict, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure the layers again first")
    parser.add_argument("--minibatch", type=int, default=128, help="cases that are measured")
    parser.add_argument("--step", type=float, default=0.392, help="seconds of a step on a device")
    parser.add_argument("--latency", type=float, default=20e-6, help="seconds of any message")
    parser.add_argument("--bandwidth", type=float, default=6e9, help="bytes a second, each way")
    parser.add_argument("--out", type=Path, default=PICTURE, help="the picture")
    given = parser.parse_args()
    if given.measure:
        PROFILE.write_bytes(msgspec.json.format(msgspec.json.encode(_measured(given.minibatch))))
    profile = scaled(read_profile(PROFILE), given.step)
    link = Link(given.latency, given.bandwidth)
    found = predictions(profile, link)
    print(f"Predicted for {profile.network}, {profile.minibatch} cases a device, steps of "
          f"{given.step:g} s, messages of {given.latency * 1e6:g} us + bytes / "
          f"{given.bandwidth / 1e9:g} GB/s")  # fmt: skip
    print(table([asdict(each) for each in found]))
    given.out.write_text(plot(found), encoding="utf-8")


def predictions(profile: Profile, link: Link) -> list[Prediction]:
    """Return the predictions for each way and number of devices."""
    return [predict(profile, way, devices, link) for way in WAYS for devices in DEVICES]


def scaled(profile: Profile, seconds: float) -> Profile:
    """Return a profile whose step takes so many seconds, each layer the same share of it."""
    factor = seconds / profile.seconds
    layers = [
        msgspec.structs.replace(
            each,
            forward=each.forward * factor,
            backward=each.backward * factor,
            update=each.update * factor,
        )
        for each in profile.layers
    ]
    return msgspec.structs.replace(profile, layers=layers)


def _measured(minibatch: int) -> Profile:
    from convnet.backends.cpu.engine import Engine
    from convnet.graph.build import build
    from convnet.graph.guess_sizes import infer_dims
    from convnet.language.specs import Specs
    from convnet.network.network import Network

    name = "alexnet-groups"
    specs = Specs.read(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params")
    dims, _ = infer_dims(specs.layers, None, None)
    graph = build(specs.layers, specs.params, specs.problems, data_dims=dims)
    network = Network(graph, minibatch, Engine(), seed=1)
    found = measure(network, name, processor())
    rounded = [_rounded(layer) for layer in found.layers]
    return msgspec.structs.replace(found, layers=rounded)


def _rounded(layer: Layer) -> Layer:
    times = {each: round(getattr(layer, each), 5) for each in ("forward", "backward", "update")}
    return msgspec.structs.replace(layer, **times)


if __name__ == "__main__":
    main()
