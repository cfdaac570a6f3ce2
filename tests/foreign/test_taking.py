"""What is changed in the weights of a file, or cannot be: dropout, colors, images upside down."""

import numpy as np
import pytest

from convnet.errors import ConvnetError, DataError
from convnet.foreign.contents import ForeignFile, ForeignLayer
from convnet.foreign.inputs import ForeignInput
from convnet.foreign.taking import take
from tests.support.training import make_graph

RATES = "epsW=0\nepsB=0\nmomW=0\nmomB=0\nwc=0\n"
rng = np.random.default_rng(3)


def graph_of(*sections, channels=3):
    """A network of `a`, a convolution of images of 6x6 with 4 filters of 3x3, and sections."""
    layers = f"""
[data]
type=data
dataIdx=0
channels={channels}
imgSize=6
[a]
type=conv
inputs=data
channels={channels}
filters=4
filterSize=3
initW=0.1
"""
    for section in sections:
        name, *keys = section.split()
        layers += "\n".join([f"[{name}]", *keys, ""])
    names = ["a", *(each.split()[0] for each in sections if "initW" in each)]
    params = "".join(f"[{name}]\n{RATES}" for name in names)
    params += "[d]\nkeep=0.25\n" * any(each.startswith("d ") for each in sections)
    params += "[t]\nscale=1\npow=0.75\n" * any("cmrnorm" in each for each in sections)
    return make_graph(layers + "[cost]\ntype=cost.sum2\ninputs=b\n", f"{params}[cost]\ncoeff=1\n",
                      dims={0: 36 * channels})  # fmt: skip


def file_of(**shapes):
    layers = (
        ForeignLayer(n, rng.standard_normal(shape, np.float32)) for n, shape in shapes.items()
    )
    return ForeignFile("net.file", "x", tuple(layers))


def with_order(order, file):
    return ForeignFile(file.path, file.kind, file.layers, order)


DROP, FULL = "d type=dropout2 inputs=a", "b type=fc inputs={} outputs=2 initW=0.1"


@pytest.mark.parametrize(
    "between",
    ["type=neuron neuron=relu inputs=d", "type=concat inputs=d,d", "type=eltsum inputs=d,d",
     "type=pool pool=max inputs=d channels=4 sizeX=2 stride=2"],
)  # fmt: skip
def test_weights_behind_dropout_are_divided(between):
    graph = graph_of(DROP, f"t {between}", FULL.format("t"))
    file = file_of(b=(2, graph.node("t").shape.size))
    taken = take(file, graph)
    np.testing.assert_array_equal(taken.arrays["b.weights.0"], file.layers[0].weights * 4)
    assert taken.notes == (
        "b: its weights are divided by 0.25, by which the dropout below it multiplies in tests",
    )


@pytest.mark.parametrize(
    "between",
    ["type=neuron neuron=tanh[1,1] inputs=d", "type=concat inputs=d,a",
     "type=cmrnorm inputs=d channels=4 size=3"],
)  # fmt: skip
def test_dropout_that_weights_cannot_undo_is_told(between):
    graph = graph_of(DROP, f"t {between}", FULL.format("t"))
    file = file_of(b=(2, graph.node("t").shape.size))
    taken = take(file, graph)
    np.testing.assert_array_equal(taken.arrays["b.weights.0"], file.layers[0].weights)
    (note,) = taken.notes
    assert note.startswith("b: dropout below it") and "because of t between them" in note


def test_weights_between_undo_the_dropout_below_them():
    graph = graph_of(DROP, "c type=fc inputs=d outputs=3 initW=0.1", FULL.format("c"))
    assert [note[:2] for note in take(file_of(b=(2, 3), c=(3, 64)), graph).notes] == ["c:"]


def test_the_files_order_of_colors_needs_no_first_layer():
    file = with_order("BGR", file_of(b=(2, 64)))
    graph = graph_of(FULL.format("a"))
    assert take(file, graph).notes == ()
    for given in (ForeignInput(order="BGR"), ForeignInput(scale=2.0), ForeignInput(None, (2.0,))):
        with pytest.raises(ConvnetError, match="no layer whose weights are taken reads the pixels"):
            take(file, graph, given=given)
    assert take(file, graph, given=ForeignInput((1.0,))).notes == ()


@pytest.mark.parametrize("channels", [1, 3])
def test_only_colors_have_an_order(channels):
    file = with_order("BGR", file_of(a=(4, channels, 3, 3)))
    taken = take(file, graph_of(FULL.format("a"), channels=channels))
    expected = np.moveaxis(file.layers[0].weights[:, ::-1], 0, -1)
    np.testing.assert_array_equal(taken.arrays["a.weights.0"], expected)
    assert len(taken.notes) == (channels == 3)


def test_rows_that_are_not_known_cannot_be_turned():
    small = "c type=conv inputs=data channels=3 filters=2 filterSize=2 initW=0.1"
    graph = graph_of(small, "j type=concat inputs=a,c", FULL.format("j"))
    shape = (2, graph.node("j").shape.size)
    assert take(file_of(b=shape), graph).arrays
    with pytest.raises(DataError, match="--upside-down: b reads j, which does not tell the rows"):
        take(file_of(b=shape), graph, upside_down=True)
    alone = graph_of(FULL.format("a"))
    assert take(file_of(b=(2, 64)), alone, upside_down=True).arrays
