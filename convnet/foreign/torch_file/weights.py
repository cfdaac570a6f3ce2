"""Finds the state_dict in what a PyTorch file holds."""

from convnet.data.pickle.arrays import Unreadable
from convnet.display import quoted
from convnet.foreign.torch_file.tensors import Tensor

# Keys under which training scripts save the weights, the most telling first.
_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module")
_WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile
_DEEPEST = 3  # dictionaries in one another
_MOST = 10_000  # dictionaries that are looked at
_LISTED = 6

Tensors = dict[str, Tensor]


def named_tensors(value: object) -> Tensors:
    """Return the tensors of a network by name: those beside a name that ends in "weight".

    The prefixes that wrapping modules put before every name are removed.  Unreadable if there are
    none, or if several dictionaries hold some and their keys do not tell which is meant.
    """
    found = _with_weights(value)
    if not found:
        raise Unreadable("it holds no tensors whose names end in weight")
    path = _chosen(list(found))
    return _unwrapped(found[path])


def _with_weights(value: object) -> dict[tuple[str, ...], Tensors]:
    """The tensors of each dictionary that has weights, by the keys that lead to it."""
    found: dict[tuple[str, ...], Tensors] = {}
    waiting: list[tuple[tuple[str, ...], object]] = [((), value)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        path, each = waiting.pop(0)
        if type(each) is not dict or id(each) in seen:
            continue
        seen.add(id(each))
        named = {k: v for k, v in each.items() if type(v) is Tensor and type(k) is str}
        if any(name.endswith("weight") for name in named):
            found[path] = named
        elif len(path) < _DEEPEST:
            waiting += [((*path, key), v) for key, v in each.items() if type(key) is str]
    return found


def _chosen(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    if len(paths) == 1:
        return paths[0]
    for key in _KEYS:
        named = [path for path in paths if path and path[-1] == key]
        if len(named) == 1:
            return named[0]
    shown = ", ".join(quoted(".".join(path)) for path in paths[:_LISTED])
    raise Unreadable(f"it holds the weights of several networks: {shown}")


def _unwrapped(tensors: Tensors) -> Tensors:
    for prefix in _WRAPPERS * 2:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors
