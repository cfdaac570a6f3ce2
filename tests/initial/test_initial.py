"""Functions for initial weights: called where allowed, in the originals' orientation."""

import numpy as np
import pytest
from click.testing import CliRunner

from convnet.api import Net
from convnet.cli import main
from convnet.errors import ConvnetError, SpecError
from convnet.initial import InitOptions

LAYERS = """
[data]
type=data
dataIdx=0
channels=4
imgSize=5
[labels]
type=data
dataIdx=1
[c]
type=conv
inputs=data
channels=4
filters=16
filterSize=3
CONV
[l]
type=local
inputs=c
channels=16
filters=16
filterSize=2
initW=0.1
LOCAL
[f]
type=fc
inputs=l
outputs=3
FC
[probs]
type=softmax
inputs=f
[cost]
type=cost.logreg
inputs=labels,probs
"""
RATES = "epsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\n"
PARAMS = f"[c]\n{RATES}[l]\n{RATES}[f]\n{RATES}[cost]\ncoeff=1\n"
MODULE = """
import numpy as np

def count(name, index, shape, params=None):
    start = float(params[0]) if params else 0
    return start + np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)

def bias(name, shape, params=None):
    return np.full(shape, len(name) + float(params[1]), np.float32)

def wrong(name, index, shape, params=None):
    return np.zeros(shape[::-1], np.float32)

def infinite(name, index, shape, params=None):
    return np.full(shape, np.inf, np.float32)

def text(name, index, shape, params=None):
    return "weights"

def fails(name, index, shape, params=None):
    raise KeyError("no such thing")

def channels(name, index, shape, params=None):
    groups, channels, seen = shape
    return np.concatenate([np.arange(channels)[::-1]] * (groups * seen // channels))
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MODULE)
    return path


def net(conv="initW=0.1", local="", fc="initW=0.1", dialect=None, layers=LAYERS, **init):
    for mark, text in (("CONV", conv), ("LOCAL", local), ("FC", fc)):
        layers = layers.replace(mark, text)
    init = InitOptions(**init)
    return Net.from_text(layers, PARAMS, minibatch=2, classes=3, dialect=dialect, init=init)


def test_functions_of_an_allowed_module_fill_in_the_originals_orientation(module):
    keys = "initWFunc=mine.count\ninitBFunc=mine.bias( 1, 2.5)"
    made = net(keys, keys, "initWFunc=mine.count(7)", modules=[module])
    conv = np.arange(4 * 9 * 16).reshape(4, 3, 3, 16)  # rows: channel, y, x; columns: filters
    np.testing.assert_array_equal(made.network.read(made.network.parameters["c.weights.0"]), conv)
    local = np.arange(4 * 16 * 4 * 16).reshape(4, 16, 2, 2, 16)  # rows: place, channel, y, x
    np.testing.assert_array_equal(made.network.read(made.network.parameters["l.weights.0"]), local)
    np.testing.assert_array_equal(made.weights("f"), 7 + np.arange(64 * 3).reshape(64, 3).T)
    np.testing.assert_array_equal(made.biases("c"), np.full(16, 3.5))
    assert (made.biases("f") == 0).all()


def error(place="c", **options):
    with pytest.raises(SpecError) as caught:
        net(**options)
    assert place in str(caught.value)
    return str(caught.value)


def test_a_function_that_is_not_allowed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("open('ran', 'w')")
    found = error(conv="initWFunc=mine.count")
    assert "<layers>:16:11" in found and "a spec alone runs no code" in found
    assert "--init-module mine.py" in found and "--ignore-init-functions" in found
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "function, words",
    [
        ("wrong", "returns 16x36, where 36x16 are needed"),
        ("infinite", "not finite"),
        ("text", "returns a str"),
        ("fails", "KeyError: 'no such thing'"),
        ("cuont", "did you mean 'count'"),
    ],
)
def test_what_a_function_gives_is_checked(module, function, words):
    assert words in error(conv=f"initWFunc=mine.{function}", modules=[module])


def test_modules_that_cannot_be_loaded(tmp_path):
    with pytest.raises(ConvnetError, match="no such Python file"):
        net(modules=[tmp_path / "absent.py"])
    old = tmp_path / "old.py"
    old.write_text("print 'loading'\n")
    with pytest.raises(ConvnetError, match="Python 2 must be converted to Python 3"):
        net(conv="initWFunc=old.f", modules=[old])
    old.write_text("import nothing_of_this_name\n")
    with pytest.raises(ConvnetError, match="ModuleNotFoundError"):
        net(conv="initWFunc=old.f", modules=[old])


def test_ignoring_draws_from_initw(module):
    made = net("initW=0.1\ninitWFunc=mine.count", ignore=True)
    np.testing.assert_array_equal(made.weights("c"), net().weights("c"))
    assert "no initW" in error(conv="initWFunc=mine.count", ignore=True)


SPARSE = LAYERS.replace("LOCAL", "groups=2\nrandSparse=true\nfilterChannels=16\nLOCAL")


def test_connections(module):
    made = net(layers=SPARSE, local="initCFunc=mine.channels", modules=[module])
    table = made.network.tables["l.connections.0"]
    read = made.network.engine.read(table.value, made.network.cases)
    np.testing.assert_array_equal(read, [*range(16)][::-1] * 2)
    found = error("l", layers=SPARSE, local="initCFunc=mine.wrong", modules=[module])
    assert "permutation" in found or "fails" in found


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "saved.safetensors"
    other = Net.from_text(
        SPARSE.replace("CONV", "initW=0.3").replace("LOCAL", "").replace("FC", "initW=0.2"),
        PARAMS, minibatch=2, classes=3, seed=9,
    )  # fmt: skip
    for layer in "clf":
        other.set_biases(layer, np.random.default_rng(1).standard_normal(len(other.biases(layer))))
    other.save(path)
    return path, other


def test_the_2012_functions_read_the_checkpoint_that_the_user_names(saved):
    path, other = saved
    keys = "initWFunc=initw.makew({0})\ninitBFunc=initw.makeb({0})"
    made = net(
        *(keys.format(layer) for layer in "clf"), layers=SPARSE.replace(
            "LOCAL", "initCFunc=initw.makec(l)\nLOCAL"), checkpoint=path,
    )  # fmt: skip
    for layer in "clf":
        np.testing.assert_array_equal(made.weights(layer), other.weights(layer))
        np.testing.assert_array_equal(made.biases(layer), other.biases(layer))
    for net_ in (made, other):
        net_.table = net_.network.engine.read(net_.network.tables["l.connections.0"].value, 1)
    np.testing.assert_array_equal(made.table, other.table)
    found = error(conv="initWFunc=initw.makew(cc)", checkpoint=path)
    assert "no weights.0 of a layer 'cc'" in found and "did you mean 'c'" in found
    assert "--init-checkpoint" in error(conv="initWFunc=initw.makew(c)")


def test_the_functions_of_cuda_convnet2_name_it_themselves(saved):
    path, other = saved
    layers = LAYERS.replace("filters=16", "filters=32").replace("channels=16", "channels=32")
    made = net(
        f"initWFunc=initw.makewcat({path},c,c)\ninitBFunc=initw.makebcat({path},c,c)",
        "", f"initW=1\ninitWFunc=initw.makew({path})\ninitBFunc=initw.makeb_vec(1,2.5,-3)",
        layers=layers, dialect="cc2",
    )  # fmt: skip
    np.testing.assert_array_equal(made.weights("c"), np.concatenate([other.weights("c")] * 2))
    np.testing.assert_array_equal(made.biases("c"), np.concatenate([other.biases("c")] * 2))
    np.testing.assert_array_equal(made.weights("f"), other.weights("f"))
    np.testing.assert_array_equal(made.biases("f"), [1, 2.5, -3])


def test_a_function_comes_before_a_weight_source(module):
    layers = LAYERS.replace("outputs=3", "outputs=64") + (
        "[g]\ntype=fc\ninputs=l\noutputs=64\nweightSource=f\ninitWFunc=mine.count\n"
        "[s]\ntype=eltsum\ninputs=f,g\n[h]\ntype=fc\ninputs=s\noutputs=3\ninitW=1\n"
    )
    layers = layers.replace("[probs]", "[unused]")  # file order: the softmax comes last
    head, _, tail = layers.partition("[unused]")
    softmax, _, more = tail.partition("[g]")
    text = head + "[g]" + more + "[probs]" + softmax.replace("inputs=f", "inputs=h")
    params = PARAMS + f"[g]\n{RATES}[h]\n{RATES}"
    text = text.replace("CONV", "initW=1").replace("LOCAL", "").replace("FC", "initW=0.5")
    init = InitOptions(modules=[module])
    made = Net.from_text(text, params, minibatch=2, classes=3, init=init)
    np.testing.assert_array_equal(made.weights("g"), np.arange(64 * 64).reshape(64, 64).T)
    assert np.abs(made.weights("f")).max() < 10
    assert any("takes precedence over weightSource" in str(w) for w in made.graph.warnings)


def test_the_command_line(tmp_path, module, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layers, params = tmp_path / "net.cfg", tmp_path / "net.params"
    text = LAYERS.replace("channels=4", "channels=1", 1).replace("imgSize=5", "imgSize=8")
    text = text.replace("channels=4", "channels=1").replace("outputs=3", "outputs=10")
    text = text.replace("CONV", "initW=0.1\ninitWFunc=mine.count").replace("LOCAL", "")
    layers.write_text(text.replace("FC", "initW=0.1"))
    params.write_text(PARAMS)
    files = ["--layers", str(layers), "--params", str(params)]
    train = ["train", *files, "--data", "digits", "--dry-run", "--minibatch", "2"]

    def run(*arguments):
        return CliRunner().invoke(main, list(arguments))

    assert "--init-module mine.py" in run(*train).output
    done = run(*train, "--init-module", str(module))
    assert done.exit_code in (0, 1) and "c: initWFunc=mine.count" in done.output, done.output
    ignored = run(*train, "--ignore-init-functions")
    assert ignored.exit_code == 0, ignored.output
    assert "c: initWFunc=mine.count is ignored" in ignored.output
    for command in (["check", str(layers), str(params)], ["describe", *files]):
        assert run(*command).exit_code == 0
    checked = run("check-grads", *files)
    assert checked.exit_code == 0 and "is ignored" in checked.output, checked.output
