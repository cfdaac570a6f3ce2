"""Commands of click that take a record of arguments, and their help pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import Any

import click

from convnet.cli_options.old_options import explained
from convnet.cli_options.record import Arguments


class Command(click.Command):
    """A command whose help page lists its options by the headings of its record.

    place: the record, as "module:class"; the module is imported when the options are needed.
    purpose: the heading that the command stands under in the list of commands.  function: receives
    the record; its docstring is the help text; it returns the exit code, None for 0.
    """

    def __init__(
        self, place: str, purpose: str, function: Callable[[Any], int | None], **settings: Any
    ) -> None:
        self.purpose, self._place, self._function = purpose, place, function
        super().__init__(callback=self._run, help=function.__doc__, **settings)
        del self.params  # click's empty list, so that `params` below is looked up

    @cached_property
    def record(self) -> type[Arguments]:
        """The class of the record."""
        module, name = self._place.split(":")
        found: type[Arguments] = getattr(import_module(module), name)
        return found

    @cached_property
    def sections(self) -> dict[str, list[click.Parameter]]:
        """The parameters by their headings."""
        return self.record.sections()

    @cached_property
    def params(self) -> list[click.Parameter]:  # type: ignore[override]  # click has an attribute
        """The parameters, as click expects them."""
        return [each for section in self.sections.values() for each in section]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _old_options_explained(ctx):
            return super().parse_args(ctx, args)

    def _run(self, **values: Any) -> None:
        click.get_current_context().exit(self._function(self.record.of(values)) or 0)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections = {**self.sections}
        named = [each for section in sections.values() for each in section]
        others = [each for each in self.get_params(ctx) if each not in named]  # --help
        sections[Arguments.heading] = [*sections.get(Arguments.heading, []), *others]
        for heading, parameters in sections.items():
            options = (each for each in parameters if isinstance(each, click.Option))
            rows = [row for each in options if (row := each.get_help_record(ctx))]
            with formatter.section(heading):
                formatter.write_dl(rows)


class CommandGroup(click.Group):
    """Lists its commands by purpose."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _old_options_explained(ctx):
            return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order they are declared

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.commands))
        limit = formatter.width - 6 - width
        for purpose, commands in self._by_purpose().items():
            with formatter.section(purpose):
                # Padding every name to one width aligns the sections with each other.
                formatter.write_dl(
                    [
                        (str(each.name).ljust(width), each.get_short_help_str(limit))
                        for each in commands
                    ]
                )

    def _by_purpose(self) -> dict[str, list[click.Command]]:
        found: dict[str, list[click.Command]] = {}
        for each in self.commands.values():
            if isinstance(each, Command):
                found.setdefault(each.purpose, []).append(each)
        return found

    def declare(
        self, purpose: str, place: str, *examples: str, name: str | None = None, **settings: Any
    ) -> Callable[[Callable[[Any], int | None]], Command]:
        """Return a decorator that makes a function of a record a command (see `Command`).

        examples: lines at the end of the help page.  settings: further arguments of the command.
        """

        def add(function: Callable[[Any], int | None]) -> Command:
            named = name or function.__name__.replace("_", "-")
            epilog = example(*examples)
            command = Command(place, purpose, function, name=named, epilog=epilog, **settings)
            self.add_command(command)
            return command

        return add


@contextmanager
def _old_options_explained(ctx: click.Context) -> Iterator[None]:
    """Say what an unknown option is called here, if it is one of the original programs."""
    try:
        yield
    except click.NoSuchOption as error:
        if explained(error.option_name):
            raise click.UsageError(explained(error.option_name), ctx) from None
        raise


def example(*lines: str) -> str:
    """Return the end of a help page: lines to type, as they are."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
