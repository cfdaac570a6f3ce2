"""Which layers of a file go where: by name, by order, by shape and by a map file."""

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.foreign.contents import ForeignFile, ForeignLayer
from convnet.foreign.matching import NOT_NAMED, match
from convnet.foreign.taking import table, take
from tests.support.torchvision_alexnet import NARROW, Widths, spec
from tests.support.training import make_graph

NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
THEIRS = ("features.0", "features.3", "features.6", "features.8", "features.10",
          "classifier.1", "classifier.4", "classifier.6")  # fmt: skip
DIMS = {0: 3 * 224 * 224, 1: 1}


def graph_of(widths=NARROW):
    return make_graph(*spec(widths), dims=DIMS)


GRAPH = graph_of()


def shapes(widths=NARROW):
    a, b, c, d, e = widths.filters
    return [(a, 3, 11, 11), (b, a, 5, 5), (c, b, 3, 3), (d, c, 3, 3), (e, d, 3, 3),
            (widths.full, e * 36), (widths.full, widths.full),
            (widths.classes, widths.full)]  # fmt: skip


def file_of(names=THEIRS, widths=NARROW, **facts):
    layers = tuple(
        ForeignLayer(name, np.full(shape, number, np.float32), np.zeros(shape[0], np.float32))
        for number, (name, shape) in enumerate(zip(names, shapes(widths), strict=True))
    )
    return ForeignFile("net.pth", "PyTorch state_dict", layers, **facts)


def pairs(found):
    return [(fit.layer.name, "+".join(target.name for target in fit.targets)) for fit in found.fits]


@pytest.fixture
def map_of(tmp_path):
    def map_of(text):
        (tmp_path / "layers.map").write_text(text)
        return tmp_path / "layers.map"

    return map_of


def test_names_come_first():
    names = list(NAMES)
    names[1], names[2] = "other", "conv3"
    found = match(file_of(names), GRAPH)
    assert found.how == "by name"
    assert pairs(found) == [(name, name) for name in NAMES if name != "conv2"]
    assert [(left.layer.name, left.why) for left in found.left] == [("other", NOT_NAMED)]
    assert [target.name for target in found.missing] == ["conv2"]


def test_layers_of_the_same_name_and_another_shape_are_left():
    found = match(file_of(NAMES, Widths(NARROW.filters, NARROW.full, 7)), GRAPH)
    assert pairs(found) == [(name, name) for name in NAMES[:-1]]
    assert found.left[0].why == "does not fit fc8: it has 7 outputs, the network 10"


def test_order_where_no_name_agrees():
    found = match(file_of(), GRAPH)
    assert found.how == "by order" and pairs(found) == list(zip(THEIRS, NAMES, strict=True))
    assert not found.left and not found.missing


def test_the_classifier_of_other_classes_is_left():
    found = match(file_of(widths=Widths(NARROW.filters, NARROW.full, 7)), GRAPH)
    assert found.how == "by order" and len(found.fits) == 7
    assert found.left[0].why == "does not fit fc8: it has 7 outputs, the network 10"
    assert [target.name for target in found.missing] == ["fc8"]


def some(file, first, last):
    return ForeignFile(file.path, file.kind, file.layers[first:last])


def test_a_file_may_hold_the_first_or_the_last_layers_only():
    found = match(some(file_of(), 0, 5), GRAPH)
    assert pairs(found) == list(zip(THEIRS[:5], NAMES[:5], strict=True))
    assert [target.name for target in found.missing] == ["fc6", "fc7", "fc8"]
    found = match(some(file_of(), 5, 8), GRAPH)
    assert pairs(found) == list(zip(THEIRS[5:], NAMES[5:], strict=True))


def refused(file, graph=GRAPH):
    with pytest.raises(DataError) as problem:
        match(file, graph)
    return str(problem.value)


def test_what_is_ambiguous_is_refused_with_both_lists():
    one = ForeignFile("net.pth", "x", file_of().layers[6:7])  # 20x20: fc7, and fc6 does not fit
    assert pairs(match(one, GRAPH)) == [("classifier.4", "fc7")]
    twice = graph_of(Widths(NARROW.filters, 10, 10))  # fc7 and fc8 have the same shape
    layers = file_of(widths=Widths(NARROW.filters, 10, 10)).layers[6:7]
    text = refused(ForeignFile("net\x1b.pth", "x", layers), twice)
    lines = text.splitlines()
    assert lines[0].startswith("net?.pth: which of its layers are those of the network")
    assert lines[1].split() == ["in", "the", "file", "in", "the", "network"]
    assert lines[2].split() == ["classifier.4", "10x10", "conv1", "6x3x11x11"]
    assert lines[9].split() == ["fc8", "10x10"] and "--map" in lines[10]
    assert text.replace("\n", "").isprintable()


def test_a_layer_that_fits_the_first_and_others_is_not_guessed():
    full = "[{0}]\ntype=fc\ninputs={1}\noutputs=10\ninitW=0.1\n"
    layers = "[data]\ntype=data\ndataIdx=0\n" + full.format("a", "data") + full.format("b", "a")
    rates = "epsW=0\nepsB=0\nmomW=0\nmomB=0\nwc=0\n"
    params = f"[a]\n{rates}[b]\n{rates}[cost]\ncoeff=1\n"
    graph = make_graph(f"{layers}[cost]\ntype=cost.sum2\ninputs=b\n", params, dims={0: 10})
    one = ForeignLayer("x", np.ones((10, 10), np.float32))
    refused(ForeignFile("net.pth", "x", (one,)), graph)
    two = ForeignFile("net.pth", "x", (one, ForeignLayer("y", one.weights)))
    assert pairs(match(two, graph)) == [("x", "a"), ("y", "b")]


def test_layers_in_the_middle_of_the_network_are_not_guessed():
    text = refused(some(file_of(widths=Widths((6, 8, 10, 10, 10))), 3, 5))
    assert "features.8" in text


def test_layers_in_another_order_are_taken_by_shape_if_each_fits_one_only():
    layers = file_of().layers
    for order in ((3, 1, 7, 0, 2, 6, 5, 4), range(7, -1, -1)):
        file = ForeignFile("x", "x", tuple(layers[i] for i in order), is_ordered=False)
        found = match(file, GRAPH)
        assert found.how == "by shape" and pairs(found) == list(zip(THEIRS, NAMES, strict=True))
    same = Widths((6, 8, 8, 8, 8), 20, 10)
    text = refused(
        ForeignFile("x", "x", file_of(widths=same).layers, is_ordered=False), graph_of(same)
    )
    assert "neither names nor order and shapes agree" in text
    assert match(file_of(widths=same), graph_of(same)).how == "by order"


def test_a_map_names_layers(map_of):
    text = "# a comment\n\nfeatures.0 conv1  # the first\nclassifier.6 -\nfeatures.3  conv2\n"
    found = match(file_of(), GRAPH, map_of(text))
    assert found.how == "by the map"
    assert pairs(found) == [("features.0", "conv1"), ("features.3", "conv2")]
    why = {left.layer.name: left.why for left in found.left}
    assert why["classifier.6"] == "the map leaves it out" and why["features.6"] == NOT_NAMED


def test_layers_that_a_map_does_not_name_are_taken_by_name(map_of):
    names = ("first", *NAMES[1:-1], "last")
    found = match(file_of(names), GRAPH, map_of("first conv1\nconv3 -\n"))
    left = [("conv3", "the map leaves it out"), ("last", NOT_NAMED)]
    assert [(each.layer.name, each.why) for each in found.left] == left
    assert pairs(found)[:2] == [("first", "conv1"), ("conv2", "conv2")] and len(found.fits) == 6


def test_mistakes_of_a_map_are_reported_together(map_of):
    path = map_of(
        "features.0\nfeature.3 conv2\nfeatures.3 conv22\nfeatures.6 conv3\nfeatures.6 conv4\n"
        "features.8 conv3\nbn.weight fc8\nx y z\nfeatures.10 conv5+fc6x\nfeatures.10 probs\n"
        "classifier.4 fc7+fc7\n"
    )
    with pytest.raises(DataError) as problem:
        match(file_of(left=(("bn.weight", "batch normalization"),)), GRAPH, path)
    lines = str(problem.value).splitlines()
    expected = [
        "1: expected two names, their-name our-layer, found 1",
        "2: the file has no layer 'feature.3'; did you mean 'features.3'?",
        "3: the network has no layer 'conv22' with weights; did you mean 'conv2'?",
        "5: layer 'features.6' of the file is in line 4 already",
        "6: layer 'conv3' of the network is in line 4 already",
        "7: 'bn.weight' cannot be taken: batch normalization",
        "8: expected two names, their-name our-layer, found 3",
        "9: the network has no layer 'fc6x' with weights; did you mean 'fc6'?",
        "10: layer 'features.10' of the file is in line 9 already",
        "10: the network has no layer 'probs' with weights; there are conv1, conv2, conv3, "
        "conv4, conv5, fc6, fc7, fc8",
        "11: layer 'fc7' of the network is in line 11 already",
    ]
    assert lines == [f"{path}:{each}" for each in expected]


def test_mapped_layers_must_fit(map_of):
    path = map_of("features.0 conv2\nclassifier.1 fc6\nfeatures.3 conv1\n")
    with pytest.raises(DataError) as problem:
        match(file_of(), GRAPH, path)
    assert str(problem.value).splitlines() == [
        f"{path}:1: features.0 does not fit: its windows are 11x11, those of the network 5x5",
        f"{path}:3: features.3 does not fit: its windows are 5x5, those of the network 11x11",
    ]


@pytest.mark.parametrize("data", [b"\xff\xfe", None])
def test_a_map_that_is_no_text_is_refused(tmp_path, data):
    path = tmp_path / "layers.map"
    path.write_bytes(data) if data else path.mkdir()
    with pytest.raises(DataError, match="layers.map: is "):
        match(file_of(), GRAPH, path)


def test_the_table_says_what_was_taken_and_why_not():
    file = file_of(widths=Widths(NARROW.filters, NARROW.full, 7), left=(("bn.weight", "a reason"),))
    lines = table(match(file, GRAPH))
    assert lines[0].split() == ["in", "the", "file", "shape", "layer", "values"]
    assert lines[1].split() == ["features.0", "6x3x11x11", "conv1", "2,184"]
    assert lines[8].split(maxsplit=2) == [
        "classifier.6", "7x20", "left: does not fit fc8: it has 7 outputs, the network 10"
    ]  # fmt: skip
    assert lines[9].split(maxsplit=1) == ["bn.weight", "left: a reason"]
    assert lines[10].strip() == "fc8: nothing of the file"
    assert len(lines) == 11


def test_layers_without_biases_are_shown():
    layers = tuple(ForeignLayer(each.name, each.weights) for each in file_of().layers)
    found = match(ForeignFile("x", "x", layers), GRAPH)
    assert "conv1 (its biases: 0)" in table(found)[1]


def test_values_that_are_not_finite_are_refused():
    file = file_of()
    file.layers[3].weights[0, 0, 0, 0] = np.inf
    with pytest.raises(DataError, match=r"net.pth: features.8 holds values that are not finite"):
        take(file, GRAPH)


def test_a_file_of_which_nothing_fits_is_refused():
    names = ("conv1",) + THEIRS[1:]
    file = file_of(names, Widths((5, 4, 3, 2, 1), 6, 7))
    assert "is not certain" in refused(file)
