"""`convnet show-filters` and `show-cost`: pictures from checkpoints and journals."""

from pathlib import Path

from convnet.cli_options.show import ShowCostArguments, ShowFiltersArguments
from convnet.commands.load_network import find, load
from convnet.commands.output.console import note, result, result_json
from convnet.commands.output.drawings import refuse_drawing, write_drawing
from convnet.commands.output.output_files import refuse_picture, write_picture
from convnet.display import harmless
from convnet.journal import of_checkpoint, read
from convnet.report.curves import CurveOptions, Records, curves_scene, table_of_tests
from convnet.report.filters import FilterOptions, layer_picture


def show_filters(arguments: ShowFiltersArguments) -> None:
    """Write a picture of a layer's filters."""
    refuse_picture(arguments.out)
    saved = load(arguments.load)
    picture = layer_picture(
        saved.graph(),
        saved.weights,
        arguments.layer,
        FilterOptions(
            index=arguments.input_index,
            channels=arguments.channels or 0,
            plane=arguments.plane,
            norm_filters=arguments.norm_filters,
            no_rgb=arguments.no_rgb,
            yuv_to_rgb=arguments.yuv_to_rgb,
        ),
    )
    note(f"{saved.path}")
    write_picture(picture, arguments.out)


def show_cost(arguments: ShowCostArguments) -> None:
    """Print the tests of some runs and plot their costs, or print their journals as JSON."""
    if not arguments.as_json:
        refuse_drawing(arguments.out)
    runs = _journals(arguments.load)
    if arguments.as_json:
        (first, *others) = runs.values()
        result_json(runs if others else first)
        return
    for name, records in runs.items():
        if len(runs) > 1:
            result(f"{harmless(name)}:")
        result(table_of_tests(records, arguments.cost).rstrip())
    options = CurveOptions(arguments.cost, arguments.log, arguments.rates, arguments.raw)
    scene = curves_scene(runs if len(runs) > 1 else {"": next(iter(runs.values()))}, options)
    write_drawing(scene, arguments.out, arguments.theme)


def _journals(loads: tuple[Path, ...]) -> dict[str, Records]:
    """The records of runs by the names of their folders; by their paths where names are equal."""
    paths = [of_checkpoint(find(load)) for load in loads or (None,)]
    paths = list(dict.fromkeys(path.resolve() for path in paths))
    names = [path.parent.name for path in paths]
    keys = names if len(set(names)) == len(names) else [str(path) for path in paths]
    return {key: read(path, note) for key, path in zip(keys, paths, strict=True)}
