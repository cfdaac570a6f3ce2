"""`convnet train`: a new run, or a resumed one."""

import os
from dataclasses import asdict, replace
from pathlib import Path

import click

from convnet import checkpoint
from convnet.checkpoint import Found
from convnet.cli_options.shared import InitArguments
from convnet.cli_options.train import RunSpecArguments, StartArguments, TrainArguments
from convnet.commands.load_network import RUNS, load_newest
from convnet.commands.output.console import note, warn
from convnet.commands.ranks import facts_of_run, joined, refuse_differences
from convnet.commands.run_options import (
    data_options,
    device_options_of_run,
    start_workers,
    trained,
    training_options,
)
from convnet.commands.training.init_from import init_from, refuse_wrong_start
from convnet.commands.training.network_files import (
    files_of,
    refuse_another_layer_file,
    specs_of_run,
)
from convnet.commands.training.observers import observers
from convnet.commands.training.progress import Progress
from convnet.commands.training.report import report, report_dry_run
from convnet.data.listing import listing_of
from convnet.distributed.group import Group
from convnet.engines import make_engine_of
from convnet.errors import ConvnetError
from convnet.graph.checkpoint_facts import facts_to_store
from convnet.initial import InitOptions, fill, resolve
from convnet.journal import of_checkpoint
from convnet.language import harmless
from convnet.network.network import Network
from convnet.prepare import UNTRAINED, Prepared, prepare
from convnet.runs.event_file import require_package
from convnet.train.changes import describe_changes, describe_options
from convnet.train.loop import fit
from convnet.train.run import Run
from convnet.train.run_folder import RunFolder, new_run_folder
from convnet.train.signals import outliving_the_terminal
from convnet.train.untie import untie


def train(arguments: TrainArguments) -> int:
    """Train, print what happened, and return the exit code."""
    group = joined(arguments.device)
    with outliving_the_terminal():
        return _train(_resume_or_start(_with_folder(arguments)), group)


def _train(arguments: TrainArguments, group: Group) -> int:
    start = arguments.start
    refuse_wrong_start(start)
    _refuse_lost_trace(arguments.trace, start.save)
    if arguments.tensorboard is not None:
        require_package()
    found = load_newest(start.resume) if start.resume else None
    saved_path, saved = (found.path, found.checkpoint) if found else (None, None)
    spec = files_of(arguments)
    refuse_another_layer_file(spec, saved)
    saved, untied = _untied(start, saved)
    found = found and found._replace(checkpoint=saved)
    specs, spec = specs_of_run(spec, saved)
    prepared = _prepare(specs, spec, arguments, saved, saved_path)
    specs = prepared.specs
    warn(specs.problems.warnings)
    run = _make_run(arguments, spec, prepared, found, group)
    refuse_differences(group, facts_of_run(run, specs, prepared, saved))
    for line in [f"dialect: {prepared.graph.dialect.title}", *prepared.notes, *untied]:
        note(line)
    if saved:
        _resume(run, specs, saved, saved_path)
    _refuse_full_disk(run)
    start_workers(prepared.dataset, arguments.data.workers)
    with Progress(run) as progress, observers(run, progress, arguments.tensorboard) as run.observer:
        outcome = fit(run)
    if arguments.dry_run:
        report_dry_run(run)
    else:
        report(run, outcome)
    return outcome.exit_code


def _with_folder(arguments: TrainArguments) -> TrainArguments:
    """The arguments with --save in the place of --name."""
    start = arguments.start
    if start.name is None:
        return arguments
    if start.save is not None:
        raise click.UsageError("--name is short for --save checkpoints/NAME: give one of them.")
    return replace(arguments, start=replace(start, save=RUNS / start.name, name=None))


def _resume_or_start(arguments: TrainArguments) -> TrainArguments:
    """The arguments with --resume in the place of --resume-or-start, if there is a checkpoint."""
    start = arguments.start
    if not start.resume_or_start:
        return arguments
    if start.save is None or start.resume or start.unties:
        raise click.UsageError(
            "--resume-or-start needs --save FOLDER or --name, and does not go with --resume, "
            "--conv-to-local or --unshare-weights."
        )
    if not checkpoint.has_checkpoint(start.save):
        return arguments
    return replace(arguments, start=_resumed(start))


def _resumed(start: StartArguments) -> StartArguments:
    """The same arguments for a run that goes on, with its own weights."""
    return replace(start, resume=start.save, init_from=None, map_file=None, pixels=None)


def _refuse_lost_trace(path: Path | None, save: Path | None) -> None:
    if path is None or (save and not save.exists() and path.parent.absolute() == save.absolute()):
        return  # the run's folder will be made
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise ConvnetError(
            f"{path}: no file for --trace can be written there; give a file in a folder that exists"
        )


# -- the network -----------------------------------------------------------------------------------


def _untied(start: StartArguments, saved):
    """The checkpoint with the shared filters made private that were named, and lines about them."""
    if not start.unties:
        return saved, []
    if saved is None:
        raise click.UsageError("--conv-to-local and --unshare-weights change a run: give --resume.")
    return untie(saved, start.conv_to_local or (), start.unshare_weights or ())


def _prepare(specs, spec: RunSpecArguments, arguments, saved, saved_path) -> Prepared:
    language = spec.language
    return prepare(
        specs,
        data_options(arguments.data, saved),
        language.dialect or (saved.dialect if saved else None),
        language.strict,
        trained(arguments.data, saved, saved_path) if saved else UNTRAINED,
        spec.classes_from_data,
        arguments.data.workers,
    )


# -- the run ---------------------------------------------------------------------------------------


def _make_run(
    arguments: TrainArguments,
    spec: RunSpecArguments,
    prepared: Prepared,
    found: Found | None,
    group: Group,
) -> Run:
    schedule, start = arguments.schedule, arguments.start
    saved = found and found.checkpoint
    before = saved.options if saved else {}
    minibatch = schedule.minibatch or before.get("minibatch") or prepared.defaults.minibatch
    every = schedule.wupdate_freq or before.get("wupdate_freq", 1)
    seed = _seed(schedule.seed, saved)
    devices = device_options_of_run(arguments.device, before)
    chosen = make_engine_of(group, devices, prepared.graph)
    note(f"CUDA is not available: {chosen.line}" if chosen.lacks_cuda else chosen.line)
    init = _init_options(arguments.init)
    calls = [] if saved else _init_calls(init, prepared.graph)
    network = Network(
        prepared.graph,
        minibatch,
        chosen.engine,
        seed=seed,
        update_every=every,
        initialize=saved is None,
    )
    fill(network, calls, init)
    origin = init_from(start, network, prepared) if start.init_from else None
    settings = {
        **facts_to_store(prepared.graph),
        "data_options": asdict(prepared.options),
        "wupdate_freq": every,
        "precision": devices.precision,
        "listing": listing_of(prepared.dataset),
    }
    feeds = prepared.feed("train", minibatch, seed), prepared.feed("test", minibatch)
    for feed in feeds:
        feed.make_only(network.cases_needed)
    return Run(
        network,
        *feeds,
        options=training_options(arguments, prepared.defaults, before),
        folder=None if arguments.dry_run or group.rank else _folder(start, spec.layers, found),
        group=group,
        data=prepared.source,
        class_names=prepared.dataset.class_names,
        input=prepared.input if prepared.input.is_storable else None,
        settings=settings,
        init_from=origin,
        trace=None if group.rank else arguments.trace,
    )


def _seed(given: int | None, saved) -> int:
    if saved is None:
        return given or 0
    if given not in (None, saved.seed):
        raise ConvnetError(f"a resumed run keeps its seed, {saved.seed}; leave --seed out")
    return saved.seed


def _init_options(init: InitArguments) -> InitOptions:
    return InitOptions(init.init_module, init.init_checkpoint, init.ignore_init_functions)


def _init_calls(options: InitOptions, graph):
    """The calls that make initial weights, which are printed.  A resumed run has its weights."""
    calls, notes = resolve(graph, options)
    for line in [*notes, *(f"{call.node.name}: {call.key}={call.text}" for call in calls)]:
        note(line)
    return calls


def _folder(start: StartArguments, layers: Path | None, found: Found | None) -> RunFolder:
    if start.save is None and found:
        path = found.path.parent
        if start.unties:  # it is another network now
            path = new_run_folder(path.parent, path.name)
        folder = RunFolder(path)
        folder.passed_over = set(found.passed_over)
        return folder
    if start.save is None:
        return RunFolder(new_run_folder(RUNS, layers.stem))
    if checkpoint.has_checkpoint(start.save) and found is None:
        raise ConvnetError(
            f"{start.save} already holds a run. Resume it with --resume {start.save}, or give "
            "another folder"
        )
    folder = RunFolder(start.save)
    if folder.journal_path.exists() and found is None:
        note(f"{start.save}: the run in it ended before its first save; starting anew")
    folder.passed_over = set(found.passed_over) if found else set()
    return folder


def _refuse_full_disk(run: Run) -> None:
    """Raise ConvnetError if there is no room for a single checkpoint."""
    if run.folder is not None:
        parameters = run.network.plan.parameters
        values = sum((1 + len(each.state_names)) * each.spec.size for each in parameters)
        run.folder.probe(values * run.network.engine.real.itemsize)


def _resume(run, specs, saved, path):
    if run.folder is not None:
        run.folder.continue_journal(of_checkpoint(path))
    changes = describe_changes(saved.params, specs.params.source)
    changes += describe_options(saved.options, run.stored_options())
    if run.data != saved.data:
        changes.append(f"data {harmless(saved.data)} -> {harmless(run.data)}")
    notes = run.resume(saved, path, changes)
    place = f"epoch {saved.position.epoch + 1}, minibatch {saved.position.minibatch + 1}"
    note(f"resuming from {path} at {place}")
    for line in [*changes, *notes]:
        note(f"  {line}")
