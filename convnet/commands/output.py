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
