"""``save_function`` and ``load_function``: a traced function in a file."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import zipfile
from collections.abc import Callable
from typing import Any

from unimod.backends import _registry
from unimod.core import walk
from unimod.errors import CapabilityError, OptionError, TreeError
from unimod.transforms import _ahead, _lift
from unimod.transforms.jit import jit

FORMAT = 1
_ABOUT = "unimod.json"
_PROGRAM = "program/"


def save_function(path: str | os.PathLike[str], fn: Callable[..., Any], *args: Any) -> None:
    """Write the program of ``fn`` for arguments like ``args`` into a file, with all arrays that it captures.

    The file can be loaded without the code of ``fn``, on the engine on which it was traced. What ``fn`` captures, such
    as a model, is part of the program; its own arguments and results are arrays, in dicts, lists and tuples. The module
    of a bound method is captured too, and so are the static arguments of a jitted function: the loaded function is
    called without them.

    Args:
        path: the file, which is replaced when everything is there.
        fn: the function, jitted or not.
        args: examples of its arguments: arrays and numbers in dicts with names as keys, lists and tuples.

    Raises:
        TreeError: arguments or results contain something else, such as a module.
        CapturedModuleError: a bound method changes its module, which a file cannot.
        CapabilityError: the engine compiles nothing, or cannot save what the function does.

    Example:
        >>> import os, tempfile
        >>> import unimod as um
        >>> model = um.nn.Linear(3, 2).init(0)
        >>> x = um.numpy.ones((4, 3))
        >>> if "jit" in um.backend_info().capabilities:
        ...     with tempfile.TemporaryDirectory() as directory:
        ...         path = os.path.join(directory, "model.um")
        ...         um.save_function(path, lambda x: {"y": model(x)}, x)
        ...         assert um.load_function(path, compiler="graph")(x)["y"].shape == (4, 2)

    Source: the file is a ZIP: ``unimod.json`` has the structure, and ``program/`` what the engine writes: StableHLO by
    ``jax.export``, or the nodes of the graph as JSON and the captured arrays as bytes.
    """
    target, args = _target(fn, args)
    args_form = _form(args)
    leaves, structure = walk.flatten((args, {}))
    engine, leaves = _lift.settle(leaves)
    export = getattr(engine.compile, "export", None)
    if export is None:
        raise CapabilityError(f"The {engine.name} engine has no programs to save.", fix="use jax or torch")
    flat = _lift.flat_function(target, structure, _lift.StateWatch(target.name))
    cell: list[Any] = []

    def noting(inner: list[Any]) -> Any:
        arrays, packed = flat(inner)
        cell[:] = [_form(packed.unpack(arrays))]
        return arrays, packed

    files = export(noting, leaves)
    about = {
        "format": FORMAT,
        "backend": engine.name,
        "version": engine.facts.version(),
        "name": target.name,
        "args": args_form,
        "result": cell[0],
        "leaves": [_ahead.signature(leaf) for leaf in leaves],
    }
    _write(pathlib.Path(path), about, files)


def _target(fn: Any, args: tuple[Any, ...]) -> tuple[_lift.Target, tuple[Any, ...]]:
    """The function with its module and its static arguments inside of it, and the other arguments."""
    captured = getattr(fn, "_um_captured", None)
    if captured is not None:
        return captured(*args)  # type: ignore[no-any-return]
    target = _lift.target_of(fn)
    if target.owner is None:
        return target, args
    return _lift.Target(functools.partial(target.fn, target.owner), None, target.name), args


def _write(path: pathlib.Path, about: dict[str, Any], files: dict[str, bytes]) -> None:
    unfinished = path.with_name(path.name + ".part")
    with zipfile.ZipFile(unfinished, "w") as archive:
        archive.writestr(_ABOUT, json.dumps(about))
        for name, data in files.items():
            archive.writestr(_PROGRAM + name, data)
    unfinished.replace(path)


def load_function(path: str | os.PathLike[str], *, compiler: str | None = None) -> Callable[..., Any]:
    """The function that :func:`save_function` wrote.

    Nothing in the file is unpickled, and it names operators only, no Python code. A damaged file is an error.

    Args:
        path: the file.
        compiler: as in :func:`jit`: the program is compiled at the first call.

    Returns:
        A function of positional arguments with the structure, shapes and dtypes that were saved.

    Raises:
        OptionError: the file is none of these, or of a later format.

    Example:
        See :func:`save_function`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(_ABOUT))
            names = [name for name in archive.namelist() if name.startswith(_PROGRAM)]
            files = {name.removeprefix(_PROGRAM): archive.read(name) for name in names}
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise OptionError("This file has no saved function.", got=f"{path}: {error}") from error
    if about.get("format") != FORMAT:
        raise OptionError("The file has another format.", got=repr(about.get("format")), expected=str(FORMAT))
    return _callable(about, files, compiler)


def _callable(about: dict[str, Any], files: dict[str, bytes], compiler: str | None) -> Callable[..., Any]:
    engine = _registry.load(about["backend"])
    compiling: Any = engine.compile
    flat = compiling.import_exported(files)
    run = jit(lambda leaves: flat(leaves)[0], compiler=compiler, backend=engine.name)
    name = about["name"]

    def loaded(*args: Any) -> Any:
        if _form(args) != about["args"]:
            raise TreeError(
                f"{name} was saved for arguments of another structure.",
                got=json.dumps(_form(args)),
                expected=json.dumps(about["args"]),
            )
        leaves, structure = walk.flatten((args, {}))
        leaves = _lift.to_engine(engine, leaves)
        _ahead.check_signatures(name, structure, map(_ahead.signature, leaves), about["leaves"])
        return _filled(about["result"], iter(run(leaves)))

    loaded.__name__ = loaded.__qualname__ = name
    return loaded


def _form(value: Any) -> Any:
    """The containers of a tree, as JSON: a dict, a list, a tuple, None, or a leaf."""
    if value is None:
        return None
    if type(value) is dict and all(isinstance(name, str) for name in value):
        return {"dict": {name: _form(value[name]) for name in sorted(value)}}
    if type(value) in (list, tuple):
        return {type(value).__name__: [_form(item) for item in value]}
    if isinstance(value, _lift.NUMBERS) or _registry.of_type(type(value)) is not None:
        return "leaf"
    raise TreeError(
        "A saved function takes and gives arrays in dicts, lists and tuples.",
        got=type(value).__name__,
        fix="let the function capture the module, and take its leaves apart before they are returned",
    )


def _filled(form: Any, leaves: Any) -> Any:
    """The tree of a form and its leaves."""
    if form is None or form == "leaf":
        return None if form is None else next(leaves)
    ((kind, inner),) = form.items()
    if kind == "dict":
        return {name: _filled(item, leaves) for name, item in inner.items()}
    items = [_filled(item, leaves) for item in inner]
    return items if kind == "list" else tuple(items)
