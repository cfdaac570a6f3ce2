"""`convnet test --write-features`: a layer's activities as a folder of features."""

from convnet.commands.console import note, result, result_json
from convnet.commands.load_for_test import Ready
from convnet.train.features import write_features

SPLITS = {"train": ("train",), "test": ("test",), "both": ("train", "test")}


def write(found: Ready, given: dict) -> None:
    folder = given["feature_path"]
    feeds = {split: found.plain_feed(split) for split in SPLITS[given["split"] or "test"]}
    facts = {
        "class_names": list(found.class_names),
        "checkpoint": str(found.saved.path),
        "dataset": found.prepared.opened,
    }
    meta = write_features(
        found.network,
        feeds,
        given["write_features"],
        folder,
        facts,
        minibatches=given["max_batches"],
        on_minibatch=_Counter(),
    )
    if given["as_json"]:
        result_json(meta)
        return
    counts = " and ".join(f"{count:,} {split}" for split, count in meta["cases"].items())
    layers = " and ".join(meta["layers"])
    result(f"{folder}: {meta['values']:,} values of {layers} for each of {counts} cases")


class _Counter:
    """Tells how far a long split is, a few times."""

    def __init__(self):
        self.told = {}

    def __call__(self, split, done, total):
        quarter = done * 4 // total
        if total > 20 and quarter > self.told.get(split, 0):
            self.told[split] = quarter
            note(f"features of the {split} cases: {done} of {total} minibatches")
