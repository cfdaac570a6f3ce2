"""A search for two learning rates of the digits network, by Optuna.

    pip install optuna
    python examples/optuna_search.py --trials 20

Optuna chooses the rates of each trial by the errors of those before.  After each epoch it is told
the test error, and ends a trial that is worse than the median of the others at that epoch.

The errors are those of the test images, which the search therefore fits: for a number to publish,
choose the rates on images held out of the training set, and test once.
"""

from typing import Any

import click
import optuna

import convnet
from convnet import nets
from convnet.errors import TrainingError

DIGITS = next(net for net in nets.shipped() if net.name == "digits")
LOWEST, HIGHEST = 1e-4, 1e-1
LAYERS = {"conv": ("conv1", "conv2"), "fc": ("fc3", "fc4")}  # the layers of each rate


class Pruning(convnet.Observer):
    """Tells Optuna the error of each test; ends the training if Optuna says so."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial
        self.errors: list[float] = []

    def on_test(self, record: dict[str, Any]) -> None:
        self.errors.append(record["costs"]["logprob"]["top-1 error"])
        self.trial.report(self.errors[-1], step=len(self.errors))
        if self.trial.should_prune():
            raise optuna.TrialPruned


def error_of(trial: optuna.Trial, epochs: int) -> float:
    """Train a network with the rates that Optuna suggests; return its last test error."""
    rates = {name: trial.suggest_float(name, LOWEST, HIGHEST, log=True) for name in LAYERS}
    keys = {f"{layer}.epsW": rates[name] for name, layers in LAYERS.items() for layer in layers}
    net = convnet.Net.from_files(DIGITS.layers, DIGITS.params, set=keys)
    pruning = Pruning(trial)
    try:
        net.fit("digits", epochs, callbacks=[pruning])
    except TrainingError:  # the rates are too high: the cost is no longer finite
        raise optuna.TrialPruned from None
    return pruning.errors[-1]


@click.command(help=__doc__.partition("\n")[0])
@click.option("--trials", default=20, show_default=True, help="Networks to train.")
@click.option("--epochs", default=5, show_default=True, help="Epochs of each.")
@click.option("--seed", default=0, show_default=True, help="Seed of the search.")
def main(trials: int, epochs: int, seed: int) -> None:
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
    )
    study.optimize(lambda trial: error_of(trial, epochs), n_trials=trials)
    pruned = len(study.get_trials(states=[optuna.trial.TrialState.PRUNED]))
    rates = ", ".join(f"{name} {rate:.3g}" for name, rate in study.best_params.items())
    click.echo(f"{trials} trials, {pruned} of them ended early")
    click.echo(f"lowest test error {study.best_value:.2%} with the rates {rates}")


if __name__ == "__main__":
    main()
