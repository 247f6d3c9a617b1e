"""``grad``: derivatives of a stateful function by entries of the state and by arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, KeysView, Mapping, Sequence
from typing import Any

from unimod import config
from unimod.core import walk
from unimod.dtypes import is_inexact
from unimod.errors import DTypeError, OptionError, TreeError
from unimod.stateful import _context, _inner, _names
from unimod.stateful._context import Context, current
from unimod.stateful._module import Module
from unimod.transforms.grad import value_and_grad


def grad(
    fn: Callable[..., Any], keys: Any = None, argnums: int | Sequence[int] | None = None, has_aux: bool = False
) -> Callable[..., Any]:
    """A stateful function that returns ``(loss, params, grads)`` of the stateful function ``fn``.

    ``params`` and ``grads`` are dicts with the chosen entries, and their gradients at the values before the call. What
    ``fn`` writes to the state and draws from the random keys happens once, as if it had been called.
    Where entries may be created, ``fn`` is first run once to create them.

    Args:
        fn: returns a scalar, or ``(scalar, auxiliary output)`` with ``has_aux``; the result is then
            ``(loss, params, grads, aux)``.
        keys: what to differentiate by: stateful modules, keys of entries, or paths (for all that is below);
            one, or several, or a mapping such as ``self.getm()``. Chosen are the entries of a floating dtype which
            no layer declares as something else than a parameter. An int means ``argnums``.
        argnums: the arguments to differentiate by. Without ``keys``, ``params`` and ``grads`` are those of
            the arguments (a tuple, for a sequence); with both, pairs: ``(entries, arguments)``.
        has_aux: whether ``fn`` returns something beside the scalar.

    Raises:
        TreeError: a key chooses nothing that can be trained.
        ShapeError: the loss is not a scalar.

    Example:
        >>> import unimod as um
        >>> def loss(x):
        ...     return um.numpy.sum(um.stateful.get("w") * x)
        >>> def gradient(x):
        ...     return um.stateful.grad(loss, "w")(x)
        >>> state = {"w": um.numpy.asarray([1.0, 2.0])}
        >>> _, (value, params, grads) = um.stateful.pure(gradient)(state, um.numpy.asarray([3.0, 4.0]))
        >>> float(value), [float(v) for v in grads["w"]]
        (11.0, [3.0, 4.0])
    """
    keys, argnums = _arguments(keys, argnums)

    @functools.wraps(fn)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        context = current()
        _inner.create(context, fn, args, kwargs)
        chosen = select(context, keys)
        places = _places(argnums, len(args))
        run = _inner.function(context, fn, kwargs, has_aux)
        differentiate = value_and_grad(run, argnums=(0, *(n + 2 for n in places)), has_aux=True)
        others = {key: value for key, value in context.all_values().items() if key not in chosen}
        (loss, (aux, changes, (notes, random))), (by_key, *by_place) = differentiate(chosen, others, *args)
        context.absorb(changes, notes, random)
        kept = _trained(keys, chosen, context.notes.untrained)
        params = _result(argnums, keys, {k: chosen[k] for k in kept}, [args[n] for n in places])
        grads = _result(argnums, keys, {k: by_key[k] for k in kept}, by_place)
        return (loss, params, grads, aux) if has_aux else (loss, params, grads)

    return differentiated


def _arguments(keys: Any, argnums: Any) -> tuple[Any, Any]:
    is_place = isinstance(keys, int) or (isinstance(keys, (list, tuple)) and keys and all(type(n) is int for n in keys))
    if is_place and argnums is None:
        keys, argnums = None, keys
    if keys is None and argnums is None:
        raise OptionError("grad needs something to differentiate by.", expected="keys, argnums, or both")
    return keys, argnums


def _places(argnums: Any, count: int) -> list[int]:
    numbers = [] if argnums is None else [argnums] if isinstance(argnums, int) else list(argnums)
    places = [n + count if n < 0 else n for n in numbers]
    for place in places:
        if not 0 <= place < count:
            raise DTypeError(f"grad has no argument number {place}.", got=f"{count} positional arguments")
    return places


def _result(argnums: Any, keys: Any, by_key: dict[str, Any], by_place: list[Any]) -> Any:
    if argnums is None:
        return by_key
    places = by_place[0] if isinstance(argnums, int) else tuple(by_place)
    return places if keys is None else (by_key, places)


def select(context: Context, keys: Any) -> dict[str, Any]:
    """The entries that the keys choose, as far as they are floating.

    Raises:
        TreeError: one chooses none.
    """
    found: dict[str, Any] = {}
    for item in _items(keys):
        values = context.values_of(_keys_of(context, item))
        trainable = {key: value for key, value in values.items() if _is_floating(value)}
        if not trainable:
            raise _nothing(item, values)
        found.update(trainable)
    return dict(sorted(found.items()))


def _items(keys: Any) -> list[Any]:
    if keys is None:
        return []
    is_one = isinstance(keys, (str, Module, Mapping, KeysView)) or not isinstance(keys, Iterable)
    return [keys] if is_one else list(keys)


def _keys_of(context: Context, item: Any) -> list[str]:
    if isinstance(item, (Mapping, KeysView)):
        return [key for name in item for key in _keys_of(context, name)]
    if isinstance(item, Module):
        return [key for key in context if _names.below(item.path, key) is not None]
    if not isinstance(item, str):
        raise DTypeError(
            "An entry of the state is chosen by a module, a key or a path.",
            got=repr(item)[:80],
            expected="str or Module",
        )
    for path in dict.fromkeys((item, _names.join(_context.path(), item))):
        found = [key for key in context if key == path or _names.below(path, key) is not None]
        if found:
            return found
    return []


def _is_floating(value: Any) -> bool:
    leaves, _ = walk.flatten(value)
    return bool(leaves) and all(config.is_array(leaf) and is_inexact(config.dtype_of(leaf)) for leaf in leaves)


def _trained(keys: Any, chosen: dict[str, Any], untrained: set[str]) -> list[str]:
    """The chosen entries without those that a layer declared as no parameters."""
    kept = [key for key in chosen if key not in untrained]
    if chosen and not kept:
        raise _nothing(keys, chosen)
    return kept


def _nothing(item: Any, found: Mapping[str, Any]) -> TreeError:
    return TreeError(
        "Nothing that can be trained is chosen by a key of grad.",
        got=f"{item!r}"[:100]
        + (f", which chooses {', '.join(list(found)[:4])}" if found else ", which chooses nothing"),
        expected="a key, a path or a module with entries of a floating dtype",
        fix="let the function create its entries first, or give the whole key: f'{self.path}/bias'",
    )
