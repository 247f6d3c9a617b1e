"""``um.tree``: functions on trees of arrays. One order and one set of rules on every engine.

A tree is an array, a module, or lists, tuples, namedtuples and dicts of trees; None is an empty tree and ``Nothing`` is
no leaf. Anything else is a leaf. Dict keys are taken in sorted order, OrderedDict keys in their own.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.core import edit, paths, walk
from unimod.core import skeleton as sk
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import DTypeError, TreeError

__all__ = [
    "add", "assert_same", "copy", "flatten", "leaves", "map", "map_with_path", "neg", "norm", "norm_sq", "paths_of",
    "ravel", "size", "structure", "sub", "sum", "unflatten", "vdot",
]  # fmt: skip


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves in order, and the structure (interned: equal structures are the same object).

    Example:
        >>> import unimod as um
        >>> leaves, structure = um.tree.flatten({"b": 1, "a": [2, None]})
        >>> leaves, um.tree.unflatten(structure, leaves)
        ([2, 1], {'a': [2, None], 'b': 1})
    """
    found, structure = walk.flatten(tree)
    return list(found), structure


def unflatten(structure: Any, leaves: Sequence[Any]) -> Any:
    """The tree with this structure and these leaves.

    Raises:
        TreeError: the number of leaves is another.
    """
    return walk.unflatten(structure, list(leaves))


def leaves(tree: Any) -> list[Any]:
    """The leaves in order."""
    return list(walk.flatten(tree)[0])


def structure(tree: Any) -> Any:
    """The structure: what is left of a tree without its leaves."""
    return walk.flatten(tree)[1]


def paths_of(tree: Any) -> list[str]:
    """The dotted path of each leaf.

    Example:
        >>> import unimod as um
        >>> um.tree.paths_of({"b": 1, "a": [2, 3]})
        ['a.0', 'a.1', 'b']
    """
    found = walk.flatten(tree)[1]
    return [paths.dotted(slot.path) for slot in found.slots] if isinstance(found, Skeleton) else [""] * sk.count(found)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """The tree with ``function`` applied to each leaf (and to the leaves of ``rest`` at the same places).

    Raises:
        TreeError: the structures differ; the message names the first path that does.

    Example:
        >>> import unimod as um
        >>> um.tree.map(lambda a, b: a + b, {"x": 1, "y": (2,)}, {"x": 10, "y": (20,)})
        {'x': 11, 'y': (22,)}
    """
    found, shape = walk.flatten(tree)
    columns = [found, *(_matching(other, shape) for other in rest)]
    return walk.unflatten(shape, [function(*row) for row in zip(*columns, strict=True)])


def map_with_path(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Like :func:`map`, with the dotted path of the leaf as the first argument."""
    found, shape = walk.flatten(tree)
    columns = [paths_of(tree), found, *(_matching(other, shape) for other in rest)]
    return walk.unflatten(shape, [function(*row) for row in zip(*columns, strict=True)])


def assert_same(tree: Any, other: Any) -> None:
    """Check that two trees have the same structure.

    Raises:
        TreeError: they do not; the message names the first path that differs.
    """
    _matching(other, walk.flatten(tree)[1])


def _matching(other: Any, shape: Child) -> list[Any]:
    found, structure = walk.flatten(other)
    if structure is not shape and _without_modes(structure) != _without_modes(shape):
        path, got, expected = difference(structure, shape)
        raise TreeError("Two trees do not have the same structure.", where=path, got=got, expected=expected)
    return found


def _without_modes(structure: Child) -> Child:
    return sk.with_modes(structure, True, False) if isinstance(structure, Skeleton) else structure


def difference(one: Child, other: Child, path: str = "tree") -> tuple[str, str, str]:
    """The first path at which two structures differ, and what each has there."""
    if isinstance(one, Skeleton) and isinstance(other, Skeleton) and one.type is other.type:
        mine, theirs = (builtins.dict(zip(sk.child_keys(s), s.children, strict=True)) for s in (one, other))
        for name in [*mine, *(name for name in theirs if name not in mine)]:
            if name not in mine or name not in theirs:
                here = f"{path}{paths.pretty('', (name,))}"
                return here, "an entry" if name in mine else "no entry", "an entry" if name in theirs else "no entry"
            if _without_modes(mine[name]) != _without_modes(theirs[name]):
                return difference(mine[name], theirs[name], f"{path}{paths.pretty('', (name,))}")
    return path, _describe(one), _describe(other)


def _describe(child: Child) -> str:
    if isinstance(child, Skeleton):
        return f"{child.type.__name__} of {len(child.children)}"
    if isinstance(child, sk.Leaf):
        return "a leaf" if child.kind is None else f"a leaf of kind {child.kind.__name__}"
    return repr(child.value) if isinstance(child, sk.Fixed) else "nothing" if child is sk.HOLE else "a shared object"


# Arithmetic -----------------------------------------------------------------------------------------------------------


def add(tree: Any, other: Any, *, alpha: Any = 1) -> Any:
    """``tree + alpha * other``, leaf by leaf.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([1.0, 2.0])
        >>> [float(v) for v in um.tree.add({"x": x}, {"x": x}, alpha=0.5)["x"]]
        [1.5, 3.0]
    """
    return map(lambda a, b: a + alpha * b, tree, other)


def sub(tree: Any, other: Any) -> Any:
    """``tree - other``, leaf by leaf."""
    return map(lambda a, b: a - b, tree, other)


def neg(tree: Any) -> Any:
    """``-tree``, leaf by leaf."""
    return map(lambda a: -a, tree)


def sum(tree: Any) -> Any:
    """The sum of all elements of all leaves, a scalar array."""
    return builtins.sum((unp.sum(leaf) for leaf in leaves(tree)), 0.0)


def vdot(tree: Any, other: Any) -> Any:
    """The sum of ``conj(a) * b`` over all elements of all leaves, a scalar array."""
    pairs = zip(leaves(tree), _matching(other, structure(tree)), strict=True)
    return builtins.sum((unp.sum(unp.conj(a) * b if _is_complex(a) else a * b) for a, b in pairs), 0.0)


def norm_sq(tree: Any) -> Any:
    """The sum of ``|x|**2`` over all elements of all leaves, a scalar array."""
    return builtins.sum((unp.sum(unp.square(unp.abs(leaf))) for leaf in leaves(tree)), 0.0)


def norm(tree: Any) -> Any:
    """The Euclidean norm over all elements of all leaves, a scalar array; its gradient at zero is zero.

    Example:
        >>> import unimod as um
        >>> float(um.tree.norm({"a": um.numpy.asarray([3.0]), "b": um.numpy.asarray(4.0)}))
        5.0
    """
    total = norm_sq(tree)
    if not config.is_array(total):
        return math.sqrt(total)
    is_zero = total == 0
    return unp.where(is_zero, 0.0, unp.sqrt(unp.where(is_zero, 1.0, total)))


def size(tree: Any) -> int:
    """The number of elements of all leaves together."""
    return builtins.sum(math.prod(leaf.shape) if config.is_array(leaf) else 1 for leaf in leaves(tree))


def copy(tree: Any) -> Any:
    """The same tree with arrays of its own."""
    return edit.change(edit.copied, tree, ())


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All leaves as one flat array, and the function that makes a tree of such an array.

    Raises:
        DTypeError: the leaves have several dtypes.

    Example:
        >>> import unimod as um
        >>> flat, restore = um.tree.ravel({"a": um.numpy.ones((2, 2)), "b": um.numpy.zeros((3,))})
        >>> flat.shape == (7,), restore(flat)["a"].shape == (2, 2)
        (True, True)
    """
    found, shape = walk.flatten(tree)
    arrays = [unp.asarray(leaf) for leaf in found]
    dtypes = sorted({config.dtype_of(array) for array in arrays})
    if len(dtypes) > 1:
        raise DTypeError("The leaves have several dtypes.", got=", ".join(dtypes), expected="leaves of one dtype")
    shapes = [tuple(array.shape) for array in arrays]

    def restore(flat: Any) -> Any:
        pieces, start = [], 0
        for piece in shapes:
            stop = start + math.prod(piece)
            pieces.append(unp.reshape(flat[start:stop], piece))
            start = stop
        return walk.unflatten(shape, pieces)

    flat = unp.concat([unp.reshape(array, (-1,)) for array in arrays]) if arrays else unp.zeros((0,))
    return flat, restore


def _is_complex(x: Any) -> bool:
    return config.is_array(x) and config.dtype_of(x).kind == "complex"
