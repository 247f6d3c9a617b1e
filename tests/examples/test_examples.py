"""Every example learns the same on both engines: a few steps, small, in this process."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

import unimod as um

FOLDER = pathlib.Path(__file__).parents[2] / "examples"


class Small(NamedTuple):
    """How an example is made small, and how much rounding may change its losses, relatively."""

    constants: dict[str, Any]
    arguments: tuple[str, ...] = ()
    tolerance: float = 1e-4
    steps: int = 5


# Where float32 is computed, 1e-6 was seen; float16 has steps of 1e-3, and the mean over a batch is better.
SMALL = {
    "char_rnn": Small({"BATCH": 4, "LENGTH": 12, "HIDDEN": 16}, ("--write", "5")),
    "dcgan": Small({"BATCH": 8, "WIDTH": 4}),
    "denoising_diffusion": Small({"HIDDEN": 16, "BATCH": 64}),
    "fine_tune_resnet": Small({"SHOTS": 8, "BLOCKS": (1, 1), "CHANNELS": (8, 16)}, (), 1e-3, 25),
    "mnist": Small({"CHANNELS": (4, 8)}),
    "mnist float16": Small({"CHANNELS": (4, 8)}, ("--compute", "float16"), 1e-2),
    "switch_engine": Small({"HIDDEN": 16}, ("--every", "2")),
    "transformer": Small({"BATCH": 4, "LENGTH": 16, "FEATURES": 16, "LAYERS": 1, "HEADS": 2}, ("--write", "5")),
    "unet_mixed_precision": Small({"BATCH": 4, "SIZE": 12, "CHANNELS": (8,)}, (), 1e-2),
    "vae": Small({"CODE": 2, "HIDDEN": (16,)}),
    "wave_gru": Small({"BATCH": 4, "FRAMES": 3, "FRAME": 8, "HIDDEN": 8}),
}


@pytest.fixture(autouse=True)
def _graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps on torch are traced graphs; inductor would take a minute for each."""
    monkeypatch.setenv("UNIMOD_TORCH_COMPILER", "graph")


@pytest.fixture(params=SMALL)
def example(request: pytest.FixtureRequest) -> Iterator[tuple[ModuleType, Small]]:
    small = SMALL[request.param]
    module = load(request.param.split()[0])
    for name, value in small.constants.items():
        assert hasattr(module, name)
        setattr(module, name, value)
    yield module, small
    del sys.modules[module.__name__]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def curve(losses: Any) -> np.ndarray:
    """Losses as ``(steps, losses of a step)``."""
    return np.asarray(losses, "float64").reshape(len(losses), -1)


@pytest.mark.needs("jax", "torch")
def test_example(example: tuple[ModuleType, Small], capsys: pytest.CaptureFixture[str]) -> None:
    module, small = example
    found, rest = {}, ["--steps", str(small.steps), *small.arguments]
    for backend in ("jax", "torch"):
        model, losses = module.main(["--backend", backend, *rest])
        um.testing.assert_native(model, backend)
        found[backend] = curve(losses)
        assert found[backend][-1, 0] < found[backend][0, 0]
    assert found["jax"].shape == found["torch"].shape
    np.testing.assert_allclose(found["torch"], found["jax"], rtol=small.tolerance)
    assert "loss" in capsys.readouterr().out
    again = curve(module.main(["--backend", "torch", *rest])[1])
    np.testing.assert_array_equal(again, found["torch"])


def test_every_example_is_here() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names - {"digits"} == {name.split()[0] for name in SMALL}
