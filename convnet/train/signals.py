"""Signals as requests that the training loop carries out between minibatches.

First SIGINT or SIGTERM: finish the minibatch, save, stop; at once where there is no minibatch to
finish.  Second: what the signal does without these handlers.  SIGHUP, SIGUSR1: save and continue.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM)
SAVES = (signal.SIGHUP, signal.SIGUSR1)

Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def outliving_the_terminal() -> Iterator[None]:
    """Context in which SIGHUP and SIGUSR1 do not end the process: before and after the training."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        wanted = [each for each in SAVES if signal.getsignal(each) is signal.SIG_DFL]
        before = {each: signal.signal(each, lambda *_: None) for each in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interrupted(BaseException):
    """A signal stops the run at once: it waited for data, tested or compiled."""


class Signals:
    """Context in which signals set `stop` (which signal, or None) and `save`.

    In a context of `interruptible`, the first signal to stop also raises Interrupted.

    With `agrees`, a process is one of several, and a signal does not reach all of them at once.
    Then `stop` and `save` stay as they are until `settle` says what all have agreed on, and
    `caught` is what this process was asked for.

    Signals that the parent process ignores (nohup) stay ignored.  Outside the main thread, where
    Python allows no handlers, nothing is caught.  on_message is called with a line for the user.
    """

    def __init__(
        self, on_message: Callable[[str], None] = lambda text: None, agrees: bool = False
    ) -> None:
        self.stop: signal.Signals | None = None
        self.caught: signal.Signals | None = None
        self.save = self.wants_save = self._may_interrupt = False
        self._agrees = agrees
        self._on_message = on_message
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for number in STOPS:
                self._catch(number, self._on_stop)
            for number in SAVES:
                self._catch(number, self._on_save)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore(*self._before)

    def settle(self, stop: int, save: bool) -> None:
        """Take over what all processes have agreed on: the signal to stop, or 0; a save.

        What this one was asked for while they agreed is kept for the next time.
        """
        if stop:
            self.stop = self.caught = signal.Signals(stop)
        if save:
            self.save, self.wants_save = True, False

    def take_save(self) -> bool:
        """Return whether a save was requested since the last call."""
        asked, self.save = self.save, False
        return asked

    @contextmanager
    def interruptible(self, is_so: bool = True) -> Iterator[None]:
        """Context that a signal to stop leaves at once, with Interrupted, if `is_so`."""
        self._may_interrupt = is_so
        try:
            if is_so and self.caught:
                raise Interrupted
            yield
        finally:
            self._may_interrupt = False

    def _catch(self, number: int, handler: Handler) -> None:
        if signal.getsignal(number) is not signal.SIG_IGN:
            self._before[number] = signal.signal(number, handler)

    def _restore(self, *numbers: int) -> None:
        """Put back the handlers that were there before."""
        for number in numbers:
            if number in self._before:
                handler = self._before.pop(number)
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _on_stop(self, number: int, _frame: FrameType | None) -> None:
        self.caught = signal.Signals(number)
        if not self._agrees:
            self.stop = self.caught
        self._restore(*STOPS)
        # The display may itself be in the middle of printing: then the line is left out.
        now = "" if self._may_interrupt else "finishing the minibatch, then "
        with suppress(RuntimeError):
            self._on_message(f"{self.caught.name}: {now}saving; a second signal stops at once")
        if self._may_interrupt:
            self._may_interrupt = False
            raise Interrupted

    def _on_save(self, _number: int, _frame: FrameType | None) -> None:
        self.wants_save = True
        self.save = self.save or not self._agrees
