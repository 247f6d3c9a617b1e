"""Parameters and states of optimizers in one file: arrays as numpy writes them, the structure as JSON. No code."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import unimod.numpy as unp
from unimod import config
from unimod.backends import _host
from unimod.core import paths, walk
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import DTypeError, OptionError, StateDictError
from unimod.functional import _structure

_ABOUT = "structure"


def save(tree: Any, path: str | os.PathLike[str]) -> None:
    """Write a tree of arrays, such as parameters or the state of an optimizer, to one file.

    The file is complete or it is not there: it is written beside its place and moved.

    Args:
        tree: parameters, modules, containers of these.
        path: of the file.

    Raises:
        DTypeError: a leaf is no array.

    Example:
        >>> import tempfile, unimod as um
        >>> from unimod.functional import Dense, load, save
        >>> params = Dense(3).init_params(0, um.numpy.ones((1, 2)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(params, folder + "/params.npz")
        ...     load(folder + "/params.npz")
        dense(kernel=f32[2, 3], bias=f32[3])
    """
    leaves, structure = walk.flatten(tree)
    names = _names(structure)
    for leaf, name in zip(leaves, names, strict=True):
        if not config.is_array(leaf):
            raise DTypeError(
                "Only arrays can be saved.",
                where=name,
                got=config.describe_value(leaf),
                expected="an array",
                fix="initialise the parameters first, or make an array of the number",
            )
    about = {
        "names": names,
        "dtypes": [str(config.dtype_of(leaf)) for leaf in leaves],
        "structure": _structure.encoded(structure),
    }
    arrays = {f"leaf{index}": _bits(unp.to_numpy(leaf)) for index, leaf in enumerate(leaves)}
    _write(Path(path), {_ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays})


def load(path: str | os.PathLike[str], *, like: Any = None, backend: str | None = None) -> Any:
    """Read what :func:`save` wrote.

    Args:
        path: of the file.
        like: a tree of the same structure, whose leaves are replaced; needed where there is more in it than parameters
            of parametrized functions, lists, tuples and dicts: layers of ``um.nn``, states of optimizers.
        backend: the engine of the arrays (default: that of ``like``, else the chosen one).

    Raises:
        StateDictError: the names, shapes or dtypes are not those of ``like``.
        OptionError: ``like`` is needed, or the file is something else.

    Example:
        >>> import tempfile, unimod as um
        >>> from unimod.functional import Dense, Optimizer, load, save
        >>> opt = Optimizer(um.optim.adam(1e-3))
        >>> state = opt.init(Dense(3).init_params(0, um.numpy.ones((1, 2))))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(state, folder + "/state.npz")
        ...     load(folder + "/state.npz", like=state).params
        dense(kernel=f32[2, 3], bias=f32[3])
    """
    about, arrays = _read(path)
    if like is None:
        if about["structure"] is None:
            raise _needs_like(path)
        structure = _structure.decoded(about["structure"])
        engine = config.default_engine(backend)
        return walk.unflatten(structure, [engine.arrays.asarray(array) for array in arrays])
    leaves, structure = walk.flatten(like)
    _check(about, arrays, leaves, structure)
    engine = config.engine_of(*leaves, backend=backend) if backend is None else config.default_engine(backend)
    return walk.unflatten(structure, [engine.arrays.asarray(array) for array in arrays])


def _names(structure: Child) -> list[str]:
    return [paths.dotted(slot.path) for slot in structure.slots] if isinstance(structure, Skeleton) else [""]


def _bits(array: Any) -> Any:
    """The array in a dtype that numpy has itself."""
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else array


def _write(path: Path, arrays: dict[str, Any]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(bytes(file[_ABOUT]))
            found = [file[f"leaf{index}"] for index in range(len(about["names"]))]
    except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise OptionError(
            "The file is not one that save(params, path) has written.",
            got=f"path = {os.fspath(path)!r}",
            expected="a file of save",
            fix="save the parameters again",
        ) from error
    dtypes = map(_host.dtype, about["dtypes"])
    return about, [array.view(d) if array.dtype != d else array for array, d in zip(found, dtypes, strict=True)]


def _check(about: dict[str, Any], arrays: list[Any], leaves: list[Any], structure: Child) -> None:
    have = {n: f"{d}{list(a.shape)}" for n, d, a in zip(about["names"], about["dtypes"], arrays, strict=True)}
    want = {n: _signature(leaf) for n, leaf in zip(_names(structure), leaves, strict=True)}
    faults = [f"missing: {name}" for name in want if name not in have]
    faults += [f"extra: {name}" for name in have if name not in want]
    faults += [f"{n}: {have[n]} instead of {want[n]}" for n in want if n in have and have[n] != want[n]]
    if not faults and list(have) != list(want):
        faults = ["another order of the entries"]
    if faults:
        raise StateDictError(
            "The file does not fit the tree that it is loaded into.",
            got="; ".join(faults),
            expected=f"{len(want)} entries with the names, shapes and dtypes of `like`",
            fix="build `like` as it was when saved",
        )


def _signature(leaf: Any) -> str:
    return f"{config.dtype_of(leaf)}{list(leaf.shape)}" if config.is_array(leaf) else type(leaf).__name__


def _needs_like(path: Any) -> OptionError:
    return OptionError(
        "The file has objects that are not made from a file alone, such as layers or states of optimizers.",
        got=f"load({os.fspath(path)!r})",
        expected="a tree to load it into",
        fix="load(path, like=net.init_params(0, *inputs)), or like=opt.init(params)",
    )
