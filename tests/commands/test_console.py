"""What is printed where nobody reads it, where it does not fit, and what may not be printed."""

import errno
import fcntl
import io
import os
import signal
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from convnet.commands.output import console
from convnet.commands.output.console import Guarded
from convnet.display import escaped
from convnet.errors import ConvnetError
from convnet.train.signals import SAVES
from tests.support.command_line import DIGITS, good, run
from tests.support.paths import ROOT

COMMAND = [sys.executable, "-m", "convnet"]


def shell(line, **environment):
    """Run a line of the shell, with "$CONVNET" for the command; return it when it has ended."""
    added = {"CONVNET": " ".join(COMMAND), "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        env={**os.environ, **added},
        timeout=120,
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("over\rwritten", r"over\rwritten"),
        ("\x9b1m", r"\x9b1m"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("a\tb\nc é 猫", "a\\tb\nc é 猫"),
        ("bytes \udcff", r"bytes \udcff"),
    ],
)
def test_control_characters_are_shown_escaped(text, shown):
    below = io.StringIO()
    Guarded(below).write(text)
    assert below.getvalue() == escaped(text) == shown


def test_a_message_of_a_command_is_escaped():
    result = good("layers", "conv")
    assert "\x1b" not in result.output
    assert r"\x1b[2Jno" in run("layers", "\x1b[2Jno").output


def test_rich_keeps_its_colors_only_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    text = "\x1b[1mbold\x1b[0m\r\x1b]0;title\x07"
    terminal, file = Terminal(), io.StringIO()
    Guarded(terminal).styled().write(text)
    Guarded(file).styled().write(text)
    assert terminal.getvalue() == "\x1b[1mbold\x1b[0m\r" + r"\x1b]0;title\x07"
    assert file.getvalue() == escaped(text)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF])
def test_what_cannot_be_written_is_dropped(number):
    class Broken(io.StringIO):
        def write(self, text):
            raise OSError(number, os.strerror(number))

    stream = Guarded(Broken())
    assert stream.write("text") == 4 and stream.problem.errno == number
    closed = io.StringIO()
    closed.close()
    for below in (closed, None):
        assert Guarded(below).write("text") == 4 and not Guarded(below).isatty()


def test_a_character_that_the_encoding_lacks_is_replaced():
    buffer = io.BytesIO()
    ascii_only = io.TextIOWrapper(buffer, "ascii")
    Guarded(ascii_only).write("3 → 4 é\n")
    assert buffer.getvalue() == b"3 ? 4 ?\n"


def test_everything_is_written_to_a_pipe_that_takes_a_part_at_a_time():
    text, (reader, writer) = "x" * 300_000, os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(["wc", "-c"], stdin=reader, stdout=subprocess.PIPE) as count:
        os.close(reader)
        with open(writer, "w") as stream:
            guard = Guarded(stream)
            guard.write(text)
        assert guard.problem is None and int(count.stdout.read()) == len(text)


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("$CONVNET layers > /dev/full", 1, "result cannot be written to stdout: no space left"),
        ("$CONVNET nets --json > /dev/full", 1, "result cannot be written to stdout: no space"),
        ("$CONVNET --help > /dev/full", 1, "result cannot be written to stdout: no space left"),
        ("$CONVNET layers >&-", 1, "result cannot be written to stdout: it is closed"),
        ("$CONVNET layers | true; exit ${PIPESTATUS[0]}", 1, ""),
        ("$CONVNET layers conv | head -1; exit ${PIPESTATUS[0]}", 0, ""),
        ("$CONVNET nets 2>&- | tail -1; exit ${PIPESTATUS[0]}", 0, ""),
        ("$CONVNET nosuch 2>/dev/full", 2, ""),
    ],
)
def test_streams_that_fail(line, status, said):
    done = shell(line)
    assert done.returncode == status
    assert said in done.stderr if said else not done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_consoles_that_are_not_utf_8(environment):
    done = shell("$CONVNET describe --layers digits", **environment)
    assert done.returncode == 0 and "input ? output" in done.stdout.replace("→", "?")


@pytest.mark.parametrize(
    "streams", ["2>&-", ">/dev/full 2>/dev/full", ">&- 2>&- <&-", "2>&1 | true"]
)
def test_a_run_outlives_its_messages(tmp_path, streams):
    status = "; exit ${PIPESTATUS[0]}"
    train = f"$CONVNET train --layers digits --device cpu --max-batches 3 --save {tmp_path}/run"
    done = shell(f"{train} {streams}{status}")
    assert done.returncode == 0
    assert (tmp_path / "run" / "0.3.safetensors").is_file()
    journal = (tmp_path / "run" / "journal.jsonl").read_text()
    assert all(line.startswith('{"event"') for line in journal.splitlines())


def test_a_run_outlives_its_terminal(tmp_path):
    """The terminal is closed at the first checkpoint: SIGHUP, and errors at every write."""
    ours, theirs = os.openpty()
    command = [*COMMAND, "train", "--layers", "digits", "--device", "cpu", "--save", tmp_path]

    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    options = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    with subprocess.Popen(
        [*command, "--epochs", "4", "--save-every", "2"],
        **options,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=take_terminal,
    ) as process:
        os.close(theirs)
        while not list(tmp_path.glob("0.*.safetensors")):
            assert process.poll() is None
            with suppress(OSError):
                os.read(ours, 1 << 16)
        os.close(ours)
        assert process.wait(120) == 0
    assert (tmp_path / "4.0.safetensors").is_file()


def test_files_do_not_get_the_number_of_a_closed_stream():
    code = "from convnet.commands.output.console import guarded, result\nimport os\n"
    code += "with guarded(): result(str(os.open(os.devnull, 0)))"
    done = shell(f"{sys.executable} -c '{code}' <&- 2>&-")
    assert int(done.stdout) > 2


def test_before_and_after_the_training_a_run_outlives_its_terminal_too(tmp_path, monkeypatch):
    seen = []

    def look(*_):
        seen.extend(map(signal.getsignal, SAVES))
        raise ConvnetError("enough")

    before = [signal.signal(number, signal.SIG_DFL) for number in SAVES]
    monkeypatch.setattr("convnet.commands.training.train._prepare", look)
    assert run("train", *DIGITS, "--save", tmp_path).output == "enough\n"
    assert signal.SIG_DFL not in seen and len(seen) == len(SAVES)
    for number, handler in zip(SAVES, before, strict=True):
        assert signal.signal(number, handler) is signal.SIG_DFL


def test_nothing_else_prints():
    """One file writes to the streams of the process."""
    found = [
        path.relative_to(ROOT)
        for path in (ROOT / "convnet").rglob("*.py")
        if path.name not in ("console.py", "language.py")
        for line in path.read_text("utf-8").splitlines()
        if "click.echo(" in line or line.strip().startswith("print(") or "secho(" in line
    ]
    assert not found


def test_without_a_command_the_streams_of_the_process_are_guarded_too(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    console.note("nobody reads this")
