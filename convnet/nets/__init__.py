"""The nets that are shipped with convnet, found by name.

Each is a pair of files, `layers/NAME.cfg` and `params/NAME.params`.  A checkout has these folders
at its top; setup.py packages them beside this file.  A few nets have been trained: the folder
`trained` holds their weights.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path

from convnet.errors import ConvnetError

# What `convnet nets` prints, in this order.  Sections and figures are those of Krizhevsky et al.
# (2012).  docs/nets.md has the sources of the networks of other authors.
DESCRIPTIONS = {
    "digits": "8x8 handwritten digits, the packaged data set; trains in under a minute",
    "cifar10": "CIFAR-10, four layers with weights, no response normalization (section 3.3)",
    "cifar10-norm": "cifar10 with response normalization across maps (section 3.3)",
    "cifar10-quick": "CIFAR-10 in minutes, as cuda-convnet's net of 26 % error in 80 seconds",
    "cifar10-rnorm": "CIFAR-10 without augmentation, as cuda-convnet's net of 18 % error",
    "cifar10-local": "CIFAR-10 with unshared filters, as cuda-convnet's net of 13 % error",
    "cifar10-local-norm": "CIFAR-10 with unshared filters, as cuda-convnet's net of 11 % error",
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
    "alexnet-torchvision": "torchvision's AlexNet, without normalization; 61 million parameters",
    "caffenet": "CaffeNet, Caffe's reference net: pooling before normalization",
    "alexnet-caffe": "Caffe's AlexNet, on one device, for images of 227 pixels",
    "nin-imagenet": "Network in Network (2014): no full connections; 7.6 million parameters",
    "cnn-f": "the fast network of Chatfield et al. (2014); 61 million parameters",
    "cnn-m": "the medium network of Chatfield et al. (2014); 103 million parameters",
    "cnn-s": "the slow network of Chatfield et al. (2014); 103 million parameters",
    "vgg-16": "VGG-16, configuration D of Simonyan and Zisserman; 138 million parameters",
}

# Short names of trained nets: the best for a data set.  `cifar10`, as the name of a pair of files,
# is another net.
SHORT = {"cifar10": "cifar10-rnorm"}

_INSTALLED = Path(__file__).parent
_CHECKOUT = Path(__file__).parents[2]
TRAINED = _INSTALLED / "trained"


@dataclass(frozen=True)
class ShippedNet:
    """A shipped net: its name, one line about it, its two files, and its weights if it has any."""

    name: str
    description: str
    layers: Path
    params: Path
    weights: Path | None = None


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


def trained(given: Path) -> Path | None:
    """Return the weights, a checkpoint, of the trained net that `given` names; else None.

    A file or a folder of that name in the working directory is preferred.  Raises ConvnetError for
    the name of a shipped net without weights.
    """
    name = SHORT.get(str(given), str(given))
    if not _is_name(given) or given.exists() or name not in DESCRIPTIONS:
        return None
    if (weights := _weights(name)) is None:
        names = [net.name for net in shipped() if net.weights]
        raise ConvnetError(
            f"{name}: there is no such file or folder, and the shipped net of that name comes "
            f"without weights; with weights there are {', '.join(names) or 'none'}"
        )
    return weights


def _weights(name: str) -> Path | None:
    path = TRAINED / f"{name}.safetensors"
    return path if path.is_file() else None


def _net(name: str) -> ShippedNet:
    files = folder() / "layers" / f"{name}.cfg", folder() / "params" / f"{name}.params"
    return ShippedNet(name, DESCRIPTIONS[name], *files, _weights(name))


def _is_name(given: Path) -> bool:
    return given.name == str(given) and not given.suffix


def _unknown(name: str) -> str:
    files = (entry.name for entry in Path().iterdir() if entry.is_file())
    near = difflib.get_close_matches(name[:200], dict.fromkeys([*DESCRIPTIONS, *files]), n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"{name!r} is neither a file nor a shipped net; {hint}`convnet nets` lists these"
