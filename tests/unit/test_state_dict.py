"""State dicts: what is in them, and that a wrong one changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

import unimod as um
from unimod.errors import StateDictError, TreeError


def build():
    return um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3), um.nn.Dropout(0.5))


NAMES = [
    "layers.0.kernel",
    "layers.0.bias",
    "layers.1.scale",
    "layers.1.bias",
    "layers.1.mean",
    "layers.1.var",
    "layers.2.key",
]


def same(one, two) -> bool:
    pairs = zip(um.tree.leaves(one), um.tree.leaves(two), strict=True)
    return all(np.array_equal(*(um.to_backend(x, "numpy") for x in pair)) for pair in pairs)


def test_names_and_order(any_backend):
    model = build().init(0)
    state = model.state_dict()
    assert list(state) == NAMES
    assert state["layers.0.kernel"] is model[0].kernel


def test_there_and_back(any_backend):
    one, two = build().init(0), build().init(1)
    new = two.load_state_dict(one.state_dict())
    assert same(new, one)
    assert not same(two, one)
    assert two.load_state_dict(one.state_dict(), inplace=True) is two
    assert same(two, one)


def test_into_a_module_without_values(any_backend):
    one = build().init(0)
    assert same(build().load_state_dict(one.state_dict()), one)


def test_a_shared_leaf_appears_once():
    class Tied(um.Module):
        def __init__(self):
            self.a = um.Parameter(np.ones(2))
            self.child = um.nn.Identity()
            self.child.b = self.share("a")

    tied = Tied()
    assert list(tied.state_dict()) == ["a"]
    new = tied.load_state_dict({"a": np.zeros(2)})
    assert new.child.b is new.a


@pytest.mark.needs("jax", "torch")
def test_from_another_engine():
    one = build().init(0, backend="jax")
    new = build().init(1, backend="torch").load_state_dict(one.state_dict())
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves(new)} == {"torch"}
    assert same(new, one)
    back = build().init(2, backend="jax").load_state_dict(um.to_backend(new, "numpy").state_dict())
    assert {um.engine_of(leaf).name for leaf in um.tree.leaves(back)} == {"jax"}
    assert same(back, one)


def wrong(state, any_backend):
    state = dict(state)
    del state["layers.0.bias"]
    state["layers.9.bias"] = state["layers.0.kernel"]
    state["layers.0.kernel"] = um.numpy.ones((3, 2))
    state["layers.1.mean"] = um.numpy.ones((3,), dtype="float16")
    state["layers.1.var"] = 3.0
    return state


FAULTS = [
    "missing: layers.0.bias",
    "extra: layers.9.bias",
    "layers.0.kernel: f32[3, 2] instead of f32[2, 3]",
    "layers.1.mean: f16[3] instead of f32[3]",
    "layers.1.var: float instead of f32[3]",
]


def test_all_faults_are_told_at_once_and_nothing_is_changed(any_backend):
    model = build().init(0)
    before = model.state_dict()
    with pytest.raises(StateDictError, match="does not fit") as caught:
        model.load_state_dict(wrong(before, any_backend), inplace=True)
    assert caught.value.got == "; ".join(FAULTS)
    assert all(model.state_dict()[name] is leaf for name, leaf in before.items())


def test_shapes_and_dtypes_are_checked_without_strict_too(any_backend):
    model = build().init(0)
    with pytest.raises(StateDictError) as caught:
        model.load_state_dict(wrong(model.state_dict(), any_backend), strict=False)
    assert caught.value.got == "; ".join(FAULTS[2:])


def test_missing_and_extra_entries_without_strict(any_backend):
    model = build().init(0)
    new = model.load_state_dict({"layers.0.bias": um.numpy.ones((3,)), "other": 1}, strict=False)
    assert um.to_backend(new[0].bias, "numpy").tolist() == [1.0] * 3
    assert new[0].kernel is model[0].kernel


def test_the_shape_is_checked_against_a_module_without_values(any_backend):
    with pytest.raises(StateDictError) as caught:
        um.nn.Linear(2, 3, use_bias=False).load_state_dict({"kernel": um.numpy.ones((2, 2))})
    assert caught.value.got == "kernel: f32[2, 2] instead of f32[2, 3]"


def test_any_shape_fits_where_the_size_is_missing(any_backend):
    model = um.nn.Linear(None, 3, use_bias=False).load_state_dict({"kernel": um.numpy.ones((2, 3))})
    assert tuple(model.kernel.shape) == (2, 3)


def test_two_leaves_of_one_name_are_an_error():
    module = um.nn.Identity()
    vars(module).update({0: np.ones(1), "0": np.ones(1)})
    with pytest.raises(TreeError, match="same dotted path"):
        module.state_dict()


def test_dots_in_names_do_not_make_them_alike():
    module = um.nn.Identity()
    module.parts = {"a": np.ones(1)}
    setattr(module, "parts.a", np.ones(1))
    assert list(module.state_dict()) == ["parts.a", "parts~1a"]


def test_a_state_dict_goes_through_a_file(any_backend, tmp_path):
    model = build().init(0)
    state = {name: um.to_backend(leaf, "numpy") for name, leaf in model.state_dict().items()}
    np.savez(tmp_path / "model.npz", **state)
    with np.load(tmp_path / "model.npz") as saved:
        assert same(build().init(1).load_state_dict(saved), model)


def test_of_an_optimizer(backend):
    model = um.nn.Linear(2, 1).init(0)
    opt = um.optim.adam(0.1).init(model.parameters())
    assert list(opt.state_dict()) == [
        "parts.0.state.count",
        "parts.0.state.mu.0",
        "parts.0.state.mu.1",
        "parts.0.state.nu.0",
        "parts.0.state.nu.1",
    ]
    _, later = opt.step(model, model.parameters())
    assert same(opt.load_state_dict(later.state_dict()), later)
