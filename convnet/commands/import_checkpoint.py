"""`convnet import`: convert a checkpoint of one of the original systems."""

from contextlib import suppress
from pathlib import Path

from convnet import checkpoint
from convnet.checkpoint import Checkpoint
from convnet.cli_options.convert import ImportArguments
from convnet.commands.console import note, result
from convnet.errors import CheckpointError, ConvnetError
from convnet.graph.dialect import TITLES
from convnet.language import Source
from convnet.originals import import_checkpoint
from convnet.stored.files import replacing


def import_old(arguments: ImportArguments) -> None:
    """Write the converted checkpoint, and the layer and parameter files beside it."""
    out = arguments.out
    if out.suffix != ".safetensors":
        out = out.with_name(f"{out.name}.safetensors")
    if out.exists():
        raise _present(out)
    imported = import_checkpoint(arguments.old, out)
    saved, model = imported.checkpoint, imported.model
    specs = {out.with_suffix(".cfg"): saved.layers, out.with_suffix(".params"): saved.params}
    _write(out, saved, specs)
    layers, params = specs
    for line in imported.notes:
        note(line)
    batch = f"epoch {model.epoch}, batch {model.batch}"
    result(f"{model.path}: {TITLES[model.system]}, {batch}, {len(model.layers)} stored layers")
    result(f"checkpoint: {out}")
    dims = ",".join(str(rows) for _, rows in sorted(imported.graph.data_dims.items()))
    result(f"specs: {layers} and {params} (--dialect {model.system} --data-dims {dims})")


def _write(out: Path, saved: Checkpoint, specs: dict[Path, Source]) -> None:
    """Write the checkpoint last: where it is, the files beside it are whole.

    Files of an import that was interrupted are the same, and do not matter; others are refused.
    """
    new = [path for path in specs if not path.exists()]
    for path, source in specs.items():
        if path not in new and path.read_bytes() != source.text.encode():
            raise _present(path)
    path = out.parent
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, source in specs.items():
            with replacing(path) as temporary:
                temporary.write_text(source.text, encoding="utf-8", newline="")
        checkpoint.save(out, saved)
    except (OSError, CheckpointError) as error:
        for each in new:
            with suppress(OSError):
                each.unlink(missing_ok=True)
        if isinstance(error, CheckpointError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise ConvnetError(f"{path}: cannot be written ({reason}); nothing is imported") from None


def _present(path: Path) -> ConvnetError:
    return ConvnetError(f"{path}: already there; give another --out")
