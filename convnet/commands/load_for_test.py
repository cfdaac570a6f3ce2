"""A checkpoint's network with its weights and its test data, as `test` and `show-preds` need it."""

from dataclasses import dataclass
from pathlib import Path

from convnet import checkpoint
from convnet.cli_options.shared import EvaluationArguments
from convnet.commands.load_network import load
from convnet.commands.output.console import note
from convnet.commands.ranks import facts_of_test, refuse_differences
from convnet.commands.run_options import data_options, device_options, start_workers, trained
from convnet.data import Feed
from convnet.distributed.session import current
from convnet.engines import make_engine_of
from convnet.network.network import Network
from convnet.prepare import Prepared, prepare
from convnet.runs.saved import Saved
from convnet.train.multiview import all_views


@dataclass
class LoadedForTest:
    """A trained network on its engine, and the feed of its test data."""

    saved: Saved
    prepared: Prepared
    network: Network
    feed: Feed

    def plain_feed(self, split: str) -> Feed:
        """Return a feed of a split's images in the order of the data set, without augmentation."""
        feed = self.prepared.feed(split, self.feed.minibatch_size, plain=True)
        feed.make_only(self.network.cases_needed)
        return feed

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that the network was trained on; those of the data if it does not say."""
        return self.saved.checkpoint.class_names or self.prepared.dataset.class_names

    @property
    def all_views(self) -> int:
        """The views of a multiview test."""
        return all_views(self.prepared.graph, self.prepared.dataset.side)


def load_for_test(path: Path | None, arguments: EvaluationArguments) -> LoadedForTest:
    """Return the network of a checkpoint with its data; print which they are.

    path: a checkpoint, a folder, or None for the newest checkpoint of all runs.
    """
    saved = load(path)
    prepared = prepare(
        saved.specs,
        data_options(arguments.data, saved.checkpoint),
        saved.checkpoint.dialect,
        trained=trained(arguments.data, saved.checkpoint, saved.path),
        workers=arguments.data.workers,
    )
    for line in prepared.notes:
        note(line)
    start_workers(prepared.dataset, arguments.data.workers)
    group = current()
    chosen = make_engine_of(group, device_options(arguments.device), prepared.graph)
    minibatch = arguments.minibatch or saved.checkpoint.options.get("minibatch", 128)
    seed = saved.checkpoint.seed
    network = Network(
        prepared.graph, minibatch, chosen.engine, seed=seed, only_tests=True, initialize=False
    )
    checkpoint.restore(network, saved.checkpoint)
    note(f"{saved.path}, {chosen.line}")
    feed = prepared.feed("test", minibatch)
    feed.make_only(network.cases_needed)
    refuse_differences(group, facts_of_test(saved.checkpoint, prepared, feed))
    return LoadedForTest(saved, prepared, network, feed)
