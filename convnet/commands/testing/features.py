"""`convnet test --write-features`: write a layer's activities to a folder."""

from convnet.cli_options.test import TestArguments
from convnet.commands.load_for_test import LoadedForTest
from convnet.commands.output.console import result, result_json
from convnet.commands.output.quarters import Quarters
from convnet.distributed.session import current
from convnet.train.features import write_features

SPLITS = {"train": ("train",), "test": ("test",), "both": ("train", "test")}


def write(found: LoadedForTest, arguments: TestArguments) -> None:
    """Write the activities of the layer and the split that the arguments name."""
    wanted = arguments.features
    progress = {split: Quarters(f"features of the {split} cases") for split in ("train", "test")}
    feeds = {split: found.plain_feed(split) for split in SPLITS[wanted.split or "test"]}
    facts = {
        "class_names": list(found.prepared.dataset.class_names),
        "checkpoint": str(found.saved.path),
        "dataset": found.prepared.opened,
        "inner_size": found.prepared.side,
    }
    meta = write_features(
        found.network,
        feeds,
        wanted.write_features,
        wanted.feature_path,
        facts,
        minibatches=arguments.max_batches,
        on_minibatch=lambda split, done, total: progress[split](done, total),
        writes=current().is_first,
    )
    if arguments.as_json:
        result_json(meta)
        return
    counts = " and ".join(f"{count:,} {split}" for split, count in meta["cases"].items())
    layers = " and ".join(meta["layers"])
    folder = wanted.feature_path
    result(f"{folder}: {meta['values']:,} values of {layers} for each of {counts} cases")
