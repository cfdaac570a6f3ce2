"""Layer types of the original systems that this version knows by name only."""

PLANNED = ()

# Keys that only these types (and the data layers of the originals) read.
PLANNED_KEYS = ()
