"""What is wrong is said in the same words on every engine, in four parts, and leaves nothing behind."""

from __future__ import annotations

import pytest

import unimod as um
from tests.conformance.agreement import array
from unimod.functional import (
    Dense,
    Optimizer,
    Param,
    Sequential,
    load,
    ones,
    parameter,
    parametrized,
    random_key,
    relu,
    save,
    zeros,
)


def x():
    return array(2, 4)


NET = Sequential([Dense(3), relu, Dense(2)])


def params(net=NET):
    return net.init_params(0, x())


def parameters_missing():
    NET(x())


def apply_without_parameters():
    NET.apply(x(), x())


def outside():
    parameter((2,), zeros)


def key_outside():
    random_key()


def key_missing():
    @parametrized
    def net(inputs):
        return um.random.normal(random_key(), (2,))

    net(net.init_params(0, x()), x())


def other_parameters():
    NET(Dense(2).init_params(0, x()), x())


def other_depth():
    Sequential([Dense(3), relu, Dense(2), Dense(2)])(params(), x())


def other_kind():
    Sequential([Dense(3), Dense(3), Dense(2)])(params(), x())


def layer_in_place_of_a_part():
    Sequential([um.nn.Linear(4, 3), relu, Dense(2)])(params(), x())


def inputs_do_not_fit():
    NET(params(), array(2, 5))


def inline_does_not_fit():
    @parametrized
    def net(inputs):
        return inputs * parameter(inputs.shape[-1:], ones, "scale")

    net(net.init_params(0, x()), array(2, 5))


def inline_missing():
    @parametrized
    def net(inputs, is_deep=False):
        return Dense(4)(Dense(4)(inputs)) if is_deep else Dense(4)(inputs)

    net(net.init_params(0, x()), x(), True)


def not_a_part():
    stranger = Dense(7)
    NET.init_params(0, x(), reuse={stranger: stranger.init_params(0, x())})


def not_a_part_at_all():
    NET.init_params(0, x(), reuse={"layers": params()})


def reuse_of_others():
    NET.init_params(0, x(), reuse={NET.layers[0]: NET})


def nothing_known():
    NET.params_from({})


def something_unknown():
    NET.params_from({NET.layers[0]: params().layers[0]})


def something_unknown_in_a_call():
    NET.params_from({NET.layers[0]: params().layers[0]}, x())


def deep_inside():
    outer = Sequential([Sequential([NET])])
    outer(outer.init_params(0, x()), array(2, 5))


def two_names():
    @parametrized
    def net(inputs):
        return parameter((2,), zeros, "a") + parameter((2,), zeros, "a")

    net.init_params(0, x())


def name_of_an_argument():
    @parametrized
    def net(inputs, dense=Dense(2)):
        return Dense(2)(dense(inputs))

    net.init_params(0, x())


def reserved_argument():
    @parametrized
    def net(inputs, update=Dense(2)):
        return update(inputs)


def reserved_method():
    @parametrized
    def net(inputs, init_params=Dense(2)):
        return init_params(inputs)


def reserved_inline():
    @parametrized
    def net(inputs):
        return Dense(2).named("map")(inputs)

    net.init_params(0, x())


def argument_that_is_a_slot():
    Dense(2)(Dense(2).init_params(0, x()), x(), kernel=x())


def too_many_inputs():
    Dense(2).init_params(0, x(), x())


def unreached():
    @parametrized
    def net(inputs, a=Dense(2), b=Dense(3)):
        return a(inputs)

    net.init_params(0, x())


def unreached_layer():
    @parametrized
    def net(inputs, a=Dense(2), b=um.nn.Linear(None, 3)):
        return a(inputs)

    net.init_params(0, x())


def wrong_initializer():
    @parametrized
    def net(inputs, a=Param((2,), lambda key, shape: um.numpy.zeros((3,)))):
        return a

    net.init_params(0, x())


def not_a_function():
    parametrized(3)


def set_a_part():
    NET.layers = []


def not_a_transformation():
    Optimizer(3)


def error_of_a_layer():
    net = Sequential([Dense(3), Sequential([um.nn.Linear(3, 2)])])
    net(net.init_params(0, x()), um.numpy.astype(x(), "float16"))


WRONG = {
    parameters_missing: (um.DTypeError, "called without its parameters", "sequential(params, *inputs)"),
    apply_without_parameters: (um.DTypeError, "called without its parameters", "init_params"),
    outside: (um.NotInitializedError, "parameter() was called outside", "@parametrized"),
    key_outside: (um.NotInitializedError, "random_key() was called outside", "um.random.key"),
    key_missing: (um.NotInitializedError, "got no key", "key=um.random.key(0)"),
    other_parameters: (um.TreeError, "not those of sequential", "where:    params.layers"),
    other_depth: (um.TreeError, "not those of sequential", "where:    params.layers[3]"),
    other_kind: (um.TreeError, "not those of sequential", "where:    params.layers[1]"),
    layer_in_place_of_a_part: (um.TreeError, "not those of sequential", "expected: Linear"),
    inputs_do_not_fit: (um.ShapeError, "do not fit its parameters", "where:    params.layers[0].kernel"),
    inline_does_not_fit: (um.ShapeError, "do not fit its parameters", "where:    params.scale"),
    inline_missing: (um.TreeError, "an entry is missing", "where:    params.dense1"),
    not_a_part: (um.TreeError, "no part of sequential", "net.shaped"),
    not_a_part_at_all: (um.DTypeError, "by the part that they belong to", "'layers'"),
    reuse_of_others: (um.TreeError, "not those of dense", "got:      Parametrized"),
    nothing_known: (um.TreeError, "do not have all that sequential needs", "params.layers[0].kernel"),
    something_unknown: (um.TreeError, "do not have all that sequential needs", "params.layers[2].kernel"),
    something_unknown_in_a_call: (um.TreeError, "do not have all that sequential needs", "params.layers[2].kernel"),
    deep_inside: (um.ShapeError, "do not fit its parameters", "where:    params.layers[0].layers[0].layers[0].kernel"),
    two_names: (um.TreeError, "two parts of the name 'a'", "name='other'"),
    name_of_an_argument: (um.TreeError, "two parts of the name 'dense'", "part.named"),
    reserved_argument: (um.TreeError, "already means something", "'update'"),
    reserved_method: (um.TreeError, "already means something", "'init_params'"),
    reserved_inline: (um.TreeError, "already means something", "'map'"),
    argument_that_is_a_slot: (um.DTypeError, "cannot be called with these inputs", "kernel, bias"),
    too_many_inputs: (um.DTypeError, "cannot be called with these inputs", "too many"),
    unreached: (um.NotInitializedError, "do not reach it", "where:    params.b"),
    unreached_layer: (um.NotInitializedError, "do not reach it", "b"),
    wrong_initializer: (um.ShapeError, "another shape than that of its parameter", "shape (2,)"),
    not_a_function: (um.DTypeError, "takes a function", "@parametrized"),
    set_a_part: (um.OptionError, "does not change", "sequential.layers"),
    not_a_transformation: (um.DTypeError, "takes a transformation", "um.optim.adam"),
    error_of_a_layer: (um.DTypeError, "", "where:    model.layers[0]"),
}


@pytest.mark.parametrize("function", WRONG, ids=lambda function: function.__name__)
def test_errors(function, tested_engines):
    cls, what, detail = WRONG[function]
    texts = []
    for engine in tested_engines:
        with um.use_backend(engine), pytest.raises(cls) as caught:
            function()
        text = str(caught.value)
        assert what in text
        assert detail in text
        assert "\n  fix:" in text
        texts.append(text.replace(f" on {engine}", ""))
    assert len(set(texts)) == 1
    with pytest.raises(um.NotInitializedError):
        random_key()


def test_a_file_that_is_none(backend, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(um.OptionError, match="not one that save"):
        load(path)
    mixed = Sequential([um.nn.Linear(4, 2)])
    save(mixed.init_params(0, x()), path)
    with pytest.raises(um.OptionError, match="like="):
        load(path)
    with pytest.raises(um.StateDictError, match=r"missing: layers\.2\.kernel"):
        load(path, like=params())
    other = Sequential([um.nn.Linear(4, 3)])
    with pytest.raises(um.StateDictError, match=r"float32\[4, 2\] instead of float32\[4, 3\]"):
        load(path, like=other.init_params(0, x()))


def test_a_failed_save_leaves_the_file_that_was_there(backend, tmp_path):
    path = tmp_path / "a.npz"
    save(params(), path)
    before = path.read_bytes()
    with pytest.raises(um.DTypeError, match="Only arrays"):
        save({"a": 3}, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8", "bool"])
def test_files_keep_dtypes_and_structures(backend, tmp_path, dtype):
    tree = {"a": (um.numpy.astype(array(2, 3), dtype), [um.numpy.ones((), dtype=dtype)]), "b": None}
    tree["key"] = um.random.key(3)
    save(tree, tmp_path / "a.npz")
    found = load(tmp_path / "a.npz")
    assert um.tree.structure(found) is um.tree.structure(tree)
    for one, two in zip(um.tree.leaves(found), um.tree.leaves(tree), strict=True):
        assert type(one) is type(two)
        assert um.dtype_of(one) == um.dtype_of(two)
        assert um.numpy.to_numpy(one).tolist() == um.numpy.to_numpy(two).tolist()
