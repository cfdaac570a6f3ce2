"""`convnet devices`: what CUDA finds here, and what it lacks."""

import json

from convnet.backends.probe import driver_version, missing, versions
from convnet.commands.output import result


def devices(as_json: bool) -> None:
    """Print GPUs, driver and versions; no error where CUDA is missing."""
    lacking = missing()
    facts = {
        "missing": lacking or None,
        "driver": driver_version(),
        "versions": versions(),
        "gpus": [] if lacking else gpus(),
    }
    if as_json:
        result(json.dumps(facts))
        return
    for line in _lines(facts):
        result(line)


def gpus() -> list[dict]:
    """Name, memory, compute capability and peers of each GPU."""
    from numba import cuda

    found = []
    for number in range(len(cuda.gpus)):
        with cuda.gpus[number]:
            context, device = cuda.current_context(), cuda.get_current_device()
            free, total = context.get_memory_info()
            name = device.name.decode() if isinstance(device.name, bytes) else device.name
            others = [other for other in range(len(cuda.gpus)) if other != number]
            found.append(
                {
                    "gpu": number,
                    "name": name,
                    "memory_bytes": total,
                    "free_bytes": free,
                    "compute_capability": ".".join(map(str, device.compute_capability)),
                    "peers": [other for other in others if context.can_access_peer(other)],
                }
            )
    return found


def _lines(facts):
    for gpu in facts["gpus"]:
        peers = ", ".join(map(str, gpu["peers"])) or "none"
        yield (
            f"GPU {gpu['gpu']}: {gpu['name']}, {gpu['memory_bytes'] / 1e9:.1f} GB "
            f"({gpu['free_bytes'] / 1e9:.1f} free), compute capability "
            f"{gpu['compute_capability']}, direct access to GPUs: {peers}"
        )
    yield f"driver: {'runs CUDA ' + facts['driver'] if facts['driver'] else 'none'}"
    for package, version in facts["versions"].items():
        yield f"{package}: {version or 'not installed'}"
    if facts["missing"]:
        yield f"CUDA cannot be used: {facts['missing']}."
