"""Run the public suite of the Array API standard against ``unimod.numpy``: ``python -m tests.array_api torch jax``.

The suite (https://github.com/data-apis/array-api-tests) is on no package index. ``ARRAY_API_TESTS`` names the folder of
a checkout with its submodule; without it nothing is run, and the reason is printed. Failures that are known stand in
``<engine>.txt``, each with its reason; a known failure that passes is a failure too, so the list can only be true.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

VARIABLE = "ARRAY_API_TESTS"
VERSION = "2024.12"
HERE = pathlib.Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
SETTINGS = {
    "jax": {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"},
    "torch": {"ARRAY_API_TESTS_SKIP_DTYPES": "uint16,uint32,uint64"},
    "numpy": {},
}
"""How each engine is run: JAX with 64 bits, and torch without the dtypes for which it has no arithmetic."""


def known_failures(engine: str) -> dict[str, str]:
    """The ids of the tests that fail on an engine, with the reasons."""
    path = HERE / f"{engine}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = [line.split("  # ", 1) for line in lines if line.strip() and not line.startswith("#")]
    return {test.strip(): reason.strip() for test, reason in pairs}


def missing() -> str:
    """Why the suite cannot be run; nothing if it can."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return f"{VARIABLE} names no checkout of https://github.com/data-apis/array-api-tests"
    parts = [pathlib.Path(folder) / name for name in ("array_api_tests", "array-api/src")]
    if not all(part.is_dir() for part in parts):
        return f"{VARIABLE}={folder} has no suite, or not its submodule array-api"
    absent = [name for name in ("pytest_jsonreport", "ndindex") if importlib.util.find_spec(name) is None]
    if absent:
        return f"the suite needs {' and '.join(absent)}, which cannot be imported"
    return ""


def run(engine: str, examples: int, arguments: list[str]) -> int:
    """Run the suite on one engine; the exit status of pytest."""
    environment = {
        **os.environ,
        "UNIMOD_BACKEND": engine,
        "OMP_NUM_THREADS": "1",
        "ARRAY_API_TESTS_MODULE": "unimod.numpy",
        "ARRAY_API_TESTS_VERSION": VERSION,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCES), os.environ.get("PYTHONPATH")))),
        **SETTINGS[engine],
    }
    with tempfile.TemporaryDirectory() as folder:
        listed = pathlib.Path(folder) / "xfails.txt"
        listed.write_text("\n".join(known_failures(engine)) + "\n")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=line",
            "-o",
            "xfail_strict=true",
            "-p",
            "no:cacheprovider",
        ]
        command += ["-p", "no:unimod", "--disable-deadline", "--derandomize", "--max-examples", str(examples)]
        command += ["--xfails-file", str(listed), *(arguments or ["array_api_tests"])]
        return subprocess.run(command, env=environment, cwd=os.environ[VARIABLE], check=False).returncode


def main() -> int:
    """The command line: names of engines, ``--max-examples``; everything else goes to pytest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-examples", type=int, default=10, help="examples for each test (default: 10)")
    options, arguments = parser.parse_known_args()
    engines = [argument for argument in arguments if argument in SETTINGS] or ["torch", "jax"]
    if reason := missing():
        print(f"array-api-tests: skipped, because {reason}")
        return 0
    arguments = [argument for argument in arguments if argument not in SETTINGS]
    return max(run(engine, options.max_examples, arguments) for engine in engines)


if __name__ == "__main__":
    raise SystemExit(main())
