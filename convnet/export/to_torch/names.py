"""Identifiers of Python for the names of layers."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

# Attributes of torch.nn.Module (tests compare the list with the installed PyTorch).
_OF_MODULES = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
dump_patches double eval extra_repr float forward get_buffer get_extra_state get_parameter
get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
named_parameters parameters register_backward_hook register_buffer register_forward_hook
register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
"""
_OF_THE_FILE = "self torch nn F Tensor Path Net load load_model"
RESERVED = frozenset(f"{_OF_MODULES} {_OF_THE_FILE}".split())


class Identifiers:
    """Gives each name an identifier, which no other name has."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {*RESERVED, *reserved}
        self._found: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return the identifier of a name: the name itself if possible."""
        if name not in self._found:
            self._found[name] = self.new(name)
        return self._found[name]

    def new(self, wanted: str) -> str:
        """Return an identifier like `wanted` that is not taken."""
        plain = identifier(wanted)
        found, count = plain, 1
        while found in self._taken:
            count += 1
            found = f"{plain}_{count}"
        self._taken.add(found)
        return found


def identifier(name: str) -> str:
    """Return a name with all but ASCII letters, digits and underscores replaced.

    Names that are keywords, or do not begin with a letter, get a prefix.
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if keyword.iskeyword(plain) or keyword.issoftkeyword(plain) or not plain[:1].isalpha():
        return f"layer_{plain}"
    return plain
