"""Donation, programs ahead of time, saved functions, caches and options of ``um.jit``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapabilityError, OptionError, ShapeError, TreeError

jit = um.jit


def array(values, dtype="float32"):
    return um.numpy.asarray(values, dtype=dtype)


def numbers(x):
    return um.to_backend(x, "numpy").tolist()


def is_native(x, backend):
    return um.engine_of(x).name == backend


# Donation -------------------------------------------------------------------------------------------------------------


def step(params, momentum, grads):
    momentum = um.tree.map(lambda m, g: m * 0.5 + g, momentum, grads)
    return um.tree.map(lambda p, m: p - m, params, momentum), momentum


def tree(start):
    return {"w": array([[1.0, 2.0], [3.0, 4.0]]) + start, "b": array([1.0, 2.0, 3.0]) + start}


@pytest.fixture(params=["graph", pytest.param("inductor", marks=pytest.mark.inductor)])
def compiler(request):
    return request.param


def test_donated_arrays_train_as_others_do_and_are_refused_afterwards(backend, compiler):
    donating, plain = jit(step, donate_argnums=(0, 1), compiler=compiler), jit(step, compiler="graph")
    ours, theirs, grads = (tree(0), tree(1)), (tree(0), tree(1)), tree(2)
    for _ in range(3):
        old = ours
        ours, theirs = donating(*ours, grads), plain(*theirs, grads)
        assert all(is_native(leaf, backend) for leaf in um.tree.leaves(ours))
        assert [numbers(x) for x in um.tree.leaves(ours)] == [numbers(x) for x in um.tree.leaves(theirs)]
    assert donating.trace_count == 1
    with pytest.raises(CapabilityError, match="was donated to a jitted function"):
        donating(*old, grads)
    with pytest.raises(CapabilityError, match="was donated to a jitted function"):
        plain(*old, grads)
    assert numbers(grads["b"]) == [3.0, 4.0, 5.0]


def test_a_donated_argument_that_is_returned_as_it_is(backend, compiler):
    f = jit(lambda a, b: (b, a), donate_argnums=(0, 1), compiler=compiler)
    assert [numbers(x) for x in f(array([1.0]), array([2.0]))] == [[2.0], [1.0]]


def test_exchanged_donated_arguments(backend, compiler):
    f = jit(lambda a, b: (b + 0.0, a + 1.0), donate_argnums=(0, 1), compiler=compiler)
    assert [numbers(x) for x in f(array([1.0]), array([2.0]))] == [[2.0], [2.0]]


@pytest.mark.needs("torch")
class TestTorchDonation:
    """What torch does with the memory."""

    @pytest.fixture(autouse=True)
    def on_torch(self):
        with um.use_backend("torch"):
            yield

    def test_donated_tensors_are_empty(self):
        x = array([1.0, 2.0])
        jit(lambda x: x + 1, donate_argnums=0, compiler="graph")(x)
        assert tuple(x.shape) == (0,)

    @pytest.mark.inductor
    def test_compiled_code_writes_in_place_and_never_into_what_is_shared(self):
        f = jit(lambda x, y: (x + 1, y * 2 + x), donate_argnums=0, compiler="inductor")
        x, y = array([1.0, 2.0]), array([3.0, 4.0])
        place = x.data_ptr()
        first, _ = f(x, y)
        assert first.data_ptr() == place
        x = array([1.0, 2.0])
        view = x.view(2)
        first, second = f(x, view)
        assert [numbers(v) for v in (first, second, view)] == [[2.0, 3.0], [3.0, 6.0], [1.0, 2.0]]


# Ahead of time --------------------------------------------------------------------------------------------------------


def affine(params, x):
    return {"y": x @ params["w"] + params["b"]}


def arguments():
    return {"w": array([[1.0], [2.0]]), "b": array([0.5])}, array([[1.0, 1.0], [2.0, 0.0]])


def test_a_lowered_function_has_a_text_and_compiles(backend):
    lowered = jit(affine, compiler="graph").lower(*arguments())
    assert lowered.backend == backend
    assert ("dot_general" if backend == "jax" else "aten.mm") in lowered.as_text()
    compiled = lowered.compile()
    y = compiled(*arguments())["y"]
    assert is_native(y, backend)
    assert (um.dtype_of(y), tuple(y.shape)) == ("float32", (2, 1))
    assert numbers(y) == [[3.5], [2.5]]
    # x is 2 x 2, w 2 x 1, b 1: 7 numbers of 4 bytes; y has 2. A product of 2 x 2 and 2 x 1 takes 8 operations.
    assert compiled.memory_analysis()["argument_size_in_bytes"] == 28
    assert compiled.memory_analysis()["output_size_in_bytes"] == 8
    assert compiled.cost_analysis()["flops"] >= 8
    assert compiled.as_text()


def test_shapes_are_enough_to_lower(backend):
    f = jit(affine, compiler="graph")
    specs = um.tree.map(lambda x: um.ShapeDtypeStruct(x.shape, um.dtype_of(x)), arguments())
    assert numbers(f.lower(*specs).compile()(*arguments())["y"]) == [[3.5], [2.5]]


def test_a_compiled_function_takes_nothing_else(backend):
    compiled = jit(affine, compiler="graph").lower(*arguments()).compile()
    params, x = arguments()
    with pytest.raises(ShapeError, match="compiled for another shape or dtype") as caught:
        compiled(params, x[:1])
    assert "args[1]" in str(caught.value)
    with pytest.raises(ShapeError, match="compiled for another shape or dtype"):
        compiled(params, um.numpy.astype(x, "float16"))
    with pytest.raises(TreeError, match="arguments of another structure"):
        compiled(params, [x])


# Options --------------------------------------------------------------------------------------------------------------


def test_an_unknown_option_is_an_error(backend):
    with pytest.raises(OptionError, match="option"):
        jit(lambda x: x + 1, compiler_options={"no_such_thing": 1}, compiler="graph")(array([1.0]))


def test_options_reach_the_compiler(backend):
    options = {"xla_cpu_enable_fast_math": False} if backend == "jax" else {"mode": "max-autotune-no-cudagraphs"}
    f = jit(lambda x: x + 1, compiler_options=options, compiler="graph")
    assert numbers(f(array([1.0]))) == [2.0]


# Files ----------------------------------------------------------------------------------------------------------------


def network():
    return um.nn.Sequential(um.nn.Conv(1, 2, 3), um.nn.relu, um.nn.Flatten(), um.nn.Linear(32, 3), um.nn.LayerNorm(3))


def test_a_saved_function_is_the_same_function(backend, tmp_path):
    model, x = network().init(0), um.random.normal(um.random.key(1), (2, 4, 4, 1))

    def predict(x, scale):
        noise = um.random.normal(um.random.key(2), (3,))
        return {"y": (model(x) * scale["s"], None), "x": x, "n": [noise, um.numpy.argmax(x)]}

    args = x, {"s": array(2.0)}
    um.save_function(tmp_path / "f.um", predict, *args)
    loaded = um.load_function(tmp_path / "f.um", compiler="graph")
    expected, got = predict(*args), loaded(*args)
    assert loaded.__name__.endswith("predict")
    assert got["y"][1] is None
    for a, b in zip(um.tree.leaves(got), um.tree.leaves(expected), strict=True):
        assert is_native(a, backend)
        assert (um.dtype_of(a), tuple(a.shape)) == (um.dtype_of(b), tuple(b.shape))
        # A convolution and two products, compiled once and run as they are once.
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-5, atol=1e-6)


def test_a_saved_function_can_be_differentiated_on_torch_and_refuses_other_arguments(backend, tmp_path):
    um.save_function(tmp_path / "f.um", affine, *arguments())
    loaded = um.load_function(tmp_path / "f.um", compiler="graph")
    params, x = arguments()
    with pytest.raises(ShapeError, match="compiled for another shape"):
        loaded(params, x[:1])
    with pytest.raises(TreeError, match="saved for arguments of another structure"):
        loaded(params, [x])
    if backend == "torch":
        assert numbers(um.grad(lambda x: um.numpy.sum(loaded(params, x)["y"]))(x)) == [[1.0, 2.0], [1.0, 2.0]]


def test_modules_in_arguments_and_results_are_refused(backend, tmp_path):
    model = um.nn.Linear(2, 1).init(0)
    for fn, args in ((lambda model, x: model(x), (model, array([[1.0, 2.0]]))), (lambda x: model, (array([1.0]),))):
        with pytest.raises(TreeError, match="arrays in dicts, lists and tuples"):
            um.save_function(tmp_path / "f.um", fn, *args)
        assert not (tmp_path / "f.um").exists()


def test_files_that_are_none(backend, tmp_path):
    path = tmp_path / "f.um"
    path.write_bytes(b"not a zip")
    with pytest.raises(OptionError, match="no saved function"):
        um.load_function(path)
    um.save_function(path, affine, *arguments())
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["unimod.json"] = json.dumps({**json.loads(files["unimod.json"]), "format": 99}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with pytest.raises(OptionError, match="another format"):
        um.load_function(path)


@pytest.mark.needs("torch")
def test_a_file_names_operators_of_torch_only(tmp_path):
    path = tmp_path / "f.um"
    with um.use_backend("torch"):
        um.save_function(path, affine, *arguments())
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data.replace(b"aten.mm.default", b"os.system.default"))
    with pytest.raises(CapabilityError, match="not readable"):
        um.load_function(path)


# Caches ---------------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
import unimod as um
um.set_compilation_cache(sys.argv[1])
with um.use_backend(sys.argv[2]):
    print(float(um.jit(lambda x: um.numpy.sum(um.numpy.sin(x) * 2))(um.numpy.ones((8,)))))
"""


@pytest.mark.inductor
def test_compiled_programs_are_kept_for_the_next_process(backend, tmp_path):
    environment = {**os.environ, "UNIMOD_TORCH_COMPILER": "inductor"}
    found = []
    for _ in range(2):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), backend]
        out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert abs(float(out.stdout) - 13.4635) < 1e-3
        found.append(
            {str(path) for path in (tmp_path / backend).rglob("*") if path.suffix in (".so", "") and path.is_file()}
        )
    assert found[0]
    # The second process compiles nothing anew.
    assert found[1] == found[0]


def test_a_file_is_no_cache(backend, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="needs a directory"):
        um.set_compilation_cache(tmp_path / "file")


# Derivatives in a trace -----------------------------------------------------------------------------------------------


def test_a_map_of_hessians_is_traced(backend):
    f = um.vmap(um.hessian(lambda x: um.numpy.sum(x * um.numpy.sin(x))))
    x = um.random.normal(um.random.key(0), (4, 3))
    got = jit(f, compiler="graph")(x)
    assert is_native(got, backend)
    wide = np.asarray(numbers(x))
    expected = np.stack([np.diag(2 * np.cos(row) - row * np.sin(row)) for row in wide])
    # A sum of two terms of size 2 at most: a few roundings.
    np.testing.assert_allclose(numbers(got), expected, rtol=1e-5, atol=1e-6)
