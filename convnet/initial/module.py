"""Loading a Python file that the user allows by name."""

import importlib.util
from pathlib import Path
from types import ModuleType

from convnet.errors import ConvnetError
from convnet.language import harmless


def load_module(path: Path) -> ModuleType:
    """Run the file and return it as a module.  ConvnetError if it is missing or fails.

    It is not entered in `sys.modules`, so it takes the place of no other module.
    """
    shown = harmless(str(path))
    if path.suffix != ".py" or not path.is_file():
        raise ConvnetError(f"--init-module {shown}: there is no such Python file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ConvnetError(
            f"--init-module {shown}: line {error.lineno}: {error.msg}. Modules written for Python "
            "2 must be brought to Python 3"
        ) from None
    except Exception as error:  # the user's code may raise anything
        reason = harmless(f"{type(error).__name__}: {error}")
        raise ConvnetError(f"--init-module {shown} fails: {reason}") from error
    return module
