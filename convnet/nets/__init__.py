"""The nets that are shipped with convnet, found by name.

Each is a pair of files, `layers/NAME.cfg` and `params/NAME.params`.  A checkout has these folders
at its top; setup.py packages them beside this file.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path

from convnet.errors import ConvnetError

# What `convnet nets` prints, in this order.  Sections and figures are those of Krizhevsky et al.
# (2012).
DESCRIPTIONS = {
    "digits": "8x8 handwritten digits, the packaged data set; trains in under a minute",
    "cifar10": "CIFAR-10, four layers with weights, no response normalization (section 3.3)",
    "cifar10-norm": "cifar10 with response normalization across maps (section 3.3)",
    "figure1-relu": "the CIFAR-10 network of Figure 1 with ReLU neurons",
    "figure1-tanh": "the CIFAR-10 network of Figure 1 with tanh neurons",
    "alexnet": "AlexNet on two devices, as in Figure 2; 61 million parameters",
    "alexnet-groups": "AlexNet on one device, with two groups of filters",
    "alexnet-data-parallel": "alexnet-groups on two devices, each with half of the minibatch",
    "alexnet-hybrid": "on four: convolutions data parallel, full connections model parallel",
    "alexnet-22k": "AlexNet with six convolutions and 21,841 classes, to pre-train (section 6)",
    "alexnet-6conv": "alexnet-22k with 1,000 classes, to fine-tune it (section 6)",
    "codes": "autoencoder that compresses fc7 of alexnet to 128 bits (section 6.1)",
    "codes-small": "autoencoder that compresses fc3 of digits to 32 bits",
}

_INSTALLED = Path(__file__).parent
_CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ShippedNet:
    """A shipped net: its name, one line about it, and its two files."""

    name: str
    description: str
    layers: Path
    params: Path


def folder() -> Path:
    """Return the folder that holds `layers` and `params`."""
    return _INSTALLED if (_INSTALLED / "layers").is_dir() else _CHECKOUT


def shipped() -> list[ShippedNet]:
    """Return all shipped nets."""
    return [_net(name) for name in DESCRIPTIONS]


def find(given: Path) -> ShippedNet | None:
    """Return the shipped net that `given` names; None if it is the path of a file.

    A name has no folder and no ending.  A file of that name in the working directory is preferred.
    Raises ConvnetError for a name that is neither a file nor a shipped net.
    """
    name = str(given)
    if not _is_name(given) or given.is_file():
        return None
    if name in DESCRIPTIONS:
        return _net(name)
    if given.exists():
        return None  # a folder or a pipe: reading it fails with the reason
    raise ConvnetError(_unknown(name))


def layer_file(given: Path) -> Path:
    """Return the layer file of the shipped net that `given` names, else `given` itself."""
    net = find(given)
    return net.layers if net else given


def params_file(given: Path | None, layers: Path | None) -> Path | None:
    """Return the parameter file of the shipped net that `given` names, else `given` itself.

    If `given` is None, `layers` is looked up instead: the two files of a net belong together.
    """
    named = given or layers
    net = find(named) if named else None
    return net.params if net else given


def _net(name: str) -> ShippedNet:
    files = folder() / "layers" / f"{name}.cfg", folder() / "params" / f"{name}.params"
    return ShippedNet(name, DESCRIPTIONS[name], *files)


def _is_name(given: Path) -> bool:
    return given.name == str(given) and not given.suffix


def _unknown(name: str) -> str:
    files = (entry.name for entry in Path().iterdir() if entry.is_file())
    near = difflib.get_close_matches(name[:200], dict.fromkeys([*DESCRIPTIONS, *files]), n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"{name!r} is neither a file nor a shipped net; {hint}`convnet nets` lists these"
