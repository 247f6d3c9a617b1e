"""Whole train steps and inference of six networks, on both engines, against what one writes by hand.

``python -m benchmarks workloads [--only NAME ...] [--engine torch|jax]``. The first call (trace and compile) is
measured once for each way, one after the other, and peak memory is that of the whole process.
"""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Callable, Sequence

import unimod as um
from benchmarks._measure import Row, compare
from benchmarks.nets import ours, sizes

NAMES = tuple(sizes.OPTIMIZERS)
ENGINES = ("torch", "jax")
PAIRS = 15
TARGETS = {
    "torch": {"dispatch": 0.30, "deep": 0.35, "cnn": 1.0, "resnet": 0.72, "lstm": 1.0, "gpt": 0.90},
    "jax": {"dispatch": 1.0, "deep": 1.0, "cnn": 0.92, "resnet": 0.75, "lstm": 0.90, "gpt": 0.92},
    "eager": {"dispatch": 1.30, "cnn": 1.10, "resnet": 1.10, "gpt": 1.10},
}

Step = Callable[[], object]


def um_steps(name: str, engine: str, jit: Callable = um.jit) -> tuple[Step, Step, int]:
    """A train step, inference, and the number of parameters."""
    model = getattr(ours, name)().init(0, backend=engine)
    x, y = (um.numpy.asarray(array, backend=engine) for array in sizes.data(name))
    loss = ours.value_loss if name in sizes.REGRESSIONS else ours.class_loss
    kind, rate = sizes.OPTIMIZERS[name]
    options = {"momentum": um.optim.sgd, "adam": um.optim.adam, "adamw": um.optim.adamw}[kind]
    more = {"momentum": {"momentum": 0.9}, "adamw": {"weight_decay": 1e-2}}.get(kind, {})
    opt = options(rate, **more).init(model.parameters())

    def whole(model, opt, x, y):
        (value, model), grads = um.value_and_grad(lambda model: (loss(model, x, y), model), has_aux=True)(model)
        return *um.apply_gradients(model, opt, grads), value

    jitted, applied = jit(whole), jit(lambda model, x: model(x))
    state, still = [model, opt], model.eval()

    def step():
        *state[:], value = jitted(*state, x, y)
        return value

    return step, lambda: applied(still, x), um.nets.count_parameters(model)


def compiled_and_eager(name: str) -> list[Row]:
    """The rows of one network on torch."""
    import torch

    from benchmarks.nets import in_torch

    torch.set_num_threads(1)
    x, y = in_torch.data(name)

    def by_hand(compile: Callable = lambda model: model) -> tuple[Step, Step, int]:
        model = getattr(in_torch, name)()
        forward, optimizer = compile(model), in_torch.optimizer(name, model.parameters())

        def step():
            optimizer.zero_grad()
            loss = in_torch.loss_of(name, forward(x), y)
            loss.backward()
            optimizer.step()
            return loss

        still = getattr(in_torch, name)().eval()
        still_forward = compile(still)

        def infer():
            with torch.no_grad():
                return still_forward(x)

        return step, infer, sum(p.numel() for p in model.parameters())

    ways = {
        "um.jit": um_steps(name, "torch"),
        "um eager": um_steps(name, "torch", lambda fn: fn),
        "eager": by_hand(),
        "torch.compile": by_hand(torch.compile),
    }
    pairs = (("um.jit", "eager"), ("um.jit", "torch.compile"), ("um eager", "eager"))
    goals = {pairs[0]: TARGETS["torch"].get(name), pairs[1]: 1.0, pairs[2]: TARGETS["eager"].get(name)}
    return _rows(name, ways, goals, first=pairs[1], wait=lambda result: None)


def jitted(name: str) -> list[Row]:
    """The rows of one network on JAX."""
    import jax

    from benchmarks._machine import use_synchronous_dispatch
    from benchmarks.nets import in_flax

    use_synchronous_dispatch()
    x, y = in_flax.data(name)
    model, optimizer = getattr(in_flax, name)(), in_flax.optimizer(name)
    variables = dict(model.init(jax.random.key(0), x))
    params, statistics = variables.pop("params"), variables
    whole = jax.jit(in_flax.step_of(name, model, optimizer))
    applied = jax.jit(lambda variables, x: model.apply(variables, x, mutable=list(statistics)))
    state = [params, statistics, optimizer.init(params)]

    def step():
        *state[:], value = whole(*state, x, y)
        return value

    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    ways = {
        "um.jit": um_steps(name, "jax"),
        "Linen": (step, lambda: applied({"params": params, **statistics}, x), count),
    }
    pair = ("um.jit", "Linen")
    return _rows(name, ways, {pair: TARGETS["jax"].get(name)}, first=pair, wait=jax.block_until_ready)


def _rows(name: str, ways: dict, goals: dict, *, first: tuple[str, str], wait: Callable) -> list[Row]:
    counts = {way: count for way, (*_, count) in ways.items()}
    print(f"{name}: parameters {counts}", flush=True)
    firsts = {way: _seconds(lambda step=step: wait(step())) for way, (step, *_) in ways.items()}
    rows = []
    for (a, b), goal in goals.items():
        target = f"<= {goal:.2f}" if goal else ""
        rows += [_compared(f"{name}, train, {a}", ways[a][0], ways[b][0], b, target, wait)]
        if a == "um.jit":
            rows += [_compared(f"{name}, inference, {a}", ways[a][1], ways[b][1], b, "", wait)]
    mine, other = firsts[first[0]], firsts[first[1]]
    ratio = mine / other
    rows += [
        Row(f"{name}, first call", first[1], "", 1e6 * mine, 1e6 * other, ratio, ratio, ratio, 1e6 * (mine - other))
    ]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: peak of the process {megabytes:.0f} MB", flush=True)
    return rows


def _compared(name: str, a: Step, b: Step, baseline: str, target: str, wait: Callable) -> Row:
    return compare(name, _loop(a, wait), _loop(b, wait), baseline=baseline, target=target, pairs=PAIRS)


def _loop(step: Step, wait: Callable) -> Callable[[int], None]:
    def run(n: int) -> None:
        result = None
        for _ in range(n):
            result = step()
        wait(result)

    return run


def _seconds(fn: Step) -> float:
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def run(only: Sequence[str] = NAMES, engines: Sequence[str] = ENGINES) -> list[Row]:
    ways = {"torch": compiled_and_eager, "jax": jitted}
    rows = []
    for engine in engines:
        for name in only:
            rows += [_with_engine(row, engine) for row in ways[engine](name)]
    return rows


def _with_engine(row: Row, engine: str) -> Row:
    return dataclasses.replace(row, name=f"{engine}, {row.name}")
