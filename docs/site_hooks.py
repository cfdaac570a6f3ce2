"""Adds the pages at the top of the repository to the site that MkDocs builds (mkdocs.yml).

Links between them and the pages in docs/ are written for the repository; here they are rewritten.
"""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = {"ARCHITECTURE.md": "architecture.md", "CHANGELOG.md": "changelog.md"}
NAMES = "|".join(map(re.escape, PAGES))


def on_files(files, config):
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))


def on_page_markdown(markdown, page, **_):
    if page.file.src_uri in PAGES.values():
        markdown = markdown.replace("](docs/", "](")
        up = ""
    else:
        up = r"\.\./"
    return re.sub(rf"\]\({up}({NAMES})\b", lambda link: f"]({PAGES[link[1]]}", markdown)
