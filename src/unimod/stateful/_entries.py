"""Reading and writing entries below a path: what modules do below theirs, and functions below the current scope."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import unimod.random as random
from unimod.core import walk
from unimod.core.module import Module as PlainModule
from unimod.errors import DTypeError, OptionError
from unimod.stateful import _context, _names
from unimod.stateful._context import absent, current

MISSING: Any = object()
is_module_class: Callable[[Any], bool] = lambda value: False  # noqa: E731 (set by the file that defines modules)
make_layer: Callable[..., Any] = lambda *args, **kwargs: None  # noqa: E731 (likewise)


class Entries(dict[str, Any]):
    """Entries of the state by their whole keys; names relative to the module work too. In trees it is a plain dict."""

    def __init__(self, path: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.path = path

    def _key(self, name: str) -> str:
        return _names.resolve(self.path, name, set(self))

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._key(name))

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(self._key(name), value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (dict.__contains__(self, name) or dict.__contains__(self, self._whole(name)))

    def _whole(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or ``default``."""
        return self[name] if name in self else default  # noqa: SIM401 (that would be this method)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Entries, (self.path, dict(self)))


walk.as_dict(Entries)


def get(path: str, name: str, ctor: Any = MISSING, *args: Any, **kwargs: Any) -> Any:
    """The value of an entry, or the submodule, of that name; made by ``ctor`` where there is none."""
    context = current()
    key = _names.join(path, name)
    if ctor is MISSING:
        return context.modules[key] if key in context.modules else read(key)
    make, args, kwargs = _opened(ctor, args, kwargs)
    if is_module_class(make) or _is_plain_module(make):
        return _submodule(context, path, key, make, args, kwargs)
    if key in context.modules:
        context.claim(key, make)
    if key not in context:
        _create(context, key, make, args, kwargs)
    return context[key]


def read(key: str) -> Any:
    """The value of an entry.

    Raises:
        NotInitializedError: there is none.
    """
    context = current()
    if key not in context:
        raise absent(key, len(context))
    return context[key]


def _opened(ctor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """A constructor without the partials around it, and all its arguments."""
    while isinstance(ctor, functools.partial):
        args, kwargs, ctor = (*ctor.args, *args), {**ctor.keywords, **kwargs}, ctor.func
    return ctor, args, kwargs


def _is_plain_module(ctor: Any) -> bool:
    return isinstance(ctor, PlainModule) or (isinstance(ctor, type) and issubclass(ctor, PlainModule))


def _submodule(
    context: _context.Context, path: str, key: str, make: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The submodule at ``key``: one object for the whole run, however often it is asked for."""
    recipe = (make, args, kwargs)
    known = context.modules.get(key)
    if known is not None:
        _same_recipe(key, getattr(known, "_recipe", None), recipe)
        return known
    with _context.scope(path, absolute=True):
        name = _names.below(path, key)
        module = make(*args, name=name, **kwargs) if is_module_class(make) else make_layer(recipe, name)
    object.__setattr__(module, "_recipe", recipe)
    context.claim(key, module)
    return module


def _same_recipe(key: str, known: Any, recipe: Any) -> None:
    if known is None:
        raise OptionError(
            "A submodule was built by hand, and is asked for by get.", where=key, fix="use the one that was built"
        )
    (make, args, kwargs), (old, old_args, old_kwargs) = recipe, known
    is_same = make is old and len(args) == len(old_args) and sorted(kwargs) == sorted(old_kwargs)
    pairs = [*zip(args, old_args, strict=False), *((kwargs[n], old_kwargs.get(n)) for n in kwargs)]
    if not is_same or any(_differs(new, old) for new, old in pairs):
        raise OptionError(
            "A submodule is asked for again, and was built in another way.",
            where=key,
            got=_text(recipe),
            expected=_text(known),
            fix="give it another name, or the same arguments",
        )


def _differs(one: Any, other: Any) -> bool:
    """Whether two arguments are plainly not the same; of what cannot be compared only the type counts."""
    plain = (bool, int, float, str, tuple, list, type(None))
    return type(one) is not type(other) or (isinstance(one, plain) and repr(one) != repr(other))


def _text(recipe: Any) -> str:
    make, args, kwargs = recipe
    shown = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    return f"{getattr(make, '__name__', type(make).__name__)}({', '.join(shown)})"[:100]


def _create(context: _context.Context, key: str, ctor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not context.flags.create:
        raise absent(key, len(context))
    if not callable(ctor):
        raise DTypeError(
            "get takes what makes the first value.",
            where=key,
            got=repr(ctor)[:80],
            expected="a function, a class of modules, or a module of um.nn",
            fix="for a value that is there, use put",
        )
    before, context.creating = context.creating, key
    try:
        context.write(key, ctor(*args, **kwargs))
    finally:
        context.creating = before


def put(path: str, name: Any, value: Any = MISSING) -> Any:
    """Write one entry, or all those of a mapping."""
    if value is MISSING:
        return putm(path, name)
    context = current()
    context.write(_names.resolve(path, name, context), value)
    return value


def putm(path: str, mapping: Any) -> None:
    """Write several entries; their names are whole keys, or relative. All, or none where one does not fit."""
    context = current()
    if not isinstance(mapping, Mapping):
        raise DTypeError(
            "put takes a name and a value, or a mapping of names to values.",
            where=path,
            got=type(mapping).__name__,
            fix="put('bias', value), or put({'bias': value})",
        )
    items = {_names.resolve(path, name, context): value for name, value in mapping.items()}
    before, notes = dict(context._values), context.notes.copy()
    try:
        for key, value in items.items():
            context.write(key, value)
    except Exception:
        context._values, context.notes = before, notes
        raise


def getm(path: str, pattern: str, *, is_whole: bool) -> Entries:
    """The entries below a path whose relative names match."""
    context = current()
    keys = _names.matching(context, path, pattern, is_whole=is_whole)
    return Entries(path, {key: context[key] for key in keys})


def relative(path: str) -> Iterator[tuple[str, Any]]:
    """The entries below a path by their relative names."""
    for key, value in getm(path, ".*", is_whole=True).items():
        yield _names.below(path, key) or key, value


def rng(amount: int | None = None) -> Any:
    """A random key for one use; each call gives another one.

    Inside of what makes the first value of an entry, the key depends on the path of the entry alone: it is the one that
    a module of the same path gives its leaf at ``init``. Elsewhere it depends on the path of the scope and on how
    many keys were drawn there before. Either way no other module has a say in it.

    Args:
        amount: how many keys, as an array of keys; None: one key.

    Raises:
        NotInitializedError: the run got no seed.

    Example:
        >>> import unimod as um
        >>> def noise():
        ...     return um.random.normal(um.stateful.rng(), (2,))
        >>> _, first = um.stateful.pure(noise)({}, seed=0)
        >>> _, second = um.stateful.pure(noise)({}, seed=0)
        >>> bool(um.numpy.all(first == second))
        True
    """
    context = current()
    keys = context.random
    key = keys.draw(_context.path()) if context.creating is None else keys.next_first(context.creating)
    return key if amount is None else random.split(key, amount)
