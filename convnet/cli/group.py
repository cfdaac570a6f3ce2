"""The group of all commands; the modules beside this one declare them."""

import click

from convnet import __version__
from convnet.cli_options.command import example
from convnet.commands.program import Program


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "convnet train --layers digits    train a small network, in under a minute on the CPU",
        "convnet test                     test it",
        "convnet train --help             all options of a command",
    ),
)
@click.version_option(__version__, prog_name="convnet")
@click.option("--debug", is_flag=True, help="Show the Python traceback of an error.")
def main(debug: bool) -> None:
    """Train convolutional networks that are declared in two text files.

    The layer file (.cfg) declares the layers, the parameter file (.params) their learning rates.
    Both follow cuda-convnet (Krizhevsky et al., 2012).
    """
