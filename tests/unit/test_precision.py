"""Policies: how they are written, what they cast, and what is refused; modules that have one, as objects."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import pytest

import unimod as um
from unimod.errors import CapturedModuleError, DTypeError, NotInitializedError, OptionError, ShapeError
from unimod.precision import policy_of

MIXED = "params=float32,compute=bfloat16,output=float32"


def dtypes(policy):
    return (policy.param_dtype, policy.compute_dtype, policy.output_dtype)


# How a policy is written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MIXED, ("float32", "bfloat16", "float32")),
        ("output=f32, compute=f16, params=f64", ("float64", "float16", "float32")),
        ("p=full,c=half,o=bf16", ("float32", "float16", "bfloat16")),
        ("param=bfloat16,out=float32", ("bfloat16", "bfloat16", "float32")),
        ("compute=float16", ("float32", "float16", "float16")),
        ("half", ("float16", "float16", "float16")),
        ("full", ("float32", "float32", "float32")),
        (" bf16 ", ("bfloat16", "bfloat16", "bfloat16")),
        (um.float64, ("float64", "float64", "float64")),
    ],
)
def test_a_policy_is_read_and_written(text, expected):
    policy = um.Policy(text)
    assert dtypes(policy) == expected
    assert all(type(dtype) is um.DType for dtype in dtypes(policy))
    assert str(policy) == f"params={expected[0]},compute={expected[1]},output={expected[2]}"
    assert um.Policy(str(policy)) == policy
    assert eval(repr(policy), {"Policy": um.Policy}) == policy


def test_dtypes_may_be_those_of_a_framework_and_stand_over_the_text():
    assert dtypes(um.Policy(compute_dtype=np.float16)) == ("float32", "float16", "float16")
    assert dtypes(um.Policy("half", output_dtype=np.dtype("float32"))) == ("float16", "float16", "float32")
    assert um.Policy(um.Policy(MIXED)) == um.Policy(MIXED)
    assert dtypes(um.Policy(MIXED).with_output_dtype("bf16")) == ("float32", "bfloat16", "bfloat16")
    assert dtypes(um.Policy()) == ("float32",) * 3


def test_policies_are_values():
    one, other = um.Policy(MIXED), um.Policy("c=bf16,o=f32")
    assert one == other
    assert len({one, other, um.Policy("half")}) == 2
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.param_dtype = um.float16


@pytest.mark.parametrize(
    ("text", "error", "part"),
    [
        ("params=float31", DTypeError, "the dtype 'float31'"),
        ("int32", DTypeError, "the dtype 'int32'"),
        ("compute=complex64", DTypeError, "the dtype 'complex64'"),
        ("compute=", DTypeError, "the dtype ''"),
        ("", DTypeError, "the dtype ''"),
        ("weights=float32", OptionError, "no key 'weights'"),
        ("params=f32,half", OptionError, "no key 'half'"),
        ("p=f32,params=f16", OptionError, "says 'params' twice"),
        (3, DTypeError, "written as text"),
    ],
)
def test_what_is_no_policy_is_refused(text, error, part):
    with pytest.raises(error, match=part):
        um.Policy(text)


def test_the_dtypes_of_a_policy_are_floating():
    with pytest.raises(DTypeError, match="one of float16, bfloat16, float32, float64"):
        um.Policy(compute_dtype=np.int8)


# What a policy casts --------------------------------------------------------------------------------------------------


def test_only_floating_arrays_are_cast(any_backend):
    unp = um.numpy
    key = um.random.key(0)
    value = {
        "x": unp.ones(2),
        "n": unp.ones(2, dtype="int32"),
        "c": unp.ones(2, dtype="complex64"),
        "key": key,
        "s": "a",
    }
    found = um.Policy("bf16").cast_to_compute(value)
    assert [um.dtype_of(found[name]) for name in "xnc"] == ["bfloat16", "int32", "complex64"]
    assert found["n"] is value["n"]
    assert found["key"] is key
    assert found["s"] == "a"
    assert um.dtype_of(value["x"]) == "float32"


def test_containers_keep_their_types_and_what_needs_no_cast_its_identity(any_backend):
    @dataclasses.dataclass
    class Other:
        x: object

    x, other = um.numpy.ones(2), Other(1.0)
    value = ([x, 2.0], None, other, (1, 2))
    found = um.Policy("half").cast_to_output(value)
    assert um.dtype_of(found[0][0]) == "float16"
    assert found[0][1:] == [2.0]
    assert found[1:] == (None, other, (1, 2))
    assert um.Policy("full").cast_to_param(value) is value
    assert found[3] is value[3]


def test_all_leaves_of_a_module_are_cast_by_hand(any_backend):
    layer = um.Policy("half").cast_to_param(um.nn.BatchNorm(2).init(0))
    assert {str(um.dtype_of(leaf)) for leaf in um.tree.leaves(layer)} == {"float16"}


# Modules that have a policy -------------------------------------------------------------------------------------------


def network():
    return um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3), um.nn.relu, um.nn.Linear(3, 1)).init(0)


def test_it_is_what_it_was_with_a_policy(any_backend):
    net = network()
    half = um.apply_policy(net, MIXED)
    assert isinstance(half, um.nn.Sequential)
    assert policy_of(half) == um.Policy(MIXED)
    assert policy_of(net) is policy_of(half[0]) is None
    assert um.tree.paths_of(half) == um.tree.paths_of(net)
    assert list(half.state_dict()) == list(net.state_dict())
    assert half.layers[0].kernel is net.layers[0].kernel
    assert half.summary() == net.summary()
    assert len(half) == 4
    assert repr(half) == f"MixedPrecision({net!r}, '{MIXED}')"
    assert inspect.signature(type(half).__call__) == inspect.signature(type(net).__call__)


def test_state_dicts_fit_with_and_without_a_policy(any_backend):
    net = network()
    half = um.apply_policy(net.map(lambda x: x + 1), MIXED, skip=um.nn.BatchNorm)
    assert float(net.load_state_dict(half.state_dict())[1].mean[0]) == 1.0
    assert float(half.load_state_dict(net.state_dict())[1].mean[0]) == 0.0


def test_modes_and_attributes_go_through(any_backend):
    half = um.apply_policy(network(), MIXED)
    assert not half.eval().layers[1].training
    assert half.freeze()[0].frozen
    assert um.tree.leaves(half.freeze().parameters()) == []
    assert len(um.tree.leaves(half.filter(um.nn.BatchNorm))) == 4
    half.tag = "seen"
    assert half.replace(tag="new").tag == "new"
    half[0].kernel = um.numpy.zeros((2, 3))
    assert um.numpy.sum(half[0].kernel) == 0
    assert policy_of(half.eval()) == um.Policy(MIXED)


@pytest.mark.parametrize("clone", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy])
def test_it_survives_copies(any_backend, clone):
    half = um.apply_policy(network(), MIXED, skip=um.nn.BatchNorm)
    again = clone(half)
    assert um.tree.structure(again) is um.tree.structure(half)
    assert policy_of(again[1]) == um.Policy("p=f32,c=f32,o=bf16")
    structure = um.tree.structure(half)
    assert pickle.loads(pickle.dumps(structure)) is structure


def test_a_class_of_another_metaclass_can_have_a_policy(any_backend):
    half = um.apply_policy(Special(2.0), MIXED)
    assert isinstance(type(half), Meta)
    again = pickle.loads(pickle.dumps(half))
    assert um.tree.structure(again) is um.tree.structure(half)


class Meta(type(um.Module)):
    pass


class Special(um.Module, metaclass=Meta):
    def __init__(self, scale):
        self.scale = um.Parameter(um.numpy.asarray(scale))

    def __call__(self, x):
        return self.scale * x


def test_the_same_class_and_policy_give_the_same_class(any_backend):
    one, other = (um.apply_policy(um.nn.Linear(2, 3).init(seed), MIXED) for seed in (0, 1))
    assert um.tree.structure(one) is um.tree.structure(other)
    assert type(one) is not type(um.apply_policy(one, "half"))


def test_parameters_are_brought_to_their_dtype_and_states_are_not(any_backend):
    half = um.apply_policy(network(), "half")
    found = {name: str(um.dtype_of(leaf)) for name, leaf in half.state_dict().items()}
    assert found["layers.0.kernel"] == found["layers.1.scale"] == "float16"
    assert found["layers.1.mean"] == found["layers.1.var"] == "float32"


def test_a_policy_of_the_same_module_is_replaced(any_backend):
    half = um.apply_policy(um.apply_policy(network(), MIXED), "half")
    assert policy_of(half) == um.Policy("half")
    assert um.tree.structure(um.unwrap_policy(half)) is um.tree.structure(network())


@pytest.mark.parametrize(
    "where",
    [
        um.nn.Linear,
        "layers.0",
        lambda m: isinstance(m, um.nn.Linear),
        ["layers.3", "layers.0"],
        (um.nn.Linear, "layers.0"),
    ],
)
def test_where_chooses_the_modules(any_backend, where):
    half = um.apply_policy(network(), MIXED, where=where)
    assert policy_of(half) is policy_of(half[1]) is None
    assert policy_of(half[0]) == um.Policy(MIXED)
    assert policy_of(half[3]) == (None if where == "layers.0" else um.Policy(MIXED))


def test_a_module_of_the_tree_can_be_chosen(any_backend):
    net = network()
    half = um.apply_policy(net, MIXED, where=net[3])
    assert [policy_of(half[i]) is None for i in (0, 1, 3)] == [True, True, False]


def test_only_the_outermost_of_those_chosen_gets_the_policy(any_backend):
    net = um.nn.Sequential(um.nn.Sequential(um.nn.Linear(2, 2))).init(0)
    half = um.apply_policy(net, MIXED, where=um.nn.Sequential)
    assert policy_of(half) == um.Policy(MIXED)
    assert policy_of(half[0]) is None


def test_policies_inside_stay_and_skip_keeps_away_from_them(any_backend):
    net = um.nn.Sequential(um.nn.BatchNorm(2), um.nn.Sequential(um.nn.BatchNorm(2))).init(0)
    inner = um.apply_policy(net, "p=f32,c=f16,o=f16", where="layers.1")
    half = um.apply_policy(inner, MIXED, skip=um.nn.BatchNorm)
    assert policy_of(half[0]) == um.Policy("p=f32,c=f32,o=bf16")
    assert policy_of(half[1]) == um.Policy("c=f16")
    assert policy_of(half[1][0]) is None


def test_unwrapping_goes_to_any_depth_and_into_any_tree(any_backend):
    net = network()
    half = um.apply_policy(um.apply_policy(net, "half", where=um.nn.Linear), MIXED)
    found = um.unwrap_policy({"model": half, "n": 3, "again": [half[0]]})
    assert um.tree.structure(found["model"]) is um.tree.structure(net)
    assert um.tree.structure(found["again"][0]) is um.tree.structure(net[0])
    assert found["n"] == 3
    assert um.unwrap_policy(3) == 3


def test_what_cannot_have_a_policy_is_refused(any_backend):
    class Silent(um.Module):
        pass

    with pytest.raises(DTypeError, match="Only a module"):
        um.apply_policy(lambda x: x, MIXED)
    with pytest.raises(DTypeError, match="Silent has no __call__"):
        um.apply_policy(Silent(), MIXED)
    with pytest.raises(NotInitializedError, match=r"(?s)no values yet.*model\.layers\[0\]\.kernel"):
        um.apply_policy(um.nn.Sequential(um.nn.Linear(2, 3)), MIXED)
    with pytest.raises(OptionError, match="no key"):
        um.apply_policy(network(), "weights=half")


@pytest.mark.parametrize("option", [{"where": um.nn.Conv}, {"where": "layers.9"}, {"skip": "layers.9"}])
def test_a_choice_that_finds_nothing_is_refused(any_backend, option):
    with pytest.raises(OptionError, match="There is no module"):
        um.apply_policy(network(), MIXED, **option)
    um.apply_policy(network(), MIXED, skip=um.nn.Conv)
    with pytest.raises(DTypeError, match="cannot be used"):
        um.apply_policy(network(), MIXED, where=3)


def test_errors_inside_name_the_place(any_backend):
    half = um.apply_policy(network(), MIXED, where=um.nn.Linear)
    with pytest.raises(ShapeError, match=r"where:    model\.layers\[0\]   Linear"):
        half(um.numpy.ones((2, 5)))
    half = um.apply_policy(network(), MIXED)
    with pytest.raises(ShapeError, match=r"where:    model\.layers\[0\]   Linear"):
        half(um.numpy.ones((2, 5)))


def test_nothing_is_changed_by_a_call_that_fails(any_backend):
    class Failing(um.Module):
        def __init__(self):
            self.count = um.numpy.zeros(())

        def __call__(self, x):
            self.count = self.count + 1
            raise ValueError("no")

    model = um.apply_policy(Failing(), MIXED)
    with pytest.raises(ValueError, match="no"):
        model(um.numpy.ones(2))
    assert float(model.count) == 0


def test_a_captured_module_cannot_be_changed(backend):
    half = um.apply_policy(network(), MIXED)

    @um.grad
    def slope(x):
        return um.numpy.sum(half(x))

    with pytest.raises(CapturedModuleError):
        slope(um.numpy.ones((4, 2)))
    assert float(half[1].mean[0]) == 0
    half = half.eval()
    assert um.dtype_of(slope(um.numpy.ones((4, 2)))) == "float32"
