"""A checkpoint's network with its weights and its test data, as `test` and `show-preds` need it."""

from dataclasses import dataclass

from convnet import checkpoint
from convnet.commands.console import note
from convnet.commands.load_network import Saved, load
from convnet.commands.train import data_options, start_workers
from convnet.data import Feed
from convnet.engines import DeviceOptions, make_engine
from convnet.graph.checkpoint_facts import stored_facts
from convnet.network.network import Network
from convnet.prepare import Prepared, prepare


@dataclass
class Ready:
    saved: Saved
    prepared: Prepared
    network: Network
    feed: Feed

    def plain_feed(self, split: str) -> Feed:
        """The centres of a split's images in the order of the data set, as tests see them."""
        return self.prepared.feed(split, self.feed.minibatch_size, plain=True)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.prepared.dataset.class_names

    @property
    def all_views(self) -> int:
        """Ten views; nine where the dialect has nine for CIFAR's images (dialect, 9.2)."""
        small = self.prepared.dataset.side <= 32
        return self.prepared.graph.dialect.cifar_views if small else 10


def ready(given: dict) -> Ready:
    """The checkpoint, network and test data that the options ask for; says which they are."""
    saved = load(given["load"])
    prepared = prepare(
        saved.specs,
        data_options(given, saved.checkpoint),
        saved.checkpoint.dialect,
        tree=stored_facts(saved.checkpoint.options)["tree"],
    )
    start_workers(prepared.dataset, given)
    engine, line, _ = make_engine(DeviceOptions.of(given), prepared.graph)
    minibatch = given["minibatch"] or saved.checkpoint.options.get("minibatch", 128)
    network = Network(prepared.graph, minibatch, engine, seed=saved.checkpoint.seed)
    checkpoint.restore(network, saved.checkpoint)
    note(f"{saved.path}, {line}")
    return Ready(saved, prepared, network, prepared.feed("test", minibatch))
