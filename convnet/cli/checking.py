"""Commands: check networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convnet.cli.group import main

if TYPE_CHECKING:
    from convnet.cli_options.specs import CheckArguments, CheckGradsArguments, WarmArguments

_GROUP = "Check networks"


@main.declare(
    _GROUP,
    "convnet.cli_options.specs:CheckArguments",
    "convnet check alexnet my.cfg my.params",
)
def check(arguments: CheckArguments) -> int:
    """Check layer and parameter files for errors.

    FILES are layer files, each followed by its parameter file if it has one, or names of nets that
    `convnet nets` lists.  All errors are reported together, with their location.  Needs no data
    and no GPU.
    """
    from convnet.commands.checking.check import check

    return check(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.specs:CheckGradsArguments",
    "convnet check-grads --layers digits",
)
def check_grads(arguments: CheckGradsArguments) -> int:
    """Check a network's gradients against finite differences.

    Computes both in float64 on the CPU, for random weights and data.
    """
    from convnet.commands.checking.gradients import check_grads

    return check_grads(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.specs:WarmArguments",
    "convnet warm digits alexnet-groups",
    "convnet warm",
)
def warm(arguments: WarmArguments) -> int:
    """Compile the CPU's kernels of networks now.

    FILES are given as to `convnet check`; without any, the kernels of all nets that `convnet nets`
    lists are compiled.  They are kept on disk, so that a later training or test starts at once.
    """
    from convnet.commands.checking.warm import warm

    return warm(arguments)
