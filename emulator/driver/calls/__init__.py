"""The driver's entry points, by subject.  Importing this package fills `registry.ENTRIES`."""

from emulator.driver.calls import (  # noqa: F401  # they register their entry points
    captures,
    contexts,
    copies,
    devices,
    events,
    graphs,
    kernels,
    launches,
    memory,
    streams,
)
