"""Steps as they run eagerly: what is done for a whole list at once gives the numbers of the formulas."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod import config
from unimod.optim import _lists
from unimod.optim._formulas import FORMULAS

OPTIMIZERS = {
    "sgd": lambda o: o.sgd(0.1),
    "momentum": lambda o: o.sgd(0.1, 0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda o: o.adam(0.1),
    "adamw": lambda o: o.adamw(0.1, weight_decay=0.1),
    "adabelief": lambda o: o.adabelief(0.1),
    "rmsprop": lambda o: o.rmsprop(0.1),
    "adagrad": lambda o: o.adagrad(0.1),
    "scheduled": lambda o: o.sgd(lambda count: 0.1 / (count + 1)),
    "named": lambda o: o.named_chain(("a", o.scale_by_sign()), ("b", o.scale_by_learning_rate(0.1))),
    "empty": lambda o: o.chain(),
}
# One rounding of the result for the two that a sum of a multiple may save, and some more of the update.
BOUNDS = {"float32": 5e-7, "float64": 1e-15, "bfloat16": 2**-6}


def lists_of(dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [unp.asarray(rng.normal(size=shape), dtype=dtype) for shape in ((3, 2), (), (4,), (1,))]


def host(tree):
    return [np.asarray(um.to_backend(unp.astype(x, "float64"), "numpy")) for x in um.tree.leaves(tree)]


def check_close(found, expected, bound):
    for one, two in zip(um.tree.leaves(found), um.tree.leaves(expected), strict=True):
        assert type(one) is type(two)
        assert um.dtype_of(one) == um.dtype_of(two)
        assert one.shape == two.shape
    for one, two in zip(host(found), host(expected), strict=True):
        np.testing.assert_allclose(one, two, rtol=bound, atol=bound / 10)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_adds_the_update_and_changes_no_argument(any_backend, name, dtype):
    with um.use_x64():
        params, grads = lists_of(dtype), lists_of(dtype, 1)
        opt = OPTIMIZERS[name](um.optim).init(params)
        _, opt = opt.step(params, grads)
        before = host((params, grads, opt))
        updates, one = opt.update(grads, params)
        found, two = opt.step(params, grads)
        check_close(found, um.optim.apply_updates(params, updates), BOUNDS[dtype])
        assert all(um.dtype_of(x) == dtype for x in found)
        for x, y in zip(host((one, found)), host((two, found)), strict=True):
            np.testing.assert_array_equal(x, y)
        for x, y in zip(host((params, grads, opt)), before, strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_step_refuses_gradients_of_other_shapes_with_a_rate_too(any_backend):
    params = {"a": unp.ones((3, 2)), "b": unp.ones(2)}
    opt = um.optim.sgd(0.1).init(params)
    with pytest.raises(um.ShapeError, match=r"params\['b'\]|params\.b"):
        opt.step(params, {"a": unp.ones((3, 2)), "b": unp.ones(1)})


# Lists of torch -------------------------------------------------------------------------------------------------------


ONE_BY_ONE = {
    "add": unp.add, "sub": unp.subtract, "mul": unp.multiply, "div": unp.divide, "maximum": unp.maximum,
    "minimum": unp.minimum,
}  # fmt: skip


@pytest.mark.parametrize("dtypes", ["float32", "float64", "bfloat16", "float16", "complex64", "mixed"])
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_number_for_a_whole_list_is_that_number_for_each(any_backend, name, dtypes):
    if dtypes == "complex64" and name in ("maximum", "minimum"):
        dtypes = "float32"
    with um.use_x64():
        xs = [*lists_of("float32"), *lists_of("float64")] if dtypes == "mixed" else lists_of(dtypes)
        found = getattr(_lists.of(config.engine_of(*xs)), name)(xs, 0.3)
        expected = [ONE_BY_ONE[name](x, 0.3) for x in xs]
        for one, two in zip(found, expected, strict=True):
            assert type(one) is type(two)
            assert (one.shape, um.dtype_of(one)) == (two.shape, um.dtype_of(two))
            np.testing.assert_array_equal(
                *(np.asarray(um.to_backend(unp.astype(x, "complex128"), "numpy")) for x in (one, two))
            )


@pytest.mark.parametrize("dtypes", ["float32", "float64", "bfloat16", "complex64"])
def test_a_multiple_is_added(any_backend, dtypes):
    with um.use_x64():
        xs, ys = lists_of(dtypes), lists_of(dtypes, 1)
        lists = _lists.of(config.engine_of(*xs))
        found = lists.add_scaled(xs, ys, -0.3)
        bound = BOUNDS.get(dtypes, 5e-7)
        for x, y, z in zip(xs, ys, found, strict=True):
            assert (z.shape, um.dtype_of(z)) == (x.shape, dtypes)
            wide = [np.asarray(um.to_backend(unp.astype(a, "complex128"), "numpy")) for a in (x, y, z)]
            np.testing.assert_allclose(wide[2], wide[0] - 0.3 * wide[1], rtol=bound, atol=bound)


MADE_AT_ONCE = {
    "scale_by_adam": {"b1": 0.9, "b2": 0.99, "eps": 1e-8},
    "scale_by_amsgrad": {"b1": 0.9, "b2": 0.99, "eps": 1e-8, "eps_root": 1e-8},
    "scale_by_belief": {"b1": 0.9, "b2": 0.99, "eps": 1e-16, "eps_root": 1e-16},
    "scale_by_rms": {"decay": 0.9, "eps": 1e-8, "eps_in_sqrt": True, "initial_scale": 0.0},
    "scale_by_rss": {"initial_accumulator_value": 0.0, "eps": 1e-7},
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MADE_AT_ONCE)
def test_what_torch_makes_at_once_is_what_the_formula_makes(name, dtype):
    """Where a derivative is followed nothing is made at once."""
    with um.use_backend("torch"):
        grads = [[*lists_of(dtype, seed), unp.asarray([0.0, -2.0], dtype=dtype)] for seed in range(3)]
        lists, options = _lists.of(config.engine_of(*grads[0])), MADE_AT_ONCE[name]
        results = []
        for is_followed in (False, True):
            state = FORMULAS[name].init(lists, grads[0], **options)
            for grad in grads:
                xs = [x.clone().requires_grad_(is_followed) for x in grad]
                found, state = FORMULAS[name].update(lists, xs, state, None, **options)
            assert all(x.requires_grad is is_followed for x in found)
            results.append([x.detach() for x in (*found, *um.tree.leaves(state))])
        check_close(*results, {"float32": 2e-6, "float64": 2e-14}[dtype])
        assert float(results[0][4][0]) == 0.0


@pytest.mark.needs("torch")
@pytest.mark.parametrize("part", ["adam", "decayed_squares", "over_root", "over_positive_root"])
def test_what_is_made_at_once_says_where_it_does_not_apply(part):
    with um.use_backend("torch"):
        xs = lists_of("float32")
        lists = _lists.of(config.engine_of(*xs))
        rest = {
            "adam": (lists.count(xs), 0.9, 0.99, 1e-8),
            "decayed_squares": (0.9,),
            "over_root": (1e-8, 0.0),
            "over_positive_root": (1e-8,),
        }[part]
        squares = lists.squares(xs)
        columns = (xs, squares, squares) if part == "adam" else (xs, squares)
        assert lists.at_once(part, *columns, *rest) is not None
        followed = [[x.clone().requires_grad_() for x in column] for column in columns]
        assert lists.at_once(part, *followed, *rest) is None
        mixed = [[*column[1:], unp.astype(column[0], "bfloat16")] for column in columns]
        assert lists.at_once(part, *mixed, *rest) is None
        assert lists.at_once(part, *([] for _ in columns), *rest) is None
        seen = []

        def noting(x):
            seen.append(lists.at_once(part, *([x] for _ in columns), *rest))
            return x

        um.vmap(noting)(unp.ones((2, 3)))
        um.jit(noting, compiler="graph")(unp.ones(3))
        assert seen == [None] * len(seen)
        assert len(seen) >= 2


# Searches on JAX ------------------------------------------------------------------------------------------------------


@pytest.mark.needs("jax")
def test_eager_steps_with_a_search_compile_nothing_after_the_first():
    jax = pytest.importorskip("jax")
    with um.use_backend("jax"):
        params = {"w": unp.asarray([1.0, -2.0, 0.5])}
        target = unp.asarray([0.3, 0.1, -0.7])
        opt = um.optim.lbfgs(memory_size=3).init(params)
        compiled = []

        def note(event, duration, **rest):
            if "backend_compile" in event:
                compiled.append(event)

        def step(params, opt):
            loss = lambda p: unp.sum(unp.square(unp.subtract(p["w"], target)) * unp.asarray([1.0, 3.0, 9.0]))  # noqa: E731
            value, grads = um.value_and_grad(loss)(params)
            return opt.step(params, grads, value=value, value_fn=loss)

        expected, after = params, opt
        jitted = um.jit(step)
        for _ in range(3):
            params, opt = step(params, opt)
            expected, after = jitted(expected, after)
        np.testing.assert_allclose(np.asarray(params["w"]), np.asarray(expected["w"]), rtol=1e-4, atol=1e-5)
        jax.monitoring.register_event_duration_secs_listener(note)
        try:
            step(params, opt)
            assert compiled == []
            jax.jit(lambda x: x * 1.25)(target)
            assert len(compiled) == 1
        finally:
            jax.monitoring.unregister_event_duration_listener(note)
