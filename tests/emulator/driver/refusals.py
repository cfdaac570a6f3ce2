"""What a test expects to be refused."""

from contextlib import contextmanager

import pytest

from tests.emulator.driver.host import Refusal


@contextmanager
def refused(status: str, why: str = ""):
    """The call is refused with this status, for a reason that contains `why`."""
    with pytest.raises(Refusal) as found:
        yield
    assert found.value.status.name == status
    assert why in str(found.value)
