"""`convnet train`: a new run, or one that goes on."""

from dataclasses import asdict, replace
from pathlib import Path

import click

from convnet import checkpoint
from convnet.commands.console import costs_line, note, result, warn
from convnet.commands.init_from import init_from, refuse_with_resume
from convnet.commands.training_progress import Progress
from convnet.data import Dataset, decoding, jpeg
from convnet.data.encoded import EncodedDataset
from convnet.data.workers.pool import cores
from convnet.engines import DeviceOptions, make_engine
from convnet.errors import ConvnetError
from convnet.graph.checkpoint_facts import facts_to_store, stored_facts
from convnet.initial import InitOptions, fill, resolve
from convnet.language import harmless, read_source
from convnet.language.specs import Specs
from convnet.network.network import Network
from convnet.prepare import DataOptions, Prepared, prepare
from convnet.train.changes import describe_changes, describe_options
from convnet.train.loop import Outcome, fit
from convnet.train.run import Options, Run
from convnet.train.run_folder import RunFolder, new_run_folder
from convnet.train.untie import untie

RUNS = Path("checkpoints")
_MUCH_WAITING = 0.1
STUCK_OPTIONS = ("drop_rate_when_stuck", "stop_when_stuck", "stuck_tests", "stuck_improvement")


def train(**given) -> int:
    """Train as asked; returns the exit code."""
    refuse_with_resume(given)
    saved_path = checkpoint.newest(given["resume"]) if given["resume"] else None
    saved = checkpoint.load(saved_path) if saved_path else None
    _refuse_another_layer_file(given, saved)
    saved, untied = _untied(given, saved)
    specs = _specs(given, saved)
    data = data_options(given, saved)
    dialect = given["dialect"] or (saved.dialect if saved else None)
    tree = stored_facts(saved.options)["tree"] if saved else None
    prepared = prepare(specs, data, dialect, given["strict"], tree)
    warn(specs.problems.warnings)
    run = _make_run(given, prepared, saved)
    for line in [f"dialect: {prepared.graph.dialect.title}", *prepared.notes, *untied]:
        note(line)
    if saved:
        _resume(run, specs, saved, saved_path)
    start_workers(prepared.dataset, given)
    with Progress(run) as progress:
        run.observer = progress
        outcome = fit(run)
    _report(run, outcome, given["dry_run"])
    return outcome.exit_code


def _specs(given, saved) -> Specs:
    if saved is None:
        missing = [f"--{name}" for name in ("layers", "params") if given[name] is None]
        if missing:
            raise click.UsageError(f"Missing option {' and '.join(missing)} (or --resume).")
        return Specs.read(given["layers"], given["params"])
    return Specs.parse(
        saved.layers, read_source(given["params"]) if given["params"] else saved.params
    )


def _refuse_another_layer_file(given, saved):
    if saved is None or given["layers"] is None:
        return
    if read_source(given["layers"]).text != saved.layers.text:
        raise ConvnetError(
            f"{given['layers']} is not the layer file that the checkpoint was trained with; a run "
            "goes on with its own. Leave --layers out, or start a new run without --resume"
        )


def _unties(given) -> bool:
    return bool(given["conv_to_local"] or given["unshare_weights"])


def _untied(given, saved):
    """The checkpoint with filters made private as asked, and lines that tell it."""
    if not _unties(given):
        return saved, []
    if saved is None:
        raise click.UsageError("--conv-to-local and --unshare-weights change a run: give --resume.")
    return untie(saved, given["conv_to_local"] or (), given["unshare_weights"] or ())


def start_workers(dataset: Dataset, given) -> None:
    """As many processes that decode as --workers says, until the command ends."""
    click.get_current_context().with_resource(decoding(dataset, given["workers"]))


def data_options(given, saved) -> DataOptions:
    """What is given, else what the run was started with."""
    before = saved.options.get("data_options", {}) if saved else {}
    known = DataOptions(**{key: before[key] for key in asdict(DataOptions()) if key in before})
    new = {key: given[key] for key in asdict(known) if given.get(key) is not None}
    if new.get("mean") == "image" and before:
        del new["mean"]  # the option's default, not the user's wish
    if saved and "data" not in new:
        new["data"] = saved.data or None
    return replace(known, **new)


def device_options(given, before) -> DeviceOptions:
    """What is given; the precision of a run that goes on is its own otherwise."""
    options = DeviceOptions.of(given)
    return replace(options, precision=options.precision or before.get("precision", "fp32"))


def _make_run(given, prepared: Prepared, saved) -> Run:
    options = saved.options if saved else {}
    minibatch = given["minibatch"] or options.get("minibatch") or prepared.defaults.minibatch
    seed = saved.seed if saved else given["seed"] or 0
    if saved and given["seed"] not in (None, saved.seed):
        raise ConvnetError(f"a run goes on with its own seed, {saved.seed}; leave --seed out")
    devices = device_options(given, options)
    engine, line, by_default = make_engine(devices, prepared.graph)
    note(f"CUDA is not available: {line}" if by_default else line)
    calls = [] if saved else _init_calls(given, prepared.graph)
    every = given["wupdate_freq"] or options.get("wupdate_freq", 1)
    network = Network(prepared.graph, minibatch, engine, seed=seed, update_every=every)
    fill(network, calls, _init_options(given))
    origin = init_from(given["init_from"], network) if given["init_from"] else None
    settings = {
        **facts_to_store(prepared.graph),
        "data_options": asdict(prepared.options),
        "wupdate_freq": every,
        "precision": devices.precision,
    }
    return Run(
        network,
        prepared.feed("train", minibatch, seed),
        prepared.feed("test", minibatch),
        options=_run_options(given, prepared, options),
        folder=None if given["dry_run"] else _folder(given),
        data=prepared.source,
        class_names=prepared.dataset.class_names,
        settings=settings,
        init_from=origin,
        trace=given["trace"],
    )


def _init_options(given) -> InitOptions:
    ignore = given["ignore_init_functions"]
    return InitOptions(tuple(given["init_module"]), given["init_checkpoint"], ignore)


def _init_calls(given, graph):
    """The functions that make initial weights; a run that goes on has its weights already."""
    calls, notes = resolve(graph, _init_options(given))
    for line in [*notes, *(f"{call.node.name}: {call.key}={call.text}" for call in calls)]:
        note(line)
    return calls


def _run_options(given, prepared, before) -> Options:
    if given["dry_run"]:
        return Options(epochs=1, max_batches=1, test_every=1, test_minibatches=1)

    def chosen(name, default=None):
        return given[name] if given[name] is not None else before.get(name, default)

    stuck = {name: chosen(name, getattr(Options, name)) for name in STUCK_OPTIONS}
    return Options(
        epochs=chosen("epochs", prepared.defaults.epochs),
        max_batches=given["max_batches"],
        test_every=chosen("test_every"),
        save_every=chosen("save_every"),
        **stuck,
    )


def _folder(given) -> RunFolder:
    if given["save"] is None and given["resume"] is not None:
        folder = checkpoint.newest(Path(given["resume"])).parent
        if _unties(given):  # it is another network now
            folder = new_run_folder(folder.parent, folder.name)
        return RunFolder(folder)
    if given["save"] is None:
        return RunFolder(new_run_folder(RUNS, given["layers"].stem))
    folder = RunFolder(given["save"])
    if folder.holds_a_run and given["resume"] is None:
        raise ConvnetError(
            f"{given['save']} holds a run already. Go on with it: --resume {given['save']}; or "
            "give another folder"
        )
    return folder


def _resume(run, specs, saved, path):
    changes = describe_changes(saved.params, specs.params.source)
    changes += describe_options(saved.options, run.stored_options())
    if run.data != saved.data:
        changes.append(f"data {harmless(saved.data)} -> {harmless(run.data)}")
    notes = run.resume(saved, path, changes)
    place = f"epoch {saved.position.epoch + 1}, minibatch {saved.position.minibatch + 1}"
    note(f"going on from {path} at {place}")
    for line in [*changes, *notes]:
        note(f"  {line}")


def _report(run: Run, outcome: Outcome, dry_run: bool):
    if dry_run:
        sizes = run.network.plan.bytes(run.network.engine.real.itemsize)
        total = sum(sum(roles.values()) for roles in sizes.values()) / 1e6
        result(f"dry run: a training and a test minibatch done in {total:,.0f} MB; nothing saved")
        return
    endings = {"done": "trained", "max-batches": "stopped as asked", "SIGINT": "stopped by Ctrl-C"}
    endings["stuck"] = "stopped because it is stuck"
    ending = endings.get(outcome.reason, f"stopped by {outcome.reason}")
    done = f"{outcome.position.epochs:g} of {run.options.epochs} epochs"
    result(f"{ending}: {done}, {outcome.position.step} minibatches")
    if run.history.test:
        result(f"last test: {costs_line(run.history.test[-1]['costs'])}")
    _report_waiting(run, outcome.wait_share)
    result(f"checkpoint: {outcome.checkpoint}")


def _report_waiting(run, share):
    """What the data cost, and what to do if that was much."""
    result(f"waited for data: {share:.0%} of the time of training")
    if share < _MUCH_WAITING:
        return
    dataset = run.train.dataset
    count = dataset.workers.count if dataset.workers else 0
    if not isinstance(dataset, EncodedDataset):
        note("hint: one thread makes these images, and this net is faster")
    elif count < cores():
        note(f"hint: {count} processes decode the images; --workers {cores()} uses all cores")
    else:
        note(f"hint: {count} processes decode the images, and this net is faster: add cores")
    if isinstance(dataset, EncodedDataset) and jpeg.simplejpeg is None:
        note("hint: they decode faster where simplejpeg is installed (pip install simplejpeg)")
