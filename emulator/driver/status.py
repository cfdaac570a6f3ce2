"""Status codes of the driver by name (CUDA driver API, `CUresult`), and refusals with one."""

from enum import IntEnum


class Status(IntEnum):
    """What an entry point returns."""

    SUCCESS = 0
    INVALID_VALUE = 1
    OUT_OF_MEMORY = 2
    NOT_INITIALIZED = 3
    INVALID_DEVICE = 101
    INVALID_IMAGE = 200
    INVALID_CONTEXT = 201
    PEER_ACCESS_UNSUPPORTED = 217
    INVALID_PTX = 218
    INVALID_HANDLE = 400
    ILLEGAL_STATE = 401
    NOT_FOUND = 500
    NOT_READY = 600
    ILLEGAL_ADDRESS = 700
    LAUNCH_OUT_OF_RESOURCES = 701
    PEER_ACCESS_ALREADY_ENABLED = 704
    PEER_ACCESS_NOT_ENABLED = 705
    CONTEXT_IS_DESTROYED = 709
    HOST_MEMORY_ALREADY_REGISTERED = 712
    HOST_MEMORY_NOT_REGISTERED = 713
    LAUNCH_FAILED = 719
    NOT_PERMITTED = 800
    NOT_SUPPORTED = 801
    STREAM_CAPTURE_UNSUPPORTED = 900
    STREAM_CAPTURE_INVALIDATED = 901
    STREAM_CAPTURE_MERGE = 902
    STREAM_CAPTURE_UNMATCHED = 903
    STREAM_CAPTURE_UNJOINED = 904
    STREAM_CAPTURE_ISOLATION = 905
    STREAM_CAPTURE_IMPLICIT = 906
    CAPTURED_EVENT = 907
    STREAM_CAPTURE_WRONG_THREAD = 908
    GRAPH_EXEC_UPDATE_FAILURE = 910
    UNKNOWN = 999

    @property
    def title(self) -> str:
        """The name that CUDA gives it."""
        return "CUDA_SUCCESS" if self == 0 else f"CUDA_ERROR_{self.name}"


# These report a state that programs ask for; they are no mistakes.
ANSWERS = frozenset({Status.SUCCESS, Status.NOT_READY, Status.PEER_ACCESS_ALREADY_ENABLED})


class Refused(Exception):
    """An entry point refuses a call: its status and the broken rule."""

    def __init__(self, status: Status, why: str = "") -> None:
        super().__init__(f"{status.title}: {why}" if why else status.title)
        self.status, self.why = status, why
