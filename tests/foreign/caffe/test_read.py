"""Networks and mean images of Caffe, written with protobuf and by hand, as they are read."""

import numpy as np
import pytest

from convnet.errors import ConvnetError, DataError
from convnet.foreign.caffe import read_caffemodel, read_mean, schema
from tests.support import caffe_proto
from tests.support.caffe_bytes import (
    blob,
    convolution_of,
    float32,
    layer,
    message,
    net,
    number,
    varint,
)
from tests.support.missing import hide

# CaffeNet with a sixteenth of its widths: name -> shape of the weights, groups.
CAFFENET = {
    "conv1": ((6, 3, 11, 11), 1),
    "conv2": ((16, 3, 5, 5), 2),
    "conv3": ((24, 16, 3, 3), 1),
    "conv4": ((24, 12, 3, 3), 2),
    "conv5": ((16, 12, 3, 3), 2),
    "fc6": ((32, 16 * 6 * 6), None),
    "fc7": ((32, 32), None),
    "fc8": ((10, 32), None),
}


def weights_of(shape, seed=0):
    rng = np.random.default_rng([seed, *shape])
    return (rng.standard_normal(shape, np.float32), rng.standard_normal(shape[0], np.float32))


def saved(tmp_path, contents, name="net.caffemodel"):
    path = tmp_path / name
    path.write_bytes(contents)
    return path


def by_hand(generation):
    form = "old" if generation == 1 else "shape"
    found = []
    for name, (shape, groups) in CAFFENET.items():
        arrays = [blob(each, form) for each in weights_of(shape)]
        if groups is None:
            facts = {"full": number(1, shape[0])}
            found.append(layer(name, "InnerProduct", arrays, generation=generation, **facts))
        else:
            facts = convolution_of(shape[0], None if groups == 1 else groups)
            made = layer(name, "Convolution", arrays, generation=generation, convolution=facts)
            found.append(made)
        found.append(layer(f"relu{name[-1]}", "ReLU", generation=generation))
    return net(*found)


def by_protobuf(generation):
    found = caffe_proto.Net(name="CaffeNet")
    for name, (shape, groups) in CAFFENET.items():
        caffe_proto.add_layer(found, generation, name, *weights_of(shape), groups or 1)
    return found.SerializeToString()


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("write", [by_hand, by_protobuf])
def test_a_narrow_caffenet(tmp_path, write, generation):
    path = saved(tmp_path, write(generation))
    file = read_caffemodel(path)
    assert (file.path, file.kind, file.color_order) == (str(path), "Caffe model", "BGR")
    assert [each.name for each in file.layers] == list(CAFFENET) and not file.left
    for found, (shape, groups) in zip(file.layers, CAFFENET.values(), strict=True):
        weights, biases = weights_of(shape)
        assert found.weights.dtype == found.biases.dtype == np.float32
        assert found.weights.shape == shape and np.array_equal(found.weights, weights)
        assert found.biases.shape == shape[:1] and np.array_equal(found.biases, biases)
        assert found.groups == groups and not found.channels_last


@pytest.mark.parametrize("values", ["packed", "unpacked", "split", "double", "unpacked double"])
@pytest.mark.parametrize("form", ["shape", "dims", "old"])
def test_every_way_to_write_an_array(tmp_path, form, values):
    weights, biases = weights_of((4, 3, 2, 2))
    arrays = [blob(weights, form, values), blob(biases, form, values)]
    (found,) = read_caffemodel(saved(tmp_path, net(layer("c", "Convolution", arrays)))).layers
    assert np.array_equal(found.weights, weights) and np.array_equal(found.biases, biases)


def test_many_values_that_are_not_packed(tmp_path):
    """As early versions of Caffe wrote all of them."""
    weights = np.arange(300_000, dtype=np.float32).reshape(100, 3000)
    contents = net(layer("f", "InnerProduct", [blob(weights, "old", "unpacked")], generation=1))
    (found,) = read_caffemodel(saved(tmp_path, contents)).layers
    assert np.array_equal(found.weights, weights)


def test_gradients_are_skipped(tmp_path):
    """`snapshot_diff` writes an array of gradients beside each array, packed or not."""
    weights, biases = weights_of((4, 3, 2, 2))
    more = message(6, b"abcd" * 48) + float32(6, 1.5) + float32(6, 2.5) + message(9, b"12345678")
    arrays = [more + blob(weights) + more, blob(biases) + more]
    (found,) = read_caffemodel(saved(tmp_path, net(layer("c", "Convolution", arrays)))).layers
    assert np.array_equal(found.weights, weights) and np.array_equal(found.biases, biases)


def test_layers_without_biases_and_groups_that_are_not_stated(tmp_path):
    weights, _ = weights_of((4, 3, 2, 2))
    (found,) = read_caffemodel(
        saved(tmp_path, net(layer("c", "Convolution", [blob(weights)])))
    ).layers
    assert found.biases is None and found.groups == 1


@pytest.mark.parametrize("generation", [1, 2])
def test_a_transposed_full_connection(tmp_path, generation):
    weights, biases = weights_of((5, 7))
    arrays = [blob(np.ascontiguousarray(weights.T)), blob(biases)]
    full = number(1, 5) + number(6, 1)
    (found,) = read_caffemodel(
        saved(tmp_path, net(layer("f", "InnerProduct", arrays, generation=generation, full=full)))
    ).layers
    assert np.array_equal(found.weights, weights) and np.array_equal(found.biases, biases)


def test_a_convolution_of_1x1_whose_array_is_that_of_a_full_connection(tmp_path):
    """As in the network that the authors of NIN published first."""
    weights, biases = weights_of((6, 4))
    arrays = [blob(weights, "old"), blob(biases, "old")]
    made = layer("cccp1", "Convolution", arrays, generation=1, convolution=convolution_of(6))
    (found,) = read_caffemodel(saved(tmp_path, net(made))).layers
    assert found.weights.shape == (6, 4, 1, 1)
    assert np.array_equal(found.weights[:, :, 0, 0], weights)


def test_arrays_of_other_layers_are_left(tmp_path):
    kernel, ones = blob(np.ones((4, 3, 2, 2))), blob(np.ones(4))
    dilated = convolution_of(4) + number(18, 2)
    contents = net(
        layer("conv", "Convolution", [kernel, ones, ones]),
        layer("bn", "BatchNorm", [ones, ones, blob(np.ones(1))]),
        layer("scale", "Scale", [ones, ones]),
        layer("up", "Deconvolution", [kernel]),
        layer("conv", "Convolution", [kernel]),
        layer("wide", "Convolution", [kernel], convolution=dilated),
        layer("deep", "Convolution", [blob(np.ones((4, 3, 2, 2, 2)))]),
        layer("axis", "InnerProduct", [blob(np.ones((4, 3)))], full=number(5, 2)),
    )
    file = read_caffemodel(saved(tmp_path, contents))
    assert [each.name for each in file.layers] == ["conv"]
    left = dict(file.left)
    assert left["bn.2"] == "of a layer of type BatchNorm: no convolution or full connection"
    assert "type Scale" in left["scale.0"] and "type Deconvolution" in left["up.0"]
    assert left["conv.2"] == "its layer has weights and biases already"
    assert left["conv.0"] == "another layer has the same name"
    assert "dilated" in left["wide.0"] and "3 dimensions" in left["deep.0"]
    assert "axis 2" in left["axis.0"] and len(left) == 11


def test_types_of_the_first_generation(tmp_path):
    kernel = blob(np.ones((4, 3, 2, 2)))
    contents = net(
        layer("conv", "Convolution", [kernel], generation=1),
        layer("up", "Deconvolution", [kernel], generation=1),
        message(2, message(4, "odd") + number(5, 77) + message(6, kernel)),
    )
    file = read_caffemodel(saved(tmp_path, contents))
    assert [each.name for each in file.layers] == ["conv"]
    assert "type Deconvolution" in file.left[0][1] and "type number 77" in file.left[1][1]


def test_what_a_data_layer_states(tmp_path):
    means = b"".join(float32(5, mean) for mean in (104, 117, 123))
    transform = number(3, 227) + means + float32(1, 0.5)
    by_file = number(3, 224) + message(4, "mean.binaryproto")
    kernel = layer("c", "Convolution", [blob(np.ones((4, 3, 2, 2)))])
    contents = net(
        layer("data", "Data", transform=transform),
        layer("data", "Data", transform=transform),
        layer("old", "ReLU", generation=1, transform=by_file),
        kernel,
    )
    assert read_caffemodel(saved(tmp_path, contents)).notes == (
        "its layer old states crop_size 224, mean_file mean.binaryproto",
        "its layer data states crop_size 227, mean_value 104 117 123, scale 0.5",
    )


def test_names_that_are_no_text_are_printable(tmp_path):
    made = message(1, b"\xff\x1b[2J") + message(2, "Convolution")
    contents = net(message(100, made + message(7, blob(np.ones((4, 3, 2, 2)))[:-4])))
    with pytest.raises(DataError) as error:
        read_caffemodel(saved(tmp_path, contents))
    assert str(error.value).isprintable()


# -- mean images -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["old", "shape"])
def test_a_mean_image(tmp_path, form):
    mean = np.arange(3 * 4 * 4, dtype=np.float32).reshape(3, 4, 4)
    found = read_mean(saved(tmp_path, blob(mean, form), "mean.binaryproto"))
    assert found.dtype == np.float32 and np.array_equal(found, mean)
    written = caffe_proto.Blob()
    caffe_proto.fill(written, mean, old=form == "old")
    path = saved(tmp_path, written.SerializeToString(), "mean.binaryproto")
    assert np.array_equal(read_mean(path), mean)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (16,), (1, 1, 1, 0)])
def test_an_array_that_is_no_image(tmp_path, shape):
    with pytest.raises(DataError, match="an image was expected"):
        read_mean(saved(tmp_path, blob(np.ones(shape)), "mean.binaryproto"))


# -- what is refused -------------------------------------------------------------------------------


def refusal(tmp_path, contents):
    with pytest.raises(DataError) as error:
        read_caffemodel(saved(tmp_path, contents))
    text = str(error.value)
    assert "\n" not in text and text.startswith(str(tmp_path))
    return text


def test_the_first_format_is_refused_by_name(tmp_path):
    old = message(1, "conv1") + message(2, "conv") + message(50, blob(np.ones((4, 3, 2, 2))))
    text = refusal(tmp_path, net(message(2, message(1, old))))
    assert "V0LayerParameter" in text and "upgrade_net_proto_binary" in text


def test_text_and_networks_without_weights(tmp_path):
    assert "is text" in refusal(tmp_path, b'name: "CaffeNet"\nlayer {\n  name: "data"\n}\n')
    assert "holds no weights" in refusal(tmp_path, net(layer("c", "Convolution")))
    assert "holds no weights" in refusal(tmp_path, b"")


@pytest.mark.parametrize(
    ("arrays", "facts", "found"),
    [
        ([message(7, number(1, 5)) + message(5, b"1234" * 4)], b"", "0 dimensions"),
        ([blob(np.ones((4, 3, 2, 2)))[:-4]], b"", None),
        ([blob(np.ones((4, 3, 2, 2))), blob(np.ones(5))], b"", "5 biases for 4 outputs"),
        ([blob(np.ones((4, 3, 2, 2)))], convolution_of(5), "for 5 outputs"),
        ([blob(np.ones((4, 3, 2, 2)))], convolution_of(4, 3), "4 filters in 3 groups"),
        ([blob(np.ones((4, 3, 2, 2)))], convolution_of(4, 0), "4 filters in 0 groups"),
        ([number(1, -4) + number(2, -1) + message(5, b"1234" * 4)], b"", "-4x-1x0x0"),
        ([blob(np.ones((0, 3, 2, 2)))], b"", "0x3x2x2"),
    ],
)
def test_arrays_that_do_not_agree(tmp_path, arrays, facts, found):
    text = refusal(tmp_path, net(layer("c", "Convolution", arrays, convolution=facts)))
    assert found is None or found in text or "holds no weights" in text


def test_a_shape_is_not_believed(tmp_path):
    """No memory is taken for values that are not there."""
    huge = message(7, message(1, varint(1 << 31) * 3)) + message(5, b"1234")
    text = refusal(tmp_path, net(layer("f", "InnerProduct", [huge])))
    assert "2147483648x2147483648x2147483648" in text
    many = message(7, message(1, varint(1) * 40)) + message(5, b"1234")
    assert "has 1 values" in refusal(tmp_path, net(layer("f", "InnerProduct", [many])))


def test_without_protobuf(tmp_path, monkeypatch):
    schema._classes.cache_clear()
    hide(monkeypatch, "google")
    path = saved(tmp_path, net())
    with pytest.raises(ConvnetError, match=r'pip install "convnet\[caffe\]"'):
        read_caffemodel(path)
