"""`convnet report` and `convnet watch`: runs as a web page."""

from pathlib import Path

from convnet import checkpoint
from convnet.cli_options.report import ReportArguments, WatchArguments
from convnet.commands.load_for_test import load_for_test
from convnet.commands.load_network import find
from convnet.commands.output.console import note, result
from convnet.commands.output.output_files import refuse_folder, writing
from convnet.commands.output.quarters import Quarters
from convnet.html import report_page
from convnet.html.server import PageServer
from convnet.report.test_result import TestResult, result_of_test
from convnet.train.multiview import averaged_batches


def report(arguments: ReportArguments) -> None:
    """Write the page of some runs."""
    out = arguments.out
    refuse_folder(out)
    folders = _folders(arguments.load)
    results = {folder: _tested(folder, arguments) for folder in folders} if arguments.test else {}
    page = report_page(folders, traces=arguments.trace, results=results, warn=note)
    with writing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    result(f"{out}: {len(page.encode()) / 1000:,.0f} kB; open it in a browser")


def _tested(folder: Path, arguments: ReportArguments) -> TestResult:
    """Test the best checkpoint of a run; the newest one if no test has told the best."""
    best = folder / checkpoint.BEST
    found = load_for_test(best if best.is_file() else folder, arguments.evaluation)
    indices = list(range(found.feed.minibatches_per_epoch))
    batches = averaged_batches(found.network, found.feed, indices, 1)
    progress = Quarters("test images").of(batches, len(indices))
    name = found.saved.path.name
    return result_of_test(progress, found.feed, found.class_names, name)


def watch(arguments: WatchArguments) -> None:
    """Serve the page of some runs until the user interrupts."""
    folders = _folders(arguments.load)
    with PageServer(folders, arguments.port, arguments.every, note) as server:
        server.page()  # what is wrong is told here rather than in the browser
        result(f"{server.address}: open it in a browser; Ctrl-C ends")
        server.serve_forever()


def _folders(given: tuple[Path, ...]) -> list[Path]:
    """The folders of the runs, each once; that of the newest one if none is given."""
    if not given:
        return [find(None).parent]
    folders = (path if path.is_dir() else path.parent for path in given)
    return list({folder.resolve(): folder for folder in folders}.values())
