"""Starting from the layers of another net that match completely by name and shape."""

import numpy as np
import pytest

from convnet import checkpoint, journal
from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import Checkpoint
from convnet.checkpoint.fitting import take_fitting
from convnet.errors import CheckpointError
from convnet.network.network import Network
from convnet.train import fit
from tests.support.command_line import DIGITS, ROOT, good, run
from tests.support.rows import Row, graph_of, texts
from tests.support.training import LAYERS, PARAMS, make_graph, make_run


def network(layers=LAYERS, params=PARAMS, seed=1, dialect="convnet", classes=10, real="float32"):
    graph = make_graph(layers, params, dialect, classes=classes)
    return Network(graph, 100, Engine(np.dtype(real)), seed=seed)


@pytest.fixture(scope="module")
def saved():
    """A trained checkpoint, whose velocities and biases are not 0."""
    trained = make_run(epochs=1)
    fit(trained)
    return trained.checkpoint()


def left(fits):
    return {one.layer: one.left for one in fits if one.left}


def arrays(net):
    return Checkpoint.of(net).arrays


def equal(name, *found):
    return all(np.array_equal(found[0][name], other[name]) for other in found[1:])


SEVEN = LAYERS.replace("outputs=10", "outputs=7")
DEEPER = LAYERS.replace(
    "[scores]\ntype=fc\ninputs=drop",
    "[more]\ntype=fc\ninputs=drop\noutputs=24\ninitW=0.1\n[scores]\ntype=fc\ninputs=more",
)
DEEPER_PARAMS = PARAMS.replace("[drop]", "[more]\nepsW=1\nepsB=1\nmomW=0\nmomB=0\n[drop]")


def test_layers_that_fit_are_taken_and_the_others_keep_their_own_values(saved):
    net, fresh = network(SEVEN, classes=7), arrays(network(SEVEN, classes=7))
    fits = take_fitting(net, saved)
    assert left(fits) == {"scores": "weights.0 is 10x24 in the checkpoint, 7x24 here"}
    assert [(one.layer, one.values) for one in fits] == [
        ("hidden", 24 * 25 + 24),
        ("scores", 7 * 25),
    ]
    found = arrays(net)
    for part in ("weights.0", "biases"):
        assert equal(f"hidden.{part}", found, saved.arrays)
        assert not equal(f"hidden.{part}", found, fresh)
        assert equal(f"scores.{part}", found, fresh)
    for name in found:
        if name.endswith(".velocity"):
            assert not found[name].any() and saved.arrays[name].any()
    assert (net.step, net.seed) == (0, 1)


def test_layers_of_only_one_network_are_listed(saved):
    net = network(DEEPER, DEEPER_PARAMS)
    assert left(take_fitting(net, saved)) == {"more": "the checkpoint has no such layer"}
    back = network()
    fits = take_fitting(back, Checkpoint.of(net))
    assert left(fits) == {"more": "the network has no such layer"}
    assert fits[-1].values == 24 * 24 + 24
    assert equal("scores.weights.0", arrays(back), saved.arrays)


def test_a_layer_is_taken_whole_or_not_at_all(saved):
    """With another input its weights for the first one would fit."""
    layers = LAYERS.replace("inputs=pool\n", "inputs=pool,data\n").replace(
        "initW=0.002", "initW=1,1"
    )
    net, fresh = network(layers), arrays(network(layers))
    assert left(take_fitting(net, saved)) == {"hidden": "the checkpoint has no weights.1 of it"}
    assert equal("hidden.weights.0", arrays(net), fresh)
    back = network()
    assert left(take_fitting(back, Checkpoint.of(net))) == {
        "hidden": "the checkpoint has weights.1 of it too"
    }


def test_nothing_fits(saved):
    renamed = [text.replace("hidden", "h").replace("scores", "s") for text in (LAYERS, PARAMS)]
    net = network(*renamed)
    before = arrays(net)
    with pytest.raises(CheckpointError) as error:
        take_fitting(net, saved)
    assert "it has hidden (24x25), scores (10x24); the network has h (24x25), s" in str(error.value)
    assert all(equal(name, arrays(net), before) for name in before)


@pytest.mark.parametrize(
    ("dialect", "gpu", "real"),
    [("cc1", "", "float32"), ("cc2", "gpu=0,1\n", "float32"), ("convnet", "gpu=1\n", "float64")],
)
def test_other_dialects_devices_and_precisions(saved, dialect, gpu, real):
    """Replicas of a layer all get its weights: the outputs are those of the original."""
    layers = LAYERS.replace("stride=1\n", "stride=1\n" + gpu).replace("[drop]\ntype=dropout2\n", "")
    layers = layers.replace("inputs=hidden\n", "", 1).replace("inputs=drop", "inputs=hidden")
    params = PARAMS.replace("[drop]\nkeep=0.8\n", "")
    schedules = ("dexp[base=0.002;tgtFactor=10;numSteps=3]", "linear[base=0.02;tgtFactor=4]")
    for schedule in schedules:
        params = params.replace(schedule, "0.01")
    params = params.replace("topk=3\n", "").replace("momB=0.8\n", "momB=0.8\nwc=0\n")
    plain = network(layers.replace(gpu, ""), params)
    other = network(layers, params, dialect=dialect, real=real)
    rng = np.random.default_rng(0)
    matrices = {0: rng.normal(0, 50, (36, 100)), 1: rng.integers(0, 10, (1, 100)).astype(float)}
    outputs = []
    for net in (plain, other):
        assert not left(take_fitting(net, saved))
        net.load({index: m.astype(net.engine.real) for index, m in matrices.items()})
        net.run("test")
        outputs.append(net.output("probs"))
    np.testing.assert_allclose(*outputs, rtol=1e-4)
    assert outputs[0].std() > 0.02


def test_random_connections_go_with_the_weights():
    sparse = "groups=4 filters=2 filterChannels=4 randSparse=1"
    row = Row("sparse", f"y type=conv inputs=x channels=8 filterSize=3 {sparse}", "", ((8, 4, 4),))
    made = [
        Network(graph_of(*texts(row), row.data_dims()), row.cases, Engine(), seed=seed)
        for seed in (1, 2)
    ]
    before = arrays(made[1])["y.connections.0"]
    assert not left(take_fitting(made[1], Checkpoint.of(made[0])))
    found = arrays(made[1])["y.connections.0"]
    assert np.array_equal(found, arrays(made[0])["y.connections.0"])
    assert not np.array_equal(found, before)
    damaged = Checkpoint.of(made[0])
    damaged.arrays["y.connections.0"][0] = 99
    with pytest.raises(CheckpointError, match="does not fit"):
        take_fitting(made[1], damaged)


# -- as a user types it ----------------------------------------------------------------------------


def test_a_run_starts_from_another(inside, tmp_path):
    layers, params = tmp_path / "wide.cfg", tmp_path / "wide.params"
    layers.write_text((ROOT / "layers/digits.cfg").read_text().replace("outputs=128", "outputs=96"))
    params.write_text((ROOT / "params/digits.params").read_text())
    result = good("train", "--layers", layers, "--params", params, "--init-from", "checkpoints",
                  "--save", tmp_path / "run", "--max-batches", "1", "--data", "digits")  # fmt: skip
    lines = [line.split() for line in result.stderr.splitlines()]
    assert ["conv2", "18,496", "taken"] in lines
    assert "fc3 98,400 left: weights.0 is 128x1024 in the checkpoint, 96x1024 here" in [
        " ".join(line) for line in lines
    ]
    assert "2 layers with 18,816 parameters taken, 2 left" in result.stderr
    start = journal.read(tmp_path / "run")[0]
    assert start["event"] == "start" and start["init_from"]["taken"] == ["conv1", "conv2"]
    assert set(start["init_from"]["left"]) == {"fc3", "fc4"}
    assert start["init_from"]["file"].endswith("1.6.safetensors")
    found = checkpoint.load(checkpoint.newest(tmp_path / "run"))
    assert found.position.step == 1
    # one small step away from what was taken
    before = checkpoint.load(checkpoint.newest("checkpoints")).arrays["conv2.weights.0"]
    assert 0 < np.abs(found.arrays["conv2.weights.0"] - before).max() < 0.01
    # and a run like any other
    again = good("train", "--resume", tmp_path / "run", "--max-batches", "1")
    assert "initial weights" not in again.stderr


def test_what_does_not_go_together():
    result = run("train", "--resume", "somewhere", "--init-from", "elsewhere")
    assert result.exit_code == 2 and "give one of them" in result.output
    result = run("train", *DIGITS, "--init-from", "nowhere")
    assert result.exit_code == 1 and "nowhere" in result.output
