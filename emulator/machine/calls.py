"""The functions of the machine that translated code calls by name."""

from collections.abc import Callable
from typing import Any

import numpy as np

from emulator.machine.memory.copies import Copies
from emulator.machine.memory.generic import Generic
from emulator.machine.memory.spaces import Space
from emulator.machine.schedule.order import Order
from emulator.machine.types import Array, Bools, Int64s, Mask
from emulator.machine.warps.matrix import load_matrix
from emulator.machine.warps.mma import mma_bf16, mma_tf32
from emulator.machine.warps.shuffle import shuffle, vote
from emulator.machine.warps.together import Warps


def calls(
    warps: Warps,
    everything: Space,
    shared: Space,
    local: Space,
    generic: Generic,
    copies: Copies,
    order: Order,
) -> dict[str, Callable[..., Any]]:
    """Return the functions by name.

    m: the threads that run an instruction, True for all.  text: the instruction, for messages.
    load_SPACE returns the active threads' values, everything else has a value for each thread.

    load_SPACE(address, size, count, m, text) -> [values, ...]
    store_SPACE(address, (values, ...), size, m, text)
    copy_async(shared address, global address, size, bytes given, m, text)
    commit_copies(m), wait_copies(pending groups, m), wait_all_copies(m)
    load_matrix(address, count, transposed, m, text) -> [values, ...]
    mma_tf32, mma_bf16(a, b, c, m, text) -> [values, ...]
    shuffle(how, value, b, c, m, members, text) -> values, predicate
    vote(how, predicate, m, members, text) -> values
    everywhere(value), full(value) -> values
    """
    count = len(warps.ended)

    def everywhere(value: Any) -> Array:
        dtype = value.dtype if isinstance(value, np.generic) else np.int64
        return np.full(count, value, dtype)

    def shuffled(
        how: str,
        value: Array,
        b: Array,
        c: Array,
        m: Mask,
        members: Array | int,
        text: str,
    ) -> tuple[Array, Bools]:
        return shuffle(warps, how, value, b, c, m, members, text)

    def voted(
        how: str,
        predicate: Bools,
        m: Mask,
        members: Array | int,
        text: str,
    ) -> Array:
        return vote(warps, how, predicate, m, members, text)

    def matrix(address: Int64s, number: int, transposed: bool, m: Mask, text: str) -> list[Array]:
        return load_matrix(warps, shared, address, number, transposed, m, text)

    found: dict[str, Callable[..., Any]] = {
        "everywhere": everywhere,
        "full": lambda value: np.broadcast_to(value, count),
        "copy_async": copies.issue,
        "commit_copies": copies.commit,
        "wait_copies": copies.wait,
        "wait_all_copies": copies.wait_all,
        "load_matrix": matrix,
        "shuffle": shuffled,
        "vote": voted,
    }
    for name, product in (("mma_tf32", mma_tf32), ("mma_bf16", mma_bf16)):
        found[name] = _product(product, warps, order)
    spaces: dict[str, Space | Generic] = {
        "global": everything,
        "shared": shared,
        "local": local,
        "generic": generic,
    }
    for name, space in spaces.items():
        found[f"load_{name}"], found[f"store_{name}"] = space.load, space.store
    return found


def _product(
    product: Callable[..., list[Array]], warps: Warps, order: Order
) -> Callable[..., list[Array]]:
    def call(a: Any, b: Any, c: Any, m: Mask, text: str) -> list[Array]:
        return product(warps, a, b, c, m, order.sums, text)

    return call
