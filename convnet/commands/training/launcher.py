"""Recognizes a launcher of several processes: each would train a copy of the same run."""

from collections.abc import Mapping

from convnet.display import harmless
from convnet.errors import ConvnetError

# Variables that a launcher sets for each process: how many there are, the number of this one, and
# how to start a single one.
_LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", ("OMPI_COMM_WORLD_RANK",), "mpiexec -n 1"),
    ("MV2_COMM_WORLD_SIZE", ("MV2_COMM_WORLD_RANK",), "mpiexec -n 1"),
    ("PMI_SIZE", ("PMI_RANK", "PMI_ID"), "mpiexec -n 1"),
    ("MPI_LOCALNRANKS", ("MPI_LOCALRANKID",), "mpiexec -n 1"),
    ("WORLD_SIZE", ("RANK", "LOCAL_RANK"), "torchrun --nproc-per-node 1"),
    ("SLURM_STEP_NUM_TASKS", ("SLURM_PROCID",), "srun --ntasks=1"),
    ("SLURM_NTASKS", ("SLURM_PROCID",), "srun --ntasks=1"),
)


def refuse_copies(environment: Mapping[str, str]) -> None:
    """Raise ConvnetError if this is one of several processes of mpiexec, torchrun or srun.

    A size counts only beside the number of the process: a Slurm allocation sets its size alone.
    """
    for size, ranks, single in _LAUNCHERS:
        count = _number(environment.get(size))
        rank = next((name for name in ranks if name in environment), None)
        if count < 2 or rank is None or _is_batch_script(size, environment):
            continue
        number = harmless(environment[rank])
        raise ConvnetError(
            f"this is one of {count} processes ({size}={count}, {rank}={number}), and each would "
            f"train its own copy of the run: start one process, without the launcher or with "
            f"`{single}`; it uses all cores, and the GPUs that --gpu names"
        )


def _is_batch_script(size: str, environment: Mapping[str, str]) -> bool:
    """Whether SLURM_NTASKS says what a script may start, and not what srun has started.

    A batch script has the number 0 itself; srun sets SLURM_STEP_NUM_TASKS in what it starts.
    """
    is_script = "SLURM_STEP_NUM_TASKS" in environment or environment.get("ENVIRONMENT") == "BATCH"
    return size == "SLURM_NTASKS" and is_script


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0
