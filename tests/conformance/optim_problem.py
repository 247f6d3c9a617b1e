"""A problem for optimizers, fifty steps on it by our engines, and the same steps by optax, on plain arrays of JAX."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import unimod as um
import unimod.numpy as unp
from tests.conformance.optim_making import SCHEDULES, Optax
from tests.conformance.optim_table import ROWS

STEPS = 50


INPUTS = np.linspace(-1.0, 1.0, 18).reshape(6, 3)
TARGETS = INPUTS[:, :1] * INPUTS[:, 1:2]


def start(row: str = "adam") -> dict[str, np.ndarray]:
    """Parameters of a quadratic, of Rosenbrock's function, of a quartic, and of a small network; exact in float32."""
    rng = np.random.default_rng(0)
    params = {
        "q": rng.normal(size=3),
        "r": np.asarray([-1.2, 1.0]),
        "s": rng.normal(size=1 if ROWS[row].has_axes else ()),
        "v": rng.normal(size=(4, 1)),
        "w": rng.normal(size=(3, 4)),
    }
    return {name: np.asarray(x, "float32").astype("float64") for name, x in params.items()}


def value(xp: Any, params: Any, x: Any, y: Any) -> Any:
    """The sum of the four functions (of Rosenbrock's a 400th)."""
    q, s, a, b = params["q"], params["s"], params["r"][0], params["r"][1]
    rest = xp.matmul(xp.tanh(xp.matmul(x, params["w"])), params["v"]) - y
    bent = (1.0 - a) * (1.0 - a) / 400.0 + (b - a * a) * (b - a * a) / 4.0
    return xp.sum(1.5 * q * q - q) + bent + xp.sum(s * s * s * s) / 4.0 + xp.sum(rest * rest) / 6.0


def slope(xp: Any, params: Any, x: Any, y: Any) -> Any:
    """Its gradient, by hand: the same numbers on every engine, but for rounding."""
    a, b = params["r"][0], params["r"][1]
    hidden = xp.tanh(xp.matmul(x, params["w"]))
    rest = (xp.matmul(hidden, params["v"]) - y) / 3.0
    back = xp.matmul(rest, xp.matrix_transpose(params["v"])) * (1.0 - hidden * hidden)
    return {
        "q": params["q"] * 3.0 - 1.0,
        "r": xp.stack([a * (a * a - b) - (1.0 - a) / 200.0, (b - a * a) / 2.0]),
        "s": params["s"] * params["s"] * params["s"],
        "v": xp.matmul(xp.matrix_transpose(hidden), rest),
        "w": xp.matmul(xp.matrix_transpose(x), back),
    }


# Ours -----------------------------------------------------------------------------------------------------------------


def arrays(tree: Any, backend: str, dtype: str) -> Any:
    """The numbers of a dict as arrays."""
    return {name: unp.asarray(x, dtype=dtype, backend=backend) for name, x in tree.items()}


def host(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a dict as arrays of NumPy."""
    return {name: np.asarray(um.to_backend(x, "numpy")) for name, x in tree.items()}


def step(opt: Any, params: Any, x: Any, y: Any, **hyper: Any) -> Any:
    """One step, with what the optimizer asks for beside the gradients."""
    needed = set(opt.hyperparameters())
    if "value" in needed:
        hyper["value"] = value(unp, params, x, y)
    if "value_fn" in needed:
        hyper["value_fn"] = lambda params: value(unp, params, x, y)
    return opt.step(params, slope(unp, params, x, y), **hyper)


@functools.cache
def stepper(row: str, backend: str) -> Any:
    """One step, jitted where operations one by one are slow; one for all tests of a row."""
    return um.jit(step) if backend == "jax" else step


def walk(row: str, opt: Any, params: Any, backend: str, dtype: str, steps: int) -> Any:
    """``(params, opt, path)`` after some steps; the path has a dict of the parameters after each."""
    data = [unp.asarray(z, dtype=dtype, backend=backend) for z in (INPUTS, TARGETS)]
    path = []
    for _ in range(steps):
        opt_and = stepper(row, backend)(opt, params, *data)
        params, opt = opt_and
        path.append(host(params))
    return params, opt, path


def ours(row: str, backend: str, dtype: str, schedule: str | None = None, steps: int = STEPS) -> Any:
    """``(params, opt, path)`` of a row of the table."""
    rate = None if schedule is None else SCHEDULES[schedule](um.optim, ROWS[row].rate)
    params = arrays(start(row), backend, dtype)
    return walk(row, ROWS[row].ours(rate).init(params), params, backend, dtype, steps)


# optax ----------------------------------------------------------------------------------------------------------------


@functools.cache
def _optax(row: str) -> Any:
    """``(params, data, rates, noise) -> path``, compiled once for all schedules."""
    import jax
    import jax.numpy as jnp
    import optax

    def run(params: Any, data: Any, rates: Any, noise: Any) -> Any:
        rate = (lambda count: rates[count]) if ROWS[row].is_scheduled else ROWS[row].rate
        opt = optax.with_extra_args_support(ROWS[row].make(Optax(), rate))
        fn = lambda params: value(jnp, params, *data)  # noqa: E731

        def one(carry: Any, noise: Any) -> Any:
            params, state = carry
            found = {name: g * noise[f"d{name}"] for name, g in slope(jnp, params, *data).items()}
            updates, state = opt.update(found, state, params, value=fn(params), grad=found, value_fn=fn)
            params = {name: p * noise[name] for name, p in optax.apply_updates(params, updates).items()}
            return (params, state), params

        return jax.lax.scan(one, (params, opt.init(params)), noise)[1]

    return jax.jit(run)


@functools.cache
def of_optax(
    row: str, schedule: str | None = None, dtype: str = "float64", noise: float = 0.0
) -> dict[str, np.ndarray]:
    """The parameters after each of fifty steps: by name an array with an axis more.

    With noise, gradients and parameters are multiplied by ``1 + noise * u`` in each step, with ``u`` of -1 to 1.
    """
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(5)
    shapes = {f"{prefix}{name}": (STEPS, *x.shape) for prefix in ("", "d") for name, x in start(row).items()}
    with jax.enable_x64(True):
        cast = lambda tree: jax.tree.map(lambda x: jnp.asarray(x, dtype), tree)  # noqa: E731
        draws = cast({name: 1.0 + noise * rng.uniform(-1, 1, shape) for name, shape in shapes.items()})
        found = _optax(row)(cast(start(row)), cast((INPUTS, TARGETS)), cast(rates(row, schedule)), draws)
        return {name: np.asarray(x) for name, x in found.items()}


def rates(row: str, schedule: str | None) -> np.ndarray:
    """The learning rates of fifty steps: by optax where it has the schedule."""
    import optax

    base = ROWS[row].rate or 0.0
    if schedule is None:
        return np.full(STEPS, base)
    library = optax if hasattr(optax, schedule.partition("[")[0]) else um.optim
    made = SCHEDULES[schedule](library, base)
    return np.asarray([float(made(np.float64(count) if library is optax else count)) for count in range(STEPS)])


def distance(path: Any, other: dict[str, np.ndarray]) -> float:
    """The largest difference of parameters in all steps, in units of ``1 + |x|``; nan where a shape is another."""
    found = {name: np.stack([x[name] for x in path]) for name in other} if isinstance(path, list) else path
    if {name: x.shape for name, x in found.items()} != {name: x.shape for name, x in other.items()}:
        return float("nan")
    return float(max(np.max(np.abs(x - other[name]) / (1.0 + np.abs(other[name]))) for name, x in found.items()))


def rounding(row: str, eps: float, schedule: str | None = None) -> float:
    """How far roundings of this size, of the parameters and gradients in each step, lead optax itself."""
    return distance(of_optax(row, schedule, noise=eps), of_optax(row, schedule))
