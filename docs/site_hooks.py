"""Adds the pages at the top of the repository to the site that MkDocs builds (mkdocs.yml).

Links between them and the pages in docs/ are written for the repository and rewritten here.
"""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LINKS = PAGES | {"README.md": "index.md"}
NAMES = "|".join(map(re.escape, LINKS))


def on_files(files, config):
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))


def on_page_markdown(markdown, page, **_):
    if page.file.src_uri in PAGES.values():
        markdown = markdown.replace("](docs/", "](")
        up = ""
    else:
        up = r"\.\./"
    return re.sub(rf"\]\({up}({NAMES})\b", lambda link: f"]({LINKS[link[1]]}", markdown)
