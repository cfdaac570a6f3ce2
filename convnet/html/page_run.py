"""All that the page shows of a run, brought up to date by reading only what is new."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from convnet.drawing import draw_network, svg
from convnet.errors import CheckpointError, ConvnetError
from convnet.graph.build import Graph
from convnet.html import elements
from convnet.html.plan_section import plan_section
from convnet.html.repeat import command_of
from convnet.html.series import CurveBuilder, Curves
from convnet.html.test_section import test_section
from convnet.html.time_section import declared_layers, time_section
from convnet.journal import FILE_NAME
from convnet.report.filters import layer_filters
from convnet.report.layer_times import FILE_NAME as TRACE
from convnet.report.layer_times import read_layer_times
from convnet.report.test_result import TestResult, stored_result
from convnet.runs.follow import Attempts, Entry, FollowedCheckpoint, FollowedJournal
from convnet.runs.saved import Saved
from convnet.runs.summary import RunSummary, is_locked, summarized
from convnet.train.prediction_files import ARRAYS, FACTS

Warn = Callable[[str], object]


class PageRun:
    """A run on the page.

    Parameters:
        folder: Of the run.
        name: What the page calls it, which no other run on it is called.
        warn: Called with a line about what cannot be read and is left out.
        result: Of a test that was just made; by default what the folder holds.
    """

    def __init__(
        self, folder: Path, name: str, warn: Warn, result: TestResult | None = None
    ) -> None:
        self.folder, self.name, self._warn, self._result = folder, name, warn, result
        self._restart()
        self._journal = FollowedJournal(folder / FILE_NAME, self._add, self._restart)
        self._checkpoint = FollowedCheckpoint(folder)
        self._facts: dict[str, Any] = {}
        self._graph: Graph | None = None
        self._layers = ""  # the layer file that the graph was made of
        self._locked = False
        self._parts: dict[str, str] = {}  # HTML by title
        self._files: dict[str, tuple[int, int] | None] = {}  # states of other files

    def update(self) -> bool:
        """Read what is new; return whether there was anything.

        DataError if the run has no journal.
        """
        found = [self._journal.read(), self._read_checkpoint(), self._look_at_lock()]
        found += [self._read_trace(), self._read_result()]
        return any(found)

    @property
    def damaged(self) -> int:
        """The number of lines of the journal that are no records."""
        return self._journal.damaged

    def summary(self) -> RunSummary:
        """Return the row of `convnet runs`."""
        return summarized(self.folder, self._attempts.events(), self._facts)

    def curves(self) -> Curves:
        """Return the curves of the journal."""
        return self._builder.curves(self.name)

    def details(self) -> str:
        """Return the section with all that is not drawn over other runs; "" if there is nothing."""
        parts = [
            elements.folded(title, body) for title in _ORDER if (body := self._parts.get(title))
        ]
        return elements.section(self.name, *parts, name=f"run-{self.name}")

    # -- the journal ---------------------------------------------------------------------------

    def _restart(self) -> None:
        self._builder, self._attempts = CurveBuilder(), Attempts()

    def _add(self, entry: Entry) -> None:
        self._builder.add(entry)
        self._attempts.add(entry)

    def _look_at_lock(self) -> bool:
        before, self._locked = self._locked, is_locked(self.folder / FILE_NAME)
        return before != self._locked

    # -- the checkpoint ------------------------------------------------------------------------

    def _read_checkpoint(self) -> bool:
        try:
            saved = self._checkpoint.read()
        except CheckpointError as error:
            self._warn(str(error))
            return False
        if saved is None:
            return False
        self._facts = saved.facts()
        self._parts[_REPEAT] = _repeat(saved)
        try:
            graph = saved.graph()
        except ConvnetError as error:
            self._warn(str(error))
            return True
        self._parts[_FILTERS] = _filters(graph, saved)
        layers = saved.checkpoint.layers.text
        if self._graph is None or layers != self._layers:  # else it is the same as before
            self._graph, self._layers = graph, layers
            self._parts[_DRAWING] = _drawing(graph, self.name)
            minibatch = int(saved.checkpoint.options.get("minibatch", 128))
            self._parts[_MEMORY], self._parts[_COPIES] = plan_section(graph, minibatch)
        return True

    # -- other files ---------------------------------------------------------------------------

    def _read_trace(self) -> bool:
        if not self._has_changed(TRACE):
            return False
        names = declared_layers(self._graph) if self._graph else {}
        self._parts[_TIME] = self._or_warning(lambda: times_of(self.folder / TRACE, names))
        return True

    def _read_result(self) -> bool:
        if self._result is not None:
            self._parts[_TEST] = test_section(self._result)
            self._result = None
            self._files[FACTS] = _state(self.folder / FACTS)
            return True
        if not self._has_changed(FACTS) or not (self.folder / ARRAYS).exists():
            return False
        self._parts[_TEST] = self._or_warning(lambda: test_section(stored_result(self.folder)))
        return True

    def _has_changed(self, name: str) -> bool:
        before, self._files[name] = self._files.get(name), _state(self.folder / name)
        return self._files[name] not in (None, before)

    def _or_warning(self, make: Callable[[], str]) -> str:
        try:
            return make()
        except ConvnetError as error:
            self._warn(str(error))
            return ""


_FILTERS, _DRAWING, _TEST = "Filters of the first layer", "Network", "Test"
_MEMORY, _COPIES, _TIME = "Memory by device", "Sent between devices", "Time by layer"
_REPEAT = "How to repeat the run"
_ORDER = (_TEST, _FILTERS, _DRAWING, _TIME, _MEMORY, _COPIES, _REPEAT)


def times_of(path: Path, layer_of: Mapping[str, str]) -> str:
    """Return the bars of a trace.  layer_of: the layers of nodes.  DataError."""
    return time_section(read_layer_times(path, lambda name: layer_of.get(name, name)))


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _drawing(graph: Graph, name: str) -> str:
    try:
        return f'<div class="wide">{svg(draw_network(graph, name))}</div>'
    except ConvnetError:  # what this version cannot place is not drawn
        return ""


def _filters(graph: Graph, saved: Saved) -> str:
    try:
        image = layer_filters(graph, saved.weights).figure(transparent=True)
    except ConvnetError:  # of a network without filters that are images
        return ""
    return elements.picture(image, "filters")


def _repeat(saved: Saved) -> str:
    stored = saved.checkpoint
    files = "".join(
        f"<h4>{elements.text(Path(source.path).name)}</h4>"
        f"<pre>{elements.text_block(source.text)}</pre>"
        for source in (stored.layers, stored.params)
    )
    return f"<pre>{elements.text(command_of(stored))}</pre>{files}"
