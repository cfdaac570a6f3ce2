"""Records of arguments: frozen dataclasses whose fields are command-line options.

    @dataclass(frozen=True, kw_only=True)
    class Drawing(Arguments):
        layer: str | None = option(help="Layer to draw.")
        out: Path = option(type=PATH, default=Path("out.png"), show_default=True)

A field is the only declaration of its option: click's parameters and the help page are made from
it, and the record is filled from what click parsed.  Records nest by `group`.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self

import click


def option(*flags: str, default: Any = None, required: bool = False, **settings: Any) -> Any:
    """Return a field for an option.

    flags: such as "--json" or "--graphs/--no-graphs"; by default the field's name with dashes.
    settings: further arguments of `click.Option`.
    """

    def parameter(name: str) -> click.Parameter:
        declared = flags or ("--" + name.replace("_", "-"),)
        if required:
            return click.Option([*declared, name], required=True, **settings)
        return click.Option([*declared, name], default=default, **settings)

    return field(default=MISSING if required else default, metadata={"parameter": parameter})


def flag(*flags: str, help: str) -> Any:
    """Return a field for an option without a value, False unless given."""
    return option(*flags, default=False, is_flag=True, help=help)


def repeatable(*flags: str, help: str, **settings: Any) -> Any:
    """Return a field for an option that may be given several times: a tuple of its values."""
    return option(*flags, default=(), multiple=True, help=f"{help}  [repeatable]", **settings)


def argument(**settings: Any) -> Any:
    """Return a field for a positional argument.  settings: arguments of `click.Argument`."""

    def parameter(name: str) -> click.Parameter:
        return click.Argument([name], **settings)

    return field(metadata={"parameter": parameter})


def group(record: type["Arguments"]) -> Any:
    """Return a field that holds another record, whose options the command also takes."""
    return field(default_factory=record, metadata={"group": record})


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Base of the records.  heading: over their options on a help page."""

    heading: ClassVar[str] = "Options"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the record filled with the values that click parsed, by parameter name."""
        found = {}
        for each in fields(cls):
            inner = each.metadata.get("group")
            found[each.name] = inner.of(values) if inner else values[each.name]
        return cls(**found)

    @classmethod
    def sections(cls) -> dict[str, list[click.Parameter]]:
        """Return click's parameters in the order of the fields, by the headings of the records."""
        found: dict[str, list[click.Parameter]] = {}
        for each in fields(cls):
            if inner := each.metadata.get("group"):
                for heading, parameters in inner.sections().items():
                    found.setdefault(heading, []).extend(parameters)
            else:
                parameter = each.metadata["parameter"](each.name)
                found.setdefault(cls.heading, []).append(parameter)
        return found


def shared_values(arguments: Arguments, record: type) -> dict[str, Any]:
    """Return the arguments that are also fields of another dataclass, by name."""
    names = {each.name for each in fields(record)}
    return {name: value for name, value in vars(arguments).items() if name in names}
