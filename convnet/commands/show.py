"""`convnet show-filters` and `show-cost`: pictures from checkpoints and journals."""

from pathlib import Path

from convnet.commands.console import note, result, result_json
from convnet.commands.load_network import find
from convnet.commands.load_network import load as load_saved
from convnet.errors import ConvnetError
from convnet.journal import FILE_NAME, read
from convnet.report.curves import draw_curves, table_of_tests
from convnet.report.filters import FilterOptions, layer_picture


def show_filters(load, layer, out, **drawn) -> None:
    saved = load_saved(load)
    picture = layer_picture(
        saved.graph(),
        saved.weights,
        layer,
        FilterOptions(index=drawn.pop("input_index"), channels=drawn.pop("channels") or 0, **drawn),
    )
    note(f"{saved.path}")
    write_picture(picture, out)


def show_cost(load, cost, out, as_json) -> None:
    journal = find(load).parent / FILE_NAME
    records = read(journal)
    if as_json:
        result_json(records)
        return
    result(table_of_tests(records, cost).rstrip())
    write_picture(draw_curves(records, cost=cost), out)


def write_picture(picture, out: Path) -> None:
    """Save it in the format that the name says; tells where.  ConvnetError."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        picture.save(out)
    except (OSError, ValueError) as error:
        raise ConvnetError(f"{out}: cannot be written: {error}") from None
    result(f"{out}: {picture.width}x{picture.height} pixels")
