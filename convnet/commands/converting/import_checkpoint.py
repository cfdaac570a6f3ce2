"""`convnet import`: convert a checkpoint of one of the original systems."""

from contextlib import suppress
from pathlib import Path

from convnet import checkpoint
from convnet.cli_options.convert import ImportArguments
from convnet.commands.output.console import note, result
from convnet.errors import ConvnetError
from convnet.graph.dialect import TITLES
from convnet.journal import FILE_NAME, Journal
from convnet.language import Source
from convnet.originals import Imported, import_checkpoint
from convnet.stored.files import replacing


def import_old(arguments: ImportArguments) -> None:
    """Write the converted checkpoint; beside it the layer and parameter files and the journal."""
    out = checkpoint_path(arguments.out)
    journal = out.with_name(f"{out.stem}.{FILE_NAME}")
    imported = import_checkpoint(arguments.file, out)
    saved, model = imported.checkpoint, imported.model
    specs = {out.with_suffix(".cfg"): saved.layers, out.with_suffix(".params"): saved.params}
    has_history = _write(out, imported, specs, journal)
    layers, params = specs
    for line in imported.notes:
        note(line)
    batch = f"epoch {model.epoch}, batch {model.batch}"
    result(f"{model.path}: {TITLES[model.system]}, {batch}, {len(model.layers)} stored layers")
    result(f"checkpoint: {out}")
    if has_history:
        counts = " and ".join(f"{len(saved.history[key])} {key}" for key in ("train", "test"))
        result(f"journal: {journal}, {counts} records (convnet show-cost --load {out})")
    dims = ",".join(str(rows) for _, rows in sorted(imported.graph.data_dims.items()))
    result(f"specs: {layers} and {params} (--dialect {model.system} --data-dims {dims})")


def _write(out: Path, imported: Imported, specs: dict[Path, Source], journal: Path) -> bool:
    """Write the checkpoint last: where it is, the files beside it are whole.

    Files of an import that was interrupted are replaced; others are refused.  Returns whether a
    journal was written.
    """
    new = [path for path in (*specs, journal) if not path.exists()]
    for path, source in specs.items():
        if path not in new and path.read_bytes() != source.text.encode():
            raise _present(path)
    if journal not in new and b'"imported"' not in journal.read_bytes()[:4096]:
        raise _present(journal)
    path = out.parent
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, source in specs.items():
            with replacing(path) as temporary:
                temporary.write_text(source.text, encoding="utf-8", newline="")
        path = journal
        has_history = _write_journal(journal, imported)
        checkpoint.save(out, imported.checkpoint)
    except (OSError, ConvnetError) as error:
        for each in new:
            with suppress(OSError):
                each.unlink(missing_ok=True)
        if isinstance(error, ConvnetError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise ConvnetError(f"{path}: cannot be written ({reason}); nothing is imported") from None
    return has_history


def checkpoint_path(out: Path) -> Path:
    """Return the file to write, its ending added if needed.  ConvnetError if it is there."""
    if out.name in ("", ".."):
        raise ConvnetError(f"{out}: is a folder; --out names the checkpoint to write")
    if out.suffix != ".safetensors":
        out = out.with_name(f"{out.name}.safetensors")
    if out.exists():
        raise _present(out)
    return out


def _present(path: Path) -> ConvnetError:
    return ConvnetError(f"{path}: already there; give another --out")


def _write_journal(path: Path, imported: Imported) -> bool:
    """Write the history of the old run as a journal; return whether there is one."""
    saved = imported.checkpoint
    entries = [(event, entry) for event in ("train", "test") for entry in saved.history[event]]
    if not entries:
        return False
    facts = {
        "layers": saved.layers.path,
        "params": saved.params.path,
        "data": saved.data,
        "minibatch": saved.options["minibatch"],
        "epochs": saved.options["epochs"],
        "imported": str(imported.model.path),
    }
    with replacing(path) as temporary, Journal(temporary) as journal:
        journal.write("start", 0, **facts)
        for event, entry in sorted(entries, key=lambda each: each[1]["step"]):  # training first
            journal.write(event, **entry)
        if journal.problem:
            raise ConvnetError(f"{path}: cannot be written ({journal.problem})")
    return True
