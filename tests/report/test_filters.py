"""Pictures of filters."""

import numpy as np
import pytest

from convnet.backends.cpu.ops import rgb2yuv
from convnet.errors import DataError
from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from convnet.report.figures.filters import Block, filters_picture, scaled
from convnet.report.filters import (
    FilterOptions,
    default_layer,
    filters_of,
    from_yuv,
    layer_picture,
    layers_named,
)

CONV = """
[{name}]
type={type}
inputs={inputs}
channels={channels}
filters={filters}
filterSize=5
padding=2
initW=0.1
gpu={gpu}
"""


def conv(name, gpu=0, inputs="data", channels=3, filters=16, type="conv"):
    return CONV.format(**locals())


LAYERS = "[data]\ntype=data\ndataIdx=0\nimgSize=8\n"
LAYERS += conv("conv1a") + conv("conv1b", gpu=1) + conv("local2", 1, "conv1b", 16, 4, "local")
LAYERS += """
[fc3]
type=fc
inputs=data,local2
outputs=12
initW=0.1
gpu=0
[fc4]
type=fc
inputs=fc3
outputs=10
initW=0.1
[join]
type=concat
inputs=fc4,conv1a
[cost]
type=cost.sum2
inputs=join
"""


def graph():
    problems = Problems()
    return build(parse(Source.from_text(LAYERS), problems), None, problems)


def read(node, index):
    shape = node.layer.weights()[index].shape
    return np.random.default_rng(len(node.name) + index).normal(size=shape).astype(np.float32)


def colors(picture):
    return np.asarray(picture).reshape(-1, 3)


def test_the_first_layer_over_data_is_the_default():
    net = graph()
    assert default_layer(net) == "conv1"
    assert [node.name for node in layers_named(net, "conv1")] == ["conv1a", "conv1b"]
    assert [node.name for node in layers_named(net, "conv1b")] == ["conv1b"]


def test_a_split_layer_has_a_block_for_each_device():
    net = graph()
    one, both = layer_picture(net, read, "conv1a"), layer_picture(net, read)
    assert both.height > 1.9 * one.height - 20
    assert both.width >= 600 and one.mode == "RGB"
    pixels = colors(one)
    assert (pixels.max(axis=1) - pixels.min(axis=1)).max() > 60  # in color


def test_pixels_are_those_of_the_filters():
    filters = np.zeros((1, 3, 5, 5), np.float32)
    filters[0, 0, 0, 0] = 1  # red in the corner, black else
    picture = np.asarray(filters_picture([Block("x", filters)]))
    red = np.argwhere((picture == (255, 0, 0)).all(axis=2))
    black = np.argwhere((picture == (0, 0, 0)).all(axis=2))
    side = red.max(axis=0) - red.min(axis=0) + 1
    assert side[0] == side[1] and side[0] * 5 >= 40
    assert (black.max(axis=0) - black.min(axis=0) + 1 == 5 * side).all()
    assert (red.min(axis=0) == black.min(axis=0)).all()


def test_scaling_over_all_filters_or_each_alone():
    filters = np.stack([np.linspace(0, 1, 9), np.linspace(0, 10, 9)]).reshape(2, 1, 3, 3)
    together, alone = scaled(filters, (0, 10)), scaled(filters, None)
    assert together[0].max() == pytest.approx(0.1) and together[1].max() == 1
    assert alone[0].max() == 1 and alone[0].min() == 0
    assert (scaled(np.zeros((2, 1, 3, 3)), None) == 0.5).all()


def test_no_rgb_shows_each_channel():
    picture = layer_picture(graph(), read, "conv1a", FilterOptions(no_rgb=True))
    pixels = colors(picture).astype(int)
    assert (pixels.max(axis=1) == pixels.min(axis=1)).all()
    assert picture.width * picture.height > 3 * 16 * 40 * 40


def test_more_channels_make_rows_of_gray_tiles():
    net = graph()
    picture = layer_picture(net, read, "local2", FilterOptions(plane=63))
    assert picture.width > 16 * 40
    with pytest.raises(DataError, match="positions 0 to 63"):
        layer_picture(net, read, "local2", FilterOptions(plane=64))


def test_fully_connected_rows_are_images():
    net = graph()
    fc3, fc4 = net.node("fc3"), net.node("fc4")
    weights = read(fc3, 0)
    assert (filters_of(fc3, weights, 0) == weights.reshape(12, 3, 8, 8)).all()
    assert filters_of(fc3, read(fc3, 1), 1).shape == (12, 4, 8, 8)
    assert filters_of(fc3, weights, 0, channels=12).shape == (12, 12, 4, 4)
    assert filters_of(fc4, read(fc4, 0)).shape == (10, 3, 2, 2)
    with pytest.raises(DataError, match="7 square maps"):
        filters_of(fc3, weights, 0, channels=7)
    assert layer_picture(net, read, "fc3", FilterOptions(index=1)).width >= 600


@pytest.mark.parametrize(
    ("name", "index", "message"),
    [
        ("conv9", 0, "did you mean 'conv1"),
        ("join", 0, "has no weights"),
        ("fc3", 2, "inputs 0 to 1, not 2"),
    ],
)
def test_mistakes(name, index, message):
    with pytest.raises(DataError, match=message):
        layer_picture(graph(), read, name, FilterOptions(index=index))


def test_many_filters_and_channels_are_capped_with_a_note():
    from convnet.report.figures.filters import MAX_CHANNELS, MAX_FILTERS

    filters = np.random.default_rng(0).normal(size=(MAX_FILTERS + 1, 3, 3, 3))
    whole = filters_picture([Block("x", filters[:MAX_FILTERS])])
    assert filters_picture([Block("x", filters)]).size == whole.size
    wide = np.random.default_rng(0).normal(size=(4, MAX_CHANNELS + 9, 3, 3))
    assert filters_picture([Block("x", wide)]).width < 40 * (MAX_CHANNELS + 9)


def test_filters_over_yuv_are_shown_as_colors():
    node = graph().node("conv1a")
    colors = np.random.default_rng(2).normal(size=(16, 3, 5, 5))
    yuv = np.empty((3, 16 * 25))
    rgb2yuv.forward(colors.transpose(1, 0, 2, 3).reshape(3, -1), yuv)
    yuv = yuv.reshape(3, 16, 5, 5).transpose(1, 0, 2, 3)
    np.testing.assert_allclose(from_yuv(node, yuv), colors, atol=1e-12)
    with pytest.raises(DataError, match="16 input channels"):
        from_yuv(node, np.ones((4, 16, 5, 5)))
