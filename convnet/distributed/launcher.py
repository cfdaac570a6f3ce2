"""Which of several processes this is, by the variables that launchers set.

It is known before MPI is, so that one process alone prints what all of them find.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from convnet.display import harmless
from convnet.errors import ConvnetError

# Variables that a launcher sets for each process: how many there are, the number of this one, how
# many there are on its machine; and the number among these.
_MPI = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_LOCAL_SIZE"),
    ("PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS"),
    ("PMI_SIZE", "PMI_ID", "MPI_LOCALNRANKS"),
    ("MPI_LOCALNRANKS", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_STEP_TASKS_PER_NODE"),
    ("SLURM_NTASKS", "SLURM_PROCID", "SLURM_TASKS_PER_NODE"),
)
_NUMBER_HERE = (
    "MPI_LOCALRANKID",
    "OMPI_COMM_WORLD_LOCAL_RANK",
    "MV2_COMM_WORLD_LOCAL_RANK",
    "SLURM_LOCALID",
)
_TORCH = "WORLD_SIZE", ("RANK", "LOCAL_RANK")


@dataclass(frozen=True)
class Launched:
    """The number of this process and of all.

    here: how many of them are on this machine.  is_first_here: whether this is the first of these.
    """

    rank: int = 0
    size: int = 1
    here: int = 1
    is_first_here: bool = True


def launched(environment: Mapping[str, str]) -> Launched:
    """Return which process of mpiexec or srun this is.

    A size counts only beside the number of the process: a Slurm allocation sets its size alone.

    Raises:
        ConvnetError: If torchrun started several: its processes know no MPI.
    """
    for size, rank, here in _MPI:
        count = _number(environment.get(size))
        if count < 2 or rank not in environment or _is_batch_script(size, environment):
            continue
        on_machine = environment.get(here, "").partition("(")[0]  # Slurm writes 4(x2)
        number = _number(environment[rank])
        among = next((environment[n] for n in _NUMBER_HERE if n in environment), str(number))
        return Launched(number, count, _number(on_machine) or count, _number(among) == 0)
    _refuse_torchrun(environment)
    return Launched()


def _refuse_torchrun(environment: Mapping[str, str]) -> None:
    size, ranks = _TORCH
    count = _number(environment.get(size))
    rank = next((name for name in ranks if name in environment), None)
    if count > 1 and rank is not None:
        number = harmless(environment[rank])
        raise ConvnetError(
            f"this is one of {count} processes of torchrun ({size}={count}, {rank}={number}), and "
            "each would train its own copy of the run. For one run over several processes start "
            f"`mpiexec -n {count} convnet train ...` (docs/distributed.md); one process, without "
            "the launcher, uses all cores, and the GPUs that --gpu names"
        )


def _is_batch_script(size: str, environment: Mapping[str, str]) -> bool:
    """Whether SLURM_NTASKS says what a script may start, and not what srun has started.

    A batch script has the number 0 itself; srun sets SLURM_STEP_NUM_TASKS in what it starts.
    """
    is_script = "SLURM_STEP_NUM_TASKS" in environment or environment.get("ENVIRONMENT") == "BATCH"
    return size == "SLURM_NTASKS" and is_script


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0


def share_of_cores(here: int) -> int:
    """Return the cores for each of `here` processes on this machine.

    A launcher that binds processes has given each its own already.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = count or 1
    return cores // here if cores >= here else cores
