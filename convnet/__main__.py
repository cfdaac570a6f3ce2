"""The program: `convnet` and `python -m convnet`."""

import sys


def main() -> None:
    """Run the command line.  Ctrl-C ends it with exit code 130, also during the imports."""
    try:
        from convnet.cli import main as run
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
