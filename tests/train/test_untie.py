"""Conv layers made local and shared weights made private: the same outputs, other training."""

import numpy as np
import pytest

import convnet
from convnet import checkpoint
from convnet.errors import ConvnetError
from convnet.train.untie import untie

LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
# a comment
[one]
type=conv
inputs=data
channels=2
filters=3
filterSize=3
padding=1
initW=0.3
initB=0.1
sharedBiases=1
neuron=tanh
[two]
type=conv
inputs=one,data
channels=3,2
filters=4
groups=1
filterSize=3
stride=2
initW=0.2
sharedBiases=0
[three]
type=conv
inputs=one,one
channels=3
filters=4
filterSize=3
stride=2
initW=0.2
weightSource=two[0],
[four]
type=fc
inputs=two
outputs=5
initW=0.2
[five]
type=fc
inputs=three
outputs=5
initW=0.2
weightSource=four
[sum]
type=eltsum
inputs=four,five
[probs]
type=softmax
inputs=sum
[logprob]
type=cost.logreg
inputs=labels,probs
"""
RATES = "epsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0\n"
PARAMS = "".join(f"[{name}]\n{RATES}" for name in ("one", "two", "three", "four", "five"))
PARAMS = PARAMS.replace("[two]\n", "[two]\nwcNormMax=5\n") + "[logprob]\ncoeff=1\n"
RNG = np.random.default_rng(3)
IMAGES, NAMES = RNG.normal(size=(6, 2, 7, 7)), RNG.integers(0, 5, 6)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A checkpoint after three steps, in float64, and the file it lies in."""
    net = convnet.Net.from_text(
        LAYERS, PARAMS, minibatch=6, seed=2, dtype="float64", data_dims={0: 98, 1: 1}, dialect="chm"
    )
    for _ in range(3):
        net.train(IMAGES, NAMES)
    path = tmp_path_factory.mktemp("saved") / "net.safetensors"
    net.save(path)
    return path


def network(tmp_path, found):
    checkpoint.save(tmp_path / "new.safetensors", found)
    return convnet.Net.load(tmp_path / "new.safetensors", minibatch=6, dtype="float64")


@pytest.mark.parametrize(
    ("to_local", "unshare"),
    [(["one"], []), (["two"], []), ([], ["three"]), ([], ["five[0]"]), (["two"], ["three[0]"])],
)
def test_outputs_are_the_same_and_training_differs(saved, tmp_path, to_local, unshare):
    before = convnet.Net.load(saved, minibatch=6, dtype="float64")
    found, lines = untie(checkpoint.load(saved), to_local, unshare)
    after = network(tmp_path, found)
    assert lines
    for net in (before, after):
        net.forward(IMAGES, NAMES)
    assert np.abs(before.activities("sum")).max() > 0.01
    np.testing.assert_allclose(after.activities("sum"), before.activities("sum"), rtol=1e-11)
    for net in (before, after):
        for _ in range(2):
            net.train(IMAGES, NAMES)
        net.forward(IMAGES, NAMES)
    difference = np.abs(after.activities("sum") - before.activities("sum")).max()
    assert difference > 1e-4


def test_sharers_become_local_too_and_go_on_sharing(saved):
    found, lines = untie(checkpoint.load(saved), ["three"])
    assert [line.split()[0] for line in lines] == ["two", "three"]
    assert found.arrays["two.weights.0"].shape == (9, 3, 3, 3, 4)
    assert "three.weights.0" not in found.arrays
    assert found.arrays["three.weights.1"].shape == (9, 3, 3, 3, 4)
    assert found.arrays["two.biases"].shape == found.arrays["three.biases"].shape == (36,)
    assert not found.arrays["two.weights.0.velocity"].any()
    assert "wcNormMax" not in found.params.text


def test_copies_have_the_velocity_of_what_they_shared(saved):
    found, _ = untie(checkpoint.load(saved), (), ["three[0]", "five"])
    arrays = found.arrays
    for name, source in (
        ("three.weights.0", "two.weights.0"),
        ("five.weights.0", "four.weights.0"),
    ):
        for suffix in ("", ".velocity"):
            assert np.array_equal(arrays[name + suffix], arrays[source + suffix])
    assert found.params.text == PARAMS
    assert "weightSource" not in found.layers.text


def test_mistakes(saved):
    loaded = checkpoint.load(saved)
    for arguments, word in (
        ((["four"],), "type fc"),
        ((["on"],), "did you mean 'one'"),
        (((), ["two"]), "shares no weights"),
        (((), ["three[1]"]), "shares no weights"),
        (((), ["three[x]"]), "layer[input]"),
    ):
        with pytest.raises(ConvnetError) as error:
            untie(loaded, *arguments)
        assert word in str(error.value)


RANDOM = """
[data]
type=data
dataIdx=0
[one]
type=conv
inputs=data
channels=8
filters=2
groups=4
randSparse=1
filterChannels=4
filterSize=3
initW=0.3
[two]
type=conv
inputs=data
channels=8
filters=2
groups=4
randSparse=1
filterChannels=4
filterSize=3
initW=0.3
weightSource=one
[sum]
type=eltsum
inputs=one,two
[cost]
type=cost.sum2
inputs=sum
"""


@pytest.mark.parametrize(
    ("to_local", "unshare"), [(["one"], []), ([], ["two"]), (["two"], ["two"])]
)
def test_random_connections_stay(tmp_path, to_local, unshare):
    params = f"[one]\n{RATES}[two]\n{RATES}[cost]\ncoeff=1\n"
    options = {"minibatch": 4, "dtype": "float64", "dialect": "chm"}
    net = convnet.Net.from_text(RANDOM, params, data_dims={0: 200}, **options)
    images = RNG.normal(size=(4, 8, 5, 5))
    net.forward(images)
    net.save(tmp_path / "old.safetensors")
    found, _ = untie(checkpoint.load(tmp_path / "old.safetensors"), to_local, unshare)
    assert ("two.connections.0" in found.arrays) == bool(unshare)
    again = network(tmp_path, found)
    again.forward(images)
    np.testing.assert_allclose(again.activities("sum"), net.activities("sum"), rtol=1e-11)
