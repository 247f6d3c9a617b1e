"""Run workloads, print a table of ratios, and write them to a JSON file."""

from __future__ import annotations

import argparse
import importlib
import pathlib

from benchmarks import _machine, _report

WORKLOADS = (
    "import_time",
    "tree",
    "jax_structure",
    "jax_dispatch",
    "torch_forward",
    "torch_train",
    "random",
    "recurrent",
    "namespace",
    "conv",
    "attention",
    "normalization",
    "optimizers",
    "workloads",
    "control",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of: {', '.join(WORKLOADS)} (default: all)")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path(__file__).with_name("results.json"))
    parser.add_argument("--only", nargs="+", metavar="net", help="of workloads: these networks")
    parser.add_argument("--engine", choices=("torch", "jax"), help="of workloads: this engine")
    options = parser.parse_args()
    unknown = set(options.names) - set(WORKLOADS)
    if unknown:
        parser.error(f"there is no workload called {', '.join(sorted(unknown))}")
    _machine.use_one_thread()
    print(_machine.in_words())
    for name in options.names or WORKLOADS:
        workload = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {workload.__doc__.splitlines()[0]}", flush=True)
        for part in workload.parts(**_narrowed(options)) if name == "workloads" else [workload.run]:
            rows = part()
            _report.show(rows)
            _report.write(options.json, name, rows, getattr(workload, "NOTES", ()), keep=name == "workloads")


def _narrowed(options: argparse.Namespace) -> dict[str, object]:
    only = {} if options.only is None else {"only": options.only}
    return only if options.engine is None else {**only, "engines": [options.engine]}


if __name__ == "__main__":
    main()
