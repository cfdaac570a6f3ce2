"""Several processes of a launcher, which would each train the same run, are refused."""

import pytest

from convnet.commands.training.launcher import refuse_copies
from convnet.errors import ConvnetError
from tests.support.command_line import DIGITS, run

COPIES = [
    {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "0"},
    {"PMI_SIZE": "2", "PMI_RANK": "1"},
    {"MPI_LOCALNRANKS": "2", "MPI_LOCALRANKID": "0"},
    {"MV2_COMM_WORLD_SIZE": "8", "MV2_COMM_WORLD_RANK": "3"},
    {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"},
    {"WORLD_SIZE": "2", "LOCAL_RANK": "1"},
    {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"},
    {"SLURM_NTASKS": "2", "SLURM_PROCID": "1"},
    {"ENVIRONMENT": "BATCH", "SLURM_NTASKS": "3", "SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "0"},
]
SINGLE = [
    {},
    {"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"},
    {"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"},
    {"WORLD_SIZE": "8"},  # set by hand, or by another tool
    {"SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"},
    {"SLURM_NTASKS": "4"},  # an interactive allocation
    {"ENVIRONMENT": "BATCH", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script
    {"SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"},  # srun --ntasks=1
    {"WORLD_SIZE": "many", "RANK": "0"},
]


@pytest.mark.parametrize("environment", COPIES, ids=str)
def test_copies_are_refused(environment):
    size = next(name for name in environment if name.endswith(("SIZE", "RANKS", "TASKS")))
    count = f"this is one of {environment[size]} processes"
    with pytest.raises(ConvnetError, match=f"{count}.*start one process"):
        refuse_copies(environment)


@pytest.mark.parametrize("environment", SINGLE, ids=str)
def test_a_single_process_is_not(environment):
    refuse_copies(environment)


def test_train_refuses_before_anything_else(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("RANK", "1")
    result = run("train", *DIGITS)
    assert result.exit_code == 1 and "WORLD_SIZE=3, RANK=1" in result.output
    assert len(result.output.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
