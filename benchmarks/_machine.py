"""What is measured on, and how many threads it may use."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import pathlib
import platform

PACKAGES = ("numpy", "jax", "jaxlib", "optax", "torch", "dm-tree", "flax", "dm-haiku", "equinox", "keras")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def use_one_thread() -> None:
    """Must be called before a framework is imported."""
    os.environ.update(ONE_THREAD)


def use_synchronous_dispatch() -> None:
    """Let JAX run programs in the calling thread: whether another one takes over is chance, and doubles the time."""
    importlib.import_module("jax").config.update("jax_cpu_enable_async_dispatch", False)


def describe() -> dict[str, str]:
    """Processor, cores and versions."""
    versions = {name: _version(name) for name in PACKAGES}
    return {"cpu": _cpu(), "cores": str(os.cpu_count()), "python": platform.python_version(), **versions}


def in_words() -> str:
    """One line with the same."""
    return ", ".join(f"{name} {value}" for name, value in describe().items()) + ", one thread"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _cpu() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
