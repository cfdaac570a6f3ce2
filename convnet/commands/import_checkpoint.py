"""`convnet import`: convert a checkpoint of one of the original systems."""

from pathlib import Path

from convnet import checkpoint
from convnet.cli_options.convert import ImportArguments
from convnet.commands.console import note, result
from convnet.errors import ConvnetError
from convnet.graph.dialect import TITLES
from convnet.journal import FILE_NAME, Journal
from convnet.originals import Imported, import_checkpoint
from convnet.stored.files import replacing


def import_old(arguments: ImportArguments) -> None:
    """Write the converted checkpoint; beside it the layer and parameter files and the journal."""
    out = arguments.out
    if out.suffix != ".safetensors":
        out = out.with_name(f"{out.name}.safetensors")
    journal = out.with_name(f"{out.stem}.{FILE_NAME}")
    files = [out, *(out.with_suffix(suffix) for suffix in (".cfg", ".params")), journal]
    present = [str(file) for file in files if file.exists()]
    if present:
        raise ConvnetError(f"{', '.join(present)}: already there; give another --out")
    imported = import_checkpoint(arguments.old, out)
    saved, model = imported.checkpoint, imported.model
    try:
        for source, file in ((saved.layers, files[1]), (saved.params, files[2])):
            file.write_text(source.text, encoding="utf-8")
        has_history = _write_journal(journal, imported)
    except OSError as error:
        raise ConvnetError(f"{error.filename}: cannot be written ({error.strerror})") from None
    checkpoint.save(out, saved)
    for line in imported.notes:
        note(line)
    batch = f"epoch {model.epoch}, batch {model.batch}"
    result(f"{model.path}: {TITLES[model.system]}, {batch}, {len(model.layers)} stored layers")
    result(f"checkpoint: {out}")
    if has_history:
        counts = " and ".join(f"{len(saved.history[key])} {key}" for key in ("train", "test"))
        result(f"journal: {journal}, {counts} records (convnet show-cost --load {out})")
    dims = ",".join(str(rows) for _, rows in sorted(imported.graph.data_dims.items()))
    result(f"specs: {files[1]} and {files[2]} (--dialect {model.system} --data-dims {dims})")


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
    return True
