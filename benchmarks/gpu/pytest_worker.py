"""pytest in a process of `make gpu`: the records have the failed tests, the exit code has not."""

import sys

import pytest

from benchmarks.gpu.records import LOST

ENDED_WELL = (0, 1, 5)  # passed, some failed, none collected: all that this process was to do

if __name__ == "__main__":
    code = int(pytest.main(sys.argv[1:]))
    sys.exit(0 if code in ENDED_WELL else LOST if code == LOST else code)
