"""Tracing and compiling of flat functions.

``traces`` counts how often the function runs, which on an engine that traces is the number of traces.
"""

from __future__ import annotations

import threading

import numpy as np
import pytest

from unimod.backends import _registry
from unimod.errors import CapabilityError, OptionError, ShapeError

# Float32: a handful of operations on numbers of order one.
RTOL, ATOL = 1e-5, 1e-6


class Tag:
    """Something opaque, which has to come back as the same object."""


class Counted:
    """A function that counts how often it runs."""

    def __init__(self, fn):
        self.fn, self.traces = fn, 0

    def __call__(self, leaves):
        self.traces += 1
        return self.fn(leaves)


def array(engine, values, dtype="float32"):
    return engine.arrays.asarray(np.asarray(values, dtype), dtype)


def check(engine, got, expected, dtype="float32", rtol=RTOL, atol=ATOL):
    assert engine.facts.owns(type(got))
    assert engine.arrays.dtype_name(got) == dtype
    assert tuple(got.shape) == np.shape(expected)
    np.testing.assert_allclose(engine.arrays.to_numpy(got), np.asarray(expected), rtol=rtol, atol=atol)


@pytest.fixture
def engine(backend):
    return _registry.load(backend)


@pytest.fixture
def torch_engine():
    return _registry.load("torch")


def graph(engine, fn, **options):
    """``fn`` jitted without the C++ compiler."""
    return engine.compile.jit(fn, compiler="graph", **options)


def gradient_step(engine):
    """One step of gradient descent with momentum on a linear regression: ``[w, m, x, y] -> [w, m, loss]``."""

    def loss(leaves):
        w, x, y = leaves
        return [((x @ w - y) ** 2).sum()], None

    def step(leaves):
        w, m, x, y = leaves
        (value,), _, (grad,) = engine.autodiff.value_and_grad(loss, [w, x, y], [0])
        m = 0.9 * m + grad
        return [w - 0.01 * m, m, value], None

    return step


def gradient_steps_in_numpy(w, m, x, y, num_steps):
    losses = []
    for _ in range(num_steps):
        losses.append(((x @ w - y) ** 2).sum())
        m = 0.9 * m + 2 * x.T @ (x @ w - y)
        w = w - 0.01 * m
    return w, m, losses


def check_training(engine, compiler):
    rng = np.random.default_rng(2)
    w, m, x, y = rng.normal(size=3), np.zeros(3), rng.normal(size=(5, 3)), rng.normal(size=5)
    step = engine.compile.jit(gradient_step(engine), compiler=compiler)
    state, batch, losses = [array(engine, w), array(engine, m)], [array(engine, x), array(engine, y)], []
    for _ in range(4):
        (*state, loss), _ = step([*state, *batch])
        losses.append(loss)
    w, m, expected = gradient_steps_in_numpy(w, m, x, y, 4)
    # Four steps in float32 against float64.
    check(engine, state[0], w, rtol=1e-4, atol=1e-5)
    check(engine, state[1], m, rtol=1e-4, atol=1e-4)
    for got, value in zip(losses, expected, strict=True):
        check(engine, got, value, rtol=1e-4)


def test_a_trace_serves_all_calls_with_the_same_shapes_and_dtypes(engine):
    tag = Tag()
    fn = Counted(lambda leaves: ([leaves[0] * 2 + leaves[1]], tag))
    run = graph(engine, fn)
    for i in range(3):
        outputs, extra = run([array(engine, [1.0, i]), array(engine, 3.0)])
        assert extra is tag
        check(engine, outputs[0], [5.0, 2.0 * i + 3])
    assert fn.traces == 1


def test_another_shape_or_dtype_is_another_trace_with_its_own_extra(engine):
    fn = Counted(lambda leaves: ([leaves[0] + 1], tuple(leaves[0].shape)))
    run = graph(engine, fn)
    check_calls = [([1.0, 2.0], "float32"), ([1.0], "float32"), ([1.0, 2.0], "float16"), ([[1.0, 2.0]], "float32")]
    for _ in range(2):
        for values, dtype in check_calls:
            (got,), extra = run([array(engine, values, dtype)])
            assert extra == np.shape(values)
            check(engine, got, np.asarray(values) + 1, dtype)
    assert fn.traces == 4


def test_strides_are_not_part_of_the_key(engine):
    fn = Counted(lambda leaves: ([leaves[0] * 2, leaves[0].T], None))
    run = graph(engine, fn)
    x = np.arange(9.0).reshape(3, 3)
    for given in (
        array(engine, x),
        array(engine, x.T).T,
        array(engine, np.ones((3, 5)))[:, 1:4] * 0 + array(engine, x),
    ):
        outputs, _ = run([given])
        check(engine, outputs[0], 2 * x)
        check(engine, outputs[1], x.T)
    assert fn.traces == 1


def test_captured_arrays_are_constants_of_the_graph(engine):
    w = array(engine, np.arange(6.0).reshape(2, 3))
    run = graph(engine, lambda leaves: ([leaves[0] @ w + w.sum(), w, w.T], None))
    for i in range(2):
        outputs, _ = run([array(engine, [1.0, i])])
        check(engine, outputs[0], np.asarray([0.0, 1.0, 2.0]) + i * np.asarray([3.0, 4.0, 5.0]) + 15)
        check(engine, outputs[1], [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
        check(engine, outputs[2], [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]])


def test_outputs_of_every_kind(engine):
    def fn(leaves):
        x, y = leaves
        double = x * 2
        stopped = engine.autodiff.stop_gradient(x)
        return [x, double, double, stopped, x.reshape((3, 2)), 3.5, 7, True, y], None

    run = graph(engine, fn)
    values = np.arange(6.0).reshape(2, 3)
    for _ in range(2):
        x, y = array(engine, values), array(engine, [1], "int32")
        outputs, _ = run([x, y])
        assert len(outputs) == 9
        for i, expected in ((0, values), (1, 2 * values), (2, 2 * values), (3, values), (4, values.reshape(3, 2))):
            check(engine, outputs[i], expected)
        check(engine, outputs[5], 3.5)
        check(engine, outputs[6], 7, "int32")
        check(engine, outputs[7], True, "bool")
        check(engine, outputs[8], [1], "int32")


def test_a_function_that_only_passes_its_inputs_on(engine):
    x = array(engine, [1.0, 2.0])
    outputs, extra = graph(engine, lambda leaves: (leaves[::-1], "e"))([x, array(engine, 3.0)])
    assert extra == "e"
    check(engine, outputs[0], 3.0)
    check(engine, outputs[1], [1.0, 2.0])


def test_a_function_without_outputs_and_one_without_inputs(engine):
    assert graph(engine, lambda leaves: ([], "e"))([array(engine, 1.0)]) == ([], "e")
    outputs, _ = graph(engine, lambda leaves: ([engine.arrays.zeros((2,), "float32"), 1.5], None))([])
    check(engine, outputs[0], [0.0, 0.0])
    check(engine, outputs[1], 1.5)


def test_python_numbers_are_traced_and_not_baked_in(engine):
    fn = Counted(lambda leaves: ([leaves[0] * leaves[1], leaves[2] + 1, leaves[3]], None))
    run = graph(engine, fn)
    for scale, n in ((2.0, 5), (3.0, 6)):
        outputs, _ = run([array(engine, [1.0, 2.0], "float16"), scale, n, True])
        # A number promotes weakly, as it does without jit.
        check(engine, outputs[0], [scale, 2 * scale], "float16")
        check(engine, outputs[1], n + 1, "int32")
        check(engine, outputs[2], True, "bool")
    assert fn.traces == 1


def test_one_array_passed_twice(engine):
    x = array(engine, [1.0, 2.0])
    run = graph(engine, lambda leaves: ([leaves[0] - leaves[1], leaves[0] + leaves[1]], None))
    for y in (x, array(engine, [3.0, 3.0]), x):
        outputs, _ = run([x, y])
        check(engine, outputs[0], engine.arrays.to_numpy(x) - engine.arrays.to_numpy(y))
        check(engine, outputs[1], engine.arrays.to_numpy(x) + engine.arrays.to_numpy(y))


def test_results_of_one_call_survive_the_next(engine):
    run = graph(engine, lambda leaves: ([leaves[0] + 1, engine.arrays.ones((2,), "float32")], None))
    first, _ = run([array(engine, [1.0, 2.0])])
    second, _ = run([array(engine, [5.0, 6.0])])
    check(engine, first[0], [2.0, 3.0])
    check(engine, second[0], [6.0, 7.0])


def test_training_with_a_jitted_step(engine):
    check_training(engine, "graph")


def test_derivatives_go_through_a_jitted_function(engine):
    run = graph(engine, lambda leaves: ([leaves[0] ** 3], None))

    def derivative(f):
        return lambda x: engine.autodiff.value_and_grad(lambda leaves: ([f(*leaves)], None), [x], [0])[2][0]

    x = array(engine, 2.0)
    run([x])  # a first call, so that a trace is there to be used wrongly
    check(engine, derivative(derivative(lambda x: run([x])[0][0]))(x), 12.0)
    captured = derivative(lambda y: graph(engine, lambda leaves: ([leaves[0] * y], None))([x])[0][0])
    check(engine, captured(array(engine, 5.0)), 2.0)


def test_vmap_goes_through_a_jitted_function_and_the_other_way(engine):
    values = np.arange(6.0).reshape(2, 3)
    total = graph(engine, lambda leaves: ([leaves[0].sum() * 2], None))
    total([array(engine, values[0])])
    outputs, _ = engine.parallel.vmap(total, [array(engine, values)], [0], 2)
    check(engine, outputs[0], 2 * values.sum(1))
    outside = graph(engine, lambda leaves: engine.parallel.vmap(total, leaves, [1], 3))
    for _ in range(2):
        check(engine, outside([array(engine, values)])[0][0], 2 * values.sum(0))


def test_a_jitted_function_within_a_jitted_function(engine):
    inner = Counted(lambda leaves: ([leaves[0] * 2], "inner"))
    inner_run = graph(engine, inner)

    def fn(leaves):
        (double,), extra = inner_run(leaves)
        return [double + 1], extra

    run = graph(engine, fn)
    for i in range(3):
        (got,), extra = run([array(engine, [float(i)])])
        assert extra == "inner"
        check(engine, got, [2.0 * i + 1])
    assert inner.traces == 1


def decides(leaves):
    x = leaves[0]
    if x.sum() > 0:  # the line that the error names
        return [x], None
    return [-x], None


@pytest.mark.parametrize(
    "fn",
    [
        decides,
        lambda leaves: ([leaves[0] * float(leaves[0].sum())], None),
        lambda leaves: ([leaves[0] * leaves[0].sum().item()], None),
        lambda leaves: ([leaves[0][leaves[0] > 0]], None),
        lambda leaves: (list(range(leaves[1])), None),
        lambda leaves: ([np.asarray(leaves[0]).sum()], None),
    ],
    ids=["if", "float", "item", "mask", "range", "numpy"],
)
def test_code_that_needs_a_value_is_told_so_and_leaves_nothing_behind(engine, fn):
    run = graph(engine, fn)
    for _ in range(2):
        with pytest.raises(CapabilityError, match="needs the value of an array") as caught:
            run([array(engine, [1.0, 2.0]), array(engine, 3, "int32")])
        assert "test_engine_compile.py:" in caught.value.where
        assert "um.numpy.where" in caught.value.fix
        assert not engine.compile.is_tracing()
    check(engine, graph(engine, lambda leaves: ([leaves[0] + 1], None))([array(engine, [1.0, 2.0])])[0][0], [2.0, 3.0])


def test_the_error_names_the_line(engine):
    with pytest.raises(CapabilityError) as caught:
        graph(engine, decides)([array(engine, [1.0])])
    assert caught.value.where.endswith("in decides: if x.sum() > 0:  # the line that the error names")


def test_errors_of_the_function_come_out_unchanged_and_the_next_call_traces_again(engine):
    error = ShapeError("no", got="this", fix="that")
    state = {"fails": True}

    def fn(leaves):
        if state["fails"]:
            engine.autodiff.value_and_grad(fails, leaves, [0])
        return [leaves[0] * 2], None

    def fails(leaves):
        raise error

    run = graph(engine, fn)
    with pytest.raises(ShapeError) as caught:
        run([array(engine, 1.0)])
    assert caught.value is error
    assert not engine.compile.is_tracing()
    state["fails"] = False
    check(engine, run([array(engine, 1.0)])[0][0], 2.0)


def test_is_tracing_inside_a_trace_only(engine):
    seen = []

    def fn(leaves):
        seen.append(engine.compile.is_tracing())
        return leaves, None

    graph(engine, fn)([array(engine, 1.0)])
    assert seen == [True]
    assert not engine.compile.is_tracing()


def test_without_a_compiler_the_function_runs_at_every_call(engine):
    fn = Counted(lambda leaves: ([leaves[0] if leaves[0] > 0 else -leaves[0]], None))
    run = engine.compile.jit(fn, compiler="none")
    for x in (2.0, -2.0):
        check(engine, run([array(engine, x)])[0][0], 2.0)
    assert fn.traces == 2


def test_threads_share_one_trace(engine):
    fn = Counted(lambda leaves: ([leaves[0] * 2], None))
    run = graph(engine, fn)
    results = {}
    barrier = threading.Barrier(4)

    def work(i):
        barrier.wait()
        results[i] = [run([array(engine, [float(i), float(j)])])[0][0] for j in range(20)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 1, 2, 3]
    for i, outputs in results.items():
        for j, got in enumerate(outputs):
            check(engine, got, [2.0 * i, 2.0 * j])


@pytest.mark.needs("jax")
def test_donated_arrays_are_handed_over_on_jax():
    engine = _registry.load("jax")
    x, y = array(engine, [1.0, 2.0]), array(engine, [3.0, 4.0])
    outputs, _ = engine.compile.jit(lambda leaves: ([leaves[0] + leaves[1]], None), donate=(0,))([x, y])
    check(engine, outputs[0], [4.0, 6.0])
    assert x.is_deleted()
    check(engine, y, [3.0, 4.0])


@pytest.mark.needs("jax")
def test_the_call_of_a_compiled_function_stays_on_the_fast_path_of_jax(monkeypatch):
    from jax._src import pjit

    engine = _registry.load("jax")
    run, x = engine.compile.jit(lambda leaves: ([leaves[0] + 1], Tag())), array(engine, 1.0)
    run([x])
    run([x])
    monkeypatch.setattr(pjit, "_run_python_pjit", lambda *args, **kwargs: pytest.fail("left the fast path"))
    check(engine, run([x])[0][0], 2.0)


@pytest.mark.needs("numpy")
def test_on_numpy_the_function_runs_as_it_is():
    engine = _registry.load("numpy")
    fn = Counted(lambda leaves: ([leaves[0] * 2], "e"))
    run = engine.compile.jit(fn, donate=(0,), compiler="inductor")
    for _ in range(2):
        outputs, extra = run([np.ones(2, "float32")])
        check(engine, outputs[0], [2.0, 2.0])
        assert extra == "e"
    assert fn.traces == 2
    assert not engine.compile.is_tracing()


@pytest.mark.needs("torch")
class TestTorch:
    """What is peculiar to traced graphs of PyTorch."""

    @pytest.fixture
    def engine(self, torch_engine):
        return torch_engine

    @pytest.mark.inductor
    def test_training_with_the_real_compiler(self, engine):
        check_training(engine, "inductor")

    @pytest.mark.inductor
    def test_aliases_and_writes_with_the_real_compiler(self, engine):
        check_writes(engine, "inductor")

    def test_aliases_and_writes(self, engine):
        check_writes(engine, "graph")

    def test_no_private_name_has_moved(self):
        from unimod.backends.torch import _private

        # Where this fails, a later torch has moved a name; the engine works on with the fallback, slowly.
        assert _private.missing() == ()

    def test_a_write_into_a_captured_tensor_is_refused_and_not_done(self, engine):
        import torch

        w = array(engine, [1.0, 2.0])
        for write in (lambda x: w.add_(x), lambda x: torch._foreach_add_([w], 1.0), lambda x: torch.add(x, x, out=w)):
            with pytest.raises(CapabilityError, match="writes into an array from outside"):
                graph(engine, lambda leaves, write=write: ([write(*leaves)], None))([array(engine, [3.0, 4.0])])
        check(engine, w, [1.0, 2.0])
        assert not engine.compile.is_tracing()

    def test_autograd_reaches_inputs_and_captured_tensors_through_a_jitted_function(self, engine):
        import torch

        c = array(engine, [3.0, 4.0]).requires_grad_()
        fn = Counted(lambda leaves: ([(leaves[0] ** 2 * c).sum()], None))
        run = graph(engine, fn)
        x = array(engine, [1.0, 2.0])
        for i in range(2):
            run([x])[0][0].backward()
            check(engine, c.grad, [1.0 * (i + 1), 4.0 * (i + 1)])
        x.requires_grad_()
        run([x])[0][0].backward()
        check(engine, x.grad, [6.0, 16.0])
        with torch.no_grad():
            before = fn.traces
            loss = run([torch.nn.Parameter(x)])[0][0]
            check(engine, loss, 19.0)
            assert fn.traces == before
        assert not loss.requires_grad

    def test_views_that_are_conjugate_or_negative_only_in_name(self, engine):
        z = array(engine, [1 + 2j], "complex64")
        run = graph(engine, lambda leaves: ([leaves[0] * 1, (leaves[0] * 1).conj()], None))
        assert not run([z])[0][1].is_conj()
        for given, expected in ((z, 1 + 2j), (z.conj(), 1 - 2j), (z, 1 + 2j)):
            check(engine, run([given])[0][0], [expected], "complex64")
        for given, expected in ((z.imag, 2.0), (z.conj().imag, -2.0)):
            check(engine, run([given])[0][0], [expected])

    def test_the_default_dtype_and_autocast_are_part_of_the_key(self, engine):
        import torch

        fn = Counted(lambda leaves: ([leaves[0] @ leaves[0] + torch.ones(2, 2)], None))
        run = graph(engine, fn)
        x = array(engine, np.eye(2))
        check(engine, run([x])[0][0], np.eye(2) + 1)
        torch.set_default_dtype(torch.float64)
        try:
            check(engine, run([x])[0][0], np.eye(2) + 1, "float64")
        finally:
            torch.set_default_dtype(torch.float32)
        product = graph(engine, lambda leaves: ([leaves[0] @ leaves[0]], None))
        check(engine, product([x])[0][0], np.eye(2))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            check(engine, product([x])[0][0].float(), np.eye(2))
            assert product([x])[0][0].dtype == torch.bfloat16
        check(engine, product([x])[0][0], np.eye(2))

    def test_inference_mode(self, engine):
        import torch

        step = graph(engine, gradient_step(engine))
        with torch.inference_mode():
            leaves = [array(engine, v) for v in ([1.0, 1.0], [0.0, 0.0], [[1.0, 2.0]], [1.0])]
            outputs, _ = step(leaves)
        # x w - y = 2, so the gradient is 4 x.
        check(engine, outputs[0], [0.96, 0.92])
        check(engine, outputs[2], 4.0)

    def test_outputs_own_their_memory_and_are_contiguous(self, engine):
        w = array(engine, [[1.0, 2.0], [3.0, 4.0]])
        run = graph(engine, lambda leaves: ([leaves[0].T, leaves[0][0], (leaves[0] + 1).T, w, w[0]], None))
        x = array(engine, [[1.0, 2.0], [3.0, 4.0]])
        for _ in range(2):
            outputs, _ = run([x])
            for got in outputs:
                assert got.is_contiguous()
                got.zero_()
        check(engine, x, [[1.0, 2.0], [3.0, 4.0]])
        check(engine, w, [[1.0, 2.0], [3.0, 4.0]])

    def test_an_input_passed_on_is_the_same_object(self, engine):
        x = array(engine, [1.0])
        outputs, _ = graph(engine, lambda leaves: ([leaves[0], leaves[0].detach(), leaves[0] + 1], None))([x])
        assert outputs[0] is x
        assert outputs[1] is x

    def test_torch_func_reaches_through_a_jitted_function(self, engine):
        import torch

        run = graph(engine, lambda leaves: ([leaves[0] ** 2], None))
        x = array(engine, [1.0, 2.0])
        run([x])
        check(engine, torch.func.grad(lambda x: run([x])[0][0].sum())(x), [2.0, 4.0])
        check(engine, torch.func.vmap(lambda x: run([x])[0][0])(x), [1.0, 4.0])
        check(engine, torch.func.jvp(lambda x: run([x])[0][0], (x,), (x,))[1], [2.0, 8.0])

    def test_the_environment_variable_chooses_and_the_argument_overrules_it(self, engine, monkeypatch):
        monkeypatch.setenv("UNIMOD_TORCH_COMPILER", "none")
        fn = Counted(lambda leaves: (leaves, None))
        chosen, overruled = engine.compile.jit(fn), graph(engine, fn)
        for _ in range(3):
            chosen([array(engine, 1.0)])
        assert fn.traces == 3
        for _ in range(3):
            overruled([array(engine, 1.0)])
        assert fn.traces == 4

    @pytest.mark.parametrize("by", ["argument", "environment"])
    def test_an_unknown_compiler(self, engine, monkeypatch, by):
        if by == "environment":
            monkeypatch.setenv("UNIMOD_TORCH_COMPILER", "gcc")
        with pytest.raises(OptionError, match="no compiler called 'gcc'"):
            engine.compile.jit(lambda leaves: (leaves, None), compiler="gcc" if by == "argument" else None)

    def test_a_machine_without_a_compiler_is_told_once_and_runs_the_graph(self, engine, monkeypatch):
        import warnings

        from unimod.backends.torch import _lower

        monkeypatch.delenv("UNIMOD_TORCH_COMPILER", raising=False)
        monkeypatch.setattr(_lower.shutil, "which", lambda name: None)
        _lower._default.cache_clear()
        try:
            with pytest.warns(RuntimeWarning, match="No C\\+\\+ compiler was found"):
                run = engine.compile.jit(lambda leaves: ([leaves[0] + 1], None))
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                engine.compile.jit(lambda leaves: (leaves, None))
                check(engine, run([array(engine, 1.0)])[0][0], 2.0)
        finally:
            _lower._default.cache_clear()

    def test_a_compiler_that_nobody_asked_for_may_fail(self, engine, monkeypatch):
        from unimod.backends.torch import _lower, _private_compile

        def fails(*args):
            raise RuntimeError("out of order")

        monkeypatch.delenv("UNIMOD_TORCH_COMPILER", raising=False)
        monkeypatch.setattr(_lower, "_default", lambda: "auto")
        monkeypatch.setattr(_private_compile, "compile_graph", fails)
        with pytest.warns(RuntimeWarning, match="out of order"):
            outputs, _ = engine.compile.jit(lambda leaves: ([leaves[0] + 1], None))([array(engine, 1.0)])
        check(engine, outputs[0], 2.0)
        with pytest.raises(RuntimeError, match="out of order"):
            engine.compile.jit(lambda leaves: ([leaves[0] + 1], None), compiler="inductor")([array(engine, 1.0)])


def check_writes(engine, compiler):
    """In-place operations on inputs, on views and on fresh tensors, and outputs that are views."""
    w = array(engine, [10.0, 20.0, 30.0])

    def fn(leaves):
        x, y = leaves
        x.add_(1)
        y[0].mul_(x)
        fresh = x * 2
        fresh[1:] = w[1:]
        return [x, y, fresh, y[1], w], None

    run = engine.compile.jit(fn, compiler=compiler)
    for i in range(2):
        x, y = array(engine, [1.0, 2.0, 3.0]) + i, array(engine, [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
        outputs, _ = run([x, y])
        check(engine, outputs[0], np.asarray([2.0, 3.0, 4.0]) + i)
        check(engine, outputs[1], [np.asarray([2.0, 3.0, 4.0]) + i, [2.0, 2.0, 2.0]])
        check(engine, outputs[2], [4.0 + 2 * i, 20.0, 30.0])
        check(engine, outputs[3], [2.0, 2.0, 2.0])
        check(engine, outputs[4], [10.0, 20.0, 30.0])
        check(engine, x, np.asarray([1.0, 2.0, 3.0]) + i)
        check(engine, y, [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
        outputs[4].zero_()
    check(engine, w, [10.0, 20.0, 30.0])
