"""The small run, much longer, as a process to send signals to.

Use: `python -m tests.support.signalled_run FOLDER`.
"""

import os
import signal
import sys
import time

from convnet.train import Observer, fit
from tests.support.training import make_run


class _Slow(Observer):
    """Writes a line at each minibatch, and takes its time."""

    def on_step(self, position, costs):
        os.write(1, b"%d\n" % position.step)
        time.sleep(0.02)

    def on_message(self, text):
        os.write(2, text.encode() + b"\n")


def main(folder):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored where we start
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    run = make_run(folder, epochs=1000)
    run.observer = _Slow()
    sys.exit(fit(run).exit_code)


if __name__ == "__main__":
    main(sys.argv[1])
