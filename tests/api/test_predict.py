"""`Net.predict`: what it takes, what it returns, and what it refuses."""

import numpy as np
import pytest
from PIL import Image

import convnet
from convnet.data import open_dataset
from convnet.data.input import input_of
from convnet.errors import ConvnetError, DataError
from tests.support.paths import ROOT

FILES = [ROOT / "layers/digits.cfg", ROOT / "params/digits.params"]
COLOR = """
[data]
type=data
dataIdx=0
channels=3
imgSize=12
[labels]
type=data
dataIdx=1
[scores]
type=fc
inputs=data
outputs=4
initW=0.01
[probs]
type=softmax
inputs=scores
[cost]
type=cost.logreg
inputs=labels,probs
"""
RATES = "[scores]\nepsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0\n[cost]\ncoeff=1\n"


@pytest.fixture(scope="module")
def digits():
    return open_dataset("digits")


@pytest.fixture(scope="module")
def net(digits):
    """A network with random weights, for minibatches of 4."""
    made = convnet.Net.from_files(*FILES, minibatch=4, seed=1)
    made.input, made.class_names = input_of(digits, 8, "image"), digits.class_names
    return made


@pytest.fixture(scope="module")
def images(digits):
    return digits.images("test", np.arange(10))


@pytest.fixture(scope="module")
def folder(images, tmp_path_factory):
    place = tmp_path_factory.mktemp("digits")
    for number, image in enumerate(images):
        Image.fromarray(image[0]).save(place / f"{number}.png")
    return place


@pytest.fixture
def color():
    """A network for crops of 12 pixels out of 16."""
    made = convnet.Net.from_text(COLOR, RATES, minibatch=4, seed=1)
    dataset = open_dataset("shapes:side=16,train=8,test=8,classes=4")
    made.input, made.class_names = input_of(dataset, 12, 100.0), ("a", "b", "c", "d")
    return made


def test_all_forms_of_the_same_images_are_predicted_alike(net, images, folder):
    expected = net.predict(images)
    assert expected.shape == (10, 10)
    assert expected.dtype == np.float64
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-6)
    assert np.ptp(expected, axis=0).max() > 1e-4  # the images differ
    paths = [folder / f"{n}.png" for n in range(10)]
    forms = {
        "paths": paths,
        "names": [str(path) for path in paths],
        "a folder": folder,
        "floats": images.astype(np.float64),
        "Pillow": [Image.fromarray(image[0]) for image in images],
        "pictures": list(images[:, 0]),
        "with channels": [image[0, ..., np.newaxis] for image in images],
        "mixed": [paths[0], images[1, 0], *(Image.fromarray(i[0]) for i in images[2:9]), paths[9]],
    }
    for name, form in forms.items():
        np.testing.assert_array_equal(net.predict(form), expected, err_msg=name)


def test_a_single_image_is_one_case(net, images, folder):
    expected = net.predict(images[3:4])
    for form in (folder / "3.png", images[3, 0], Image.fromarray(images[3, 0])):
        np.testing.assert_array_equal(net.predict(form), expected)


def test_the_order_is_the_given_one(net, images, folder):
    given = [folder / f"{n}.png" for n in (7, 2, 2, 5)]
    np.testing.assert_array_equal(net.predict(given), net.predict(images)[[7, 2, 2, 5]])


def test_it_is_what_forward_computes(net, images):
    net.forward(net.preprocess(images[:4]))
    expected = net.activities("probs")
    np.testing.assert_array_equal(net.predict(images[:4]), expected)


def test_the_activities_are_those_of_the_last_minibatch(net, images):
    values = net.predict(images)
    np.testing.assert_array_equal(net.activities("probs"), values[8:])


def test_the_likeliest_classes_come_first(net, images):
    values = net.predict(images)
    top = net.predict(images, top=3)
    for row, found in zip(values, top, strict=True):
        order = np.argsort(-row)[:3]
        assert found == [(str(label), row[label]) for label in order]
    assert len(net.predict(images, top=99)[0]) == 10


def test_pictures_of_other_sizes_are_scaled_and_cropped(color):
    large = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    square = large.resize((16, 16), Image.Resampling.LANCZOS, box=(10, 0, 50, 40))
    whole = np.moveaxis(np.asarray(square), 2, 0)[np.newaxis]
    expected = color.predict(whole)
    np.testing.assert_array_equal(color.predict(large), expected)
    np.testing.assert_array_equal(color.predict(np.asarray(large)), expected)
    np.testing.assert_array_equal(color.predict(whole[:, :, 2:14, 2:14]), expected)


def test_pillows_image_stays_as_it_is(color, tmp_path):
    """A JPEG that is opened and not yet decoded could be decoded at another size."""
    noise = np.random.default_rng(0).integers(0, 256, (400, 600, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as image:
        color.predict(image)
        assert image.size == (600, 400)


def test_views_are_averaged(color):
    dataset = open_dataset("shapes:side=16,train=8,test=8,classes=4")
    images = dataset.images("test", np.arange(2))
    places = [(0, 0), (0, 4), (2, 2), (4, 0), (4, 4)]
    crops = [images[:, :, y : y + 12, x : x + 12] for y, x in places]
    crops += [crop[..., ::-1] for crop in crops]
    mean = np.mean([color.predict(crop) for crop in crops], axis=0)
    np.testing.assert_allclose(color.predict(images, multiview=True), mean, atol=1e-12)
    assert abs(mean - color.predict(images)).max() > 1e-3
    with pytest.raises(DataError, match="crops of images of 16x16 pixels, found an array of 12x12"):
        color.predict(crops[0], multiview=True)


def test_without_a_record_arrays_are_the_networks_input(images):
    plain = convnet.Net.from_files(*FILES, minibatch=4, seed=1)
    values = images.astype(np.float32) / 255
    plain.forward(values[8:])
    expected = plain.activities("probs")
    found = plain.predict(values)
    assert found.shape == (10, 10)
    np.testing.assert_array_equal(found[8:], expected)
    assert plain.predict(values[:1], top=1)[0][0][0] in "0123456789"
    with pytest.raises(ConvnetError, match="has no record of how its input is made"):
        plain.predict("digit.png")
    with pytest.raises(ConvnetError, match="several views need the record"):
        plain.predict(values, multiview=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 3, 8, 8)), r"shape \(cases, 1, 8, 8\).* found .* shape \(2, 3, 8, 8\)"),
        (np.zeros((2, 1, 9, 9)), r"shape \(2, 1, 9, 9\) and type float64"),
        (np.zeros((0, 1, 8, 8)), r"no images: the array has the shape \(0, 1, 8, 8\)"),
        (np.full((1, 1, 8, 8), np.nan), "not finite"),
        (np.zeros((8, 8)), "uint8 with values 0 to 255, found float64"),
        (np.zeros((2, 8, 8)), r"found an array of shape \(2, 8, 8\)"),
        ("nothing.png", "nothing.png: no such file"),
        (["nothing.png"], "nothing.png: no such file"),
        ([], "an empty sequence"),
        ([3], "found int"),
        (None, "found NoneType"),
        ([np.zeros((2, 1, 8, 8))], r"found ndarray of shape \(2, 1, 8, 8\)"),
        (np.array([["a"]]), "holds numbers|uint8"),
    ],
)
def test_other_things_are_refused(net, given, message):
    with pytest.raises(DataError, match=message):
        net.predict(given)


def test_a_file_that_is_no_image_is_named(net, folder, tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    for given in (tmp_path, [folder / "0.png", tmp_path / "x.png"]):
        with pytest.raises(DataError, match="x.png: broken: none of JPEG"):
            net.predict(given)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: there are no images there"):
        net.predict(tmp_path / "empty")


@pytest.mark.parametrize("top", [0, -1, True, 2.5, "3"])
def test_top_is_a_count(net, images, top):
    with pytest.raises(ConvnetError, match="top is a number of classes, 1 or more"):
        net.predict(images, top=top)


def test_outputs_that_depend_on_labels_are_refused():
    layers = COLOR.replace("inputs=data\noutputs=4", "inputs=data,labels\noutputs=4")
    layers = layers.replace("initW=0.01", "initW=0.01,0.01")
    rates = RATES.replace("epsW=0.1", "epsW=0.1,0.1").replace("momW=0.9", "momW=0.9,0.9")
    made = convnet.Net.from_text(layers, rates.replace("wc=0", "wc=0,0"), minibatch=4)
    with pytest.raises(DataError, match="probs depend on the data layer labels"):
        made.predict(np.zeros((1, 3, 12, 12)))


def test_load_is_nets(net, images, tmp_path):
    net.save(tmp_path / "net.safetensors")
    again = convnet.load(tmp_path / "net.safetensors", minibatch=4)
    np.testing.assert_array_equal(again.predict(images), net.predict(images))
    assert again.class_names == net.class_names


def test_sums_of_another_minibatch_are_rounded_differently_at_most(net, images, tmp_path):
    """Few cases are multiplied in another way than many."""
    net.save(tmp_path / "net.safetensors")
    again = convnet.load(tmp_path / "net.safetensors", minibatch=16)
    np.testing.assert_allclose(again.predict(images), net.predict(images), rtol=1e-5)
