"""The shipped networks of other authors, written in PyTorch from their published definitions.

Independent of layers/*.cfg: `tests/nets` compares both.  divided: every width is divided by it.
Caffe rounds the number of pooling windows up (ceil_mode) and that of convolutions down, as PyTorch.
"""

import re

from torch import nn

DIVIDED = 8  # of the narrow networks of tests
_WIDTH = re.compile(r"^(filters|channels|outputs)=(\d+)$", re.MULTILINE)


def alexnet_torchvision(divided: int = 1) -> nn.Sequential:
    """torchvision/models/alexnet.py."""
    return nn.Sequential(
        *_conv(3, 64 // divided, 11, stride=4, padding=2),
        nn.MaxPool2d(3, 2),
        *_conv(64 // divided, 192 // divided, 5, padding=2),
        nn.MaxPool2d(3, 2),
        *_conv(192 // divided, 384 // divided, 3, padding=1),
        *_conv(384 // divided, 256 // divided, 3, padding=1),
        *_conv(256 // divided, 256 // divided, 3, padding=1),
        nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d((6, 6)),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(256 // divided * 6 * 6, 4096 // divided),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096 // divided, 4096 // divided),
        nn.ReLU(),
        nn.Linear(4096 // divided, 1000 // divided),
    )


def caffenet(divided: int = 1) -> nn.Sequential:
    """Caffe's models/bvlc_reference_caffenet/train_val.prototxt: pooling before normalization."""
    return _caffe_alexnet(divided, lambda: (_overlapping(), nn.LocalResponseNorm(5, 1e-4, 0.75, 1)))


def alexnet_caffe(divided: int = 1) -> nn.Sequential:
    """Caffe's models/bvlc_alexnet/train_val.prototxt: normalization before pooling."""
    return _caffe_alexnet(divided, lambda: (nn.LocalResponseNorm(5, 1e-4, 0.75, 1), _overlapping()))


def _caffe_alexnet(divided, after) -> nn.Sequential:
    return nn.Sequential(
        *_conv(3, 96 // divided, 11, stride=4),
        *after(),
        *_conv(96 // divided, 256 // divided, 5, padding=2, groups=2),
        *after(),
        *_conv(256 // divided, 384 // divided, 3, padding=1),
        *_conv(384 // divided, 384 // divided, 3, padding=1, groups=2),
        *_conv(384 // divided, 256 // divided, 3, padding=1, groups=2),
        _overlapping(),
        *_classifier(256 // divided * 6 * 6, divided),
    )


def nin_imagenet(divided: int = 1) -> nn.Sequential:
    """The authors' nin_imagenet/train_val.prototxt."""
    a, b, c, d = (width // divided for width in (96, 256, 384, 1024))
    return nn.Sequential(
        *_conv(3, a, 11, stride=4),
        *_conv(a, a, 1),
        *_conv(a, a, 1),
        _overlapping(),
        *_conv(a, b, 5, padding=2),
        *_conv(b, b, 1),
        *_conv(b, b, 1),
        _overlapping(),
        *_conv(b, c, 3, padding=1),
        *_conv(c, c, 1),
        *_conv(c, c, 1),
        _overlapping(),
        nn.Dropout(0.5),
        *_conv(c, d, 3, padding=1),
        *_conv(d, d, 1),
        *_conv(d, 1000 // divided, 1),
        nn.AvgPool2d(6, 1),
        nn.Flatten(),
    )


def cnn_f(divided: int = 1) -> nn.Sequential:
    """VGG_CNN_F_deploy.prototxt; Chatfield et al. (2014), Table 1."""
    width = 256 // divided
    return nn.Sequential(
        *_conv(3, 64 // divided, 11, stride=4),
        _chatfield_norm(),
        _overlapping(),
        *_conv(64 // divided, width, 5, padding=2),
        _chatfield_norm(),
        _overlapping(),
        *_conv(width, width, 3, padding=1),
        *_conv(width, width, 3, padding=1),
        *_conv(width, width, 3, padding=1),
        _overlapping(),
        *_classifier(width * 6 * 6, divided),
    )


def cnn_m(divided: int = 1) -> nn.Sequential:
    """VGG_CNN_M_deploy.prototxt; Chatfield et al. (2014), Table 1."""
    width = 512 // divided
    return nn.Sequential(
        *_conv(3, 96 // divided, 7, stride=2),
        _chatfield_norm(),
        _overlapping(),
        *_conv(96 // divided, 256 // divided, 5, stride=2, padding=1),
        _chatfield_norm(),
        _overlapping(),
        *_conv(256 // divided, width, 3, padding=1),
        *_conv(width, width, 3, padding=1),
        *_conv(width, width, 3, padding=1),
        _overlapping(),
        *_classifier(width * 6 * 6, divided),
    )


def cnn_s(divided: int = 1) -> nn.Sequential:
    """VGG_CNN_S_deploy.prototxt, whose conv2 is not padded and not normalized."""
    width = 512 // divided
    return nn.Sequential(
        *_conv(3, 96 // divided, 7, stride=2),
        _chatfield_norm(),
        nn.MaxPool2d(3, 3, ceil_mode=True),
        *_conv(96 // divided, 256 // divided, 5),
        nn.MaxPool2d(2, 2, ceil_mode=True),
        *_conv(256 // divided, width, 3, padding=1),
        *_conv(width, width, 3, padding=1),
        *_conv(width, width, 3, padding=1),
        nn.MaxPool2d(3, 3, ceil_mode=True),
        *_classifier(width * 6 * 6, divided),
    )


def vgg_16(divided: int = 1) -> nn.Sequential:
    """Simonyan and Zisserman (2015), Table 1, configuration D."""
    layers, channels = [], 3
    for width, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(times):
            layers += _conv(channels, width // divided, 3, padding=1)
            channels = width // divided
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers, *_classifier(channels * 7 * 7, divided))


NETS = {
    "alexnet-torchvision": alexnet_torchvision,
    "caffenet": caffenet,
    "alexnet-caffe": alexnet_caffe,
    "nin-imagenet": nin_imagenet,
    "cnn-f": cnn_f,
    "cnn-m": cnn_m,
    "cnn-s": cnn_s,
    "vgg-16": vgg_16,
}


def _conv(channels, filters, side, **options):
    return nn.Conv2d(channels, filters, side, **options), nn.ReLU()


def _overlapping():
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _chatfield_norm():
    return nn.LocalResponseNorm(5, 5e-4, 0.75, 2)


def _classifier(inputs, divided):
    width = 4096 // divided
    full = nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(0.5)
    again = nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.5)
    return nn.Flatten(), *full, *again, nn.Linear(width, 1000 // divided)


def narrow(text: str) -> str:
    """Return a layer file with an eighth of all widths; the image keeps its three colors."""

    def less(found):
        width = int(found[2])
        return f"{found[1]}={width if width == 3 else width // DIVIDED}"

    return _WIDTH.sub(less, text)
