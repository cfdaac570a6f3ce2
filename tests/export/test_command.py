"""`convnet export` as a user types it."""

import sys

import numpy as np
import onnx
import pytest

from convnet import Net
from convnet.export import formats
from tests.support.command_line import good, run
from tests.support.exported import loaded

LAYERS = """
[data]
type=data
dataIdx=0
channels=1
imgSize=6
[labels]
type=data
dataIdx=1
[conv1]
type=conv
inputs=data
channels=1
filters=4
filterSize=3
initW=0.1
neuron=relu
[fc2]
type=fc
inputs=conv1
outputs=3
initW=0.1
[probs]
type=softmax
inputs=fc2
[logprob]
type=cost.logreg
inputs=labels,probs
"""
RATES = "epsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0\n"
PARAMS = f"[conv1]\n{RATES}[fc2]\n{RATES}[logprob]\ncoeff=1\n"


@pytest.fixture
def saved(tmp_path):
    net = Net.from_text(LAYERS, PARAMS, seed=2, minibatch=4)
    net.save(tmp_path / "saved.safetensors")
    return net, tmp_path / "saved.safetensors"


def test_onnx(saved, tmp_path):
    out = tmp_path / "new" / "net.onnx"
    result = good("export", "--load", saved[1], "--format", "onnx", "--out", out, "--output", "fc2")
    assert result.stdout == f"{out}: {out.stat().st_size:,} bytes\n"
    assert [o.name for o in onnx.load(out).graph.output] == ["fc2"]


def test_torch(saved, tmp_path):
    import torch

    net, path = saved
    result = good("export", "--load", path, "--format", "torch", "--out", tmp_path / "net.py")
    names = [line.split(":")[0] for line in result.stdout.splitlines()]
    assert names == [str(tmp_path / "net.py"), str(tmp_path / "net.safetensors")]
    images = np.random.default_rng(0).standard_normal((4, 1, 6, 6)).astype(np.float32)
    net.forward(images)
    found = loaded(tmp_path)(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(found, net.activities("probs"), rtol=1e-5)


@pytest.mark.parametrize("form", ["onnx", "torch", "npz", "safetensors"])
def test_no_file_is_replaced(saved, tmp_path, form):
    arguments = ("export", "--load", saved[1], "--format", form, "--out")
    good(*arguments, tmp_path / "net")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = run(*arguments, tmp_path / "net")
    assert result.exit_code == 1 and "already there; give another --out" in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_checkpoint_is_not_replaced(saved, tmp_path):
    result = run("export", "--load", saved[1], "--format", "torch", "--out", tmp_path / "saved.py")
    assert result.exit_code == 1 and "saved.safetensors: already there" in result.stderr
    assert not (tmp_path / "saved.py").exists()


def test_all_files_or_none(saved, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    real = formats.replacing

    def full_disk(path):
        if path.suffix == ".py":
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(formats, "replacing", full_disk)
    result = run("export", "--load", saved[1], "--format", "torch", "--out", folder / "net.py")
    assert result.exit_code == 1
    assert f"{folder / 'net.py'}: cannot be written (no space left on device)" in result.stderr
    assert not list(folder.iterdir())


@pytest.mark.parametrize("out", [".", "/", "..", "new/.."])
def test_a_folder_is_no_file(saved, out):
    result = run("export", "--load", saved[1], "--format", "onnx", "--out", out)
    assert result.exit_code == 1 and "is a folder; --out names the file to write" in result.stderr


@pytest.mark.parametrize("form", ["onnx", "torch", "npz"])
def test_places_where_no_file_can_be(saved, tmp_path, form):
    (tmp_path / "file").write_text("")
    for out, why in [
        ("file/net", f"{tmp_path / 'file'}: is no folder; give another --out"),
        ("file/new/net", f"{tmp_path / 'file' / 'new'}: is no folder; give another --out"),
        ("n" * 252, "cannot be written (file name too long)"),  # with the ending
    ]:
        result = run("export", "--load", saved[1], "--format", form, "--out", tmp_path / out)
        assert result.exit_code == 1 and why in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "saved.safetensors"]


def test_a_link_to_nothing_is_not_replaced(saved, tmp_path):
    link = tmp_path / "net.npz"
    link.symlink_to(tmp_path / "missing")
    result = run("export", "--load", saved[1], "--format", "npz", "--out", link)
    assert result.exit_code == 1 and "already there" in result.stderr and link.is_symlink()


def test_a_missing_package_is_one_line(saved, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = run("export", "--load", saved[1], "--format", "onnx", "--out", tmp_path / "net")
    assert result.exit_code == 1 and "`pip install onnx` installs it" in result.stderr
    assert not (tmp_path / "net.onnx").exists()


@pytest.mark.parametrize("form", ["onnx", "torch", "npz"])
def test_class_names_of_any_characters_come_back(tmp_path, form):
    names = ("\u00e9\u4e2d\U0001f600", 'quo"te\\', "esc\x1b[2J")
    net = Net.from_text(LAYERS, PARAMS, seed=2, minibatch=4)
    net.class_names = names
    net.save(tmp_path / "saved.safetensors")
    out = tmp_path / "net"
    good("export", "--load", tmp_path / "saved.safetensors", "--format", form, "--out", out)
    path = next(p for p in tmp_path.iterdir() if p.suffix in (f".{form}", ".safetensors")
        and p.stem == "net")  # fmt: skip
    good("import", path, "--out", tmp_path / "again.safetensors")
    assert Net.load(tmp_path / "again.safetensors").class_names == names


def test_several_data_layers_are_several_inputs(tmp_path):
    layers = LAYERS.replace("inputs=conv1\n", "inputs=conv1,more\n").replace(
        "[conv1]", "[more]\ntype=data\ndataIdx=2\nchannels=1\nimgSize=3\n[conv1]"
    )
    net = Net.from_text(layers, PARAMS, seed=2, minibatch=4)
    net.save(tmp_path / "saved.safetensors")
    good("export", "--load", tmp_path / "saved.safetensors", "--format", "onnx", "--out",
        tmp_path / "net")  # fmt: skip
    inputs = onnx.load(tmp_path / "net.onnx").graph.input
    shapes = [[d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim] for i in inputs]
    assert [i.name for i in inputs] == ["data", "more"]
    assert shapes == [["N", 1, 6, 6], ["N", 1, 3, 3]]


def test_arrays_hold_no_graph(saved, tmp_path):
    for more in (["--preprocess"], ["--output", "fc2"]):
        arguments = ["--load", saved[1], "--format", "npz", "--out", tmp_path / "net", *more]
        result = run("export", *arguments)
        assert result.exit_code == 2 and "holds arrays only" in result.stderr


def test_preprocessing_needs_a_record(saved, tmp_path):
    arguments = ["--load", saved[1], "--format", "onnx", "--out", tmp_path / "net", "--preprocess"]
    result = run("export", *arguments)
    assert result.exit_code == 1
    assert "does not record how its input is made of an image" in result.stderr
