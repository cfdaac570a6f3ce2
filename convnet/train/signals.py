"""Ctrl-C and its relatives, as wishes that the training loop fulfils between minibatches.

First SIGINT or SIGTERM: stop, saved, behind the minibatch.  Second: what would happen without us.
SIGHUP, SIGUSR1: save and go on.
"""

import signal
import threading
from contextlib import suppress

STOPS = (signal.SIGINT, signal.SIGTERM)
SAVES = (signal.SIGHUP, signal.SIGUSR1)


class Signals:
    """Context in which signals set `stop` (which signal, or None) and `save`.

    Signals that are ignored from outside (nohup) stay ignored.  Outside the main thread, where
    Python allows no handlers, nothing is caught.
    """

    def __init__(self, tell=lambda text: None):
        self.stop: signal.Signals | None = None
        self.save = False
        self._tell = tell
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in STOPS:
                self._catch(number, self._on_stop)
            for number in SAVES:
                self._catch(number, self._on_save)
        return self

    def __exit__(self, *_):
        self._give_back(*self._before)

    def take_save(self) -> bool:
        """Whether a save was asked for since the last call."""
        asked, self.save = self.save, False
        return asked

    def _catch(self, number, handler):
        if signal.getsignal(number) is not signal.SIG_IGN:
            self._before[number] = signal.signal(number, handler)

    def _give_back(self, *numbers):
        for number in numbers:
            if number in self._before:
                handler = self._before.pop(number)
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _on_stop(self, number, _frame):
        self.stop = signal.Signals(number)
        self._give_back(*STOPS)
        # The display may itself be in the middle of printing: then the line is left out.
        with suppress(RuntimeError):
            self._tell(
                f"{self.stop.name}: finishing the minibatch, then saving; once more stops at once"
            )

    def _on_save(self, _number, _frame):
        self.save = True
