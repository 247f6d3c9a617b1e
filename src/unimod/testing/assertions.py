"""Assertions on trees of arrays of any engine; a failure says which leaf, how far, and where in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from unimod import config
from unimod.backends import _registry
from unimod.core import tree
from unimod.dtypes import describe
from unimod.errors import OptionError, UnimodError
from unimod.testing.bounds import EXACT, Bound, Deviation, largest, ulps


class MismatchError(UnimodError, AssertionError):
    """Two results are not as near as they should be. ``share`` is the deviation in units of the bound, or inf."""

    share: float = float("inf")


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    ulp: int | None = None,
    check_dtype: bool = True,
) -> None:
    """Check that two trees have the same structure, and near leaves of the same shapes and dtypes.

    NaN is near NaN, inf is near the same inf; integers and bools must be equal. Without a bound, all must be equal.

    Args:
        actual: an array, a number, a module, or any container of these; of any engine.
        expected: likewise; the leaves may be of another engine.
        rtol: allowed deviation, relative to what is expected.
        atol: allowed deviation beside that.
        ulp: allowed deviation in numbers of the dtype of ``actual``, in place of the other two.
        check_dtype: whether the dtypes must be equal too.

    Raises:
        MismatchError: they differ; the text names the leaf, the deviation, and the index where it is largest.
        TreeError: the structures differ.
        OptionError: ``ulp`` is given beside ``rtol`` or ``atol``.

    Example:
        >>> import unimod as um
        >>> from unimod.testing import assert_close
        >>> x = {"a": um.numpy.asarray([1.0, 2.0])}
        >>> assert_close(x, {"a": um.numpy.asarray([1.0, 2.0001])}, rtol=1e-3)
        >>> try:
        ...     assert_close(x, {"a": um.numpy.asarray([1.0, 2.5])}, rtol=1e-3)
        ... except AssertionError as error:
        ...     print(str(error).splitlines()[1])
          where:    tree['a'] at index (1,); 1 of 2 elements are too far
    """
    if ulp is not None and (rtol is not None or atol is not None):
        raise OptionError("assert_close got two kinds of bounds.", got=f"ulp = {ulp}, rtol = {rtol}, atol = {atol}")
    given = rtol is not None or atol is not None
    bound = Bound(rtol=rtol or 0.0, atol=atol or 0.0) if given else Bound(ulp=ulp or 0)
    compare(actual, expected, bound, check_dtype=check_dtype)


def compare(
    actual: Any, expected: Any, bound: Bound = EXACT, *, check_dtype: bool = True, names: tuple[str, str] = ("", "")
) -> float:
    """:func:`assert_close` with a :class:`Bound`; returns the largest deviation as a share of it.

    Args:
        actual: a tree.
        expected: a tree.
        bound: what is allowed.
        check_dtype: whether the dtypes must be equal too.
        names: what the two are called in the error.
    """
    tree.assert_same(actual, expected)
    paths = tree.paths_of(actual)
    pairs = zip(paths, tree.leaves(actual), tree.leaves(expected), strict=True)
    return max((_leaf(path, one, other, bound, check_dtype, names) for path, one, other in pairs), default=0.0)


def _leaf(path: str, actual: Any, expected: Any, bound: Bound, check_dtype: bool, names: tuple[str, str]) -> float:
    one, other = host(actual), host(expected)
    if one is None or other is None:
        if actual is expected or actual == expected:
            return 0.0
        raise MismatchError(_title(names), where=_place(path), got=repr(actual), expected=repr(expected))
    if one.shape != other.shape or (check_dtype and one.dtype != other.dtype):
        raise MismatchError(
            _title(names, "in shape" if one.shape != other.shape else "in dtype"),
            where=_place(path),
            got=_described(actual, one),
            expected=_described(expected, other),
        )
    deviation = largest(one, other, bound)
    if deviation.share > 1:
        raise _too_far(path, (actual, one), (expected, other), deviation, bound, names)
    return deviation.share


def _too_far(
    path: str, got: Any, wanted: Any, deviation: Deviation, bound: Bound, names: tuple[str, str]
) -> MismatchError:
    (actual, one), (expected, other) = got, wanted
    at = f" at index {deviation.index}" if deviation.index else ""
    far = f"off by {deviation.absolute:.3g} ({deviation.ulp:.3g} ulp), {deviation.share:.3g} times what is allowed"
    reason = f" ({bound.why})" if bound.why else ""
    error = MismatchError(
        f"{_title(names)[:-1]}: {far}.",
        where=f"{_place(path)}{at}; {deviation.count} of {one.size} elements are too far",
        got=f"{_number(one[deviation.index])} in {_described(actual, one)}",
        expected=f"{_number(other[deviation.index])} in {_described(expected, other)}, within {bound}{reason}",
    )
    error.share = deviation.share
    return error


def _title(names: tuple[str, str], how: str = "") -> str:
    one, other = names if any(names) else ("The result", "what is expected")
    return f"{one} differs {how + ' ' if how else ''}from {other}."


def _place(path: str) -> str:
    parts = path.split(".") if path else []
    return "tree" + "".join(f"[{part}]" if part.isdigit() else f"[{part!r}]" for part in parts)


def _number(x: Any) -> str:
    return f"{x:.9g}" if np.asarray(x).dtype.kind == "f" else str(x)


def _described(value: Any, array: Any) -> str:
    text = describe(array.shape, array.dtype.name)
    engine = _registry.of_type(type(value))
    return text if engine is None else f"{text} on {engine.name}"


def host(leaf: Any) -> Any:
    """A leaf as a numpy array; None for what is neither array nor number."""
    if isinstance(leaf, (bool, int, float, complex)):
        return np.asarray(leaf)
    engine = _registry.of_type(type(leaf))
    return None if engine is None else np.asarray(engine.arrays.to_numpy(leaf))


def assert_native(tree_of_arrays: Any, backend: str) -> None:
    """Check that every array in a tree is a native array of one engine, and that there is one.

    Raises:
        MismatchError: an array belongs to another engine, or there is none.

    Example:
        >>> import unimod as um
        >>> from unimod.testing import assert_native
        >>> assert_native({"a": um.numpy.ones((2,), backend="numpy")}, "numpy")
    """
    engine = _registry.load(backend)
    pairs = zip(tree.paths_of(tree_of_arrays), tree.leaves(tree_of_arrays), strict=True)
    arrays = [(path, leaf) for path, leaf in pairs if not isinstance(leaf, (bool, int, float, complex, str))]
    for path, leaf in arrays:
        owner = _registry.of_type(type(leaf))
        if owner is not engine:
            got = type(leaf).__qualname__ if owner is None else config.describe_value(leaf)
            raise MismatchError(
                "An array is not of the engine that should have made it.", where=_place(path), got=got, expected=backend
            )
    if not arrays:
        raise MismatchError(
            "There is no array to look at.", got=repr(tree_of_arrays)[:80], expected=f"arrays of {backend}"
        )


def max_ulp(actual: Any, expected: Any) -> float:
    """The largest distance between two trees in numbers of the dtype of ``actual``; inf where one is NaN.

    Example:
        >>> import numpy as np
        >>> from unimod.testing import max_ulp
        >>> one = np.ones(2, np.float32)
        >>> max_ulp({"a": one}, {"a": np.nextafter(one, np.float32(2))})
        1.0
    """
    tree.assert_same(actual, expected)
    pairs = [(host(a), host(b)) for a, b in zip(tree.leaves(actual), tree.leaves(expected), strict=True)]
    return max((_ulp(one, other) for one, other in pairs if one is not None), default=0.0)


def _ulp(one: Any, other: Any) -> float:
    if one.dtype.kind in "biu":
        return float(np.max(np.abs(one.astype(np.float64) - other), initial=0.0))
    return float(np.max(ulps(one, other, str(one.dtype.name)), initial=0.0))
