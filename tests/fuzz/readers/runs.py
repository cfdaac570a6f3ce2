"""What runs write: checkpoints, journals and predictions."""

import io
import json
import tempfile
import zipfile
import zlib
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

from convnet import checkpoint
from convnet.cli_options.shared import DataArguments
from convnet.commands.run_options import data_options
from convnet.data.datasets.digits import Digits
from convnet.drawing import svg
from convnet.graph.build import build
from convnet.graph.checkpoint_facts import stored_facts
from convnet.html import report_page
from convnet.html.time_section import time_section
from convnet.journal import read as read_journal
from convnet.language.specs import Specs
from convnet.report.curves import CurveOptions, curves_scene, table_of_tests
from convnet.report.layer_times import read_layer_times
from convnet.train.prediction_files import Predictions, read_predictions, write_predictions
from convnet.train.run import Run
from tests.fuzz.archives import zip_of
from tests.fuzz.arrays import change_npz, change_safetensors
from tests.fuzz.objects import change_json, change_json_lines
from tests.fuzz.reader import Reader, Tree
from tests.support.training import make_run

_TREE = {"root": 12, "children": {"12": [10, 11], "10": [0, 1, 2, 3, 4], "11": [5, 6, 7, 8, 9]}}


@cache
def _run() -> Run:
    """A run of the small network, which is never trained."""
    return make_run(dataset=Digits())


def _bytes(step: int) -> bytes:
    run = _run()
    costs = {"logprob": {"cost": 2.25, "error": 0.5}}
    entry = {"step": step, "epoch": 0.5, "cases": 100, "costs": costs}
    run.history.train[:], run.history.test[:] = [entry], [entry]
    run.history.best = {"step": step, "error": 0.5}
    run.settings = {
        "data_dims": {"0": 36, "1": 1, "2": 10}, "tree": _TREE, "wupdate_freq": 1,
        "precision": "fp32",
        "data_options": {"data": "digits", "crop_border": 1, "mean": "image", "data_seed": 0},
    }  # fmt: skip
    saved = run.checkpoint()
    position = checkpoint.Position(0, step, step, 16)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0.1.safetensors"
        facts = vars(saved) | {
            "position": position, "number": step, "created": "2026-01-01T00:00:00", "convnet": "1",
        }  # fmt: skip
        checkpoint.save(path, checkpoint.Checkpoint(**facts))
        return path.read_bytes()


def checkpoint_seeds() -> list[Tree]:
    return [{"0.3.safetensors": _bytes(3)}]


def run_folder_seeds() -> list[Tree]:
    return [
        {"0.3.safetensors": _bytes(3), "0.5.safetensors": _bytes(5), "best.safetensors": _bytes(3)}
    ]


def resum(metadata: dict[str, str]) -> None:
    """Bring the checksum of the header up to date, as someone would who edits a checkpoint."""
    texts = {key: text for key, text in metadata.items() if key not in ("format", "check")}
    joined = "\0".join(texts[key] for key in sorted(texts))
    metadata["check"] = str(zlib.crc32(joined.encode("utf-8", "surrogatepass")))


def change_checkpoint(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    return change_safetensors(rng, data, others, resum if rng.random() < 0.9 else None)


def read_checkpoint(folder: Path) -> None:
    """Load and use all metadata, as resuming and the commands that inspect a network do."""
    path = folder / "0.3.safetensors"
    saved = checkpoint.load(path)
    data_options(DataArguments(), saved)
    specs = Specs.parse(saved.layers, saved.params)
    build(
        specs.layers,
        specs.params,
        specs.problems,
        dialect=saved.dialect,
        **stored_facts(saved.options),
    )
    run = _run()
    run.resume(saved, path)
    run.stored_options()


def read_run_folder(folder: Path) -> None:
    path = checkpoint.newest(folder)
    checkpoint.load(path)


def journal_seeds() -> list[Tree]:
    costs = {"logprob": {"cost": 2.25, "error": 0.5, "top5_error": 0.25}}
    records = [{"event": "start", "step": 0, "seed": 1, "layers": "digits", "parameters": 500}]
    for step in range(1, 9):
        train = {"event": "train", "step": step, "epoch": step / 4, "cases": 128, "costs": costs}
        records.append(
            train | {"rates": {"fc10": 0.01}, "images_per_second": 5e3, "wait_share": 0.1}
        )
        if step % 4 == 0:
            records.append(train | {"event": "test", "best": True})
            records.append({"event": "save", "step": step, "path": "1.0.safetensors"})
        if step == 6:
            records.append({"event": "resume", "step": 4, "changes": ["epsW 1 -> 2"]})
    lines = [json.dumps(record | {"time": "2026-01-01T00:00:00.000+00:00"}) for record in records]
    return [{"journal.jsonl": "\n".join([*lines, ""]).encode()}]


def read_curves(folder: Path) -> None:
    records = read_journal(folder)
    json.dumps(records)
    text = table_of_tests(records)
    if not text.replace("\n", "").isprintable():
        raise AssertionError(f"a table that is not printable: {text[:200]!a}")
    svg(curves_scene({"": records}, CurveOptions(log=len(text) % 2 == 0, rates=True)))


def read_journal_only(folder: Path) -> None:
    read_journal(folder)


def read_page(folder: Path) -> None:
    page = report_page([folder], warn=lambda line: None)
    if not page.replace("\n", "").replace("\t", "").isprintable():
        raise AssertionError("a page with control characters")


def trace_seeds() -> list[Tree]:
    step = {"ph": "X", "cat": "forward", "pid": "cpu:0", "tid": "compute", "ts": 1.5, "dur": 2.5}
    names = ("conv1 conv.forward", "a to device 1 transfer.copy", "fc fc.forward")
    place = {"ph": "M", "name": "process_name", "pid": "cpu:0", "args": {"name": "cpu:0"}}
    events = [place, *({**step, "name": name, "args": {"pass": 0}} for name in names)]
    return [{"trace.json": json.dumps({"traceEvents": events}).encode()}]


def read_trace(folder: Path) -> None:
    time_section(read_layer_times(folder / "trace.json"))


def prediction_seeds() -> list[Tree]:
    rng = np.random.default_rng(6)
    found = []
    for views in ((1,), (1, 10)):
        by_views = {}
        for number in views:
            values = rng.random((3, 4)).astype(np.float32)
            by_views[number] = values / values.sum(axis=0)
        with tempfile.TemporaryDirectory() as folder:
            labels = np.array([0, 2, 1, 1])
            names = ("ant", "bee", "cow")
            write_predictions(Path(folder), Predictions(by_views, labels, names, ("a",), "digits"))
            files = sorted(Path(folder).iterdir())
            found.append({path.name: _undated(path.read_bytes()) for path in files})
    return found


def _undated(data: bytes) -> bytes:
    """An npz file with no date in it, or the facts without the checksum of such a file."""
    if data[:2] != b"PK":
        return json.dumps({k: v for k, v in json.loads(data).items() if k != "arrays"}).encode()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    return zip_of(contents, zipfile.ZIP_STORED)


READERS = (
    Reader("checkpoint", checkpoint_seeds, read_checkpoint, {"*": change_checkpoint}, share=1.5),
    Reader("run-folder", run_folder_seeds, read_run_folder, {"*": change_checkpoint}, share=0.7),
    Reader("journal", journal_seeds, read_journal_only, {"*": change_json_lines}, share=2),
    Reader("curves", journal_seeds, read_curves, {"*": change_json_lines}, share=0.7),
    Reader("page", journal_seeds, read_page, {"*": change_json_lines}, share=0.7),
    Reader("trace", trace_seeds, read_trace, {"*": change_json}),
    Reader(
        "predictions",
        prediction_seeds,
        read_predictions,
        {"*.json": change_json, "*.npz": change_npz},
    ),
)
