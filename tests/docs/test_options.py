"""The page for users of the original systems: every option is mapped, to options that there are."""

import re

import pytest

from convnet.cli import main
from tests.support.paths import ROOT

PAGE = ROOT / "docs/coming-from-cuda-convnet.md"
TEXT = PAGE.read_text(encoding="utf-8")
CONVNET = """
load-file save-path save-file train-range test-range data-path data-provider layer-def layer-params
layer-path mini epochs test-freq test-only test-one gpu num-gpus crop-border inner-size
multiview-test logreg-name test-out check-grads conv-to-local unshare-weights conserve-mem
color-noise pca-noise scalar-mean wupdate-freq write-features feature-path force-save max-filesize
zip-save
"""
SHOWNET = """
load-file show-cost cost-idx smooth-test-errors show-filters input-idx no-rgb yuv-to-rgb channels
norm-filters local-plane show-preds only-errors save-preds write-features feature-path
show-data-grad show-maps webcam top5 gpu data-path multiview-test crop-border inner-size mini
"""
OPTION = re.compile(r"--[a-z][a-z0-9-]*")


def rows(program):
    """(old options, new options and commands, remarks) of each row of a program's table."""
    section = TEXT.split(f"## Options of {program}")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[1:]]


@pytest.mark.parametrize(("program", "options"), [("convnet.py", CONVNET), ("shownet.py", SHOWNET)])
def test_every_option_of_the_originals_has_a_row(program, options):
    found = {name for row in rows(program) for name in OPTION.findall(row[0])}
    assert {f"--{name}" for name in options.split()} == found


def test_options_of_the_guide_to_training_exist():
    known = {
        o for c in main.commands.values() for p in c.params for o in (*p.opts, *p.secondary_opts)
    }
    named = set(OPTION.findall((PAGE.parent / "training.md").read_text(encoding="utf-8")))
    assert named <= known and {"--drop-rate-when-stuck", "--predictions", "--init-from"} <= named


def test_counterparts_exist():
    known = {o for command in main.commands.values() for p in command.params for o in p.opts}
    for program in ("convnet.py", "shownet.py"):
        for old, new, *_ in rows(program):
            named = OPTION.findall(old if new == "the same" else new)
            assert set(named) <= known, old
            command = re.match(r"`(?:convnet )?([a-z-]+)", new)
            if command and not new.startswith("`--"):
                own = {o for p in main.commands[command[1]].params for o in p.opts}
                assert set(OPTION.findall(new.split("`, ")[0])) <= own, old
