"""The two files of a run of `convnet train`: those given, or a resumed run's own."""

from dataclasses import replace

import click

from convnet.checkpoint import Checkpoint
from convnet.cli_options.train import RunSpecArguments, TrainArguments
from convnet.commands.read_specs import read_specs, with_replicas, with_settings_at_resume
from convnet.errors import ConvnetError
from convnet.graph.fit_classes import fit_classes
from convnet.graph.set_keys import file_of, set_keys
from convnet.language import read_source
from convnet.language.specs import Specs


def files_of(arguments: TrainArguments) -> RunSpecArguments:
    """Return the files to read; a resumed run has its own parameters, though --layers is a net."""
    files = arguments.spec.with_files()
    own_params = arguments.start.resume and arguments.spec.params is None
    return replace(files, params=None) if own_params else files


def specs_of_run(
    spec: RunSpecArguments, saved: Checkpoint | None
) -> tuple[Specs, RunSpecArguments]:
    """Return the parsed files with what --set and --replicas change, and how they are read.

    spec: what `files_of` returned.  saved: of a resumed run, whose layer file is kept.
    """
    if saved is None:
        missing = [f"--{name}" for name in ("layers", "params") if getattr(spec, name) is None]
        if missing:
            raise click.UsageError(f"Missing option {' and '.join(missing)} (or --resume).")
        specs, language = read_specs(spec)
        return specs, replace(spec, language=language)
    params = read_source(spec.params) if spec.params else saved.params
    specs = with_settings_at_resume(Specs.parse(saved.layers, params), _settings(spec, saved))
    return specs, spec


def _settings(spec: RunSpecArguments, saved: Checkpoint) -> list[tuple[str, str]]:
    """What --set names; without keys of a layer file that is given, which then has them."""
    settings = list(spec.language.settings)
    if spec.layers is None:
        return settings
    specs = Specs.parse(saved.layers, saved.params)
    return [(name, text) for name, text in settings if file_of(specs, name) != "layers"]


def refuse_another_layer_file(spec: RunSpecArguments, saved: Checkpoint | None) -> None:
    """Raise ConvnetError if --layers names another network than the resumed run has."""
    if saved is None:
        return
    if spec.layers is None:
        if spec.language.replicas is not None:
            raise ConvnetError("a resumed run keeps its devices; leave --replicas out")
        return
    given = Specs.parse(read_source(spec.layers), saved.params)
    given, _ = set_keys(given, spec.language.settings)
    given, _ = with_replicas(given, spec.language)
    if spec.classes_from_data:
        given, _ = fit_classes(given, len(saved.class_names))
    if given.layers.source.text != saved.layers.text:
        raise ConvnetError(
            f"{spec.layers} is not the layer file that the checkpoint was trained with; a resumed "
            "run uses its own. Leave --layers out, or start a new run without --resume"
        )
