"""Functions of unimod.numpy on small arrays: what a call adds to the framework's own function.

The first row is the least that any function written in Python adds: one that only calls torch's. Under ``jit`` nothing
of a call is left, which the last rows show.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import torch

import unimod as um
import unimod.numpy as unp
from benchmarks._machine import use_synchronous_dispatch
from benchmarks._measure import Row, compare, repeat

TARGET = "added <= 0.25 us"
DEPTH = 20


def plain(x, y):
    return torch.add(x, y)


def pairs():
    x, y, m = torch.rand(4), torch.rand(4), torch.rand(4, 4)
    condition, indices = x > 0.5, torch.tensor([0, 2])
    return {
        "a Python function": (plain, torch.add, (x, y)),
        "add": (unp.add, torch.add, (x, y)),
        "add(x, 2.0)": (unp.add, torch.add, (x, 2.0)),
        "subtract": (unp.subtract, torch.sub, (x, y)),
        "multiply": (unp.multiply, torch.mul, (x, y)),
        "divide": (unp.divide, torch.div, (x, y)),
        "maximum": (unp.maximum, torch.maximum, (x, y)),
        "less": (unp.less, torch.lt, (x, y)),
        "exp": (unp.exp, torch.exp, (x,)),
        "tanh": (unp.tanh, torch.tanh, (x,)),
        "square": (unp.square, torch.square, (x,)),
        "matmul": (unp.matmul, torch.matmul, (m, m)),
        "sum": (unp.sum, torch.sum, (x,)),
        "sum(m, 0)": (unp.sum, torch.sum, (m, 0)),
        "mean(m, 0)": (unp.mean, torch.mean, (m, 0)),
        "max(m, 0)": (unp.max, torch.amax, (m, 0)),
        "reshape": (unp.reshape, torch.reshape, (m, (2, 8))),
        "permute_dims": (unp.permute_dims, torch.permute, (m, (1, 0))),
        "expand_dims": (unp.expand_dims, torch.unsqueeze, (x, 0)),
        "broadcast_to": (unp.broadcast_to, torch.broadcast_to, (x, (4, 4))),
        "concat": (unp.concat, torch.cat, ((x, y),)),
        "stack": (unp.stack, torch.stack, ((x, y),)),
        "where": (unp.where, torch.where, (condition, x, y)),
        "take": (unp.take, lambda m, i: torch.index_select(m, 0, i), (m, indices)),
    }


def eager() -> list[Row]:
    rows = []
    for name, (ours, theirs, args) in pairs().items():
        loops = [repeat(lambda fn=fn, args=args: fn(*args)) for fn in (ours, theirs)]
        rows.append(compare(name, *loops, baseline="torch", target=TARGET))
    return rows


def chained(namespace, x):
    for _ in range(DEPTH):
        x = namespace.tanh(namespace.add(x, namespace.multiply(x, x)))
    return x


def jitted() -> list[Row]:
    """The same program through um.jit, written with our functions and with the framework's."""
    use_synchronous_dispatch()
    rows = []
    for name, namespace, x in (("jax", jnp, jnp.ones(4)), ("torch", torch, torch.ones(4))):
        ours, theirs = (um.jit(lambda x, space=space: chained(space, x)) for space in (unp, namespace))
        wait = jax.block_until_ready if name == "jax" else lambda result: None
        loops = [repeat(lambda fn=fn, x=x: fn(x), wait) for fn in (ours, theirs)]
        rows.append(compare(f"{3 * DEPTH} calls, um.jit", *loops, baseline=f"{name}'s functions, um.jit"))
    return rows


def run() -> list[Row]:
    torch.set_num_threads(1)
    return [*eager(), *jitted()]
