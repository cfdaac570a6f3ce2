"""Where the checkout and the collection of original files are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CONVNET_CORPUS") or ROOT.parent / "shared" / "corpus")
