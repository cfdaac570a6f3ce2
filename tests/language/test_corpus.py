"""The published files of the three systems parse without errors."""

import pytest

from convnet.language import Problems, Source, format_spec, parse, read_source
from tests.support.paths import CORPUS

FILES = sorted(CORPUS.glob("**/*.cfg"))

if not FILES:
    pytest.skip(
        f"no corpus of published files at {CORPUS}; CONVNET_CORPUS names its folder",
        allow_module_level=True,
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_published_file(path):
    problems = Problems()
    spec = parse(read_source(path), problems)
    assert spec.sections and not problems.errors
    assert parse(Source.from_text(format_spec(spec)), problems) == spec
    assert not problems.errors
