"""What `Network.load` takes and what it refuses."""

import numpy as np
import pytest

from convnet.errors import DataError
from tests.support.rows import LABELS, Row, network_of

ROW = Row("logreg", "p type=softmax inputs=x\ny type=cost.logreg inputs=labels,p", "", ((6,),))


@pytest.mark.parametrize(
    "change, words",
    [
        ({0: np.ones((6, 4))}, "differ in their cases"),
        ({0: np.ones((5, 5))}, "needs 6 values per case"),
        ({0: np.ones(6)}, "needs 6 values per case"),
        ({0: np.ones((6, 0)), LABELS: np.ones((1, 0))}, "1 to 8 cases"),
        ({0: np.ones((6, 9)), LABELS: np.ones((1, 9))}, "1 to 8 cases"),
        ({LABELS: None}, "data matrix 1, which is not given"),
    ],
)
def test_matrices_that_do_not_fit(change, words):
    network = network_of(ROW)
    with pytest.raises(DataError, match=words):
        network.load(ROW.matrices() | change)
    network.run("test")  # what was loaded before is still whole
    assert np.isfinite(network.objective())


def test_minibatches_of_every_size_in_turn():
    """Memory is taken once, for the largest; smaller minibatches are packed at its front."""
    network = network_of(ROW, cases=8)
    for cases in (8, 3, 1, 8, 5):
        network.load(ROW.matrices(cases))
        network.run("gradients")
        alone = network_of(ROW, cases=cases)
        alone.run("gradients")
        np.testing.assert_array_equal(network.output("p"), alone.output("p"))
        np.testing.assert_array_equal(network.data_gradient("x"), alone.data_gradient("x"))
