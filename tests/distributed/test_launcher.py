"""Which of several processes this is, by what launchers set."""

import pytest

from convnet.distributed.launcher import Launched, launched, share_of_cores
from convnet.errors import ConvnetError
from tests.support.command_line import DIGITS, run

SEVERAL = [
    ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "0"}, (0, 4, 4)),
    (
        {
            "OMPI_COMM_WORLD_SIZE": "4",
            "OMPI_COMM_WORLD_RANK": "2",
            "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
        },
        (2, 4, 2),
    ),
    ({"PMI_SIZE": "2", "PMI_RANK": "1"}, (1, 2, 2)),
    ({"PMI_SIZE": "8", "PMI_RANK": "5", "MPI_LOCALNRANKS": "4"}, (5, 8, 4)),
    ({"MPI_LOCALNRANKS": "2", "MPI_LOCALRANKID": "0"}, (0, 2, 2)),
    ({"MV2_COMM_WORLD_SIZE": "8", "MV2_COMM_WORLD_RANK": "3"}, (3, 8, 8)),
    ({"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"}, (0, 2, 2)),
    ({"SLURM_NTASKS": "2", "SLURM_PROCID": "1", "SLURM_TASKS_PER_NODE": "1(x2)"}, (1, 2, 1)),
    (
        {
            "ENVIRONMENT": "BATCH",
            "SLURM_NTASKS": "3",
            "SLURM_STEP_NUM_TASKS": "3",
            "SLURM_PROCID": "0",
        },
        (0, 3, 3),
    ),
]
TORCH = [
    {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"},
    {"WORLD_SIZE": "2", "LOCAL_RANK": "1"},
]
SINGLE = [
    {},
    {"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"},
    {"PMI_SIZE": "2"},
    {"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"},
    {"WORLD_SIZE": "8"},  # set by hand, or by another tool
    {"SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"},
    {"SLURM_NTASKS": "4"},  # an interactive allocation
    {"ENVIRONMENT": "BATCH", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script
    {"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"},  # srun --ntasks=1
    {"WORLD_SIZE": "many", "RANK": "0"},
]


@pytest.mark.parametrize(("environment", "expected"), SEVERAL, ids=str)
def test_several_processes(environment, expected):
    found = launched(environment)
    assert (found.rank, found.size, found.here) == expected


def test_one_process_of_each_machine_is_the_first():
    of = {"PMI_SIZE": "4", "MPI_LOCALNRANKS": "2"}
    numbers = [(rank, rank % 2) for rank in range(4)]
    found = [launched({**of, "PMI_RANK": str(r), "MPI_LOCALRANKID": str(n)}) for r, n in numbers]
    assert [each.is_first_here for each in found] == [True, False, True, False]


@pytest.mark.parametrize("environment", SINGLE, ids=str)
def test_a_single_process(environment):
    assert launched(environment) == Launched()


@pytest.mark.parametrize("environment", TORCH, ids=str)
def test_torchrun_is_refused(environment):
    with pytest.raises(ConvnetError, match="one of 2 processes of torchrun.*mpiexec -n 2 convnet"):
        launched(environment)


def test_train_refuses_torchrun_before_anything_else(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("RANK", "1")
    result = run("train", *DIGITS)
    assert result.exit_code == 1 and "WORLD_SIZE=3, RANK=1" in result.output
    assert len(result.output.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_ranks_need_several_processes(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = run("train", *DIGITS, "--ranks", "0,1")
    assert result.exit_code == 1 and "start `mpiexec -n 2 convnet ...`" in result.output


def test_ranks_of_a_machine_share_its_cores(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(12)), raising=False)
    assert [share_of_cores(here) for here in (1, 2, 5, 12)] == [12, 6, 2, 1]
    assert share_of_cores(16) == 12  # bound by the launcher, or more ranks than cores
