"""`convnet show-filters` and `show-cost`: pictures from checkpoints and journals."""

from convnet.cli_options.show import ShowCostArguments, ShowFiltersArguments
from convnet.commands.load_network import find, load
from convnet.commands.output.console import note, result, result_json
from convnet.commands.output.output_files import refuse_picture, write_picture
from convnet.journal import of_checkpoint, read
from convnet.report.curves import draw_curves, table_of_tests
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
    """Print a run's tests and write a picture of its cost, or print its journal as JSON."""
    if not arguments.as_json:
        refuse_picture(arguments.out)
    records = read(of_checkpoint(find(arguments.load)), note)
    if arguments.as_json:
        result_json(records)
        return
    result(table_of_tests(records, arguments.cost).rstrip())
    write_picture(draw_curves(records, cost=arguments.cost), arguments.out)
