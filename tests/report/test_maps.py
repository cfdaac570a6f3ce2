"""A layer's activities for an image: which layers, what their values are, and the picture."""

import json

import numpy as np
import pytest

from convnet import Net
from convnet.errors import DataError
from convnet.report.figures.color_scale import NOT_FINITE, PROBABILITY, scale_of
from convnet.report.figures.map_grids import HEIGHT, WIDTH, Block, MapsText
from convnet.report.figures.maps import Seen, maps_picture
from convnet.report.maps import maps_of

TEXT = MapsText("title", "activity")
TOWERS = """
[data]
type=data
dataIdx=0
channels=1
imgSize=4
[labels]
type=data
dataIdx=1
[conv1a]
type=conv
inputs=data
channels=1
filters=2
filterSize=1
initW=0.1
neuron=tanh[2,0.5]
gpu=0
[conv1b]
type=conv
inputs=data
channels=1
filters=3
filterSize=1
initW=0.1
neuron=tanh[2,0.5]
gpu=1
[fc2]
type=fc
inputs=conv1a,conv1b
outputs=2
initW=0.1
gpu=0
[probs]
type=softmax
inputs=fc2
[logprob]
type=cost.logreg
inputs=labels,probs
"""
PARAMS = "".join(
    f"[{n}]\nepsW=0\nepsB=0\nmomW=0\nmomB=0\nwc=0\n" for n in ("conv1a", "conv1b", "fc2")
)


@pytest.fixture(scope="module")
def net():
    net = Net.from_text(TOWERS, PARAMS + "[logprob]\ncoeff=1\n", minibatch=3, classes=2)
    for name, weights in (("conv1a", [1, -1]), ("conv1b", [0, 2, 3])):
        net.set_weights(name, np.reshape(weights, (-1, 1, 1, 1)))
    net.forward(np.arange(48, dtype=np.float32).reshape(3, 1, 4, 4) / 10)
    return net


def maps(net, name, case=0, **more):
    return maps_of(net.graph, net.network.output, name, case, **more)


def test_a_split_layer_is_its_parts(net):
    found = maps(net, "conv1", case=2)
    assert list(found.arrays) == ["conv1a", "conv1b"]
    assert found.devices == {"conv1a": (0,), "conv1b": (1,)} and found.on_several_devices
    assert found.quantity == "activity after tanh[2,0.5]"
    x = np.arange(32, 48).reshape(4, 4) / 10
    expected = 2 * np.tanh(0.5 * np.array([0, 2, 3])[:, None, None] * x)
    np.testing.assert_allclose(found.arrays["conv1b"], expected, rtol=1e-6)
    assert list(maps(net, "conv1b").arrays) == ["conv1b"]


def test_layers_of_classes_have_their_names(net):
    names = ("cat", "dog")
    assert maps(net, "probs", class_names=names).names == names
    assert maps(net, "probs", class_names=names).quantity == "probability"
    assert maps(net, "probs", class_names=("a", "b", "c")).names == ()
    assert maps(net, "conv1a", class_names=names).names == ()  # two maps are no values
    assert maps(net, "probs").names == () and maps(net, "fc2").quantity == "activity"
    assert maps(net, "data").quantity == "pixel value minus the mean"
    assert maps(net, "labels").quantity == "value of the data"


@pytest.mark.parametrize(
    ("name", "message"),
    [("conv", "there is no layer conv; "), ("conv1c", "did you mean"), ("logprob", "is a cost")],
)
def test_layers_without_maps(net, name, message):
    with pytest.raises(DataError, match=message):
        maps(net, name)


def test_facts_are_plain_and_hold_no_nan(net):
    found = maps(net, "conv1a", case=1)
    found.arrays["conv1a"] = found.arrays["conv1a"].copy()
    found.arrays["conv1a"][0, 0, 1] = np.nan
    (layer,) = json.loads(json.dumps(found.facts(), allow_nan=False))["layers"]
    assert layer["devices"] == [0] and layer["shape"] == [2, 4, 4]
    assert layer["values"][0][0][1] is None
    assert layer["values"][1][2][3] == pytest.approx(2 * np.tanh(-0.5 * 2.7))


def test_titles_name_the_gpus_and_count_silent_maps(net, monkeypatch):
    blocks = []
    monkeypatch.setattr(
        "convnet.report.maps.maps_picture", lambda found, *_, **__: blocks.extend(found)
    )
    maps(net, "conv1").figure()
    assert [block.title for block in blocks] == [
        "conv1a, device 0: 2 maps of 4x4",
        "conv1b, device 1: 3 maps of 4x4, 1 of them 0 everywhere",
    ]


# -- the picture -----------------------------------------------------------------------------------


def colors_of(picture, least=30):
    """Return the colors of the picture that at least so many pixels have."""
    pixels, counts = np.unique(np.asarray(picture).reshape(-1, 3), axis=0, return_counts=True)
    return {
        tuple(pixel) for pixel, count in zip(pixels.tolist(), counts, strict=True) if count > least
    }


def test_each_map_has_the_colors_of_its_values():
    values = np.array([1.0, -2.0, 3.0, np.nan])[:, None, None] * np.ones((4, 5, 6))
    picture = maps_picture([Block("x", values)], TEXT)
    expected = {tuple(c) for c in scale_of(values).shade(values[:, 0, 0]).tolist()}
    assert expected <= colors_of(picture, 150 * 120) and NOT_FINITE in expected


def test_maps_stand_in_the_order_of_the_channels():
    values = np.linspace(1, 2, 40)[:, None, None] * np.ones((40, 8, 8))
    pixels = np.asarray(maps_picture([Block("x", values)], TEXT))
    places = []
    for color in scale_of(values).shade(values[:, 0, 0]):
        y, x = np.nonzero((pixels[:, 248:] == color).all(axis=2))
        places.append((round(np.median(y)), round(np.median(x))))
    assert places == sorted(places) and len(set(places)) == 40
    assert len({y for y, _ in places}) > 1


def test_each_map_alone():
    values = np.stack([np.linspace(0, end, 16).reshape(4, 4) for end in (1.0, 100.0)])
    blocks = [Block("x", values)]
    ends = {tuple(c) for c in scale_of(values).shade(np.array([0.0, 100.0])).tolist()}
    for norm, expected in ((False, 1), (True, 2)):
        pixels = np.asarray(maps_picture(blocks, TEXT, norm_maps=norm))[:, 248:]
        lightest = (pixels == max(ends)).all(axis=2).any(axis=0)
        assert np.count_nonzero(np.diff(lightest.astype(int)) == 1) == expected


@pytest.mark.parametrize(
    "shapes",
    [[(192, 13, 13)] * 2, [(48, 55, 55)] * 2, [(64, 224, 224)], [(2000, 6, 6)], [(1, 1, 40)],
     [(3, 900, 700)]],
)  # fmt: skip
def test_large_layers_fit_a_page(shapes):
    rng = np.random.default_rng(0)
    picture = maps_picture([Block("x", rng.random(shape)) for shape in shapes], TEXT)
    assert picture.width < WIDTH + 300 and picture.height < HEIGHT + 500
    assert len(colors_of(picture, 0)) > 200


@pytest.mark.parametrize("count", [1, 10, 20, 21, 1000, 4096, 40_000])
def test_values_without_pixels_are_a_strip(count):
    values = np.zeros((count, 1, 1))
    values[count // 3] = 1
    picture = maps_picture([Block("x", values)], MapsText("", "probability"))
    assert picture.width < WIDTH + 300 and picture.height < HEIGHT + 500
    light = tuple(PROBABILITY.shade(np.array(1.0)).tolist())
    found = (np.asarray(picture)[:, 248:] == light).all(axis=2).sum()
    assert 40 <= found if count < 16384 * 3 else found == 0


def test_the_input_is_beside_the_maps():
    pixels = np.array([200, 100, 50], np.uint8)[:, None, None] * np.ones((3, 6, 6), np.uint8)
    seen = Seen(np.zeros((3, 6, 6)), pixels)
    picture = maps_picture([Block("x", np.ones((2, 4, 4)))], TEXT, seen=seen)
    found = colors_of(picture, 199 * 199)
    assert (200, 100, 50) in found and (128, 128, 128) in found
