"""Sizes that are guessed where neither the file nor an option states them."""

import json

import pytest

from convnet.graph import guess_sizes
from convnet.graph.guess_sizes import infer_dims
from convnet.language import Source
from convnet.language.specs import Specs
from tests.support.command_line import run

NET = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[conv1]
type=conv
inputs=data
channels={channels}
filters=1
filterSize={size}
padding=0
initW=0.1
{more}
[fc]
type=fc
inputs={below}
outputs=10
initW=0.1
[probs]
type=softmax
inputs=fc
[cost]
type=cost.logreg
inputs=labels,probs
"""
# conv1, of the image's own size, is added to 400 values: only images of 20x20 fit.
ADDED = """
[side]
type=fc
inputs=data
outputs=400
initW=0.1
[sum]
type=eltsum
inputs=conv1,side
"""


def net(channels=3, size=1, more="", below="conv1"):
    return NET.format(channels=channels, size=size, more=more, below=below)


def check(tmp_path, text, *options):
    (tmp_path / "net.cfg").write_text(text)
    return run("check", str(tmp_path / "net.cfg"), *options)


@pytest.mark.parametrize(
    ("channels", "size", "image"),
    [
        (3, 5, "3x32x32"),
        (4, 5, "4x32x32"),
        (2, 1, "2x32x32"),
        (1, 5, "1x28x28"),
        (5, 45, "5x48x48"),
    ],
)
def test_channels_are_those_of_the_first_layer(tmp_path, channels, size, image):
    found = check(tmp_path, net(channels, size))
    assert found.exit_code == 0, found.output
    assert f"assuming images of {image}; --data-dims sets other sizes" in found.output


def test_a_file_that_fits_no_guess_is_not_refused(tmp_path):
    text = net(more=ADDED, below="sum")
    found = check(tmp_path, text)
    assert found.exit_code == 0, found.output
    assert "net.cfg: ok, 8 layers" in found.stdout
    assert "assuming images of 3x32x32; --data-dims sets other sizes" in found.stdout
    assert "not checked, for want of the size of the images: " in found.stderr
    assert "sum" in found.stderr
    report = json.loads(check(tmp_path, text, "--json").stdout)
    assert report[0]["ok"] and len(report[0]["unchecked"]) == 1
    found = check(tmp_path, text, "--data-dims", "1200,1")
    assert found.exit_code == 0 and found.stderr == ""
    found = check(tmp_path, text, "--data-dims", "1875,1")
    assert found.exit_code == 1 and "sum" in found.stderr


def test_other_commands_name_the_guess(tmp_path):
    (tmp_path / "net.cfg").write_text(net(more=ADDED, below="sum"))
    (tmp_path / "net.params").write_text("")
    files = "--layers", str(tmp_path / "net.cfg"), "--params", str(tmp_path / "net.params")
    found = run("describe", *files)
    assert found.exit_code == 1
    (tmp_path / "net.params").write_text(
        "".join(f"[{n}]\nepsW=1\nepsB=1\nmomW=0\nmomB=0\nwc=0\n" for n in ("conv1", "side", "fc"))
        + "[cost]\ncoeff=1\n"
    )
    found = run("describe", *files)
    assert found.exit_code == 1
    assert found.stderr.endswith("assuming images of 3x32x32; --data-dims sets other sizes\n")


def test_a_mistake_elsewhere_does_not_spoil_the_guess(tmp_path):
    mistake = net(4, 40).replace("outputs=10", "outputs=10\nneuron=rleu")
    found = check(tmp_path, mistake)
    assert found.exit_code == 1
    assert "rleu" in found.output and "conv1" not in found.output
    assert len(found.stderr.splitlines()) <= 5, found.stderr
    mistake = net(4, 40, ADDED, "sum").replace("outputs=10", "outputs=10\nneuron=rleu")
    found = check(tmp_path, mistake)
    assert found.exit_code == 1 and "rleu" in found.output
    assert "sum" not in found.output, "what may be due to the guess is not an error"


def test_a_real_error_of_shapes_is_refused(tmp_path):
    two = "[side]\ntype=fc\ninputs=data\noutputs=400\ninitW=1\n"
    two += "[half]\ntype=fc\ninputs=data\noutputs=200\ninitW=1\n"
    two += "[sum]\ntype=eltsum\ninputs=side,half\n[last]\ntype=eltsum\ninputs=sum,conv1\n"
    found = check(tmp_path, net(more=two, below="last"))
    assert found.exit_code == 1
    assert "half" in found.stderr


def test_several_targets_are_guessed(tmp_path):
    text = net().replace("type=cost.logreg", "type=cost.sum2").replace("labels,probs", "diff")
    softmax = "[probs]\ntype=softmax\ninputs=fc\n"
    text = text.replace(softmax, "[diff]\ntype=eltsum\ninputs=fc,labels\ncoeffs=1,-1\n")
    found = check(tmp_path, text)
    assert found.exit_code == 0, found.output
    assert "images of 3x32x32 and 10 label values; --data-dims" in found.stdout
    found = check(tmp_path, text, "--data-dims", "3072")
    assert "  assuming 10 label values; --data-dims" in found.stdout
    assert check(tmp_path, text, "--data-dims", "3072,1").exit_code == 1


def test_few_attempts_at_a_long_file(monkeypatch):
    tried = []
    monkeypatch.setattr(guess_sizes, "_MOST_SECTIONS", 12)
    attempt = guess_sizes.attempt
    monkeypatch.setattr(guess_sizes, "attempt", lambda *a: tried.append(a) or attempt(*a))
    specs = Specs.parse(Source("net.cfg", net(4, 40, ADDED, "sum")), None)
    infer_dims(specs.layers, None, None)
    assert len(tried) == 2
