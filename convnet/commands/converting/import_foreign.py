"""`convnet import` of weights of other frameworks, and of files that `convnet export` wrote."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from convnet import checkpoint
from convnet.checkpoint import Checkpoint
from convnet.checkpoint.fitting import take_fitting
from convnet.cli_options.convert import ForeignArguments, ImportArguments
from convnet.cli_options.shared import DimsArguments
from convnet.commands.build_graph import build_without_data
from convnet.commands.converting.class_names import read_class_names
from convnet.commands.converting.import_checkpoint import checkpoint_path
from convnet.commands.output.console import note, result, warn
from convnet.display import harmless
from convnet.engines import DeviceOptions, make_engine
from convnet.errors import ConvnetError, DataError
from convnet.foreign.exported import Exported, read_exported
from convnet.foreign.formats import Format, read_foreign, read_mean
from convnet.foreign.inputs import PRESETS, ForeignInput, record_of_input
from convnet.foreign.taking import Taken, table, take, with_order
from convnet.foreign.targets import PIXELS
from convnet.graph.checkpoint_facts import facts_to_store
from convnet.graph.graph import Graph
from convnet.graph.infer_inputs import declared_image
from convnet.initial import InitOptions, fill, resolve
from convnet.language.specs import RunDefaults, Specs
from convnet.network.network import Network
from convnet.stored.files import reason
from convnet.stored.input_record import InputRecord

_CROPPED = range(224, 257)  # sides of networks whose images have 256 pixels a side
_LARGE = 64  # pixels a side from which on images are larger than the network's


def import_foreign(arguments: ImportArguments, found: Format) -> None:
    """Write the checkpoint, and print what was taken."""
    out, path = checkpoint_path(arguments.out), arguments.file
    foreign = arguments.foreign
    own = None
    if arguments.spec.layers is None and foreign.map_file is None:
        own = read_exported(path, found.name)
    saved = _of_export(own, foreign) if own else _of_foreign(arguments, found)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ConvnetError(f"{out.parent}: cannot be made ({reason(problem)})") from None
    checkpoint.save(out, saved)
    result(f"checkpoint: {out}")


# -- files of convnet export -----------------------------------------------------------------------


def _of_export(own: Exported, foreign: ForeignArguments) -> Checkpoint:
    for line in own.notes:
        note(line)
    stated = (_given_input(foreign), foreign.bgr, foreign.size, foreign.upside_down or None)
    if any(each is not None for each in stated):
        raise click.UsageError(
            "a file of `convnet export` states its network's input: the options of the input need "
            "--layers, the network to take the weights."
        )
    specs = Specs.parse(own.checkpoint.layers, own.checkpoint.params)
    network = _network(own.graph, foreign.seed)
    fits = take_fitting(network, own.checkpoint)
    result(f"{own.checkpoint.path}: {len(fits)} layers, {sum(f.values for f in fits):,} parameters")
    names = read_class_names(foreign.class_names, own.graph) or own.checkpoint.class_names
    return _checkpoint(network, specs, own.checkpoint.input, names)


# -- files of other frameworks ---------------------------------------------------------------------


def _of_foreign(arguments: ImportArguments, found: Format) -> Checkpoint:
    foreign, spec = arguments.foreign, arguments.spec.with_files()
    if spec.layers is None:
        raise click.UsageError(
            f"{arguments.file} is a {found.name}, which does not hold its network: name the one to "
            "take the weights with --layers (`convnet nets` lists some)."
        )
    file = read_foreign(arguments.file, found)
    specs = Specs.read(spec.layers, spec.params)
    graph, assumed = build_without_data(specs, spec.language, DimsArguments())
    warn(specs.problems.warnings)
    if assumed:
        note(assumed)
    given = with_order(_given_input(foreign), _given_order(foreign), file)
    names = read_class_names(foreign.class_names, graph)
    record = _record(given, specs, graph, foreign.size)
    taken = take(file, graph, foreign.map_file, given, foreign.upside_down)
    _refuse_missing(taken, foreign.partial)
    network = _network(graph, foreign.seed)
    for name, array in taken.arrays.items():
        network.write(network.parameters[name], array)
    _report(taken, file.kind, record)
    return _checkpoint(network, specs, record, names)


def _given_input(foreign: ForeignArguments) -> ForeignInput | None:
    """The input that the options state; None if they state none."""
    options: dict[str, Any] = {
        "mean": _given_mean(foreign),
        "deviation": foreign.image_std,
        "scale": foreign.image_scale,
    }
    given = {key: value for key, value in options.items() if value is not None}
    if not given and foreign.pixels is None:
        return None
    return replace(PRESETS[foreign.pixels] if foreign.pixels else ForeignInput(), **given)


def _given_order(foreign: ForeignArguments) -> str:
    """The order of the channels that the options state; "" if they state none."""
    if foreign.bgr is not None:
        return "BGR" if foreign.bgr else "RGB"
    return PRESETS[foreign.pixels].order if foreign.pixels else ""


def _given_mean(foreign: ForeignArguments) -> tuple[float, ...] | np.ndarray | None:
    """The mean that is given; its image is turned with the network."""
    given = foreign.image_mean
    if not isinstance(given, Path):
        return given
    mean = read_mean(given)
    return mean[:, ::-1] if foreign.upside_down and mean.ndim == 3 else mean


def _record(
    given: ForeignInput | None, specs: Specs, graph: Graph, size: int | None
) -> InputRecord | None:
    """The record of an input that the options state, for the network's images."""
    if given is None:
        return None
    channels, inner = _image(specs, graph)
    side = size or _image_side(inner)
    if side < inner:
        raise ConvnetError(f"--size {side}: the network's images have {inner} pixels a side")
    return record_of_input(given, channels, inner, side)


def _image(specs: Specs, graph: Graph) -> tuple[int, int]:
    """(channels, side) of the images of a network."""
    channels, side = declared_image(specs.layers) or (0, 0)
    if channels * side**2 != graph.data_dims.get(PIXELS):
        path = harmless(specs.layers.source.path)
        raise DataError(
            f"{path}: declares no image size, which the record of the input needs: give the data "
            "layer channels= and imgSize="
        )
    return channels, side


def _image_side(inner: int) -> int:
    if inner in _CROPPED:
        return 256
    return inner * 8 // 7 if inner >= _LARGE else inner


def _refuse_missing(taken: Taken, partial: bool) -> None:
    missing = [target.name for target in taken.matching.missing]
    if missing and not partial:
        lines = "\n".join(table(taken.matching))
        raise DataError(
            f"{harmless(taken.matching.file.path)}: has no weights for {', '.join(missing)}; give "
            f"--map to name them, or --partial to keep their initial values\n{lines}"
        )


def _report(taken: Taken, kind: str, record: InputRecord | None) -> None:
    matching = taken.matching
    result(f"{harmless(matching.file.path)}: {kind}, layers found {matching.how}")
    for line in table(matching):
        result(line)
    result(f"  {len(taken.layers)} layers with {taken.values:,} parameters taken")
    for line in (*matching.file.notes, *taken.notes):
        note(harmless(line))
    for target in matching.missing:
        note(f"{target.name} keeps its initial values (--partial)")
    if record is None:
        note(
            "how the network's input is made of an image is not known: give --pixels, or "
            "--image-mean and the like, so that `convnet predict` can make it"
        )


# -- both ------------------------------------------------------------------------------------------


def _network(graph: Graph, seed: int) -> Network:
    """A network with its initial values, whose memory is that of one case."""
    engine = make_engine(DeviceOptions("cpu"), graph).engine
    network = Network(graph, 1, engine, seed=seed)
    options = InitOptions(ignore=True)
    fill(network, resolve(graph, options)[0], options)
    return network


def _checkpoint(
    network: Network, specs: Specs, record: InputRecord | None, names: tuple[str, ...]
) -> Checkpoint:
    defaults = RunDefaults(specs.params, specs.problems)
    options = {
        **facts_to_store(network.graph),
        "minibatch": defaults.minibatch,
        "epochs": defaults.epochs,
    }
    return Checkpoint.of(network, options=options, input=record, class_names=names, number=1)
