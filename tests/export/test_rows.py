"""Every row of the table of cases, exported: the same values in ONNX Runtime and in PyTorch.

The rows' numbers make every term of their layers count, so that a mapping with another alpha, pad,
divisor or order of groups differs by far more than rounding; test_mutations.py shows that.
"""

import numpy as np
import pytest

from convnet.errors import ConvnetError
from convnet.export.to_onnx.write import RULES as IN_ONNX
from convnet.export.to_onnx.write import onnx_bytes
from convnet.export.to_torch.write import RULES as IN_TORCH
from convnet.export.to_torch.write import torch_module
from convnet.layers import LAYER_TYPES
from tests.support.cases import CASES
from tests.support.exported import compare, compared_layers, model_of
from tests.support.rows import graph_of, network_of, texts

LIMIT = 2e-6  # float32 rounding in sums of up to some hundred terms; largest seen 6e-7


def written(row) -> list[str]:
    """The layers whose values are compared: the last one, or what it reads if it is a cost."""
    graph = graph_of(*texts(row), row.data_dims(), row.tree)
    return sum(compared_layers(graph), []) if graph.node(row.last()).is_cost else [row.last()]


RANDOM = [row for row in CASES if row.name.startswith("pool: rand") and "as max" not in row.name]
WRITTEN = [row for row in CASES if row not in RANDOM and written(row)]
OF_DATA = [row for row in CASES if row not in RANDOM and not written(row)]


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: row.name)
def test_exported_rows_compute_the_same(row, tmp_path):
    network = network_of(row, np.float32)
    network.run("test")
    for found in compare(network, row.matrices(), written(row), tmp_path):
        for difference in found.values():
            assert difference.relative <= LIMIT, difference


def model_of_row(row):
    return model_of(network_of(row, np.float32))


@pytest.mark.parametrize("write", [onnx_bytes, torch_module])
@pytest.mark.parametrize("row", RANDOM, ids=lambda row: row.name)
def test_what_is_random_in_tests_is_refused(row, write):
    with pytest.raises(ConvnetError, match=r"^y: pool=rand samples .* doMax=true"):
        write(model_of_row(row))


@pytest.mark.parametrize("row", OF_DATA, ids=lambda row: row.name)
def test_without_a_layer_between_data_and_cost_there_is_nothing_to_export(row):
    with pytest.raises(ConvnetError, match="the costs read the data itself"):
        onnx_bytes(model_of_row(row))


def test_only_rows_of_a_cost_on_data_are_left_out():
    assert {row.name.split(":")[0] for row in OF_DATA} == {"sum2", "tica", "msm"}


WITHOUT_RULE: set[str] = set()  # types that are refused


def test_every_type_has_a_rule():
    """In both formats, but data layers and costs."""
    types = {name for name, layer in LAYER_TYPES.items() if not layer.is_cost and not layer.is_data}
    assert set(IN_ONNX) == set(IN_TORCH) == (types | {"dropout (key)"}) - WITHOUT_RULE
