"""Errors that say where in the model they happened."""

from __future__ import annotations

from unimod.core import init, paths, render
from unimod.core.initializer import Initializer
from unimod.core.node import Node
from unimod.errors import CapturedModuleError, NotInitializedError, UnimodError

_ROOT = "model"


def locate(error: Exception, module: Node) -> Exception:
    """The error with the path of the module in which it arose; called once by each module that it passes through."""
    if not hasattr(error, "_um_chain"):
        error = _explained(error, module)
        error._um_chain = module  # type: ignore[attr-defined]
        error._um_is_placed = bool(getattr(error, "where", ""))  # type: ignore[attr-defined]
    innermost = error._um_chain  # type: ignore[attr-defined]
    path = next((path for path, found in init.modules(module) if found is innermost), None)
    if path is not None and not error._um_is_placed:  # type: ignore[attr-defined]
        _write(error, f"{paths.pretty(_ROOT, path)}   {_one_line(innermost)}")
    return error


def _explained(error: Exception, module: Node) -> Exception:
    names = [name for name, value in vars(module).items() if isinstance(value, Initializer)]
    if not names or init.state.active is not None or isinstance(error, (NotInitializedError, CapturedModuleError)):
        return error
    explained = NotInitializedError(
        f"{type(module).__name__} is used before its leaves have values: {', '.join(names)}.",
        fix="call model = model.init(seed) first, or um.seed(0) before the model is built",
    )
    explained.__cause__ = error
    return explained


def _one_line(module: Node) -> str:
    text = render.repr_module(module)
    return text if "\n" not in text else f"{type(module).__name__}(...)"


def _write(error: Exception, where: str) -> None:
    if isinstance(error, UnimodError):
        error.where = where
        return
    notes = [note for note in getattr(error, "__notes__", []) if not note.startswith("  where:")]
    error.__notes__ = [*notes, f"  where:    {where}"]
