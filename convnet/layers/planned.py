"""Layer types of the original systems that this version knows by name only."""

PLANNED = (
    "treefc", "cost.bce", "cost.crossent", "cost.crossent2", "cost.dce", "cost.gsum2", "cost.msm",
    "cost.rflickr", "cost.tica",
)  # fmt: skip

# Keys that only these types (and the data layers of the originals) read.
PLANNED_KEYS = ("children", "posWeight", "setSize", "threads")
