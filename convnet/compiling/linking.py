"""Helpers are optimized once, in the kernel that calls them.

Numba optimizes every function and generates its machine code when it compiles the function, and
optimizes it again in each function that calls it; the body of a `prange` loop goes through this
three times.  Here a function stays unoptimized LLVM IR until its address is needed.  Then it is
linked with everything that it calls, optimized, and compiled to machine code.  This halves the time
to compile the kernels.
"""

from contextlib import contextmanager

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

_LOOP = "__numba_parfor_gufunc"  # prefix of prange bodies, which only their kernel calls


class LateCompiler(Compiler):
    """A `pipeline_class` for Numba's decorators."""

    def _compile_core(self):
        with _late_libraries(self.state.targetctx.codegen()):
            return super()._compile_core()


@contextmanager
def _late_libraries(codegen):
    """Numba creates late libraries within this context, under its compiler lock."""
    before = codegen.__dict__.get("_library_class")
    codegen._library_class = LateLibrary
    try:
        yield
    finally:
        if before is None:
            del codegen._library_class
        else:
            codegen._library_class = before


class LateLibrary(JITCodeLibrary):
    """The code of one function, not yet linked with that of the functions it calls."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._own = None  # the function's IR before linking and optimization
        self._environments = {}

    def add_ir_module(self, ir_module):
        """Add functions, but not the wrapper by which Python would call the body of a loop."""
        if not (self.name.startswith(_LOOP) and ir_module.name == "wrapper"):
            super().add_ir_module(ir_module)

    def _ensure_finalized(self):
        """Do nothing: `get_pointer_to_function` finalizes when an address is needed."""

    def _needed(self) -> dict:
        """The libraries that this one calls, directly or not; an ordered set (values are None)."""
        found = {}
        for library in self._linking_libraries:
            if isinstance(library, LateLibrary):
                found |= library._needed()
            found[library] = None
        return found

    def _link_needed(self, module):
        """Link callers first: LLVM drops functions that have no caller yet."""
        for library in reversed(self._needed()):
            late = isinstance(library, LateLibrary)
            code = library._linkable() if late else library._get_module_for_linking()
            module.link_in(code, preserve=True)
            self._reload_init.update(library._reload_init)

    def _get_module_for_linking(self):
        """The IR linked with everything that it calls, for a library of another class."""
        if self._shared_module is None:
            self._shared_module = self._linkable().clone()
            self._link_needed(self._shared_module)
        return self._shared_module

    def _linkable(self):
        """The function's own IR before linking, in a form that may be linked many times."""
        if self._own is None:
            self._own = self._final_module.clone()
            for function in self._own.functions:
                if not function.is_declaration and function.linkage == llvm.Linkage.external:
                    function.linkage = llvm.Linkage.linkonce_odr
        return self._own

    def finalize(self):
        """Link, optimize and generate machine code."""
        self._raise_if_finalized()
        self._linkable()
        self._link_needed(self._final_module)
        self._optimize_final_module()
        self._final_module.verify()
        self._finalize_final_module()
        for name, environment in self._environments.items():
            self._codegen.set_env(name, environment)

    def get_pointer_to_function(self, name):
        """Return the function's address; 0 if there is no such function."""
        if not self._finalized:
            if self.name.startswith(_LOOP):
                return 0
            if all(name != function.name for function in self.get_defined_functions()):
                return 0
            self.finalize()
        return super().get_pointer_to_function(name)

    def serialize_using_object_code(self):
        """Return machine code and IR, as the cache stores them."""
        if not self._finalized:
            self.finalize()
        return super().serialize_using_object_code()

    @property
    def codegen(self):
        """The library itself: Numba calls `set_env` on this."""
        return self

    def set_env(self, name, environment):
        """Set a function's environment, or remember it until the library is finalized."""
        if self._finalized:
            self._codegen.set_env(name, environment)
        else:
            self._environments[name] = environment
