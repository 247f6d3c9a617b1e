"""Reading ``docs/differences.md``: every row of its tables is a program, and says what comes out on which engine."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import warnings
from typing import Any

import numpy as np

import unimod as um
import unimod.numpy as unp
from unimod.dtypes import DType

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "differences.md"
DTYPES = {
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    "i8": "int8",
    "i32": "int32",
    "u8": "uint8",
    "c64": "complex64",
}


@dataclasses.dataclass(frozen=True)
class Line:
    """A row: a program of native code, what it gives on JAX and torch; ours, and what that gives on every engine."""

    native: str
    jax: str
    torch: str
    ours: str
    result: str


def lines() -> list[Line]:
    """All rows of all tables of five columns."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return [Line(*(cell.strip().strip("`") for cell in re.split(r"(?<!\\) \| ", row.strip("| ")))) for row in rows]


def outcome(program: str, engine: str) -> str:
    """What a program gives on an engine: an array as ``f32 [1.0, 2.0]``, an error as its class, else the repr."""
    with um.use_backend(engine), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return told(eval(program.replace("\\|", "|"), names(engine)))
        except Exception as error:
            return type(error).__name__


def names(engine: str) -> dict[str, Any]:
    """What a program may use: short constructors, the functions of unimod.numpy, and those of the framework."""
    makers = {short: lambda data, dtype=dtype: unp.asarray(data, dtype=dtype) for short, dtype in DTYPES.items()}
    own = {name: getattr(unp, name) for name in unp.__all__}
    return {**own, **makers, **framework(engine), "np": np, "um": um, "unp": unp, "bools": bools, "cube": cube}


def framework(engine: str) -> dict[str, Any]:
    """``F``, the framework's own functions, and ``slope``, its own derivative."""
    if engine == "jax":
        import jax
        import jax.numpy as jnp

        return {"F": jnp, "slope": jax.grad, "put": lambda x, i, y: x.__setitem__(i, y)}
    if engine == "torch":
        import torch

        return {"F": torch, "slope": torch_slope, "put": put}
    return {}


def torch_slope(fn: Any) -> Any:
    def derivative(x: Any) -> Any:
        x = x.detach().requires_grad_()
        fn(x).backward()
        return x.grad

    return derivative


def put(x: Any, index: Any, value: Any) -> Any:
    x[index] = value
    return x


def bools(data: Any) -> Any:
    return unp.asarray(data, dtype="bool")


def cube() -> Any:
    return unp.zeros((2, 3, 4))


def told(value: Any) -> str:
    """The text of a value."""
    if um.is_array(value):
        return f"{DType(um.dtype_of(value)).short} {rounded(unp.to_numpy(value).tolist())}"
    return repr(tuple(value) if isinstance(value, tuple) else value)


def rounded(data: Any) -> Any:
    if isinstance(data, list):
        return [rounded(one) for one in data]
    return round(data, 4) + 0.0 if isinstance(data, float) else data
