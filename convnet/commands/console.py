"""Words for people: messages on stderr, results on stdout."""

import json

import click


def note(line: str) -> None:
    click.echo(line, err=True)


def warn(problems) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)


def result(line: str = "") -> None:
    click.echo(line)


def result_json(value) -> None:
    click.echo(json.dumps(value, indent=1))


def costs_line(costs) -> str:
    """{layer: {number: value}} on one line, errors in percent."""
    return "; ".join(", ".join(_shown(*item) for item in cost.items()) for cost in costs.values())


def _shown(name, value):
    return f"{name} {value:.2%}" if name.endswith("error") else f"{name} {value:.4f}"
