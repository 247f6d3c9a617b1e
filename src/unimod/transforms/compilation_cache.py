"""``set_compilation_cache``: compiled programs that outlive the process."""

from __future__ import annotations

import os
import pathlib

from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.errors import OptionError

_process_wide: list[pathlib.Path | None] = []


def set_compilation_cache(directory: str | os.PathLike[str] | None) -> None:
    """Keep compiled programs in a directory, where later processes find them; on every engine that compiles.

    Tracing is done anew in each process, compiling only where the directory has no program for the same graph, options
    and versions. Call it at the start.

    Args:
        directory: is made if it is not there; each engine has a folder of its own in it. None: what the framework does
            by itself (JAX keeps nothing, torch has a folder for temporary files).

    Raises:
        OptionError: there is a file of that name.

    Example:
        >>> import tempfile
        >>> import unimod as um
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     um.set_compilation_cache(directory)
        ...     um.set_compilation_cache(None)

    Differences: on JAX this is ``jax_compilation_cache_dir``, for programs of any size; on torch
    ``TORCHINDUCTOR_CACHE_DIR``. Who can write into the directory decides what is run: share it with nobody.
    """
    path = None if directory is None else pathlib.Path(directory).absolute()
    if path is not None and path.exists() and not path.is_dir():
        raise OptionError("The compilation cache needs a directory.", got=f"the file {path}", fix="pass a directory")
    _process_wide[:] = [path]
    for engine in _registry.loaded():
        _tell(engine)


def _tell(engine: Engine) -> None:
    """Tell an engine what was said last."""
    tell = getattr(engine.compile, "set_cache", None)
    for path in _process_wide:
        if tell is not None:
            own = None if path is None else path / engine.name
            if own is not None:
                own.mkdir(parents=True, exist_ok=True)
            tell(None if own is None else str(own))


_registry.on_load(_tell)
