"""Adam and its relatives, adaptive and sign optimizers against optax, in fifty steps of three problems at once.

The parameters are those of a quadratic, of Rosenbrock's function and of a small network; the gradients are written by
hand, so that they are the same on every engine.
"""

from __future__ import annotations

import functools
import inspect

import numpy as np
import pytest

import unimod as um
import unimod.numpy as unp
from unimod.errors import DTypeError, OptionError

pytestmark = pytest.mark.thin(6)

STEPS = 50

CASES = {
    "adam": lambda o: o.adam(1e-2),
    "adam options": lambda o: o.adam(1e-2, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4),
    "adamw": lambda o: o.adamw(1e-2, weight_decay=0.1),
    "nadam": lambda o: o.nadam(1e-2),
    "nadamw": lambda o: o.nadamw(1e-2, weight_decay=0.1),
    "radam": lambda o: o.radam(1e-2),
    "radam options": lambda o: o.radam(1e-2, b2=0.9, eps_root=1e-6, threshold=8.0, nesterov=True),
    "adamax": lambda o: o.adamax(1e-2),
    "adamaxw": lambda o: o.adamaxw(1e-2, weight_decay=0.1),
    "amsgrad": lambda o: o.amsgrad(1e-2, b2=0.9),
    "amsgrad of the paper": lambda o: o.amsgrad(1e-2, b2=0.9, bias_correction_mu=False, bias_correction_nu=False),
    "adabelief": lambda o: o.adabelief(1e-2, eps_root=1e-10),
    "adabelief nesterov": lambda o: o.adabelief(1e-2, eps_root=1e-10, nesterov=True),
    "adan": lambda o: o.adan(1e-2, weight_decay=0.1),
    "yogi": lambda o: o.yogi(1e-2),
    "novograd": lambda o: o.novograd(1e-2, weight_decay=0.1, eps_root=1e-6),
    "lion": lambda o: o.lion(1e-3, weight_decay=0.1),
    "lion smooth": lambda o: o.chain(o.scale_by_lion(mode="smooth", smooth_beta=3.0), o.scale(-1e-3)),
    "lion refined": lambda o: o.chain(o.scale_by_lion(mode="refined"), o.scale(-1e-3)),
    "adagrad": lambda o: o.adagrad(1e-1),
    "adadelta": lambda o: o.adadelta(1.0, weight_decay=0.01),
    "rmsprop": lambda o: o.rmsprop(1e-3),
    "rmsprop outside": lambda o: o.rmsprop(1e-3, eps_in_sqrt=False, initial_scale=0.5),
    "rmsprop corrected": lambda o: o.rmsprop(1e-3, bias_correction=True),
    "rmsprop momentum": lambda o: o.rmsprop(1e-3, momentum=0.9, nesterov=True),
    "rmsprop centered": lambda o: o.rmsprop(1e-3, centered=True, eps=1e-3),
    "rmsprop centered corrected": lambda o: o.rmsprop(1e-3, centered=True, bias_correction=True, eps=1e-3),
    "rprop": lambda o: o.rprop(1e-3),
    "sign_sgd": lambda o: o.sign_sgd(1e-3),
    "decay of some": lambda o: o.chain(o.add_decayed_weights(0.1, MASK), o.scale(-1e-3)),
    "decay by a function": lambda o: o.adamw(1e-2, weight_decay=0.1, mask=matrices),
}
WITHOUT_AXES = {**CASES, "sm3": lambda o: o.sm3(1e-1)}
"""Those of optax for parameters that all have axes."""
MAIN = [case for case in WITHOUT_AXES if " " not in case]
DECAYING = ("adamw", "nadamw", "adamaxw", "adan", "lion", "novograd", "adadelta")

MASK = {"q": True, "r": False, "s": False, "v": True, "w": True}


def matrices(params):
    return {name: x.ndim > 1 for name, x in params.items()}


def start(case: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    params = {
        "q": rng.normal(size=3),
        "r": np.asarray([-1.2, 1.0]),
        "s": rng.normal(size=() if case in CASES else 1),
        "v": rng.normal(size=(4, 1)),
        "w": rng.normal(size=(3, 4)),
    }
    return params


def slope(params):
    """The gradients of the three functions (of a 400th of Rosenbrock's), and of ``s**4 / 4``."""
    like = params["w"]
    x = unp.reshape(
        unp.asarray(np.linspace(-1.0, 1.0, 18).reshape(6, 3), dtype=like.dtype, backend=name_of(like)), (6, 3)
    )
    a, b = params["r"][0], params["r"][1]
    hidden = unp.tanh(unp.matmul(x, params["w"]))
    rest = (unp.matmul(hidden, params["v"]) - x[:, :1] * x[:, 1:2]) / 3.0
    back = unp.matmul(rest, unp.matrix_transpose(params["v"])) * (1.0 - unp.square(hidden))
    return {
        "q": params["q"] * 3.0 - 1.0,
        "r": unp.stack([a * (a * a - b) - (1.0 - a) / 200.0, (b - a * a) / 2.0]),
        "s": params["s"] * params["s"] * params["s"],
        "v": unp.matmul(unp.matrix_transpose(hidden), rest),
        "w": unp.matmul(unp.matrix_transpose(x), back),
    }


def name_of(x):
    return um.engine_of(x).name


def cast(case, backend, dtype):
    return {name: unp.asarray(x, dtype=dtype, backend=backend) for name, x in start(case).items()}


def stepper(backend):
    """One step, jitted where operations one by one are slow."""

    def step(opt, x):
        return opt.step(x, slope(x))

    return um.jit(step) if backend == "jax" else step


def run(case, backend, dtype, steps=STEPS):
    x = cast(case, backend, dtype)
    opt, step = WITHOUT_AXES[case](um.optim).init(x), stepper(backend)
    for _ in range(steps):
        x, opt = step(opt, x)
    assert getattr(step, "trace_count", 1) == 1
    assert {um.dtype_of(leaf) for leaf in x.values()} == {dtype}
    assert {name_of(leaf) for leaf in um.tree.leaves((x, opt))} == {backend}
    return x, opt


def host(tree):
    return [um.to_backend(leaf, "numpy") for leaf in um.tree.leaves(tree)]


@functools.cache
def with_optax(case):
    """The parameters after fifty steps of optax in float64, and the leaves of its state."""
    import jax
    import jax.numpy as jnp
    import optax

    with jax.enable_x64(True):
        opt, x = WITHOUT_AXES[case](optax), {k: jnp.asarray(v) for k, v in start(case).items()}

        @jax.jit
        def step(x, state):
            updates, state = opt.update(slope(x), state, x)
            return optax.apply_updates(x, updates), state

        state = opt.init(x)
        for _ in range(STEPS):
            x, state = step(x, state)
        return {name: np.asarray(leaf) for name, leaf in x.items()}, [
            np.asarray(leaf) for leaf in jax.tree.leaves(state)
        ]


def check(case, backend):
    import jax

    with jax.enable_x64(True):
        x, opt = run(case, backend, "float64")
        expected, state = with_optax(case)
    for name, leaf in expected.items():
        # The same formula in float64; the problems make 1e-16 a few hundred times larger in fifty steps.
        np.testing.assert_allclose(host(x[name])[0], leaf, rtol=1e-12, atol=1e-12, err_msg=name)
    found = host(opt)
    assert sorted((leaf.shape, str(leaf.dtype)) for leaf in found) == sorted((y.shape, str(y.dtype)) for y in state)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", MAIN)
def test_parameters_and_state_are_those_of_optax(backend, case):
    check(case, backend)


# States and edges -----------------------------------------------------------------------------------------------------


def vector(values, dtype="float32"):
    return unp.asarray(values, dtype=dtype)


@pytest.mark.needs("jax")
@pytest.mark.parametrize("case", MAIN)
def test_options_and_their_defaults_are_those_of_optax(case):
    import optax

    theirs, ours = (inspect.signature(getattr(o, case)).parameters for o in (optax, um.optim))
    by_definition = {"adamw": {"weight_decay"}, "adagrad": {"initial_accumulator_value", "eps"}}
    by_definition["rmsprop"] = {"decay", "eps_in_sqrt"}
    # There the other value would be another optimizer, or the default of optax ascends.
    other = {"nadam": {"nesterov"}, "nadamw": {"nesterov"}, "adadelta": {"learning_rate"}}
    for name in set(theirs) - other.get(case, set()):
        wanted = None if name in by_definition.get(case, ()) else theirs[name].default
        assert ours[name].default == wanted, name
    for name in by_definition.get(case, ()):
        assert f"{theirs[name].default}" in {"0.0001", "0.1", "1e-07", "0.9", "True"}


@pytest.mark.needs("jax")
def test_the_fields_of_the_states_are_those_of_optax(any_backend):
    import jax.numpy as jnp
    import optax

    names = [name for name in dir(optax) if name.startswith("scale_by_") and hasattr(um.optim, name)]
    wanted = "adadelta adam adamax adan amsgrad belief lion novograd radam rms rprop rss sign sm3 stddev yogi"
    own = {f"scale_by_{name}" for name in wanted.split()}
    assert own <= set(names)
    for name in sorted(own):
        arguments = (0.1,) if name == "scale_by_rprop" else ()
        state = getattr(optax, name)(*arguments).init(jnp.ones((2, 3)))
        found = getattr(um.optim, name)(*arguments).init(unp.ones((2, 3)))
        assert set(found.state) == set(state._asdict()), name
        for field, value in state._asdict().items():
            leaves = value if isinstance(value, list) else [value]
            mine = found.state[field] if isinstance(found.state[field], list) else [found.state[field]]
            mine = um.tree.leaves(mine)
            assert [(x.shape, str(um.dtype_of(x))) for x in mine] == [(x.shape, str(x.dtype)) for x in leaves], name


@pytest.mark.parametrize("option", ["b2", "eps_root", "learning_rate"])
def test_a_step_is_differentiable_by_an_option(backend, option):
    values = {"b2": 0.9, "eps_root": 0.01, "learning_rate": 0.1}

    def after(value):
        x = {"x": vector([1.0, -2.0], "float64")}
        opt = um.optim.radam(0.1, eps_root=0.01, b2=0.9, threshold=1.5).init(x)
        for _ in range(2):
            x, opt = opt.step(x, x, **{option: value})
        return unp.sum(x["x"] * x["x"])

    with um.use_x64():
        point = vector(values[option], "float64")
        fns = (after, um.grad(after))
        value, slope = map(um.jit, fns) if backend == "jax" else fns
        found, near = float(slope(point)), [float(value(point + shift)) for shift in (1e-6, -1e-6)]
    # Central differences of a step of 1e-6 are right to some 1e-9.
    np.testing.assert_allclose(found, (near[0] - near[1]) / 2e-6, rtol=1e-6)
    assert found != 0


def test_the_second_step_is_not_traced(backend):
    step = um.jit(lambda opt, x: opt.step(x, x), compiler="graph")
    x = {"x": vector([[1.0, -2.0]]), "s": vector(0.5)}
    opts = [um.optim.rprop(0.1, definition="torch"), um.optim.sm3(0.1)]
    opt = um.optim.chain(*opts, um.optim.nadam(0.1, definition="torch")).init(x)
    expected, after = x, opt
    for _ in range(3):
        x, opt = step(opt, x)
        expected, after = after.step(expected, expected)
    assert step.trace_count == 1
    for one, two in zip(host((x, opt)), host((expected, after)), strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-5, atol=1e-6)


def test_the_first_moment_is_kept_in_another_dtype(any_backend):
    x = vector([1.0, -2.0])
    for make in (um.optim.adam, um.optim.amsgrad, um.optim.lion):
        opt = make(0.1, mu_dtype=um.bfloat16).init(x)
        after, opt = opt.step(x, x)
        assert um.dtype_of(opt[0].mu) == "bfloat16"
        assert um.dtype_of(after) == "float32"
        plain, _ = make(0.1).init(x).step(x, x)
        # The first moment is rounded after it was used.
        np.testing.assert_array_equal(um.to_backend(after, "numpy"), um.to_backend(plain, "numpy"))


def test_frozen_parameters_have_no_state(any_backend):
    model = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.Linear(3, 1)).init(0)
    model[0].freeze(inplace=True)
    opt = um.optim.adamw(0.1, mask="*.kernel").init(model)
    grads = um.tree.map(lambda x: x * 0, model.parameters())
    new, opt = opt.step(model, grads)
    assert len(um.tree.leaves(opt[0].mu)) == 2
    assert new[0].kernel is model[0].kernel
    np.testing.assert_array_equal(*host([new[1].bias, model[1].bias]))
    np.testing.assert_allclose(*host([new[1].kernel, model[1].kernel * (1 - 1e-5)]), rtol=1e-6)


def test_a_schedule_of_the_decay_counts(any_backend):
    x = vector([1.0])
    opt = um.optim.add_decayed_weights(lambda count: 0.5 * (count + 1)).init(x)
    found = []
    for _ in range(3):
        updates, opt = opt.update(x * 0, x)
        found.append(float(updates[0]))
    assert found == [0.5, 1.0, 1.5]
    assert int(opt.state["count"]) == 3
    assert um.dtype_of(opt.state["count"]) == "int32"
    assert float(opt.update(x * 0, x, weight_decay=2.0)[0][0]) == 2.0


def test_the_count_does_not_overflow(any_backend):
    x = vector([1.0])
    opt = um.optim.adam(0.1).init(x)
    opt[0].state = {**opt[0].state, "count": unp.full_like(opt[0].count, 2**31 - 1)}
    x, opt = opt.step(x, x)
    assert int(opt[0].count) == 2**31 - 1
    assert np.isfinite(um.to_backend(x, "numpy")).all()


@pytest.mark.parametrize("decay", [0.9, 0.99, 0.999, 0.9999])
def test_the_length_of_a_mean_is_right_in_float32(backend, decay):
    from unimod.optim import _lists
    from unimod.optim._formulas.rectified import length

    counts = [1, 2, 5, 6, 10, 100, 1000, 5000, 10**5]
    engine = um.engine_of(vector(1.0))
    for option in (decay, vector(decay)):
        found = [float(length(_lists.of(engine), option, vector(n, "int32"))[0]) for n in counts]
        power = [float(option) ** n for n in counts]
        limit = 2 / (1 - float(option)) - 1
        exact = [limit - 2 * n * p / (1 - p) for n, p in zip(counts, power, strict=True)]
        # A few roundings of float32 where the engine has no more; of the difference itself 1e-4 would be lost.
        np.testing.assert_allclose(found, exact, rtol=2e-6)


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adamw", "nadam", "nadamw", "radam", "amsgrad", "adagrad", "rmsprop", "rprop"])
def test_a_definition_is_one_of_two(name):
    with pytest.raises(OptionError, match=f"{name} has two definitions") as caught:
        getattr(um.optim, name)(0.1, definition="keras")
    assert caught.value.expected == '"optax" or "torch"'


def test_options_that_do_not_go_together():
    with pytest.raises(OptionError, match="Dampening is of a momentum"):
        um.optim.sgd(0.1, dampening=0.5)
    with pytest.raises(OptionError, match="Dampening is of a momentum"):
        um.optim.sgd(0.1, 0.9, nesterov=True, dampening=0.5)
    with pytest.raises(OptionError, match="neither of nesterov"):
        um.optim.adam(0.1, amsgrad=True, nesterov=True)
    with pytest.raises(OptionError, match="does not know this mode"):
        um.optim.scale_by_lion(mode="soft")


def test_what_needs_the_parameters_says_so(any_backend):
    x = vector([1.0])
    for opt in (um.optim.novograd(0.1), um.optim.add_decayed_weights(0.1), um.optim.add_decayed_weights(lambda n: 0.1)):
        with pytest.raises(OptionError, match="needs the parameters"):
            opt.init(x).update(x)


def test_the_first_step_size_is_not_for_one_step(any_backend):
    x = vector([1.0])
    for definition in ("optax", "torch"):
        opt = um.optim.rprop(0.1, definition=definition).init(x)
        with pytest.raises(DTypeError, match="no hyperparameter 'learning_rate'"):
            opt.step(x, x, learning_rate=0.2)
