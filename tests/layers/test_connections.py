"""randSparse: how connections are drawn, shared and saved; superEps' means are saved too."""

import numpy as np
import pytest

import tests.support.reference as ref
from convnet import checkpoint
from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import Checkpoint
from convnet.errors import CheckpointError
from convnet.network.network import Network
from tests.support.rows import Row, graph_of, network_of, texts

SPARSE = "groups=4 filters=2 filterChannels=4 randSparse=1"
CONV = f"type=conv inputs=x channels=8 filterSize=3 {SPARSE}"
ROW = Row(
    "sparse", f"y {CONV}\nz {CONV} weightSource=y\ns type=eltsum inputs=y,z", "", ((8, 4, 4),)
)
NAME = "y.connections.0"


def network(seed=0, row=ROW):
    return Network(graph_of(*texts(row), row.data_dims()), row.cases, Engine(), seed=seed)


def connections(net, name=NAME):
    return net.engine.read(net.tables[name].value, net.cases)


def test_each_run_of_channels_is_a_permutation():
    found = connections(network())
    assert found.dtype == np.int32 and found.shape == (16,)
    assert (np.sort(found.reshape(2, 8), axis=1) == np.arange(8)).all()
    assert (found[:8] != found[8:]).any() and (found[:8] != np.arange(8)).any()


def test_connections_depend_on_seed_layer_and_input_alone():
    first = connections(network())
    np.testing.assert_array_equal(first, connections(network()))
    assert (first != connections(network(seed=1))).any()
    own = Row("own", ROW.layers.replace(" weightSource=y", ""), "", ROW.shapes)
    found = network(row=own)
    np.testing.assert_array_equal(first, connections(found))
    assert (first != connections(found, "z.connections.0")).any()


def test_shared_weights_share_the_connections():
    assert list(network().tables) == [NAME]


def test_a_channel_seen_by_several_groups_gets_the_sum_of_their_gradients():
    net = network_of(ROW)
    net.run("gradients")
    assert np.abs(net.data_gradient("x")).min() > 0
    kinds = [step.operation for step in net.plan.programs["gradients"]]
    assert kinds.count("connections.scatter") == 2 == kinds.count("connections.gather")


def test_a_checkpoint_holds_the_connections(tmp_path):
    saved, other = network(seed=1), network(seed=2)
    path = tmp_path / "1.0.safetensors"
    checkpoint.save(path, Checkpoint.of(saved))
    checkpoint.restore(other, checkpoint.load(path))
    np.testing.assert_array_equal(connections(other), connections(saved))
    for net in (saved, other):
        net.load(ROW.matrices())
        net.run("test")
    assert saved.objective() == other.objective()


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array.__setitem__(3, array[4]),
        lambda array: array.__setitem__(0, 99),
        lambda array: array.__setitem__(0, -1),
    ],
)
def test_damaged_connections_are_refused(change):
    saved = Checkpoint.of(network())
    change(saved.arrays[NAME])
    with pytest.raises(CheckpointError, match="connections"):
        checkpoint.restore(network(), saved)


def test_connections_of_another_type_or_size_are_refused():
    for replacement in (np.arange(8, dtype=np.int32), np.zeros(16, np.float32)):
        saved = Checkpoint.of(network())
        saved.arrays[NAME] = replacement
        with pytest.raises(CheckpointError, match="connections"):
            checkpoint.restore(network(), saved)
    saved = Checkpoint.of(network())
    del saved.arrays[NAME]
    with pytest.raises(CheckpointError, match="lacks y.connections.0"):
        checkpoint.restore(network(), saved)


def test_the_means_of_super_eps_are_saved():
    """A resumed run goes on as if it had not been stopped."""
    row = Row("superEps", "y type=fc inputs=x outputs=5", "y superEps=900")

    def step(net):
        net.load(row.matrices())
        net.set_rates(0)
        net.run("train")

    straight = network(row=row)
    step(straight)
    saved = Checkpoint.of(straight)
    assert {"y.weights.0.mean", "y.weights.0.square", "y.biases.mean"} <= set(saved.arrays)
    resumed = network(row=row, seed=5)
    checkpoint.restore(resumed, saved)
    for net in (straight, resumed):
        step(net)
    for name, parameter in straight.parameters.items():
        np.testing.assert_array_equal(
            straight.read(parameter), resumed.read(resumed.parameters[name])
        )


def test_gathered_convolution_is_that_of_the_chosen_channels():
    net = network_of(Row("one", f"y {CONV}", "", ROW.shapes))
    net.run("test")
    x = ROW.matrices()[0].reshape(8, 4, 4, -1)
    x = Row("one", f"y {CONV}", "", ROW.shapes).matrices()[0].reshape(x.shape)
    chosen = connections(net)
    w = net.read(net.parameters["y.weights.0"])
    y = sum(
        np.pad(
            ref.conv(x[chosen[4 * g : 4 * g + 4]], w[..., 2 * g : 2 * g + 2], 0, 1, 1, 2),
            ((2 * g, 6 - 2 * g), (0, 0), (0, 0), (0, 0)),
        )
        for g in range(4)
    )
    y += net.read(net.parameters["y.biases"])[:, None, None, None]
    np.testing.assert_allclose(net.output("y"), y, rtol=1e-10, atol=1e-12)
