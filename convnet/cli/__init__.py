"""The command line: each command reads its arguments and calls one function of `convnet.commands`.

Results go to stdout, progress and messages to stderr.  Exit codes: 0 success, 1 a problem in the
user's files, data or machine, 2 misuse of the command line, 70 an error in this program, 130 or 143
stopped by a signal.
Everything else is imported when a command runs, so that `--help` is quick.
"""

# The order in which `convnet --help` lists the commands.
from convnet.cli import training, inspecting, checking, converting, listing  # isort: skip
from convnet.cli.group import main

__all__ = ["checking", "converting", "inspecting", "listing", "main", "training"]
