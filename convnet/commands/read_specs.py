"""A network's two files as commands take them, with what --set and --replicas change in them."""

from collections.abc import Iterable
from dataclasses import replace

from convnet.cli_options.shared import LanguageArguments, SpecArguments
from convnet.commands.output.console import note
from convnet.errors import ConvnetError
from convnet.graph.replicate import replicate
from convnet.graph.set_keys import OPTION, changes, file_of, is_of_run, set_keys
from convnet.language.specs import Specs


def read_specs(spec: SpecArguments) -> tuple[Specs, LanguageArguments]:
    """Return the parsed files, with the keys of --set and the devices of --replicas; how to read.

    Prints a message about each key that --set changes.  spec: with paths of files in the place of
    shipped nets' names.  Raises SpecError if a file cannot be read, if there is no key that --set
    names, or if --replicas meets devices that the file names.
    """
    specs = with_settings(Specs.read(spec.layers, spec.params), spec.language)
    return with_replicas(specs, spec.language)


def with_replicas(specs: Specs, language: LanguageArguments) -> tuple[Specs, LanguageArguments]:
    """Return files with the devices of --replicas, and how they are read.

    Raises SpecError if the files name devices already.
    """
    if language.replicas is None:
        return specs, language
    specs, dialect = replicate(specs, language.replicas, language.dialect)
    return specs, replace(language, dialect=dialect)


def with_settings(specs: Specs, language: LanguageArguments) -> Specs:
    """Return files with the keys set that --set names, with a message about each that changes."""
    specs, lines = set_keys(specs, language.settings)
    for line in lines:
        note(f"{OPTION}: {line}")
    return specs


def with_settings_at_resume(specs: Specs, settings: Iterable[tuple[str, str]]) -> Specs:
    """Return a resumed run's files with keys set, which may be those of layers' parameters only.

    Raises ConvnetError for another key, unless it has that value already.
    """
    given = list(settings)
    for name, text in given:
        is_of_layers = file_of(specs, name) == "layers"
        if not (is_of_layers or is_of_run(name)) or not changes(specs, name, text):
            continue
        what = (
            "is a key of the layer file, which is fixed once a run has begun"
            if is_of_layers
            else "has no effect on a resumed run, whose options are stored"
        )
        advice = "leave it out, or start a new run" if is_of_layers else f"give {_option(name)}"
        raise ConvnetError(f"{OPTION} {name}: {what}; {advice}")
    return set_keys(specs, given)[0]


def _option(name: str) -> str:
    """The option of `convnet train` that replaces a setting of the run."""
    return "--data" if name == "data.source" else f"--{name.rpartition('.')[2].lower()}"
