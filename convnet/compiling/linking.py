"""Pieces of kernels are optimised where they end: in the kernel that calls them, once.

Numba optimises every function when it is compiled, makes machine code of it, and optimises it again
in each function that calls it; a loop of a `prange` goes through this three times.  Here a function
stays as it was lowered until somebody needs its address.  Then it is linked with all that it calls,
optimised and made machine code.  Compiling the kernels takes about half as long for it.
"""

from contextlib import contextmanager

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

_LOOP = "__numba_parfor_gufunc"  # begins the names of loops' bodies: only their kernel calls them


class LateCompiler(Compiler):
    """A `pipeline_class` for Numba's decorators."""

    def _compile_core(self):
        with _late_libraries(self.state.targetctx.codegen()):
            return super()._compile_core()


@contextmanager
def _late_libraries(codegen):
    """What is compiled meanwhile (Numba's compiler lock is held) comes into late libraries."""
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
    """The code of one function; all that it calls is in libraries that it is to be linked with."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._own = None  # the code before it is linked and optimised
        self._environments = {}

    def _ensure_finalized(self):
        """Not before an address is needed."""

    def _needed(self) -> dict:
        """All libraries that this one calls, and those call, in order; values are None."""
        found = {}
        for library in self._linking_libraries:
            if isinstance(library, LateLibrary):
                found |= library._needed()
            found[library] = None
        return found

    def _link_needed(self, module):
        """Callers first: LLVM drops functions that nobody has called yet."""
        for library in reversed(self._needed()):
            late = isinstance(library, LateLibrary)
            code = library._linkable() if late else library._get_module_for_linking()
            module.link_in(code, preserve=True)
            self._reload_init.update(library._reload_init)

    def _get_module_for_linking(self):
        """With all that it calls, for a library of another kind."""
        if self._shared_module is None:
            self._shared_module = self._linkable().clone()
            self._link_needed(self._shared_module)
        return self._shared_module

    def _linkable(self):
        """The function's own code, as it was lowered, in a form that may be linked many times."""
        if self._own is None:
            self._own = self._final_module.clone()
            for function in self._own.functions:
                if not function.is_declaration and function.linkage == llvm.Linkage.external:
                    function.linkage = llvm.Linkage.linkonce_odr
        return self._own

    def finalize(self):
        """Link, optimise and make machine code."""
        self._raise_if_finalized()
        self._linkable()
        self._link_needed(self._final_module)
        self._optimize_final_module()
        self._final_module.verify()
        self._finalize_final_module()
        for name, environment in self._environments.items():
            self._codegen.set_env(name, environment)

    def get_pointer_to_function(self, name):
        """Its address; 0 if there is no such function."""
        if not self._finalized:
            if self.name.startswith(_LOOP):
                return 0
            if all(name != function.name for function in self.get_defined_functions()):
                return 0
            self.finalize()
        return super().get_pointer_to_function(name)

    def serialize_using_object_code(self):
        """For the cache: machine code, and code for functions that call a kernel."""
        if not self._finalized:
            self.finalize()
        return super().serialize_using_object_code()

    @property
    def codegen(self):
        """Itself, since Numba asks the result for `set_env`."""
        return self

    def set_env(self, name, environment):
        """Functions that are only linked have no place for it."""
        if self._finalized:
            self._codegen.set_env(name, environment)
        else:
            self._environments[name] = environment
