"""`convnet show-maps`: a layer's activities for an image, as a picture or as arrays."""

from pathlib import Path

from convnet import checkpoint
from convnet.cli_options.show import ShowMapsArguments
from convnet.commands.load_network import load
from convnet.commands.output.console import note, result_json
from convnet.commands.output.output_files import (
    refuse_folder,
    refuse_picture,
    write_picture,
    writing,
)
from convnet.commands.run_options import device_options
from convnet.display import harmless
from convnet.engines import make_engine
from convnet.errors import DataError
from convnet.network.given_arrays import checked_matrices
from convnet.network.network import Network
from convnet.predict.pictures import picture_squares, record_of
from convnet.report.figures.maps import Seen
from convnet.report.filters import default_layer
from convnet.report.maps import Maps, layers_with_maps, maps_of, seen_of
from convnet.runs.saved import Saved
from convnet.stored.arrays import write_archive


def show_maps(arguments: ShowMapsArguments) -> None:
    """Write a picture of the maps, or print them as JSON."""
    if not arguments.as_json:
        refuse_picture(arguments.out)
    if arguments.npz:
        refuse_folder(arguments.npz)
    saved = load(arguments.load, for_test=True)
    maps = _maps(saved, arguments)
    if arguments.npz:
        _write_arrays(maps, arguments.npz)
    if arguments.as_json:
        about = {"checkpoint": str(saved.path), "image": str(arguments.image)}
        result_json({**about, **maps.facts()})
        return
    write_picture(maps.figure(norm_maps=arguments.norm_maps), arguments.out)


def _write_arrays(maps: Maps, out: Path) -> None:
    seen = {"input": maps.seen.values} if maps.seen else {}
    arrays = {**seen, **maps.arrays}
    with writing(out) as temporary:
        write_archive(temporary, arrays)
    note(f"{out}: {', '.join(arrays)}")


def _maps(saved: Saved, arguments: ShowMapsArguments) -> Maps:
    graph, stored = saved.graph(), saved.checkpoint
    name = arguments.layer or default_layer(graph)
    layers_with_maps(graph, name)  # raises before the work begins
    seen = _seen(saved, arguments.image)
    chosen = make_engine(device_options(arguments.device), graph)
    network = Network(graph, 1, chosen.engine, seed=stored.seed, only_tests=True, initialize=False)
    checkpoint.restore(network, stored)
    note(f"{saved.path}, {chosen.line}")
    given = (seen.values[None],)
    network.load(checked_matrices(graph, given, 1, network.engine.real, needs_all=False))
    network.run("test")
    title = harmless(f"{name} of {saved.path} for {arguments.image.name}")
    names = stored.class_names
    return maps_of(graph, network.output, name, seen=seen, class_names=names, title=title)


def _seen(saved: Saved, image: Path) -> Seen:
    """Return what the network gets of an image file."""
    if image.is_dir():
        raise DataError(f"{image}: is a folder; give one image")
    record = record_of(saved.checkpoint.input, harmless(str(saved.path)))
    return seen_of(record, picture_squares(record, [image])[:1])
