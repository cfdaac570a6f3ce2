"""`convnet import`: convert a checkpoint of one of the original systems."""

from convnet import checkpoint
from convnet.cli_options.convert import ImportArguments
from convnet.commands.console import note, result
from convnet.errors import ConvnetError
from convnet.graph.dialect import TITLES
from convnet.originals import import_checkpoint


def import_old(arguments: ImportArguments) -> None:
    """Write the converted checkpoint, and the layer and parameter files beside it."""
    out = arguments.out
    if out.suffix != ".safetensors":
        out = out.with_name(f"{out.name}.safetensors")
    files = [out, *(out.with_suffix(suffix) for suffix in (".cfg", ".params"))]
    present = [str(file) for file in files if file.exists()]
    if present:
        raise ConvnetError(f"{', '.join(present)}: already there; give another --out")
    imported = import_checkpoint(arguments.old, out)
    saved, model = imported.checkpoint, imported.model
    try:
        for source, file in ((saved.layers, files[1]), (saved.params, files[2])):
            file.write_text(source.text, encoding="utf-8")
    except OSError as error:
        raise ConvnetError(f"{error.filename}: cannot be written ({error.strerror})") from None
    checkpoint.save(out, saved)
    for line in imported.notes:
        note(line)
    batch = f"epoch {model.epoch}, batch {model.batch}"
    result(f"{model.path}: {TITLES[model.system]}, {batch}, {len(model.layers)} stored layers")
    result(f"checkpoint: {out}")
    dims = ",".join(str(rows) for _, rows in sorted(imported.graph.data_dims.items()))
    result(f"specs: {files[1]} and {files[2]} (--dialect {model.system} --data-dims {dims})")
