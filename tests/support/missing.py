"""Packages that cannot be imported, as where an extra is not installed."""

import builtins


def hide(monkeypatch, package):
    """Make the imports of a package fail, those of its modules too."""
    real = builtins.__import__

    def without(name, *rest):
        if name == package or name.startswith(f"{package}."):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
