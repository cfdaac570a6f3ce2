"""`convnet export`: write a checkpoint's network for other programs."""

import click

from convnet.cli_options.export import ExportArguments
from convnet.commands.load_network import load
from convnet.commands.output.console import note, result
from convnet.export.formats import WITH_GRAPH, export
from convnet.export.model import Model


def export_network(arguments: ExportArguments) -> None:
    """Write the files and print their paths."""
    if arguments.format not in WITH_GRAPH and (arguments.output or arguments.preprocess):
        raise click.UsageError(
            f"--format {arguments.format} holds arrays only: --output and --preprocess are for "
            f"{' and '.join(WITH_GRAPH)}."
        )
    saved = load(arguments.load)
    model = Model.of(saved.graph(), saved.checkpoint)
    note(f"{saved.path}")
    paths = export(model, arguments.out, arguments.format, arguments.output, arguments.preprocess)
    for path in reversed(paths):
        result(f"{path}: {path.stat().st_size:,} bytes")
