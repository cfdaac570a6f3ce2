"""`convnet report` and `convnet watch`: runs as a web page."""

from pathlib import Path

from convnet.cli_options.report import ReportArguments, WatchArguments
from convnet.commands.load_network import find
from convnet.commands.output.console import note, result
from convnet.commands.output.output_files import refuse_folder, writing
from convnet.html import report_page
from convnet.html.server import PageServer


def report(arguments: ReportArguments) -> None:
    """Write the page of some runs."""
    out = arguments.out
    refuse_folder(out)
    page = report_page(_folders(arguments.load), warn=note)
    with writing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    result(f"{out}: {len(page.encode()) / 1000:,.0f} kB; open it in a browser")


def watch(arguments: WatchArguments) -> None:
    """Serve the page of some runs until the user interrupts."""
    folders = _folders(arguments.load)
    report_page(folders, warn=note)  # what is wrong is told here rather than in the browser
    with PageServer(folders, arguments.port, arguments.every) as server:
        result(f"{server.address}: open it in a browser; Ctrl-C ends")
        server.serve_forever()


def _folders(given: tuple[Path, ...]) -> list[Path]:
    """The folders of the runs; that of the newest one if none is given."""
    if not given:
        return [find(None).parent]
    return [path if path.is_dir() else path.parent for path in given]
