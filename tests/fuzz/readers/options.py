"""Values of command-line options: what a user may type, for every option of most commands."""

import json
from pathlib import Path
from random import Random

import click
from click.testing import CliRunner

from convnet.cli import main
from tests.fuzz.bytes_of import CHARACTERS, NUMBERS, WORDS
from tests.fuzz.reader import Reader, Tree
from tests.fuzz.readers import data, runs
from tests.support.imagenet_archives import encoded, picture
from tests.support.training import LAYERS, PARAMS

_NET = ("--layers", "net.cfg", "--params", "net.params")
_COMMANDS = {  # command -> what is given before the options that are tried
    "train": ("--dry-run", *_NET, "--data", "digits"),
    "describe": _NET,
    "check": (),
    "test": ("--load", "run"),
    "show-filters": ("--load", "run"),
    "show-maps": ("--load", "run", "image.png"),
    "show-cost": ("--load", "run"),
    "show-preds": ("--load", "run"),
    "neighbors": ("--features", "features"),
    "make-data": (),
    "import": (),
    "layers": (),
    "nets": (),
}
_LAST = {"train": ("--dry-run",), "make-data": ("--workers", "1")}
_TEXTS = (
    "digits", "shapes:side=8", "synthetic:10x1x8x8", "net.cfg", "net.params", "run", "features",
    "missing", "run/0.3.safetensors", "run/journal.jsonl", "preds", "hidden", "pool", "logprob",
    "logprob,pool", "0,1", "0", "36,1,10", "1-5", "5-1", "image", "scalar", "none", "conv[0]", "",
    "out.png", "out.xyz", "out/deep/er.png", "convnet", "cc2", "all", "4:2:0", "both", "a" * 300,
)  # fmt: skip
_NAMES_OF_NETS = ("net.cfg", "net.params", "digits", "missing", "n" * 300)


def seeds() -> list[Tree]:
    files = {"net.cfg": LAYERS.encode(), "net.params": PARAMS.encode()}
    files["run/0.3.safetensors"] = runs.checkpoint_seeds()[0]["0.3.safetensors"]
    files["run/journal.jsonl"] = runs.journal_seeds()[0]["journal.jsonl"]
    files["image.png"] = encoded(picture(3).resize((30, 20)), "PNG")
    files |= {f"features/{name}": text for name, text in data.feature_seeds()[0].items()}
    files |= {f"preds/{name}": text for name, text in runs.prediction_seeds()[0].items()}
    found = [
        ["describe", *_NET, "--data-dims", "36,1", "--classes", "10"],
        ["nets"],
        ["layers", "conv"],
    ]
    found += [["check", "net.cfg", "net.params"], ["show-cost", "--load", "run"]]
    return [files | {"arguments.json": json.dumps(arguments).encode()} for arguments in found]


def change(rng: Random, _data: bytes, _others: list[bytes]) -> bytes:
    """Return another command line; the seed's is not needed."""
    name = rng.choice(tuple(_COMMANDS))
    command = main.commands[name]
    arguments = [name, *_COMMANDS[name]]
    for parameter in rng.sample(command.params, min(len(command.params), rng.choice((1, 1, 2, 3)))):
        arguments += _given(rng, parameter)
    return json.dumps([*arguments, *_LAST.get(name, ())]).encode()


def _given(rng, parameter):
    if isinstance(parameter, click.Argument):
        return [rng.choice(_TEXTS) for _ in range(rng.choice((1, 2)))]
    flag = rng.choice(parameter.opts + parameter.secondary_opts)
    if parameter.is_flag:
        return [flag]
    if parameter.name in ("layers", "params"):
        return [flag, rng.choice(_NAMES_OF_NETS)]
    return [flag, _value(rng, parameter.type)]


def _value(rng, kind):
    choices = getattr(kind, "choices", ())
    if choices and rng.random() < 0.7:
        return rng.choice(choices)
    if (
        isinstance(kind, click.types.IntParamType | click.types.FloatParamType)
        and rng.random() < 0.9
    ):
        return str(rng.choice((*NUMBERS[:16], *NUMBERS, 0.5, -0.5, 1e308, "nan", "inf", "-inf")))
    return rng.choice((*_TEXTS, *_TEXTS, *WORDS, *CHARACTERS))


def read(folder: Path) -> None:
    """Run the command line in a copy of the folder; judge the exit code and what is printed."""
    try:
        arguments = [str(each) for each in json.loads((folder / "arguments.json").read_bytes())]
    except (OSError, ValueError, TypeError):
        return  # damaged: no command line
    for path in folder.iterdir():  # into the working directory, which is emptied afterwards
        if path.name != "arguments.json":
            Path(path.name).symlink_to(path)
    result = CliRunner().invoke(main, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code not in (0, 1, 2):
        raise AssertionError(f"exit code {result.exit_code}: {result.output[-300:]!a}")
    if not result.output.replace("\n", "").replace("\x08", "").isprintable():
        raise AssertionError(f"output that is not printable: {result.output[-300:]!a}")
    if result.exit_code and not result.output.strip():
        raise AssertionError("no message")


READERS = (Reader("options", seeds, read, {"arguments.json": change}, share=2),)
