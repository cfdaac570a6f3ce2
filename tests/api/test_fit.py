"""`Net.fit` trains as `convnet train` does; `summary` and the forms in which a net is shown."""

import numpy as np
import pytest

import convnet
from convnet.api.shown import _html_row
from convnet.checkpoint import load, newest
from convnet.data import open_dataset
from convnet.errors import ConvnetError, DataError
from convnet.journal import of_checkpoint, read
from tests.support.command_line import good
from tests.support.paths import ROOT

FILES = [ROOT / "layers/digits.cfg", ROOT / "params/digits.params"]
OPTIONS = ["--layers", FILES[0], "--params", FILES[1]]


def new_net(**options):
    return convnet.Net.from_files(*FILES, minibatch=128, **options)


def arrays(split, count):
    digits = open_dataset("digits")
    cases = np.arange(count)
    return digits.images(split, cases), digits.labels(split, cases)


class Watching(convnet.Observer):
    def __init__(self):
        self.events = []

    def on_start(self, record):
        self.events.append("start")

    def on_step(self, position, costs):
        self.events.append("step")

    def on_test(self, record):
        self.events.append("test")

    def on_save(self, path):
        self.events.append("save")


def test_it_is_the_training_of_the_command_line(tmp_path):
    good("train", *OPTIONS, "--epochs", 2, "--minibatch", 128, "--save", tmp_path / "run")
    net, watching = new_net(), Watching()
    history = net.fit("digits", 2, callbacks=[watching], save=tmp_path / "fit")
    ours, theirs = (load(newest(tmp_path / name)) for name in ("fit", "run"))
    assert ours.arrays.keys() == theirs.arrays.keys()
    for name, array in theirs.arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array, err_msg=name)
    assert ours.history == theirs.history
    assert ours.input == theirs.input == net.input
    assert ours.class_names == theirs.class_names == net.class_names
    assert history.test[-1]["costs"] == theirs.history["test"][-1]["costs"]
    steps = history.test[-1]["step"]
    assert watching.events.count("step") == steps == 24
    assert watching.events[0] == "start"
    assert watching.events.count("test") == 2
    assert "save" in watching.events
    again = convnet.load(tmp_path / "fit")
    images, _ = arrays("test", 5)
    np.testing.assert_array_equal(again.predict(images), net.predict(images))
    events = [record["event"] for record in read(of_checkpoint(newest(tmp_path / "fit")))]
    assert events[0] == "start" and events[-1] == "stop"


def test_arrays_are_learned_and_tested():
    net = new_net(seed=2)
    train, test = arrays("train", 1501), arrays("test", 296)
    history = net.fit(train, np.int64(4), test=test)
    errors = [entry["costs"]["logprob"]["top-1 error"] for entry in history.test]
    assert len(errors) == 4
    assert errors[-1] < 0.2
    assert net.class_names == tuple("0123456789")
    wrong = net.predict(test[0]).argmax(axis=1) != test[1]
    assert wrong.mean() == pytest.approx(errors[-1], abs=1e-6)
    before = net.weights("conv1").copy()
    net.fit(train, 1)  # without tests, from these weights on
    assert 0 < abs(net.weights("conv1") - before).max() < 0.5


def test_arrays_of_one_channel_and_integers_as_floats():
    (images, labels), net = arrays("train", 256), new_net()
    first = net.fit((images, labels), 1)
    again = new_net()
    second = again.fit((images[:, 0].astype(float).tolist(), labels.astype(float)), 1)
    assert second.train[-1]["costs"] == first.train[-1]["costs"]


IMAGES, LABELS = np.zeros((6, 1, 8, 8), np.uint8), np.arange(6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((IMAGES, LABELS[:4]), r"labels of shape \(cases,\), here \(6,\), .* shape \(4,\)"),
        ((IMAGES, LABELS + 9), "case 1 has the label 10, but the set has 10 classes"),
        ((IMAGES, LABELS / 2), "labels are of type float64, not integers"),
        ((IMAGES[:, :, :7], LABELS), r"found an array of shape \(6, 1, 7, 8\)"),
        ((IMAGES[:, :, :7, :7], LABELS), r"takes 64 values a case, .* shape \(6, 1, 7, 7\)"),
        ((IMAGES[:0], LABELS[:0]), r"data has no images: an array of shape \(0, 1, 8, 8\)"),
        ((IMAGES, LABELS, LABELS), "data is .images, labels., found tuple"),
        (7, "data is .images, labels., found int"),
        ((IMAGES + np.nan, LABELS), "not finite"),
        ("nothing", "no built-in data set .* and no folder of that name"),
        ("shapes:side=16", "images of 3 channels; the network expects 1"),
    ],
)
def test_data_that_does_not_fit_is_refused(data, message):
    net = new_net()
    before = net.weights("conv1")
    with pytest.raises(DataError, match=message):
        net.fit(data, 1)
    np.testing.assert_array_equal(net.weights("conv1"), before)


def test_misuse_is_told(tmp_path):
    net, data = new_net(), (IMAGES, LABELS)
    for epochs in (0, True, 1.5, "2"):
        with pytest.raises(ConvnetError, match="epochs is a number of epochs, 1 or more"):
            net.fit(data, epochs)
    with pytest.raises(ConvnetError, match="test is for data in arrays"):
        net.fit("digits", 1, test=data)
    with pytest.raises(DataError, match="differ in more than the cases"):
        net.fit(data, 1, test=(np.zeros((2, 1, 9, 9)), LABELS[:2]))
    net.fit(data, 1, save=tmp_path / "run")
    with pytest.raises(ConvnetError, match="already holds a run; give another folder"):
        net.fit(data, 1, save=tmp_path / "run")


def test_the_summary_is_that_of_describe():
    described = good("describe", *OPTIONS, "--minibatch", 128).stdout
    layers = [line.split() for line in described.splitlines() if line.startswith(("conv", "fc"))]
    found = new_net().summary()
    shown = [line.split() for line in found.splitlines() if line.startswith(("conv", "fc"))]
    assert shown == layers and len(layers) == 4
    assert "parameters: 151,306" in found


def test_a_net_is_shown_in_one_line_and_as_a_table_in_notebooks():
    net = convnet.Net.from_files(*FILES, minibatch=32)
    text = repr(net)
    assert text.startswith("<Net ") and "\n" not in text
    assert "10 layers, 151,306 parameters, minibatch 32, on cpu>" in text
    table = net._repr_html_()
    assert table.count("<tr>") == 11
    assert "<td>conv2</td><td>conv</td><td>conv1</td><td>64x8x8</td><td>18,496</td>" in table
    assert "<script>" not in table
    assert "<svg" in table and ">8 × 8 × 32</text>" in table
    assert net.drawing("dark").width > 400


def test_names_are_escaped_in_notebooks(tmp_path):
    layers = tmp_path / "<b>.cfg"
    layers.write_text(FILES[0].read_text(encoding="utf-8"), "utf-8")
    table = convnet.Net.from_files(layers, FILES[1])._repr_html_()
    assert "&lt;b&gt;.cfg" in table and "<b>" not in table
    assert _html_row("td", ("<b>", "\x1b&")) == "<tr><td>&lt;b&gt;</td><td>?&amp;</td></tr>"
