"""Functions with parameters: descriptions without values, which take their parameters as an argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from unimod import random
from unimod.core import walk
from unimod.core.module import Module
from unimod.functional import _bound, _errors, _frame, _known, _run, _slots, _states
from unimod.functional._filling import Filling
from unimod.functional._inputs import Inputs
from unimod.functional._params import RESERVED, Params
from unimod.transforms.jit import jit as _jit


class Parametrized(_slots.Part):
    """A function of parameters and inputs. Made by :func:`parametrized`; immutable, known by its identity.

    ``net(params, *inputs)`` calls it from outside. In the body of another parametrized function ``net(*inputs)`` does:
    there the parameters are those of the surrounding call. Parts are attributes: ``net.layers[0]``.

    Attributes:
        fn: the function itself.
        name: its name in the parameters of what calls it inline.
        slots: the arguments whose defaults hold parts.
    """

    fn: Callable[..., Any]
    name: str
    slots: dict[str, Any]

    def __init__(self, fn: Callable[..., Any], name: str | None = None) -> None:
        signature = inspect.signature(fn)
        slots = {n: p.default for n, p in signature.parameters.items() if _slots.has_parts(p.default)}
        own = {name: _slots.mapped(lambda leaf: leaf, tree) for name, tree in slots.items()}
        about = {
            "fn": fn,
            "name": name or fn.__name__,
            "slots": own,
            "_inputs": Inputs(signature, slots),
            "_jitted": {},
            "_warned": set(),
        }
        texts = {n: getattr(fn, n) for n in ("__name__", "__qualname__", "__doc__", "__module__")}
        vars(self).update(texts, _um_about=about)
        for slot in slots:
            if slot in RESERVED or slot in dir(Parametrized) or slot in about:
                raise _errors.reserved(self.name, slot)

    def __getattr__(self, name: str) -> Any:
        about = vars(self).get("_um_about", {})
        if name in about:
            return about[name]
        if name in about.get("slots", ()):
            return _slots.mapped(lambda leaf: leaf, about["slots"][name])
        raise AttributeError(f"{about.get('name', type(self).__name__)} has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise _errors.immutable(self.name, name)

    def __delattr__(self, name: str) -> None:
        raise _errors.immutable(self.name, name)

    def __copy__(self) -> Parametrized:
        return self

    def __deepcopy__(self, memo: Any) -> Parametrized:
        return self

    def __repr__(self) -> str:
        return f"<parametrized {self.name}{self._inputs.signature}>"

    @property
    def __signature__(self) -> inspect.Signature:
        return self._inputs.with_params  # type: ignore[no-any-return]

    def named(self, name: str) -> Parametrized:
        """The same function under another name, with parts that it shares with this one; a part of its own.

        Example:
            >>> import unimod as um
            >>> from unimod.functional import Dense, parametrized
            >>> @parametrized
            ... def net(inputs):
            ...     return Dense(2).named("head")(Dense(3)(inputs))
            >>> net.init_params(0, um.numpy.ones((1, 4)))
            net(dense=dense(kernel=f32[4, 3], bias=f32[3]), head=head(kernel=f32[3, 2], bias=f32[2]))
        """
        return Parametrized(self.fn, name)

    # Calls

    def _run(
        self, node: Params, inputs: tuple[Any, ...], options: dict[str, Any], key: Any, filling: Filling | None
    ) -> Any:
        try:
            inputs, options = self._inputs.bind(inputs, options)
        except TypeError as error:
            raise _errors.wrong_inputs(self.name, self.slots, error, self._inputs.signature) from None
        return _run.run(self, node, inputs, options, key, filling)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """``net(params, *inputs)``, and ``net(*inputs)`` in the body of a parametrized function."""
        if args and isinstance(args[0], Params):
            return self._value(args[0], args[1:], options, None)
        if args and isinstance(args[0], _bound.Bound) and args[0].part is self:
            return args[0](*args[1:], **options)
        frame = _frame.current()
        if frame is None:
            raise _errors.not_parameters(self.name, args)
        node = frame.node_of(self)
        return self._run(node, args, options, frame.next_key(), frame.filling)

    def apply(
        self,
        params: Params,
        *inputs: Any,
        key: random.Key | None = None,
        jit: bool = False,
        with_state: bool = False,
        **options: Any,
    ) -> Any:
        """The result for these parameters and inputs.

        Args:
            params: the parameters.
            inputs: the inputs.
            key: where ``random_key()`` and the layers that draw get their keys from.
            jit: whether to run it compiled.
            with_state: return ``(result, params)``, where ``params`` have the new states of layers that have some.
            options: inputs by name.

        Raises:
            TreeError: the parameters are those of something else.
            ShapeError: the inputs do not fit them.

        Example:
            >>> import unimod as um
            >>> from unimod.functional import Sequential
            >>> net = Sequential([um.nn.BatchNorm(None, decay=0.5)])
            >>> x = um.numpy.asarray([[1.0], [3.0]])
            >>> out, params = net.apply(net.init_params(0, x), x, with_state=True)
            >>> params.layers[0].mean.tolist()
            [1.0]
        """
        function = self._value_and_state if with_state else self._value
        if jit:
            function = self._compiled(function)
        return function(self._checked(params), inputs, options, key)

    def _compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        if name not in self._jitted:
            self._jitted[name] = _jit(function)
        return self._jitted[name]  # type: ignore[no-any-return]

    def _checked(self, params: Any) -> Params:
        if not isinstance(params, Params):
            raise _errors.not_parameters(self.name, (params,))
        return params

    def _value(self, params: Params, inputs: Any, options: Any, key: Any) -> Any:
        value, new = self._value_and_state(params, inputs, options, key)
        if _states.is_changed(params, new, key):
            _states.warn_once(self.name, self._warned)
        return value

    def _value_and_state(self, params: Params, inputs: Any, options: Any, key: Any) -> Any:
        copy = walk.rebuilt(params) if key is None else _states.with_keys(params, key)
        return self._run(copy, tuple(inputs), options, key, None), copy

    # Parameters

    def init_params(
        self, key: Any, *inputs: Any, reuse: Mapping[Any, Any] | None = None, backend: str | None = None, **options: Any
    ) -> Params:
        """Parameters, with a value in every leaf; their shapes are found by a call on the example inputs.

        Each leaf gets the key ``fold_in(key, hash(path))``, as in ``Module.init``.

        Args:
            key: a key, or a seed.
            inputs: example inputs.
            reuse: parameters that are there already: ``{part: params}``. They become part of the result as they are.
            backend: the engine (default: that of the inputs, else the chosen one).
            options: example inputs by name.

        Raises:
            TreeError: parameters in ``reuse`` are not those of their part, or it is no part of this function; or two
                parts have one name.
            NotInitializedError: the inputs do not reach a part.

        Example:
            >>> import unimod as um
            >>> from unimod.functional import Dense, Sequential, relu
            >>> net = Sequential([Dense(3), relu, Dense(2)])
            >>> net.init_params(0, um.numpy.ones((1, 4))).layers[2].kernel.shape == (3, 2)
            True
        """
        key = (
            key
            if isinstance(key, random.Key)
            else random.key(key, backend=_states.engine(inputs, options, reuse, backend))
        )
        filling = _known.filling(key, reuse or {})
        with filling._active():
            params = self._filled(filling, inputs, options, random.fold_in(key, random.stable_hash("random_key")))
        _known.check_used(self, filling)
        return params

    def _filled(self, filling: Filling, inputs: Any, options: Any, key: random.Key | None) -> Params:
        root = filling.root(self)
        self._run(root, inputs, options, key, filling)
        filling.finish(root)
        return root

    def params_from(self, given: Mapping[Any, Any], *inputs: Any, **options: Any) -> Params:
        """The parameters of this function, all taken from those of others that share parts with it.

        Args:
            given: ``{other: params}``.
            inputs: example inputs; needed where parts are called inline, which only a call can find.
            options: example inputs by name.

        Raises:
            TreeError: something is missing, or is no part.
        """
        filling = _known.filling(None, given)
        if inputs or options:
            with filling._active():
                params = self._filled(filling, inputs, options, None)
        else:
            params = _known.assembled(self, filling)
        _known.check_used(self, filling)
        return params

    def apply_from(
        self,
        given: Mapping[Any, Any],
        *inputs: Any,
        key: random.Key | None = None,
        jit: bool = False,
        with_state: bool = False,
        **options: Any,
    ) -> Any:
        """``net.apply(net.params_from(given), *inputs)``. Arguments as in these.

        Example:
            >>> import unimod as um
            >>> from unimod.functional import Dense, parametrized
            >>> predict = Dense(2)
            >>> @parametrized
            ... def loss(inputs, targets, predict=predict):
            ...     return um.numpy.mean((predict(inputs) - targets) ** 2)
            >>> x, y = um.numpy.ones((1, 4)), um.numpy.ones((1, 2))
            >>> params = loss.init_params(0, x, y)
            >>> predict.apply_from({loss: params}, x).shape == (1, 2)
            True
        """
        try:
            return self.apply(self.params_from(given), *inputs, key=key, jit=jit, with_state=with_state, **options)
        except _errors.InlineMissingError:
            params = self.params_from(given, *inputs, **options)
        return self.apply(params, *inputs, key=key, jit=jit, with_state=with_state, **options)

    def shaped(self, *inputs: Any, **options: Any) -> _known.Shaped:
        """This function with example inputs: stands for it in ``reuse``, ``params_from`` and ``apply_from``.

        With them also the parts are found that it calls inline.

        Example:
            >>> import unimod as um
            >>> from unimod.functional import Dense, parametrized
            >>> net = Dense(2)
            >>> @parametrized
            ... def loss(inputs):
            ...     return um.numpy.mean(net(inputs) ** 2)
            >>> x = um.numpy.ones((3, 4))
            >>> net.apply_from({loss.shaped(x): loss.init_params(0, x)}, x).shape == (3, 2)
            True
        """
        return _known.Shaped(self, inputs, options)


def parametrized(fn: Any) -> Parametrized:
    """Make a function with parameters; they stand in the defaults of its arguments.

    A default is a :class:`Param`, another parametrized function, a layer of ``um.nn`` (or any module), or a list, tuple
    or dict of these; plain functions among them have no parameters. Other arguments are the inputs. In the body, a
    parameter is an array, and a part is called with its inputs alone; parts can also be made and called in the body.

    Args:
        fn: the function, or a layer, which becomes a function with the part ``layer``.

    Raises:
        TreeError: an argument with parts has a name that modules use for something else, such as ``map``.

    Example:
        >>> import unimod as um
        >>> from unimod.functional import Dense, Param, parametrized, zeros
        >>> @parametrized
        ... def net(inputs, layer=Dense(3), scale=Param((), zeros)):
        ...     return scale * layer(inputs)
        >>> x = um.numpy.ones((2, 4))
        >>> params = net.init_params(um.random.key(0), x)
        >>> params
        net(layer=dense(kernel=f32[4, 3], bias=f32[3]), scale=f32[])
        >>> net(params, x).shape == (2, 3)
        True
    """
    if isinstance(fn, Module):
        return _of_layer(fn)
    if not callable(fn) or isinstance(fn, (type, Parametrized)):
        raise _errors.bad_function(fn)
    return Parametrized(fn)


def _of_layer(layer: Module) -> Parametrized:
    def call(*inputs: Any, layer: Any = layer, **options: Any) -> Any:
        return layer(*inputs, **options)

    call.__name__ = call.__qualname__ = type(layer).__name__.lower()
    return Parametrized(call)
