"""Load a Python file that the user allowed by name."""

from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import cast

from convnet.errors import ConvnetError
from convnet.language import harmless


def load_module(path: Path) -> ModuleType:
    """Run the file and return it as a module.  ConvnetError if it is missing or fails.

    The module is not added to `sys.modules`, so it never replaces another one.
    """
    shown = harmless(str(path))
    if path.suffix != ".py" or not path.is_file():
        raise ConvnetError(f"--init-module {shown}: there is no such Python file")
    spec = cast(ModuleSpec, spec_from_file_location(path.stem, path))  # of any .py file
    module = module_from_spec(spec)
    try:
        cast(Loader, spec.loader).exec_module(module)
    except SyntaxError as error:
        raise ConvnetError(
            f"--init-module {shown}: line {error.lineno}: {error.msg}. Modules written for Python "
            "2 must be converted to Python 3"
        ) from None
    except Exception as error:  # the user's code may raise anything
        reason = harmless(f"{type(error).__name__}: {error}")
        raise ConvnetError(f"--init-module {shown} fails: {reason}") from error
    return module
