"""The graph of a pair of files without their data, for the commands that need none."""

from convnet.cli_options.shared import DimsArguments, LanguageArguments
from convnet.errors import SpecError
from convnet.graph.build import Graph, build
from convnet.graph.guess_sizes import Guess, guess_sizes
from convnet.graph.infer_inputs import placeholder_tree
from convnet.language import Problem
from convnet.language.specs import Specs


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

    Raises SpecError with all errors of the files that are not due to an assumed size, or GuessError
    if all errors may be.
    """
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


def _without_guess(error: SpecError, guess: Guess) -> SpecError:
    """The errors that no other size would avoid, or all of them as a GuessError."""
    problems = [each for each in error.problems if isinstance(each, Problem)]
    certain = [problem for problem in problems if not guess.causes(problem)]
    if certain:
        return SpecError(certain)
    return GuessError(problems, guess.note)
