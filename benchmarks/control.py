"""A user's own cell in um.scan, forward and backward: time to compile by length, and time to run."""

from __future__ import annotations

import time

import jax
import torch
import torch._inductor.config

import unimod as um
from benchmarks._measure import Row, compare, repeat

BATCH, SIZE, LENGTH = 32, 128, 64
PAIRS = 21
COMPILES = 3


def run() -> list[Row]:
    torch.set_num_threads(1)
    return [
        *compiled("jax", "inductor"),
        *compiled("torch", "graph"),
        *compiled("torch", "inductor"),
        on_torch(),
        on_jax(),
    ]


def loss_of(parameters, xs):
    kernel, recurrent_kernel, bias = parameters

    def step(state, x):
        h, c = state
        gates = um.numpy.matmul(x, kernel) + um.numpy.matmul(h, recurrent_kernel) + bias
        i, f, g, o = (gates[:, n * SIZE : (n + 1) * SIZE] for n in range(4))
        c = um.nn.sigmoid(f) * c + um.nn.sigmoid(i) * um.numpy.tanh(g)
        h = um.nn.sigmoid(o) * um.numpy.tanh(c)
        return (h, c), h

    zeros = um.numpy.zeros_like(xs[0])
    return um.numpy.mean(um.numpy.square(um.scan(step, (zeros, zeros), xs)[1]))


def arguments(backend, length):
    with um.use_backend(backend):
        keys = um.random.split(um.random.key(0), 3)
        kernels = [0.05 * um.random.normal(keys[i], (SIZE, 4 * SIZE)) for i in range(2)]
        xs = um.random.normal(keys[2], (length, BATCH, SIZE))
        return (*kernels, um.numpy.zeros((4 * SIZE,))), xs


def compiled(backend, compiler) -> list[Row]:
    """What the first call takes longer than the second, with 512 steps and with 8."""

    def extra(length):
        args, jitted = arguments(backend, length), um.jit(um.value_and_grad(loss_of), compiler=compiler)
        return timed(jitted, args) - min(timed(jitted, args) for _ in range(2))

    with torch._inductor.config.patch(force_disable_caches=True):
        pairs = [[extra(length) for length in (512, 8)] for _ in range(COMPILES)]
    ours, theirs = (1e6 * min(times) for times in zip(*pairs, strict=True))
    ratios = sorted(a / b for a, b in pairs)
    name = f"compiling 512 steps, {backend}" + (f", {compiler}" if backend == "torch" else "")
    return [Row(name, "8 steps", "<= 1.5", ours, theirs, ratios[COMPILES // 2], ratios[0], ratios[-1], ours - theirs)]


def timed(fn, args) -> float:
    start = time.perf_counter()
    wait(fn(*args))
    return time.perf_counter() - start


def wait(result) -> None:
    if um.engine_of(*um.tree.leaves(result)).name == "jax":
        jax.block_until_ready(um.tree.leaves(result))


def on_torch() -> Row:
    """Against the kernel of torch, which no cell of a user has."""
    parameters, xs = arguments("torch", LENGTH)
    jitted = um.jit(um.value_and_grad(loss_of))
    native = torch.nn.LSTM(SIZE, SIZE)

    def theirs():
        return torch.autograd.grad(native(xs)[0].square().mean(), list(native.parameters()))

    ours, theirs = repeat(lambda: jitted(parameters, xs)), repeat(theirs)
    return compare("LSTM of 64 steps, torch, um.jit", ours, theirs, baseline="torch.nn.LSTM", pairs=PAIRS)


def on_jax() -> Row:
    parameters, xs = arguments("jax", LENGTH)
    jitted = um.jit(um.value_and_grad(loss_of))

    def loss(parameters, xs):
        kernel, recurrent_kernel, bias = parameters

        def step(state, x):
            h, c = state
            i, f, g, o = jax.numpy.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
            h = jax.nn.sigmoid(o) * jax.numpy.tanh(c)
            return (h, c), h

        zeros = jax.numpy.zeros_like(xs[0])
        return jax.numpy.mean(jax.lax.scan(step, (zeros, zeros), xs)[1] ** 2)

    native = jax.jit(jax.value_and_grad(loss))
    ours = repeat(lambda: jitted(parameters, xs), lambda result: wait(result))
    theirs = repeat(lambda: native(parameters, xs), jax.block_until_ready)
    return compare(
        "LSTM of 64 steps, jax, um.jit", ours, theirs, baseline="jax.lax.scan", target="<= 1.05", pairs=PAIRS
    )
