"""`convnet import`: decides by a file's contents what it is."""

from dataclasses import fields

import click

from convnet.cli_options.convert import ForeignArguments, ImportArguments
from convnet.commands.converting.import_checkpoint import import_old
from convnet.commands.converting.import_foreign import import_foreign
from convnet.display import harmless
from convnet.errors import CheckpointError
from convnet.foreign.formats import format_of, is_checkpoint


def import_file(arguments: ImportArguments) -> None:
    """Convert a checkpoint of an original system, or a file of another framework."""
    found = format_of(arguments.file)
    if found is not None:
        import_foreign(arguments, found)
        return
    if is_checkpoint(arguments.file):
        raise CheckpointError(
            f"{harmless(str(arguments.file))}: is a checkpoint of convnet already; commands take "
            "it with --load"
        )
    _refuse_foreign_options(arguments)
    import_old(arguments)


def _refuse_foreign_options(arguments: ImportArguments) -> None:
    """A checkpoint of an original system holds its network, and all that belongs to it."""
    spec, foreign = arguments.spec, arguments.foreign
    given = [f"--{name}" for name in ("layers", "params") if getattr(spec, name) is not None]
    for each in fields(ForeignArguments):
        if getattr(foreign, each.name) != each.default:
            given.append("--" + {"map_file": "map"}.get(each.name, each.name).replace("_", "-"))
    if given:
        raise click.UsageError(
            f"{arguments.file} is no file of another framework that is known here, and the "
            f"original systems' checkpoints hold their network: {', '.join(given)} has no use."
        )
