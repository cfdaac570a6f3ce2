"""`convnet import`: checkpoints as the three original systems wrote them."""

import os
import pickle
import random
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.support.old_checkpoints as old
from convnet import checkpoint, journal
from convnet.api import Net
from convnet.cli import main
from convnet.data.pickle.records import Record
from convnet.data.pickle.unpickler import read_records
from convnet.errors import CheckpointError, DataError
from convnet.originals import import_checkpoint
from tests.support import reference
from tests.support.python2_pickle import Instance, Name

SYSTEMS = ("cc1", "chm", "cc2")
ARRAYS = {name: np.asarray(array, np.float64) for name, array in old.matrices().items()}
NORM = (old.SIZE, old.SCALE / old.SIZE, old.POWER, 1.0, False)


@pytest.fixture
def write(tmp_path):
    def write(data, name="3.2"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def case(seed=1):
    rng = np.random.default_rng(seed)
    return rng.random((1, old.SIDE, old.SIDE, old.MINIBATCH)), rng.integers(0, 10, (1, 4))


class Reference:
    """Outputs and gradients of the net in float64 loops, from the originals' matrices."""

    def __init__(self, x, labels):
        self.w = {
            "conv1": ARRAYS["conv1.weights"].reshape(1, 3, 3, old.FILTERS),
            "fc10": ARRAYS["fc10.weights"].T,
        }
        self.b = {name: ARRAYS[f"{name}.biases"].ravel() for name in self.w}
        maps = reference.conv(x, self.w["conv1"], 1, 1, 1, old.SIDE)
        maps += self.b["conv1"][:, None, None, None]
        active = np.maximum(maps, 0)
        pooled = reference.pool(active, "max", 2, 2, 0, 4)
        normed = reference.cmrnorm(pooled, *NORM)
        normed = normed[0] if isinstance(normed, tuple) else normed
        flat = normed.reshape(-1, old.MINIBATCH)
        scores = reference.fc(flat, self.w["fc10"]) + self.b["fc10"][:, None]
        self.probs = reference.softmax(scores)
        self.cost = reference.logreg(labels, self.probs, 1)[0]
        dy = reference.logreg_grad(labels, self.probs, 1.0, True)
        dflat, dw_fc = reference.fc_grads(flat, self.w["fc10"], dy)
        dpooled = reference.cmrnorm_grad(pooled, dflat.reshape(normed.shape), *NORM)
        dactive = reference.pool_grad(active, pooled, dpooled, "max", 2, 2, 0)
        dmaps = dactive * (active > 0)
        _, dw_conv = reference.conv_grads(x, self.w["conv1"], dmaps, 1, 1, 1)
        self.dw = {"conv1": dw_conv, "fc10": dw_fc}
        self.db = {"conv1": dmaps.sum((1, 2, 3)), "fc10": dy.sum(1)}

    def stepped(self, layer):
        """Return (weights, biases) after one step from the stored velocity."""
        eps_w, eps_b, mom_w, mom_b, wc = old.RATES[layer]
        inc, n = ARRAYS[f"{layer}.weightsInc"], old.MINIBATCH
        w, v = self.w[layer], inc.T if layer == "fc10" else inc.reshape(self.w[layer].shape)
        v = mom_w * v - eps_w / n * self.dw[layer] - eps_w * wc * w
        vb = mom_b * ARRAYS[f"{layer}.biasesInc"].ravel() - eps_b / n * self.db[layer]
        return w + v, self.b[layer] + vb


@pytest.mark.parametrize("protocol", [0, 2])
@pytest.mark.parametrize("system", SYSTEMS)
def test_an_imported_net_computes_and_learns_as_the_original(write, tmp_path, system, protocol):
    imported = import_checkpoint(write(old.checkpoint(system, protocol)))
    assert imported.checkpoint.dialect == system
    checkpoint.save(tmp_path / "new.safetensors", imported.checkpoint)
    net = Net.load(tmp_path / "new.safetensors", minibatch=old.MINIBATCH, dtype="float64")
    x, labels = case()
    expected = Reference(x, labels)
    cost = net.forward(np.moveaxis(x, -1, 0), labels[0])["logprob"]["cost"]
    np.testing.assert_allclose(cost, expected.cost / old.MINIBATCH, rtol=1e-7)
    np.testing.assert_allclose(net.activities("probs").T, expected.probs, rtol=1e-7)
    net.train(np.moveaxis(x, -1, 0), labels[0], progress=0.0)
    for layer in old.RATES:
        w, b = expected.stepped(layer)
        found = net.network.read(net.network.parameters[f"{layer}.weights.0"])
        np.testing.assert_allclose(found, w, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(net.biases(layer), b, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_specs_are_those_of_the_old_net(write, system):
    found = import_checkpoint(write(old.checkpoint(system))).checkpoint
    layers, params = found.layers.text, found.params.text
    assert "conv1_neuron" not in layers and "neuron=relu" in layers
    assert "inputs=conv1\n" in layers and "padding=1\n" in layers and "initw." not in layers
    assert f"scale={old.SCALE}\n" in params and "epsW=0.01\n" in params
    wanted = {"cc1": "epsB=0.02\n", "chm": "schedB=dexp[tgtFactor=10.0,numSteps=3]\n",
              "cc2": "epsB=dexp[base=0.02;tgtFactor=10.0;numSteps=3]\n"}  # fmt: skip
    assert wanted[system] in params
    assert ("gpu=0" in layers) == (system != "cc1")
    assert found.options["minibatch"] == 4 and found.options["epochs"] == 20
    assert found.options["data_options"] == {"train_range": "1-5", "test_range": "6"}


def test_position_and_history(write):
    found = import_checkpoint(write(old.checkpoint("cc2"))).checkpoint
    assert (found.position.epoch, found.position.minibatch, found.position.per_epoch) == (2, 2, 5)
    assert found.position.step == 5  # minibatches of 4: batches of 8 and 12 cases
    train, test = found.history["train"], found.history["test"]
    assert [entry["costs"]["logprob"]["cost"] for entry in train] == [2.0, 2.0]
    assert test[0]["cases"] == 10 and test[0]["costs"]["logprob"]["cost"] == 0.9

    def last_batch(state):
        state["batchnum"] = 5

    found = import_checkpoint(write(old.checkpoint("cc2", change=last_batch))).checkpoint
    assert (found.position.epoch, found.position.minibatch) == (3, 0)


def test_tests_are_placed_by_the_option_test_freq(write):
    def longer(state):
        state["train_outputs"] = [({"logprob": [4.0 * n, 1.0]}, 4) for n in range(7)]
        state["test_outputs"] = [({"logprob": [n, 1.0]}, 1) for n in (5.0, 6.0, 7.0)]

    def steps(**options):
        found = import_checkpoint(write(old.checkpoint("cc1", change=longer, **options))).checkpoint
        return [(entry["step"], entry["epoch"]) for entry in found.history["test"]]

    assert steps(testing_freq=2) == [(2, 0.4), (4, 0.8), (6, 1.2)]
    assert steps(testing_freq=5) == steps() == [(2, 0.4), (5, 1.0), (7, 1.4)]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_history_becomes_a_journal(write, tmp_path, monkeypatch, system):
    monkeypatch.chdir(tmp_path)
    source = write(old.checkpoint(system))
    done = CliRunner().invoke(main, ["import", str(source), "--out", "new"])
    assert done.exit_code == 0, done.output
    assert "journal: new.journal.jsonl, 2 train and 1 test records" in done.output
    records = journal.read("new.journal.jsonl")
    assert [(r["event"], r["step"]) for r in records] == [
        ("start", 0), ("train", 2), ("train", 5), ("test", 5),
    ]  # fmt: skip
    assert records[0]["minibatch"] == 4 and records[0]["epochs"] == 20
    assert records[2]["costs"]["logprob"]["cost"] == 2.0 and records[2]["cases"] == 12
    other = write(old.checkpoint(system, change=without_outputs), "4.1")
    done = CliRunner().invoke(main, ["import", str(other), "--out", "none"])
    assert done.exit_code == 0 and "journal" not in done.output
    assert not Path("none.journal.jsonl").exists()


def without_outputs(state):
    state["train_outputs"] = state["test_outputs"] = []


def test_shared_weights_local_layers_and_kept_neurons(write):
    arrays = old.matrices()

    def change(state):
        layers = state["layers"]
        names = list(layers)
        second = dict(layers["fc10"], name="fc11", weightSourceLayers=["fc10"],
                      weightSourceMatrixIndices=[0])  # fmt: skip
        tanh = {"type": "tanh", "params": {"a": 1.5, "b": 1e-05}}
        sum_ = {"type": "eltsum", "name": "sum", "inputs": ["fc10", "odd"], "coeffs": [1.0, 0.5]}
        odd = {"type": "neuron", "name": "odd", "inputs": ["fc11"], "neuron": tanh}
        layers["probs"]["inputs"] = ["sum"]
        state["layers"] = {"sum": sum_, "odd": odd, "fc11": second} | {n: layers[n] for n in names}

    found = import_checkpoint(write(old.checkpoint("chm", change=change)))
    text = found.checkpoint.layers.text
    assert "weightSource=fc10[0]" in text and "neuron=tanh[1.5,1e-05]" in text
    assert "coeffs=1.0,0.5" in text
    assert "fc11.weights.0" not in found.checkpoint.arrays
    np.testing.assert_array_equal(
        found.checkpoint.arrays["fc10.weights.0"], arrays["fc10.weights"].T
    )


def test_connections_of_randsparse(write):
    conns = [3, 1, 2, 0, 7, 5, 6, 4]

    def change(state):
        conv = state["layers"]["conv1"]
        state["layers"]["data"]["outputs"] = 8 * 64
        weights = np.ones((4 * 9, 32), np.float32)
        conv |= {"channels": [8], "groups": [2], "filterChannels": [4], "randSparse": [True],
                 "filterConns": [conns], "filters": 32, "weights": [weights],
                 "weightsInc": [weights], "biases": np.ones((32, 1), np.float32),
                 "biasesInc": np.ones((32, 1), np.float32)}  # fmt: skip
        for name in ("pool1", "norm1"):
            state["layers"][name]["channels"] = 32
        wide = np.ones((32 * 16, 10), np.float32, order="F")
        state["layers"]["fc10"] |= {"weights": [wide], "weightsInc": [wide]}

    found = import_checkpoint(write(old.checkpoint("chm", change=change))).checkpoint
    np.testing.assert_array_equal(found.arrays["conv1.connections.0"], conns)
    conns[0] = 1
    with pytest.raises(CheckpointError, match="not permutations of 8 channels"):
        import_checkpoint(write(old.checkpoint("chm", change=change)))


def test_replicas_of_cuda_convnet2(write, tmp_path):
    def change(state):
        for name in ("conv1", "conv1_neuron", "pool1", "norm1"):
            state["layers"][name]["gpu"] = [0, 1]

    costs = []
    for each in (change, None):
        imported = import_checkpoint(write(old.checkpoint("cc2", change=each)))
        assert ("gpu=0,1\n" in imported.checkpoint.layers.text) == (each is not None)
        checkpoint.save(tmp_path / "new.safetensors", imported.checkpoint)
        net = Net.load(tmp_path / "new.safetensors", minibatch=old.MINIBATCH, dtype="float64")
        x, labels = case()
        costs.append(net.forward(np.moveaxis(x, -1, 0), labels[0])["logprob"]["cost"])
    np.testing.assert_allclose(*costs, rtol=1e-9)


def test_folders_and_compressed_files(write, tmp_path):
    write(old.checkpoint("cc1"), "9.5")
    newest = tmp_path / "10.1"
    with zipfile.ZipFile(newest, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", old.checkpoint("cc1"))
    assert import_checkpoint(tmp_path).model.path == newest
    newest.write_bytes(newest.read_bytes()[:-500])
    with pytest.raises(CheckpointError, match="zip archive"):
        import_checkpoint(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="no files named <epoch>"):
        import_checkpoint(tmp_path / "empty")


def layer(which, **keys):
    def change(state):
        state["layers"][which] |= keys

    return change


DAMAGE = {
    "is not a checkpoint of the original": lambda state: state.pop("layers"),
    "its epoch is not a count": lambda state: state.update(epoch=-1),
    "pool1 has an input that is not a layer": layer("pool1", inputs=["absent"]),
    "pool1 is of the unknown type 'x\\\\ny'": layer("pool1", type="x\ny"),
    "which is not allowed": layer("pool1", name="a]\n[b"),
    "is among its own inputs": layer("pool1", inputs=["probs"]),
    "weights of fc10 are 2x2, where 256x10": layer("fc10", weights=[np.ones((2, 2), np.float32)]),
    "weightsInc of fc10 for input 0": layer("fc10", weightsInc=[]),
    "biases of fc10 are not an array": layer("fc10", biases=[1.0]),
    "scale of norm1 is not of the expected": layer("norm1", scale={}),
    "filters of conv1 is not of the expected": layer("conv1", filters="x"),
    "pool of pool1 is not of the expected": layer("pool1", pool="max\nsizeX=9"),
    "network cannot be built here": layer("pool1", sizeX=99),
}


@pytest.mark.parametrize("words", DAMAGE)
def test_damage_is_reported(write, words):
    with pytest.raises(CheckpointError, match=f"3.2: .*{words}".replace("(", r"\(")):
        import_checkpoint(write(old.checkpoint("chm", change=DAMAGE[words])))


class Runs:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


HOSTILE = {
    "a call": pickle.dumps(Runs(os.system, ("touch ran",)), 2),
    "an instance": b"(S'touch ran'\nios\nsystem\n.",
    "an object": b"(cos\nsystem\nS'touch ran'\no.",
    "a new object": b"\x80\x02cos\nsystem\nU\x09touch ran\x85\x81.",
    "eval in op": b"}(S'model_state'\n}S'op'\nc__builtin__\neval\n(S\"open('ran','w')\"\ntRu.",
    "a state with a dictionary of names": b"(ios\nenviron\n}S'PATH'\nS'ran'\nsb.",
    "a state set on a module": b"cos\nenviron\n}S'PATH'\nS'ran'\nsb.",
    "getattr": b"cbuiltins\ngetattr\n(cos\nsystem\nS'__call__'\ntR(S'touch ran'\ntR.",
    "numpy by another way": b"cnumpy.testing\nrundocs\n(S'ran'\ntR.",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_objects_are_inert(write, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment, loaded = dict(os.environ), set(sys.modules)
    path = write(HOSTILE[kind])
    try:
        value = read_records(path)
        assert type(value) in (Record, dict)
    except DataError as error:
        assert "executed" in str(error)
    with pytest.raises(CheckpointError):
        import_checkpoint(path)
    assert not (tmp_path / "ran").exists()
    assert os.environ == environment and set(sys.modules) == loaded


def test_a_record_stores_what_the_file_says(write):
    record = read_records(write(old.checkpoint("cc1", 0)))["op"]
    assert (type(record), record.name) == (Record, "options.OptionsParser")
    assert record.get("options")["minibatch_size"].get("value") == 4
    assert record.get("absent", 7) == 7


SEEDS = [old.checkpoint(system, protocol) for system in SYSTEMS for protocol in (0, 2)]


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data)


@settings(max_examples=800, deadline=None, derandomize=True, database=None)
@given(data=mutated())
def test_any_damage_gives_a_checkpoint_or_an_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "1.1"
    path.write_bytes(data)
    try:
        import_checkpoint(path)
    except CheckpointError as error:
        assert str(path) in str(error)


ODD = [None, -1, 0, 2**31 - 1, 2.5, 1e300, b"x", b"a\nb=1", [], [[]], [None], {}, (1, 2), True]
ODD += [[b"conv1"], [-1], [2**31 - 1], {"type": "relu"}, Instance(Name("os", "environ"), {})]
ADDED = ("children", "weightSourceLayers", "filterConns", "coeffs", "gpu", "dropout", "end")


@pytest.mark.parametrize("seed", range(8))
def test_any_odd_value_gives_a_checkpoint_or_an_error(write, seed):
    chosen = random.Random(seed)

    def change(state):
        listed = state["layers"]
        listed = listed if type(listed) is list else list(listed.values())
        target = chosen.choice([state, *listed])
        target[chosen.choice([*target, *ADDED])] = chosen.choice(ODD)

    for _ in range(50):
        path = write(old.checkpoint(chosen.choice(SYSTEMS), change=change))
        try:
            import_checkpoint(path)
        except CheckpointError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_commands_go_on_from_an_imported_checkpoint(write, tmp_path, monkeypatch, system):
    monkeypatch.chdir(tmp_path)
    source = write(old.checkpoint(system, train_batch_range=[], test_batch_range=[]))

    def run(*arguments):
        done = CliRunner().invoke(main, [str(each) for each in arguments])
        assert done.exit_code == 0, done.output
        return done.output

    said = run("import", source, "--out", "new")
    assert f"--dialect {system} --data-dims 64,1" in said and "--data FOLDER" in said
    run("describe", "--layers", "new.cfg", "--params", "new.params", "--dialect", system)
    data = ("--data", "digits", "--minibatch", 64)
    assert "top-1 error" in run("test", "--load", "new.safetensors", *data, "--max-batches", 1)
    on = run("train", "--resume", "new.safetensors", "--save", "on", *data, "--max-batches", 1)
    assert "resuming from new.safetensors at epoch 3" in on
    shown = run("show-cost", "--load", "new.safetensors", "--out", "old.png")
    assert [line.split()[:3] for line in shown.splitlines()[1:2]] == [["2", "5", "0.9000"]]
    assert "0.9000" in run("show-cost", "--load", "on", "--out", "on.png")
    steps = [r["step"] for r in journal.read("on") if r["event"] in ("train", "resume")]
    assert steps == [2, 5, 5, 6], "the new run goes on where the old one ended"
    again = CliRunner().invoke(main, ["import", str(source), "--out", "new"])
    assert again.exit_code == 1 and "already there" in again.output
