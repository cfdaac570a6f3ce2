"""`convnet devices`: list the GPUs, and what CUDA lacks."""

import json
from collections.abc import Iterator

from convnet.backends.cuda_probe import driver_release, driver_version, problems, versions
from convnet.commands.output.console import result


def devices(as_json: bool) -> None:
    """Print GPUs, driver and versions.  Missing parts of CUDA are printed, not raised."""
    facts = facts_of_machine()
    if as_json:
        result(json.dumps(facts))
        return
    for line in lines_of(facts):
        result(line)


def facts_of_machine() -> dict:
    """Return what is printed, as a JSON object.  missing: what CUDA lacks, None if nothing."""
    lacking, found = list(problems()), []
    if not lacking:
        found, reason = _gpus_or_reason()
        lacking = [reason] if reason else []
    return {
        "missing": "; ".join(lacking) or None,
        "driver": driver_version(),
        "driver_release": driver_release(),
        "versions": versions(),
        "gpus": found,
    }


def _gpus_or_reason():
    """The GPUs and ""; or none, and the reason."""
    from numba.cuda.cudadrv.driver import CudaAPIError
    from numba.cuda.cudadrv.error import CudaSupportError

    try:
        found = gpus()
    except (CudaAPIError, CudaSupportError) as error:
        reason = " ".join(str(error).split())
        return [], f"the driver does not start CUDA: {reason}"
    return found, "" if found else "the driver finds no GPU"


def gpus() -> list[dict]:
    """Return name, memory, compute capability and peers of each GPU."""
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
                    "memory_bytes": int(total),
                    "free_bytes": int(free),
                    "compute_capability": ".".join(map(str, device.compute_capability)),
                    "peers": [other for other in others if context.can_access_peer(other)],
                }
            )
    return found


def lines_of(facts: dict) -> Iterator[str]:
    """Yield the facts of a machine as lines of text."""
    for gpu in facts["gpus"]:
        peers = ", ".join(map(str, gpu["peers"])) or "none"
        yield (
            f"GPU {gpu['gpu']}: {gpu['name']}, {gpu['memory_bytes'] / 1e9:.1f} GB "
            f"({gpu['free_bytes'] / 1e9:.1f} free), compute capability "
            f"{gpu['compute_capability']}, direct access to GPUs: {peers}"
        )
    release = f"{facts['driver_release']}, " if facts["driver_release"] else ""
    yield f"driver: {release}runs CUDA {facts['driver']}" if facts["driver"] else "driver: none"
    for package, version in facts["versions"].items():
        yield f"{package}: {version or 'not installed'}"
    if facts["missing"]:
        yield f"CUDA cannot be used: {facts['missing']}."
