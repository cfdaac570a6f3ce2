"""Several processes that run one command together: they join, and refuse to differ."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numba
import numpy as np

from convnet import __version__
from convnet.checkpoint import Checkpoint
from convnet.cli_options.shared import DeviceArguments
from convnet.commands.output import console
from convnet.data import Feed
from convnet.distributed.group import Alone, Group, Ranks
from convnet.distributed.session import join
from convnet.errors import ConvnetError
from convnet.language.specs import Specs
from convnet.predict.find import Found
from convnet.prepare import Prepared
from convnet.train.run import Run


def joined(arguments: DeviceArguments) -> Alone | Ranks:
    """Return the group of the processes that mpiexec started; only the first one prints.

    Raises:
        ConvnetError: If there are several and MPI is missing, or if torchrun started them.
    """
    group = join(arguments.rank_timeout)
    if not group.is_first:
        console.silence()
    return group


def refuse_differences(group: Group, facts: Mapping[str, str]) -> None:
    """Raise ConvnetError, with the ranks and what differs, unless all have the same facts.

    facts: what has to be equal -> any text that is.
    """
    if not isinstance(group, Ranks):
        return
    for rank, theirs in enumerate(all_found := group.all_values(dict(facts))):
        first = all_found[0]
        names = [name for name in first if theirs.get(name) != first[name]]
        if names:
            shown = "; ".join(
                f"{name} ({_shown(first[name])} and {_shown(theirs.get(name, ''))})"
                for name in names
            )
            raise ConvnetError(
                f"ranks 0 and {rank} differ: {shown}. All machines need the same files, options, "
                "data and versions (docs/distributed.md)"
            )


def _shown(text: str) -> str:
    return text if len(text) < 60 else hashlib.sha256(text.encode()).hexdigest()[:12]


def facts_of_program() -> dict[str, str]:
    """Return the versions that have to be equal."""
    versions = {"convnet": __version__, "numpy": np.__version__, "numba": numba.__version__}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return {"versions": f"Python {platform.python_version()}, {listed}"}


def facts_of_data(prepared: Prepared, feed: Feed) -> dict[str, str]:
    """Return what identifies the network's files, and its data as far as it is cheap to read."""
    dataset, specs = prepared.dataset, prepared.specs
    labels = [dataset.labels(split, range(dataset.count(split))) for split in ("train", "test")]
    return {
        "the layer file": specs.layers.source.text,
        "the parameter file": specs.params.source.text if specs.params else "",
        "the data set": f"{dataset.describe()} {dataset.digest}",
        "its labels": _digest(*labels),
        "its mean": _digest(feed.mean),
    }


def facts_of_test(saved: Checkpoint, prepared: Prepared, feed: Feed) -> dict[str, str]:
    """Return all that has to be equal where a network is tested."""
    return {
        **facts_of_program(),
        **facts_of_data(prepared, feed),
        "the minibatch": str(feed.minibatch_size),
        "the checkpoint": _digest(*saved.arrays.values()) + str(saved.position),
    }


def facts_of_prediction(
    saved: Sequence[Checkpoint], found: Found, minibatch: int
) -> dict[str, str]:
    """Return all that has to be equal where networks predict the classes of images."""
    images = [f"{path} {size}" for path, size in zip(found.files, found.sizes, strict=True)]
    return {
        **facts_of_program(),
        "the images": "\n".join(images),
        "the minibatch": str(minibatch),
        "the checkpoints": _digest(*(array for each in saved for array in each.arrays.values())),
    }


def facts_of_run(
    run: Run, specs: Specs, prepared: Prepared, saved: Checkpoint | None
) -> dict[str, str]:
    """Return all that has to be equal where a run is trained."""
    options = {
        **run.stored_options(),
        "seed": run.network.seed,
        "max_batches": run.options.max_batches,
        "devices": run.network.engine.kind,
    }
    resumed = _digest(*saved.arrays.values()) + str(saved.position) if saved else "none"
    return {
        **facts_of_program(),
        **facts_of_data(prepared, run.train),
        "the options": json.dumps(options, sort_keys=True, default=str),
        "the checkpoint to resume": resumed,
    }


def _digest(*arrays: Any) -> str:
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data)
    return found.hexdigest()
