"""The page for users of the original systems: every option is mapped, to options that there are."""

import re

import pytest

from convnet.cli import main
from convnet.cli_options.old_options import OLD_OPTIONS
from tests.support.command_line import run
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


def test_options_of_the_page_on_several_processes_exist():
    known = {
        o for c in main.commands.values() for p in c.params for o in (*p.opts, *p.secondary_opts)
    }
    text = (PAGE.parent / "distributed.md").read_text(encoding="utf-8")
    theirs = {"--no-binary", "--hostfile", "--ntasks", "--kill-on-bad-exit", "--mpi"}
    named = set(OPTION.findall(text)) - theirs
    assert named <= known and {"--ranks", "--rank-timeout", "--replicas"} <= named


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


def page_rows():
    return [row for program in ("convnet.py", "shownet.py") for row in rows(program)]


def test_the_command_line_explains_the_options_of_the_page():
    shown = {name for row in page_rows() for name in re.findall(r"`(--?[a-z0-9-]+)`", row[0])}
    assert shown == set(OLD_OPTIONS)


def test_the_command_line_names_what_the_page_names():
    page = {}
    for old, new, *_ in page_rows():
        for name in OPTION.findall(old):
            page[name] = f"{page.get(name, '')} {old if new == 'the same' else new}"
    for name, new in page.items():
        here = OLD_OPTIONS[name]
        assert here.startswith("no option") == (new.strip() == "none"), name
        if not here.startswith("no option"):
            assert set(OPTION.findall(here)) <= set(OPTION.findall(new)), name
        for part in here.split("; "):
            command = re.search(r"convnet ([a-z-]+)", part)
            if command and not here.startswith("no option"):
                own = {o for p in main.commands[command[1]].params for o in p.opts}
                assert part.startswith("--load") or set(OPTION.findall(part)) <= own, name


def unknown_options():
    """(command or None, old option) of each that the command does not have itself."""
    for command in ("train", "check", "show-filters", None):
        own = {o for p in (main.commands[command].params if command else []) for o in p.opts}
        yield from ((command, option) for option in sorted({*OLD_OPTIONS} - own))


@pytest.mark.parametrize(("command", "option"), [*unknown_options()])
def test_an_old_option_is_answered_with_its_new_name(command, option):
    result = run(*filter(None, [command]), f"{option}=1" if option != "-f" else option, "x")
    assert result.exit_code == 2
    assert f"{option} is an option of the original programs; here it is" in result.output
    assert OLD_OPTIONS[option] in " ".join(result.output.split())


def test_other_unknown_options_are_answered_as_usual():
    result = run("train", "--no-such-option")
    assert result.exit_code == 2 and "No such option" in result.output
