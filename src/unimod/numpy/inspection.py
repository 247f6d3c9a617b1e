"""What the namespace says about itself: ``__array_namespace_info__`` of the Array API standard."""

from __future__ import annotations

from typing import Any

from unimod.backends import _capabilities as has
from unimod.backends._protocol import Engine
from unimod.config import default_engine
from unimod.dtypes import ALL, DType, complex64, float32, int32
from unimod.numpy._options import device_on
from unimod.numpy.data_types import isdtype

_STANDARD = tuple(name for name in ALL if name not in ("float16", "bfloat16"))
_WIDE_UNSIGNED = ("uint16", "uint32", "uint64")


class NamespaceInfo:
    """What the chosen engine can do, as the standard asks; made by ``__array_namespace_info__()``.

    Example:
        >>> import unimod.numpy as unp
        >>> info = unp.__array_namespace_info__()
        >>> info.default_dtypes()["real floating"], "int8" in info.dtypes(kind="integral")
        (float32, True)

    Source: https://data-apis.org/array-api/2024.12/API_specification/inspection.html
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __repr__(self) -> str:
        return f"<namespace info of {self._engine.name}>"

    def capabilities(self) -> dict[str, Any]:
        """Whether bool arrays may be indices and shapes may depend on data (outside ``um.jit`` they may)."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        """The device on which arrays are made."""
        return self._engine.arrays.devices()[0][1]

    def devices(self) -> list[Any]:
        """The engine's own devices, each of which ``device=`` takes."""
        return [device for _, device in self._engine.arrays.devices()]

    def default_dtypes(self, *, device: object = None) -> dict[str, DType]:
        """The dtypes of what is made without one."""
        device_on(self._engine, device)
        return {"real floating": float32, "complex floating": complex64, "integral": int32, "indexing": int32}

    def dtypes(self, *, device: object = None, kind: str | tuple[str, ...] | None = None) -> dict[str, DType]:
        """The standard's dtypes in which the engine can calculate now, by name; those of a kind, or of all."""
        device_on(self._engine, device)
        return {str(name): name for name in _STANDARD if self._has(name) and (kind is None or isdtype(name, kind))}

    def _has(self, name: DType) -> bool:
        facts = self._engine.facts
        if name in _WIDE_UNSIGNED and has.UNSIGNED not in facts.CAPABILITIES:
            return False
        is_wide = name.bits == (128 if name.kind == "complex" else 64)
        return facts.has_x64() or not is_wide


def __array_namespace_info__(*, backend: str | None = None) -> NamespaceInfo:  # noqa: N807
    """What the chosen engine can do: its devices, its dtypes and its capabilities.

    Example:
        >>> import unimod.numpy as unp
        >>> unp.__array_namespace_info__().capabilities()["boolean indexing"]
        True
    """
    return NamespaceInfo(default_engine(backend))
