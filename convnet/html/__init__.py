"""A report of runs as one HTML file that needs no network: see `page.report_page`.

`assets/` holds the page's own script and style, and, unmodified, uPlot 1.6.32 (MIT, see
uPlot.LICENSE.txt), which draws the curves.
"""

from convnet.html.page import report_page

__all__ = ["report_page"]
