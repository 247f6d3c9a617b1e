"""Programs that are lowered, compiled and saved before they are called."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import export as jax_export

from unimod.backends._concrete import value_needed
from unimod.backends._protocol import Array, FlatFn
from unimod.backends.jax.autodiff import VALUE_NEEDED, as_arrays
from unimod.errors import CapabilityError

_ABOUT, _PROGRAM = "about.json", "program.mlirbc"
_MEMORY = (
    "argument_size_in_bytes",
    "output_size_in_bytes",
    "alias_size_in_bytes",
    "temp_size_in_bytes",
    "generated_code_size_in_bytes",
)


class Lowered:
    """A function, as StableHLO."""

    def __init__(self, fn: FlatFn, leaves: list[Array], donate: Sequence[int], options: Mapping[str, Any]) -> None:
        self.extra: Any = None
        self.options = dict(options)
        try:
            self.lowered = jax.jit(self._flat(fn), donate_argnums=tuple(donate)).lower(*leaves)
        except VALUE_NEEDED as error:
            raise value_needed(error, jax.__file__) from error

    def _flat(self, fn: FlatFn) -> Any:
        def flat(*leaves: Array) -> list[Array]:
            outputs, self.extra = fn(list(leaves))
            return as_arrays(outputs)

        return flat

    def as_text(self) -> str:
        """The program, as StableHLO."""
        return str(self.lowered.as_text())

    def compile(self) -> Compiled:
        """The machine code."""
        return Compiled(self.lowered.compile(self.options or None), self.extra)


class Compiled:
    """A function, compiled."""

    def __init__(self, compiled: Any, extra: Any) -> None:
        self.compiled, self.extra = compiled, extra

    def run(self, leaves: list[Array]) -> tuple[list[Array], Any]:
        """The outputs, and what the function returned beside them."""
        return list(self.compiled(*as_arrays(leaves))), self.extra

    def as_text(self) -> str:
        """The program after XLA's passes, as HLO."""
        return str(self.compiled.as_text())

    def cost(self) -> dict[str, float]:
        """What XLA counts."""
        found = self.compiled.cost_analysis() or {}
        found = found[0] if isinstance(found, list) else found
        return {name: float(value) for name, value in found.items()}

    def memory(self) -> dict[str, float]:
        """Bytes of buffers and code."""
        found = self.compiled.memory_analysis()
        return {} if found is None else {name: float(getattr(found, name)) for name in _MEMORY}


def lower(
    fn: FlatFn,
    leaves: list[Array],
    *,
    donate: Sequence[int] = (),
    compiler: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Lowered:
    """``fn``, lowered for leaves like these."""
    return Lowered(fn, as_arrays(leaves), donate, options or {})


def export(fn: FlatFn, leaves: list[Array]) -> dict[str, bytes]:
    """``fn`` for leaves like these, as StableHLO that later versions of JAX can read.

    Raises:
        CapabilityError: it calls back into Python.
    """
    try:
        exported = jax_export.export(jax.jit(lambda *xs: as_arrays(fn(list(xs))[0])))(*as_arrays(leaves))
    except NotImplementedError as error:
        raise CapabilityError("JAX cannot save this function.", got=str(error)[:300]) from error
    about = {
        "in": [_spec(aval) for aval in exported.in_avals],
        "out": [_spec(aval) for aval in exported.out_avals],
        "platforms": list(exported.platforms),
        "convention": exported.calling_convention_version,
        "kept": list(exported.module_kept_var_idx),
        "constants": exported.uses_global_constants,
    }
    return {_ABOUT: json.dumps(about).encode(), _PROGRAM: bytes(exported.mlir_module_serialized)}


def import_exported(files: dict[str, bytes]) -> FlatFn:
    """The function in the files."""
    about = json.loads(files[_ABOUT])
    struct: Any = jax.ShapeDtypeStruct
    inputs, outputs = ([struct(shape, dtype) for shape, dtype in about[side]] for side in ("in", "out"))

    def like_it(*_: Array) -> list[Array]:
        return [jnp.zeros(spec.shape, spec.dtype) for spec in outputs]

    # JAX's own way to write an exported function needs a further package; the program is the same with this one.
    exported: Any = dataclasses.replace(
        jax_export.export(jax.jit(like_it))(*inputs),
        mlir_module_serialized=files[_PROGRAM],
        platforms=tuple(about["platforms"]),
        calling_convention_version=about["convention"],
        module_kept_var_idx=tuple(about["kept"]),
        uses_global_constants=about["constants"],
    )
    return lambda leaves: (list(exported.call(*leaves)), None)


def _spec(aval: Any) -> tuple[list[int], str]:
    return list(aval.shape), str(aval.dtype)


def set_cache(directory: str | None) -> None:
    """Keep compiled programs in a directory for later processes; None: keep none."""
    update: Any = jax.config.update
    update("jax_compilation_cache_dir", directory)
    # JAX by itself keeps only what took a second or more.
    update("jax_persistent_cache_min_compile_time_secs", 1.0 if directory is None else 0.0)
    update("jax_persistent_cache_min_entry_size_bytes", 0 if directory is None else -1)
    from jax.experimental.compilation_cache import compilation_cache

    reset: Any = compilation_cache.reset_cache
    reset()
