"""What the journal's records say."""

from convnet.network.network import Network
from convnet.train.cost_average import Average


def beginning(run) -> dict:
    """The facts of a `start` or `resume` record."""
    graph, network = run.network.graph, run.network
    facts = {
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


def costs_of(average: Average, run) -> dict:
    return average.per_case(run.cost_layers)


def rates_of(network: Network, progress: float, divided_by: float = 1) -> dict[str, float]:
    """The learning rate of each trained parameter, without noise."""
    rates = {}
    for name, parameter in network.parameters.items():
        if parameter.learns:
            layer, index = parameter.unit.layer, parameter.index
            schedule = layer.rate_b if index is None else layer.rates_w[index]
            rates[name] = rounded(schedule.rate(progress) / divided_by)
    return rates


def rounded(value):
    """Numbers to six digits, in dictionaries too: a journal is read by people."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.6g}")
