"""`convnet import` and `train --init-from` of files of PyTorch: the same probabilities as there."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from convnet import Net, checkpoint
from convnet.export.model import filters_first
from tests.support import decaf_files
from tests.support.command_line import good, run
from tests.support.torchvision_alexnet import NARROW, Widths, made, probabilities, spec

NET = made()
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 224, 224), dtype=np.uint8)
NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


@pytest.fixture
def place(tmp_path):
    """A folder with the network's spec files and PyTorch's weights."""
    layers, params = spec()
    (tmp_path / "net.cfg").write_text(layers)
    (tmp_path / "net.params").write_text(params)
    torch.save(NET.state_dict(), tmp_path / "net.pth")
    (tmp_path / "names.txt").write_text("".join(f"class {n}\n" for n in range(10)))
    return tmp_path


def files(place, name="net"):
    return "--layers", place / f"{name}.cfg", "--params", place / f"{name}.params"


def imported(place, *options, file="net.pth", out="out"):
    result = good("import", place / file, *files(place), *options, "--out", place / out)
    return place / f"{out}.safetensors", result


def said(result):
    """What a command printed, on one line."""
    return " ".join(result.output.split())


def ours(path, pixels=PIXELS):
    net = Net.load(path, minibatch=len(pixels))
    net.forward(net.preprocess(pixels))
    return net.activities("probs")


def torch_file(form):
    def write(place):
        if form == "safetensors":
            save_file(NET.state_dict(), place / "net.safetensors")
        elif form == "npz":
            np.savez(place / "net.npz", **{k: v.numpy() for k, v in NET.state_dict().items()})
        else:
            torch.save(NET.state_dict(), place / "net.pth",
                       _use_new_zipfile_serialization=form == "pth")  # fmt: skip
        return "net.pth" if form == "older" else f"net.{form}"

    return write


@pytest.mark.parametrize("form", ["pth", "older", "safetensors", "npz"])
def test_an_imported_network_computes_what_pytorch_does(place, form):
    name = torch_file(form)(place)
    path, result = imported(place, "--pixels", "torchvision", file=name)
    expected = probabilities(NET, PIXELS)
    assert expected.max() > 0.2 and np.ptp(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(ours(path), expected, rtol=0, atol=1e-6)
    assert "8 layers with 11,205 parameters taken" in result.output
    how = "by shape" if form == "safetensors" else "by order"
    assert f"layers found {how}" in result.output and "classifier.6" in result.output


def test_the_checkpoint_is_one_for_all_commands(place):
    from PIL import Image

    path, _ = imported(place, "--pixels", "torchvision", "--class-names", place / "names.txt")
    saved = checkpoint.load(path)
    assert saved.class_names[3] == "class 3" and saved.options["minibatch"] == 8
    record = saved.input
    assert (record.side, record.inner_size, record.channels) == (256, 224, 3)
    np.testing.assert_allclose(record.mean[:, 5, 7], [123.675, 116.28, 103.53], rtol=1e-6)
    image = np.random.default_rng(1).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(image).save(place / "image.png")
    found = good("predict", place / "image.png", "--load", path, "--json", "--workers", 0)
    best = json.loads(found.stdout)["images"][0]["top"][0]
    crop = np.ascontiguousarray(image[16:240, 16:240].transpose(2, 0, 1))[None]
    expected = probabilities(NET, crop)[0]
    assert best["class"] == f"class {expected.argmax()}"
    assert best["probability"] == pytest.approx(expected.max(), abs=1e-5)
    good("test", "--load", path, "--data", "shapes:side=256,classes=10,train=8,test=8")
    good("show-filters", "--load", path, "--layer", "conv1", "--out", place / "filters.png")
    good("export", "--load", path, "--format", "onnx", "--preprocess", "--out", place / "x.onnx")


TRAIN = ("--data", "shapes:side=256,classes=10,train=16,test=4", "--max-batches", 3,
         "--minibatch", 4, "--test-every", 100, "--workers", 0)  # fmt: skip


def costs(folder):
    lines = (folder / "journal.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return records[0], [r for r in records if r["event"] == "train"]


def test_fine_tuning_from_a_checkpoint_and_from_the_file(place):
    path, _ = imported(place, "--pixels", "torchvision")
    good("train", *files(place), *TRAIN, "--init-from", path, "--save", place / "a")
    result = good("train", *files(place), *TRAIN, "--init-from", place / "net.pth",
                  "--pixels", "torchvision", "--save", place / "b")  # fmt: skip
    assert "8 layers with 11,205 parameters taken, 0 left" in result.output
    start, _ = costs(place / "b")
    assert start["init_from"]["taken"] == list(NAMES) and start["init_from"]["left"] == {}
    a, b = (checkpoint.load_newest(place / name).checkpoint for name in "ab")
    assert a.position.step == b.position.step == 3
    for name, array in a.arrays.items():
        np.testing.assert_array_equal(array, b.arrays[name])
    moved = np.abs(a.arrays["fc8.weights.0"] - checkpoint.load(path).arrays["fc8.weights.0"])
    assert moved.max() > 0


def test_the_first_layer_as_it_is_without_an_input(place):
    result = good("train", *files(place), *TRAIN, "--init-from", place / "net.pth",
                  "--save", place / "a", "--dry-run")  # fmt: skip
    assert "--pixels torchvision or --pixels caffe" in result.output
    path, result = imported(place)
    assert checkpoint.load(path).input is None and "is not known: give --pixels" in result.output
    found = filters_first(checkpoint.load(path).arrays["conv1.weights.0"])
    np.testing.assert_array_equal(found, NET.features[0].weight.detach().numpy())


# -- what the network expects of an image ----------------------------------------------------------


def in_torch(net, pixels, mean=0.0, deviation=1.0, scale=1.0, reverse=False):
    x = pixels.astype(np.float32)[:, :: -1 if reverse else 1]
    x = (x / np.float32(scale) - np.float32(mean)) / np.float32(deviation)
    with torch.no_grad():
        return net(torch.from_numpy(np.ascontiguousarray(x))).softmax(1).numpy()


def columns(*values):
    return np.array(values, np.float32).reshape(-1, 1, 1)


MEAN = np.random.default_rng(2).uniform(0, 255, (3, 240, 240)).astype(np.float32)
CENTER = MEAN[:, 8:232, 8:232]
RGB = (120.0, 100.0, 80.0)
INPUTS = {
    "caffe": (("--pixels", "caffe"), {"mean": columns(104, 117, 123), "reverse": True}),
    "rgb after a preset": (("--pixels", "caffe", "--rgb"), {"mean": columns(123, 117, 104)}),
    "numbers": (("--image-mean", "120,100,80"), {"mean": columns(*RGB)}),
    "one number": (("--image-mean", "99.5"), {"mean": 99.5}),
    "numbers and deviations": (
        ("--image-mean", "0.5,.4,3e-1", "--image-std", "0.3,0.2,0.1", "--image-scale", "255"),
        {"mean": columns(0.5, 0.4, 0.3), "deviation": columns(0.3, 0.2, 0.1), "scale": 255},
    ),
    "deviations of bgr": (
        ("--image-std", "30,20,10", "--bgr"),
        {"deviation": columns(10, 20, 30), "reverse": True},
    ),
    "an image": (("--image-mean", "mean.npy"), {"mean": CENTER}),
    "an image in bgr": (("--image-mean", "mean.npy", "--bgr"), {"mean": CENTER, "reverse": True}),
    "channels in a file": (
        ("--image-mean", "three.npy", "--bgr"), {"mean": columns(*RGB), "reverse": True},
    ),
    "a preset's mean replaced": (
        ("--pixels", "torchvision", "--image-mean", "0.4"),
        {"mean": 0.4, "deviation": columns(0.229, 0.224, 0.225), "scale": 255},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", INPUTS)
def test_every_input_gives_pytorchs_probabilities(place, what, monkeypatch):
    monkeypatch.chdir(place)
    np.save("mean.npy", MEAN)
    np.save("three.npy", np.array(RGB))
    options, theirs = INPUTS[what]
    net = made()
    with torch.no_grad():  # so that no class has all of the probability
        net.features[0].weight /= 1 if "scale" in theirs else 5 if "deviation" in theirs else 60
    torch.save(net.state_dict(), "net.pth")
    path, result = imported(place, *options, "--size", 240)
    expected = in_torch(net, PIXELS, **theirs)
    assert 0.05 < expected.max() < 0.999
    np.testing.assert_allclose(ours(path), expected, rtol=0, atol=2e-6)
    assert ("red, green, blue" in result.output) == theirs.get("reverse", False)


def test_a_form_that_is_named_comes_before_the_order_of_the_files_format(place):
    layers = [
        (name, "conv" if each.weight.ndim == 4 else "fc", *arrays(each), 1)
        for name, each in zip(
            NAMES, [m for m in NET.modules() if hasattr(m, "weight")], strict=True
        )
    ]
    (place / "net.list").write_bytes(decaf_files.listed(layers))  # red first
    _, result = imported(place, "--image-mean", 99, file="net.list")
    assert "red, green, blue" not in result.output
    path, result = imported(place, "--pixels", "caffe", file="net.list", out="caffe")
    expected = in_torch(NET, PIXELS, columns(104, 117, 123), reverse=True)
    np.testing.assert_allclose(ours(path), expected, rtol=0, atol=2e-6)
    result = good("train", *files(place), *TRAIN, "--dry-run", "--init-from", place / "net.list",
                  "--pixels", "caffe")  # fmt: skip
    assert "red, green, blue" in result.output


def arrays(layer):
    return [each.detach().numpy() for each in (layer.weight, layer.bias)]


BAD_INPUTS = {
    "two numbers": (("--image-mean", "1,2"), "2 means for images of 3 channels; give 1 or 3"),
    "two deviations": (("--image-std", "1,2"), "2 deviations for images of 3 channels"),
    "a small mean": (("--image-mean", "small.npy"), "has the shape 3x9x9; expected 3 finite"),
    "a mean of NaN": (("--image-mean", "nan.npy"), "expected 3 finite numbers"),
    "another file": (("--image-mean", "net.cfg"), "is no mean image; expected a file .npy or"),
    "no such file": (("--image-mean", "x.npy"), "no such file"),
    "a small size": (("--pixels", "caffe", "--size", "200"), "--size 200: the network's images"),
}


@pytest.mark.parametrize("what", BAD_INPUTS)
def test_inputs_that_do_not_fit_are_refused(place, what, monkeypatch):
    monkeypatch.chdir(place)
    np.save("small.npy", np.ones((3, 9, 9)))
    np.save("nan.npy", np.full(3, np.nan))
    options, message = BAD_INPUTS[what]
    result = run("import", "net.pth", *files(place), *options, "--out", "out")
    assert result.exit_code == 1 and message in said(result)
    assert not (place / "out.safetensors").exists()


@pytest.mark.parametrize(
    "option",
    [("--image-std", "0,1,1"), ("--image-std", "x"), ("--image-scale", "0"), ("--pixels", "x"),
     ("--image-mean", "inf"), ("--image-mean", ",".join("1" * 65)), ("--image-scale", "nan")],
)  # fmt: skip
def test_impossible_numbers_are_refused(place, option):
    result = run("import", place / "net.pth", *files(place), *option, "--out", place / "out")
    assert result.exit_code == 2 and option[0] in result.output


def test_a_layer_file_without_an_image_size_has_no_input(place):
    text = (place / "net.cfg").read_text().replace("imgSize=224\n", "")
    (place / "net.cfg").write_text(text)
    result = run(
        "import", place / "net.pth", *files(place), "--pixels", "caffe", "--out", place / "o"
    )
    assert result.exit_code == 1, result.output


def test_dropout_that_scales_in_tests_is_undone(place):
    layers, params = spec()
    half = "[drop6]\ntype=dropout2\ninputs=fc6\n\n[half]\ntype=neuron\nneuron=relu\n"
    layers = layers.replace("inputs=fc6\n", "inputs=half\n")
    layers = layers.replace("[fc7]", f"{half}inputs=drop6\n\n[fc7]")
    layers = layers.replace("[fc8]", "[drop7]\ntype=dropout\ninputs=fc7\n\n[fc8]")
    layers = layers.replace("inputs=fc7\noutputs", "inputs=drop7\noutputs")
    (place / "net.cfg").write_text(layers)
    (place / "net.params").write_text(params + "[drop6]\nkeep=0.3\n[drop7]\nkeep=0.4\n")
    path, result = imported(place, "--pixels", "torchvision")
    np.testing.assert_allclose(ours(path), probabilities(NET, PIXELS), rtol=0, atol=1e-6)
    assert "fc7: its weights are divided by 0.3" in result.output
    assert "divided by 0.4" not in result.output
    good("export", "--load", path, "--format", "npz", "--out", place / "e")
    again = ("import", place / "e.npz", *files(place), "--out", place / "again")
    assert "divided by 0.3" not in good(*again).output
    a, b = (checkpoint.load(place / f"{name}.safetensors").arrays for name in ("out", "again"))
    np.testing.assert_array_equal(a["fc7.weights.0"], b["fc7.weights.0"])


# -- what is refused -------------------------------------------------------------------------------


def failed(place, *options, file="net.pth"):
    result = run("import", place / file, *options, "--out", place / "out")
    assert result.exit_code in (1, 2) and not (place / "out.safetensors").exists()
    return said(result)


def test_a_file_of_weights_needs_a_network(place):
    assert "name the one to take the weights with --layers" in failed(place)


def test_layers_without_weights_are_refused_unless_partial(place):
    state = {k: v for k, v in NET.state_dict().items() if not k.startswith("classifier.6")}
    torch.save(state, place / "net.pth")
    text = failed(place, *files(place))
    assert "has no weights for fc8; give --map to name them, or --partial" in text
    path, result = imported(place, "--partial", "--seed", 3)
    assert "fc8 keeps its initial values (--partial)" in result.output
    arrays = checkpoint.load(path).arrays
    assert 0 < np.abs(arrays["fc8.weights.0"]).max() < 0.1
    np.testing.assert_array_equal(arrays["fc7.biases"], NET.classifier[4].bias.detach().numpy())
    again, _ = imported(place, "--partial", "--seed", 3, out="again")
    other, _ = imported(place, "--partial", out="other")
    first, same, new = (checkpoint.load(p).arrays["fc8.weights.0"] for p in (path, again, other))
    assert (first == same).all() and (first != new).any()


def test_normalizations_are_left_with_a_reason(place):
    state = NET.state_dict() | {"bn.weight": torch.ones(3), "bn.bias": torch.ones(3),
                                "bn.running_mean": torch.ones(3)}  # fmt: skip
    torch.save(state, place / "net.pth")
    _, result = imported(place, "--pixels", "torchvision")
    assert result.output.count("left: batch normalization has no counterpart here") == 3


def test_class_names_must_be_as_many_as_the_classes(place):
    (place / "names.txt").write_text("a\nb\n")
    text = failed(place, *files(place), "--class-names", place / "names.txt")
    assert "has 2 lines, the network 10 classes" in text
    (place / "names.txt").write_bytes(b"\xff" * 10)
    text = failed(place, *files(place), "--class-names", place / "names.txt")
    assert "is no text in UTF-8" in text


def test_nothing_is_replaced(place):
    imported(place)
    result = run("import", place / "net.pth", *files(place), "--out", place / "out")
    assert result.exit_code == 1 and "already there; give another --out" in said(result)
    result = run("import", place / "net.pth", *files(place), "--out", place / "out" / "..")
    assert result.exit_code == 1 and "is a folder" in said(result)


def test_a_folder_that_cannot_be_made_is_named(place):
    result = run(
        "import", place / "net.pth", *files(place), "--out", place / "net.cfg" / "x" / "out"
    )
    assert result.exit_code in (1, 2) and "net.cfg" in said(result)
    assert "Traceback" not in result.output


def test_a_checkpoint_of_ours_needs_no_import(place):
    path, _ = imported(place)
    result = run("import", path, "--out", place / "again")
    assert result.exit_code == 1 and "is a checkpoint of convnet already" in said(result)


def test_checkpoints_of_the_originals_take_no_network(place):
    (place / "3.2").write_bytes(b"(dp0\n.")
    text = failed(place, *files(place), "--bgr", file="3.2")
    assert "--layers, --params, --bgr has no use" in text
    assert "is not a checkpoint of the original systems" in failed(place, file="3.2")
    assert "no such file" in failed(place, file="absent")


def test_options_of_the_start_need_a_file_of_another_framework(place):
    path, _ = imported(place)
    alone = ("--map", place / "net.cfg"), ("--pixels", "caffe")
    for given in (*alone, *(("--init-from", path, *option) for option in alone)):
        result = run("train", *files(place), *TRAIN, *given)
        assert result.exit_code == 2 and "--map and --pixels" in said(result)


def test_a_map_for_the_start_of_a_run(place):
    (place / "layers.map").write_text("features.0 conv1\nclassifier.6 fc8\n")
    result = good("train", *files(place), *TRAIN, "--dry-run", "--init-from", place / "net.pth",
                  "--map", place / "layers.map", "--pixels", "torchvision")  # fmt: skip
    assert (
        "layers found by the map" in result.output and "left: the network has no" in result.output
    )


def test_networks_trained_upside_down_are_turned(place):
    layers, params = spec()
    for old, new in (
        ("imgSize=224", "imgSize=227"),
        ("modulesX=55\n", ""),
        ("padding=2\nini", "ini"),
    ):
        layers = layers.replace(old, new, 1)
    (place / "turned.cfg").write_text(layers)
    (place / "turned.params").write_text(params)
    options = ("--pixels", "torchvision", "--upside-down", "--out", place / "turned")
    good("import", place / "net.pth", *files(place, "turned"), *options)
    pixels = np.random.default_rng(3).integers(0, 256, (2, 3, 227, 227), dtype=np.uint8)
    net = made()
    net.features[0].padding = (0, 0)
    expected = probabilities(net, np.ascontiguousarray(pixels[:, :, ::-1]))
    np.testing.assert_allclose(ours(place / "turned.safetensors", pixels), expected, atol=1e-6)
    mean = np.random.default_rng(4).uniform(0, 1, (3, 227, 227)).astype(np.float32)
    np.save(place / "mean.npy", mean)
    options = ("--image-mean", place / "mean.npy", "--image-scale", 255, "--upside-down")
    good("import", place / "net.pth", *files(place, "turned"), *options, "--out", place / "mean")
    x = np.ascontiguousarray(pixels[:, :, ::-1] / np.float32(255) - mean)
    with torch.no_grad():
        expected = net(torch.from_numpy(x)).softmax(1).numpy()
        other = net(torch.from_numpy(x + mean - mean[:, ::-1].copy())).softmax(1).numpy()
    assert np.abs(expected - other).max() > 1e-3  # the mean is turned too
    np.testing.assert_allclose(ours(place / "mean.safetensors", pixels), expected, atol=2e-6)
    text = failed(place, *files(place), "--upside-down")
    assert "windows of conv1 lie differently at the top and at the bottom" in text


# -- files of convnet export -----------------------------------------------------------------------


@pytest.mark.parametrize("form", ["npz", "safetensors", "torch"])
def test_exported_files_come_back_as_they_were(place, form):
    path, _ = imported(place, "--pixels", "torchvision", "--class-names", place / "names.txt")
    preprocess = ["--preprocess"] if form == "torch" else []
    good("export", "--load", path, "--format", form, "--out", place / "e", *preprocess)
    ending = "npz" if form == "npz" else "safetensors"
    good("import", place / f"e.{ending}", "--out", place / "back")
    a, b = (checkpoint.load(each) for each in (path, place / "back.safetensors"))
    assert a.arrays.keys() == b.arrays.keys()
    for name, array in a.arrays.items():
        np.testing.assert_array_equal(array, b.arrays[name])
    assert (a.layers.text, a.params.text, a.class_names) == (
        b.layers.text,
        b.params.text,
        b.class_names,
    )
    assert b.input.inner_size == 224 and b.input.color_order == "RGB"
    np.testing.assert_array_equal(ours(path), ours(place / "back.safetensors"))
    result = good("train", *files(place), *TRAIN, "--dry-run", "--init-from", place / f"e.{ending}")
    assert "8 layers with 11,205 parameters taken, 0 left" in result.output


def test_options_of_the_input_do_not_go_with_a_file_that_states_it(place):
    path, _ = imported(place, "--pixels", "torchvision")
    good("export", "--load", path, "--format", "npz", "--out", place / "e")
    path.unlink()
    for option in (("--pixels", "caffe"), ("--bgr",), ("--size", 240), ("--upside-down",)):
        assert "states its network's input" in failed(place, *option, file="e.npz")
    good("import", place / "e.npz", *files(place), "--pixels", "caffe", "--out", place / "taken")


def test_wide_networks_have_the_names_of_torchvision():
    state = made(Widths((1, 1, 1, 1, 1), 2, 2)).state_dict()
    assert list(state) == [
        f"features.{n}.{k}" for n in (0, 3, 6, 8, 10) for k in ("weight", "bias")
    ] + [f"classifier.{n}.{k}" for n in (1, 4, 6) for k in ("weight", "bias")]
    assert NARROW.classes == 10
