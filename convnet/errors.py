"""The errors a user can meet.  Everything else that is raised is a bug and keeps its traceback."""


class ConvnetError(Exception):
    """Something in the user's files, data or machine; the message says where and how to repair."""


class SpecError(ConvnetError):
    """One or more mistakes in spec files.  `problems` lists them (`convnet.language.problems`)."""

    def __init__(self, problems):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(ConvnetError):
    """A data set that is missing, damaged or does not fit the network."""


class DeviceError(ConvnetError):
    """A device that does not exist, is too small, or arrays of two devices in one operation."""


class CheckpointError(ConvnetError):
    """A checkpoint that is missing, damaged or belongs to another network."""


class TrainingError(ConvnetError):
    """Training cannot go on: a cost or an activation is no longer finite."""
