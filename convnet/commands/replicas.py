"""The files of a network as commands take them, data parallel if --replicas asks for it."""

from dataclasses import replace

from convnet.cli_options.shared import LanguageArguments
from convnet.graph.replicate import replicate
from convnet.language.specs import Specs


def with_replicas(specs: Specs, language: LanguageArguments) -> tuple[Specs, LanguageArguments]:
    """Return files with the devices of --replicas, and how they are read.

    Raises SpecError if the files name devices already.
    """
    if language.replicas is None:
        return specs, language
    specs, dialect = replicate(specs, language.replicas, language.dialect)
    return specs, replace(language, dialect=dialect)
