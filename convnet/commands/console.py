"""Output of the commands: messages on stderr, results on stdout."""

import json

import click


def note(line: str) -> None:
    """Print a message."""
    click.echo(line, err=True)


def warn(problems) -> None:
    """Print each warning about the files."""
    for problem in problems:
        click.echo(str(problem), err=True)


def result(line: str = "") -> None:
    """Print a line of the result."""
    click.echo(line)


def result_json(value) -> None:
    """Print the result as JSON."""
    click.echo(json.dumps(value, indent=1))


def costs_line(costs) -> str:
    """Return {layer: {number: value}} on one line, errors in percent."""
    return "; ".join(", ".join(_shown(*item) for item in cost.items()) for cost in costs.values())


def _shown(name, value):
    return f"{name} {value:.2%}" if name.endswith("error") else f"{name} {value:.4f}"
