"""Whether numbers are finite, and the choice between two trees."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array
from unimod.core import tree, walk
from unimod.errors import DTypeError, ShapeError


def all_finite(grads: Any) -> Array:
    """Whether no element of a tree is infinite or NaN: a bool scalar; True of an empty tree.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0])
        >>> bool(um.optim.all_finite({"a": x})), bool(um.optim.all_finite({"a": x * float("inf")}))
        (True, False)
    """
    return are_finite(walk.flatten(grads)[0])


def are_finite(leaves: list[Any]) -> Array:
    """:func:`all_finite` of a list of leaves."""
    found = [unp.all(unp.isfinite(x)) for x in leaves if not _is_counted(x)]
    if not found:
        return unp.asarray(True, backend=config.engine_of(*leaves).name)
    return unp.all(unp.stack(found)) if len(found) > 1 else found[0]


def _is_counted(x: Any) -> bool:
    """Whether ``x`` has a dtype in which everything is finite."""
    return config.is_array(x) and config.dtype_of(x).kind not in ("float", "complex")


def select_tree(condition: Any, tree_if_true: Any, tree_if_false: Any) -> Any:
    """One of two trees of the same structure; traceable, as both are there.

    Args:
        condition: a bool, or a bool array without axes.
        tree_if_true: what is chosen where the condition holds.
        tree_if_false: what is chosen where it does not.

    Raises:
        ShapeError: the condition has axes.
        DTypeError: it is not a bool.
        TreeError: the structures differ.

    Example:
        >>> import unimod as um
        >>> x, y = um.numpy.asarray(1.0), um.numpy.asarray(2.0)
        >>> float(um.optim.select_tree(um.numpy.less(x, y), {"a": x}, {"a": y})["a"])
        1.0
    """
    check_condition("select_tree", condition)
    leaves, structure = walk.flatten(tree_if_true)
    return walk.unflatten(structure, choose(condition, leaves, tree._matching(tree_if_false, structure)))


def choose(condition: Any, leaves: list[Any], others: list[Any]) -> list[Any]:
    """The leaves where the condition holds, else the others."""
    return [x if x is y else unp.where(condition, x, y) for x, y in zip(leaves, others, strict=True)]


def check_condition(name: str, condition: Any) -> None:
    """Refuse what is not one bool.

    Raises:
        ShapeError, DTypeError: it is not.
    """
    if isinstance(condition, bool):
        return
    if not config.is_array(condition) or config.dtype_of(condition).kind != "bool":
        raise DTypeError(
            f"{name} needs a bool.",
            got=config.describe_value(condition),
            expected="bool[], such as um.numpy.less(x, y)",
        )
    if len(condition.shape) != 0:
        raise ShapeError(
            f"{name} needs one bool.",
            got=config.describe_value(condition),
            expected="bool[]",
            fix="um.numpy.all(condition)",
        )
