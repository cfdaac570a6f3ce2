"""The errors that a user can cause.  Any other exception is a bug and keeps its traceback."""

from collections.abc import Iterable


class ConvnetError(Exception):
    """Base class: a problem in the user's files, data or machine.

    The message names the place, what was found, what was expected, and a way to repair it.
    """


class SpecError(ConvnetError):
    """One or more errors in layer and parameter files.

    Attributes:
        problems: The errors, each a `convnet.language.problems.Problem` with its location.
    """

    def __init__(self, problems: Iterable[object]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(ConvnetError):
    """A data set that is missing, damaged or does not fit the network."""


class DeviceError(ConvnetError):
    """A device that is missing or cannot compute as asked, or arrays of two devices that meet."""


class CheckpointError(ConvnetError):
    """A checkpoint that is missing, damaged or belongs to another network."""


class TrainingError(ConvnetError):
    """Training cannot go on: a cost or an activation is no longer finite."""
