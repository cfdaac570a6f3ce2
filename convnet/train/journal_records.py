"""The contents of the journal's records."""

from typing import Any, cast

from convnet.layers.weighted import WeightLayer
from convnet.network.network import Network
from convnet.train.rounding import rounded
from convnet.train.run import Run


def start_facts(run: Run) -> dict[str, Any]:
    """Return the facts of a `start` or `resume` record."""
    graph, network = run.network.graph, run.network
    facts: dict[str, Any] = {
        "layers": graph.layers_file.source.path,
        "params": graph.params_file.source.path if graph.params_file else "",
        "data": run.data,
        "seed": network.seed,
        "minibatch": run.train.minibatch_size,
        "minibatches_per_epoch": run.train.minibatches_per_epoch,
        "epochs": run.options.epochs,
    }
    if run.init_from:
        facts["init_from"] = run.init_from
    if run.resumed_from:
        facts["from"] = run.resumed_from.name
        facts["changes"] = run.changes
    return facts


def rates_of(network: Network, progress: float, lr_divisor: float = 1) -> dict[str, float]:
    """Return the learning rate of each trained parameter, without noise."""
    rates = {}
    for name, parameter in network.parameters.items():
        if parameter.learns:
            layer, index = cast(WeightLayer, parameter.unit.layer), parameter.index
            schedule = layer.rate_b if index is None else layer.rates_w[index]
            rates[name] = rounded(schedule.rate(progress) / lr_divisor)
    return rates
