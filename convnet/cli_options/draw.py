"""Arguments of `convnet draw`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from convnet.cli_options.record import Arguments, group, option
from convnet.cli_options.shared import (
    DimsArguments,
    LanguageArguments,
    SpecArguments,
    load_option,
    theme_option,
)
from convnet.cli_options.types import PATH


@dataclass(frozen=True, kw_only=True)
class DrawArguments(Arguments):
    """All arguments of `convnet draw`: the network of a checkpoint, or of two files."""

    load: Path | None = load_option()
    layers: Path | None = option(
        type=PATH,
        help="Layer file (.cfg) to draw, or the name of a net that `convnet nets` lists, instead "
        "of a checkpoint.",
    )
    params: Path | None = option(
        type=PATH,
        help="Parameter file, or the name of a net.  [default: the parameter file of the net that "
        "--layers names]",
    )
    language: LanguageArguments = group(LanguageArguments)
    dims: DimsArguments = group(DimsArguments)
    title: str | None = option(
        metavar="TEXT", help="Title of the drawing.  [default: the name of the file or the run]"
    )
    theme: Literal["light", "dark"] | None = theme_option()
    out: Path = option(
        type=PATH,
        default=Path("network.svg"),
        show_default=True,
        help="Drawing to write: .svg, or a picture in the format of its ending.",
    )

    def spec(self) -> SpecArguments:
        """Return the two files, with paths in the place of shipped nets' names."""
        spec = SpecArguments(layers=self.layers, params=self.params, language=self.language)
        return spec.with_files()
