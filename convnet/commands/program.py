"""The program around the commands: how each of them ends, whatever happens.

Exit codes are those of `convnet.cli`.
"""

import errno
import gc
import os
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import click

from convnet.cli_options.command import CommandGroup
from convnet.commands.output import console
from convnet.commands.output.activity import Activity
from convnet.distributed.launcher import launched, share_of_cores
from convnet.errors import ConvnetError
from convnet.progress import shown_by

PROBLEM, PROGRAM_ERROR, INTERRUPTED = 1, 70, 130
# Commands whose purpose is files: they succeed even if nobody reads what they print.
_WRITE_FILES = ("train", "sweep", "make-data", "import", "export")
_OF_SEVERAL = ("train", "test", "predict")  # that run in several processes
_JOINING = 60.0  # seconds that a process which fails at once waits for the others
_ABANDONED = "convnet-data"  # threads that may wait for a disk that does not answer


class Program(CommandGroup):
    """The group of all commands; turns every error into a message and an exit code."""

    _command: str | None = None  # the one that was run

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command that `args` name and exit; see `click.Command.main`."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        _share_cores()
        with console.guarded(), shown_by(Activity()):
            status = self._status(args, extra)
            _leave_group()
        _exit(status)

    def _status(self, args: tuple[Any, ...], extra: dict[str, Any]) -> int:
        """Run the command; return the exit code."""
        try:
            status = super().main(*args, standalone_mode=False, **extra)
        except click.ClickException as error:
            shown = StringIO()
            error.show(shown)
            return _ended(shown.getvalue().rstrip("\n"), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            return _interrupted()
        status = status if isinstance(status, int) else 0
        return status or _code_of_lost_result(self._command)

    def invoke(self, ctx: click.Context) -> Any:
        # Imported modules and parsed files live until the end: the default threshold would have
        # the collector walk them again and again, a tenth of the start-up time.
        gc.set_threshold(50_000)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            ctx.exit(_interrupted())
        except Exception as error:
            if ctx.params.get("debug"):
                console.note("".join(traceback.format_exception(error)).rstrip())
            ctx.exit(_code_of(error))
        finally:
            self._command = ctx.invoked_subcommand


def _interrupted() -> int:
    console.note("stopped")
    group = _group()
    if group is not None:
        group.abort(INTERRUPTED)
    return INTERRUPTED


def _code_of(error: Exception) -> int:
    """Print one line about an error; return the exit code."""
    if isinstance(error, ConvnetError):
        return _ended(str(error), PROBLEM)
    notes = [*getattr(error, "__notes__", ())]  # `train.loop` adds what became of the run
    if isinstance(error, OSError) and error.errno is not None:
        name = f"{error.filename}: " if error.filename is not None else ""
        line = "; ".join([f"{name}{(error.strerror or str(error)).lower()}", *notes])
        return _ended(line, PROBLEM)
    details = f"details: {_write_details(error)}"
    if isinstance(error, MemoryError):
        said = f" ({error})" if str(error) else ""
        line = f"not enough memory{said}: a smaller --minibatch or fewer --workers need less"
        return _ended("; ".join([line, *notes, details]), PROBLEM)
    text = str(error).partition("\n")[0][:200]
    what = f"{type(error).__name__}{f': {text}' if text else ''}"
    line = "; ".join([f"an error in convnet itself ({what})", *notes, details])
    return _ended(line, PROGRAM_ERROR)


# -- one of several processes ----------------------------------------------------------------------


def _share_cores() -> None:
    """Let Numba use this process's share of the cores if several were launched together."""
    with suppress(ConvnetError):  # of the command, if it cares
        found = launched(os.environ)
        if found.size > 1:
            os.environ.setdefault("NUMBA_NUM_THREADS", str(share_of_cores(found.here)))


def _group() -> Any:
    """Return the group of processes that the command has joined, or None."""
    session = sys.modules.get("convnet.distributed.session")  # loads numpy; most commands do not
    group = session.current() if session else None
    return group if group is not None and group.size > 1 else None


def _group_to_end(command: str | None) -> Any:
    """Return the group that has to end with this process, or None.

    A command that failed before it joined joins now: the others would wait for it.
    """
    group = _group()
    with suppress(ConvnetError):  # MPI is missing, or the launcher is another one
        if group is None and command in _OF_SEVERAL and launched(os.environ).size > 1:
            from convnet.distributed.session import join

            return join(_JOINING)
    return group


def _ended(line: str, code: int) -> int:
    """Tell why the command ends; return its exit code.  Of several processes, one tells it."""
    group = _group_to_end(next((a for a in sys.argv[1:] if not a.startswith("-")), None))
    if group is not None:
        return int(group.fail(line, code))
    with suppress(ConvnetError):
        found = launched(os.environ)
        if not found.is_first_here:  # MPI is missing; the machine's first process tells it
            return code
        line = f"rank {found.rank}: {line}" if found.rank else line
    console.note(line)
    return code


def _leave_group() -> None:
    group = _group()
    if group is not None:
        group.finish()


def _write_details(error: Exception) -> str:
    """Write the traceback and the circumstances to a file; return its path, or why there is none.

    The file is in the run's folder (`error.folder`), else in the folder for temporary files.
    """
    from convnet import __version__

    lines = [
        f"convnet {__version__}, Python {sys.version}, {sys.platform}",
        f"command: {' '.join(sys.argv)}",
        f"time: {datetime.now().astimezone().isoformat(timespec='seconds')}",
        "",
        *traceback.format_exception(error),
    ]
    text = "\n".join(lines).encode("utf-8", "backslashreplace")
    name = f"convnet-error-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    reason = ""
    for folder in (getattr(error, "folder", None), tempfile.gettempdir()):
        if folder is not None:
            try:
                (Path(folder) / name).write_bytes(text)
                return str(Path(folder) / name)
            except OSError as problem:
                reason = problem.strerror or str(problem)
    return f"they cannot be written ({reason}); --debug shows them"


def _code_of_lost_result(command: str | None) -> int:
    """Return 1, and say why, if a result could not be printed and the command is only for it.

    Where the reader has ended (`| head`), nothing is said.
    """
    problem = console.lost_result()
    if problem is None or command in _WRITE_FILES:
        return 0
    if problem.errno != errno.EPIPE:
        reason = (problem.strerror or str(problem)).lower()
        console.note(f"the result cannot be written to stdout: {reason}")
    return PROBLEM


def _exit(status: int) -> None:
    """Exit at once if a thread still waits for a disk; Python itself would wait for the thread."""
    waiting = any(thread.name.startswith(_ABANDONED) for thread in threading.enumerate())
    if waiting and sys.stdout is sys.__stdout__:  # and this process runs nothing else
        os._exit(status)
    sys.exit(status)
