"""What net.py looks like, and that any names of layers become identifiers."""

import ast
import keyword
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from convnet.export.to_torch.names import RESERVED, Identifiers, identifier
from convnet.export.to_torch.source import chosen, pieces
from convnet.export.to_torch.write import torch_module
from tests.support.cases import BY_NAME, CASES
from tests.support.exported import compare, differences, in_torch, inputs_of, model_of, ours
from tests.support.rows import Row, network_of

ODD = Row("odd", """
    class type=conv inputs=x channels=4 filters=3 filterSize=2
    class_neuron type=neuron inputs=class neuron=tanh
    1x type=fc inputs=class_neuron outputs=4 neuron=relu
    a-b type=fc inputs=1x,1x outputs=4
    a_b type=fc inputs=a-b outputs=4
    a.b type=fc inputs=a_b,1x outputs=4
    a_b_0 type=fc inputs=a.b outputs=4
    self type=fc inputs=a_b_0 outputs=4
    train type=fc inputs=self outputs=4
    torch type=fc inputs=train outputs=4
    _forward type=fc inputs=torch outputs=4
    Net type=fc inputs=_forward outputs=4
    max_pool type=pool inputs=class channels=3 pool=max sizeX=2 stride=1 start=-1
    y type=fc inputs=Net,max_pool outputs=4""")  # fmt: skip
MANY = [f"a_rather_long_name_{n}" for n in range(9)]
LIST = ",".join(MANY)
WIDE = Row("wide", "\n".join(f"{name} type=fc inputs=x outputs=4" for name in MANY) + f"""
    y type=concat inputs={LIST}
    z type=eltsum inputs={LIST} coeffs=2
    m type=eltmax inputs={LIST}
    last type=fc inputs=y,z,m outputs=3""")  # fmt: skip


def text_of(row, *outputs):
    return torch_module(model_of(network_of(row, np.float32)), outputs)[0]


SIGNS = Row("signs", """
    a type=neuron inputs=x neuron=linear[-1.5,-0.75]
    y type=eltsum inputs=a,x,x coeffs=-1,-0.5,2""")  # fmt: skip


def test_signs_are_written_as_one_does():
    lines = text_of(SIGNS, "y").splitlines()
    assert "        a = -1.5 * x - 0.75" in lines and "        y = -a - 0.5 * x + 2.0 * x" in lines


@pytest.mark.parametrize("row", [ODD, WIDE, SIGNS], ids=lambda row: row.name)
def test_networks_with_odd_names_run(row, tmp_path):
    network = network_of(row, np.float32)
    network.run("test")
    for found in compare(network, row.matrices(), (), tmp_path):
        assert max(each.relative for each in found.values()) < 2e-6


@pytest.mark.parametrize("row", [ODD, WIDE, BY_NAME["cnorm: even"], BY_NAME["local: groups"]],
    ids=lambda row: row.name)  # fmt: skip
def test_the_text_is_well_formed(row):
    """As ruff and its formatter judge it: no unused import, no name that hides another one."""
    text = text_of(row)
    chosen_rules = ["--isolated", "--select=E,F,I,W,B,A,PLW", "--line-length=100", "-"]
    for command in (["check", *chosen_rules], ["format", "--check", "--line-length=100", "-"]):
        ruff = [sys.executable, "-m", "ruff", *command]
        run = subprocess.run(ruff, input=text, capture_output=True, text=True, check=False)
        assert not run.returncode, run.stdout + run.stderr + text


def test_every_layer_has_its_name_and_its_shape_above_its_lines():
    text = text_of(ODD)
    for name, _ in ODD.lines():
        assert re.search(rf"# {re.escape(name)}: [\w.]+, \(N, [\d, ]+\)\n", text), name


def test_identifiers():
    assert identifier("conv1a") == "conv1a"
    assert identifier("a-b.c") == "a_b_c"
    assert identifier("1x") == "layer_1x"
    assert identifier("_x") == "layer__x"
    assert identifier("class") == "layer_class"
    assert identifier("\u00e9-\U0001d400") == "layer____"
    names = Identifiers(["taken"])
    assert [names.of(n) for n in ("a-b", "a_b", "a.b", "a-b", "taken", "train")] == [
        "a_b", "a_b_2", "a_b_3", "a_b", "taken_2", "train_2",
    ]  # fmt: skip


def test_attributes_of_modules_are_reserved():
    module = torch.nn.Module()
    public = {n for n in {*dir(module), *type(module).__annotations__} if not n.startswith("_")}
    assert public <= RESERVED
    assert not any(map(keyword.iskeyword, RESERVED))


def test_only_the_pieces_that_are_used_are_written():
    assert "class " not in chosen([]) and list(pieces())[0] == "Local"
    text = chosen(["contrast_norm"])
    assert re.findall(r"^def (\w+)", text, re.M) == [
        "mean_pool", "sum_pool", "contrast_norm", "mean_square",
    ]  # fmt: skip
    used = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    assert used & set(pieces()) == {"mean_pool", "sum_pool", "mean_square"}


def test_every_piece_is_used_by_a_row():
    texts = "".join(text_of(row) for row in CASES if not row.name.startswith(("pool: rand", "sum2",
        "tica", "msm")))  # fmt: skip
    for name in pieces():
        assert re.search(rf"^(def|class) {name}\b", texts, re.M), name


def test_shared_weights_are_stored_once_and_stay_shared(tmp_path):
    row = BY_NAME["conv: shared weights"]
    network = network_of(row, np.float32)
    network.run("test")
    compare(network, row.matrices(), ("s",), tmp_path)
    text, arrays = torch_module(model_of(network), ("s",))
    assert set(arrays) == {"y.weight", "y.bias", "z.bias"}
    assert "self.z.weight = self.y.weight" in text


def test_double_precision_agrees_far_better(tmp_path):
    """The numbers in the text are not rounded to float32."""
    for name in ("cmrnorm: odd", "cnorm: even", "tanh", "rgb2lab", "resize: larger", "blur"):
        row = BY_NAME[name]
        network = network_of(row)
        network.run("test")
        model = model_of(network)
        text, arrays = torch_module(model, ("y",))
        inputs = inputs_of(model, row.matrices(), ("y",))
        found = in_torch(text, arrays, inputs, ["y"], tmp_path, "float64")
        assert differences(ours(network, ["y"]), found)["y"].relative < 1e-12, name
