"""``python -m unimod``: the versions, the backends, and which of them is chosen and why."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

from unimod import config
from unimod._version import __version__
from unimod.backends import _registry
from unimod.errors import UnimodError

REASONS = {
    "set_backend": "set_backend was called",
    "use_backend": "a use_backend block is open",
    config.VARIABLE: f"the environment variable {config.VARIABLE} names it",
    "installed": "it is the first that is installed",
}


def main() -> int:
    """Print the report; the status is 1 where no backend can be chosen."""
    print(f"unimod {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    print()
    for name in _registry.names():
        print(f"  {name:<8} {describe(name)}")
    print()
    try:
        print(chosen())
    except UnimodError as error:
        print(f"no backend can be chosen: {error}", file=sys.stderr)
        return 1
    return 0


def describe(name: str) -> str:
    """The framework of a backend with its version, or how to get it; the framework is not imported."""
    entry = _registry.BUILTIN.get(name)
    if entry is None:
        return "registered by another package"
    if not _registry.is_installed(name):
        return f"not installed: {entry.hint}"
    try:
        return f"{entry.framework} {importlib.metadata.version(entry.framework)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{entry.framework}, version unknown"


def chosen() -> str:
    """Which backend makes arrays that are created from nothing, which rule says so, and where they live."""
    info = config.backend_info()
    return f"chosen: {info.name}, because {REASONS[info.rule]}; devices: {', '.join(info.devices)}"


if __name__ == "__main__":
    raise SystemExit(main())
