"""The graph of a pair of files without their data, for the commands that need none."""

import click

from convnet.cli_options.shared import DimsArguments, LanguageArguments
from convnet.commands.output.console import note
from convnet.errors import SpecError
from convnet.graph.build import Graph, build
from convnet.graph.guess_sizes import Guess, guess_sizes
from convnet.graph.infer_inputs import placeholder_tree
from convnet.language import Problem
from convnet.language.specs import Specs
from convnet.prepare import DataOptions, prepare


class GuessError(SpecError):
    """Errors of files that may all be due to sizes that were guessed.

    problems: the errors, and last a line that names the guess and the option that replaces it.
    assumed: that line.
    """

    def __init__(self, problems: list[Problem], assumed: str) -> None:
        super().__init__([*problems, Problem(None, assumed)])
        self.assumed = assumed


def build_without_data(
    specs: Specs, language: LanguageArguments, dims: DimsArguments
) -> tuple[Graph, str]:
    """Return the graph, and a line about what was assumed of the data ("" if nothing).

    If the arguments name a data set, the sizes are those of a training with it.

    Raises SpecError with all errors of the files that are not due to an assumed size, or GuessError
    if all errors may be.
    """
    if dims.data is not None:
        return _build_with_data(specs, language, dims), ""
    if dims.classes_from_data:
        raise click.UsageError("--classes-from-data needs --data.")
    guess = guess_sizes(specs.layers, dims.data_dims, dims.classes)
    tree, made_up = placeholder_tree(specs.layers, dims.classes)
    assumed = "; ".join(filter(None, [guess.note, made_up]))
    try:
        graph = build(
            specs.layers,
            specs.params,
            specs.problems,
            dialect=language.dialect,
            data_dims=guess.dims,
            classes=dims.classes,
            tree=tree,
        )
        specs.problems.raise_errors(strict=language.strict)
    except SpecError as error:
        raise _without_guess(error, guess) from None
    return graph, assumed


def _build_with_data(specs: Specs, language: LanguageArguments, dims: DimsArguments) -> Graph:
    if dims.data_dims is not None or dims.classes is not None:
        raise click.UsageError("--data takes the place of --data-dims and --classes.")
    prepared = prepare(
        specs,
        DataOptions(data=dims.data),
        language.dialect,
        language.strict,
        classes_from_data=dims.classes_from_data,
    )
    for line in prepared.notes:
        note(line)
    return prepared.graph


def _without_guess(error: SpecError, guess: Guess) -> SpecError:
    """The errors that no other size would avoid, or all of them as a GuessError."""
    problems = [each for each in error.problems if isinstance(each, Problem)]
    certain = [problem for problem in problems if not guess.causes(problem)]
    if certain:
        return SpecError(certain)
    return GuessError(problems, guess.note)
