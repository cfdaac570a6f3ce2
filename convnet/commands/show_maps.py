"""`convnet show-maps`: a layer's activities for an image, as a picture or as arrays."""

from pathlib import Path

import numpy as np
from PIL import Image

from convnet import checkpoint
from convnet.cli_options.show import ShowMapsArguments
from convnet.commands.console import note, result_json
from convnet.commands.load_network import Saved, load
from convnet.commands.output_files import (
    refuse_folder,
    refuse_picture,
    write_picture,
    writing,
)
from convnet.commands.run_options import device_options
from convnet.data.input import network_input
from convnet.display import harmless
from convnet.engines import make_engine
from convnet.errors import CheckpointError, DataError
from convnet.network.given_arrays import checked_matrices
from convnet.network.network import Network
from convnet.report.filters import default_layer
from convnet.report.maps import Maps, layers_with_maps, maps_of
from convnet.report.maps_picture import Seen
from convnet.stored.arrays import write_archive
from convnet.stored.input_record import InputRecord


def show_maps(arguments: ShowMapsArguments) -> None:
    """Write a picture of the maps, or print them as JSON."""
    if not arguments.as_json:
        refuse_picture(arguments.out)
    if arguments.npz:
        refuse_folder(arguments.npz)
    saved = load(arguments.load)
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
    graph, record = saved.graph(), saved.checkpoint.input
    name = arguments.layer or default_layer(graph)
    layers_with_maps(graph, name)  # raises before the work begins
    if record is None:
        raise CheckpointError(
            f"{saved.path}: does not say how its input is made of an image; checkpoints of "
            "`convnet train` do"
        )
    seen = _seen(arguments.image, record)
    chosen = make_engine(device_options(arguments.device), graph)
    network = Network(graph, 1, chosen.engine, seed=saved.checkpoint.seed)
    checkpoint.restore(network, saved.checkpoint)
    note(f"{saved.path}, {chosen.line}")
    given = (seen.values[None],)
    network.load(checked_matrices(graph, given, 1, network.engine.real, needs_all=False))
    network.run("test")
    names = saved.checkpoint.class_names
    title = f"{name} of {saved.path} for {arguments.image.name}"
    return maps_of(graph, network.output, name, seen=seen, class_names=names, title=harmless(title))


def _seen(path: Path, record: InputRecord) -> Seen:
    """Return what the network gets of an image file.  DataError if it cannot be read."""
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB" if record.channels == 3 else "L")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from None
    side, least = record.side, min(picture.size)
    left, top = (picture.width - least) / 2, (picture.height - least) / 2
    box = (left, top, left + least, top + least)
    square = np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS, box=box))
    pixels = square[None] if square.ndim == 2 else square.transpose(2, 0, 1)
    border = (side - record.inner_size) // 2
    inner = slice(border, border + record.inner_size)
    return Seen(network_input(record, pixels[None])[0], pixels[:, inner, inner])
