"""``jit``: trace a function of trees once for each structure, and run the compiled program."""

from __future__ import annotations

import functools
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.core import init, scope, tree, walk
from unimod.core.module import Module
from unimod.core.skeleton import Child, Skeleton
from unimod.errors import RetraceWarning
from unimod.transforms import _ahead, _lift
from unimod.transforms._jit_options import Names, Options, Places, explain_statics, with_statics
from unimod.transforms._open_sizes import Dynamic
from unimod.transforms.shapes import ShapeDtypeStruct

WARN_AT = 16


class Jitted:
    """A jitted function. Made by :func:`jit`."""

    def __init__(self, target: _lift.Target, options: Options) -> None:
        self._target, self._options = target, options
        self._watch = _lift.StateWatch(target.name)
        self._compiled: dict[Any, Callable[[list[Any]], tuple[list[Any], Any]]] = {}
        self._traces: list[tuple[Any, Any, tuple[str, ...]]] = []
        functools.update_wrapper(self, target.fn)

    @property
    def _um_method(self) -> Any:
        """What other transforms take apart in place of this object."""
        owner = self._target.owner
        return self if owner is None else types.MethodType(_Method(self, owner), owner)

    @property
    def trace_count(self) -> int:
        """How many times the function has been traced."""
        return len(self._traces)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the compiled program for these arguments; trace it at the first call with their structure and shapes."""
        owner = self._target.owner
        if init.state.active is not None:  # sizes are being found, in the modules themselves
            return self._target.fn(*(() if owner is None else (owner,)), *args, **kwargs)
        return self._run(args if owner is None else (owner, *args), kwargs, owner is not None)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A jitted method, bound: the module is an object, whose state is written back."""
        return self if instance is None else types.MethodType(_Method(self, instance), instance)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any], is_bound: bool) -> Any:
        statics: Any = ()
        if self._options.has_statics:
            args, kwargs, statics = self._options.take_statics(args, kwargs, self._target.shift)
        if kwargs:
            kwargs = dict(sorted(kwargs.items()))
        leaves, structures = walk.flatten_each((*args, *kwargs.values()))
        classes = set(map(type, leaves))
        only = classes.pop() if len(classes) == 1 else None
        key = (structures, *kwargs, statics, is_bound)
        # Where all leaves are arrays of one class, that says the engine, and nothing has to be brought to it.
        compiled = None if only is None else self._compiled.get((only, key))
        if compiled is None:
            engine, leaves = _lift.settle(leaves, self._options.backend)
            compiled = self._compiled.get((engine.name, key))
            if compiled is None:
                structure = walk.flatten((args, kwargs))[1]
                compiled = self._compile(engine, leaves, structure, statics, is_bound)
                self._compiled[engine.name, key] = compiled
            if only is not None and _registry.of_type(only) is engine:
                self._compiled[only, key] = compiled
        arrays, packed = compiled(leaves)
        result = packed.unpack(arrays)
        if is_bound or self._options.inplace:
            return self._written_back(result, args, kwargs, is_bound)
        return result

    def _finished(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], is_bound: bool) -> Any:
        """What a call gives for what its program returned."""
        is_writing = is_bound or self._options.inplace
        return self._written_back(result, args, kwargs, is_bound) if is_writing else result

    def _written_back(self, pair: Any, args: tuple[Any, ...], kwargs: dict[str, Any], is_bound: bool) -> Any:
        result, copies = pair
        _lift.write_back(_changed((args, kwargs), is_bound and not self._options.inplace), copies)
        return result

    def lower(self, *args: Any, **kwargs: Any) -> _ahead.Lowered:
        """Trace the function for arguments like these, and compile nothing yet.

        A bound method stays one: a call of the program takes the module as it is then, and writes back what it changed.
        Static arguments are part of the program, which is called without them, as in JAX.

        Args:
            args: trees of arrays, or of :class:`ShapeDtypeStruct`.
            kwargs: the same, by name.
        """
        owner = self._target.owner
        return self._lower(() if owner is None else (owner,), args, kwargs, owner is not None)

    def _lower(
        self, implicit: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any], is_bound: bool
    ) -> _ahead.Lowered:
        args, statics = (*implicit, *args), ()
        if self._options.has_statics:
            args, kwargs, statics = self._options.take_statics(args, kwargs, self._target.shift)
        leaves, structure = walk.flatten((args, kwargs))
        engine = _lift.engine_for([leaf for leaf in leaves if not isinstance(leaf, ShapeDtypeStruct)], None)
        leaves = _lift.to_engine(engine, [_example(engine, leaf) for leaf in leaves])
        traced, options = self._flat(engine, leaves, structure, statics, is_bound)
        lower = getattr(engine.compile, "lower", None)
        name = self._target.name
        program = _ahead.AsItIs(traced, name) if lower is None else lower(traced, leaves, **options)
        finish = functools.partial(self._finished, is_bound=is_bound)
        return _ahead.Lowered(
            program, engine, structure, leaves, _ahead.Calling(name, implicit, _places(statics), finish)
        )

    def _um_captured(self, *args: Any) -> tuple[_lift.Target, tuple[Any, ...]]:
        """The function with its module and static arguments inside of it, and the other arguments."""
        return self._captured(() if self._target.owner is None else (self._target.owner,), args)

    def _captured(self, implicit: tuple[Any, ...], args: tuple[Any, ...]) -> tuple[_lift.Target, tuple[Any, ...]]:
        full, _, statics = self._options.take_statics((*implicit, *args), {}, self._target.shift)
        calling = _ahead.Calling(self._target.name, implicit, _places(statics), self._finished)
        inner = with_statics(self._target, statics)
        target = _lift.Target(lambda *args: inner.fn(*calling.full(args)), None, self._target.name)
        return target, calling.explicit(full)

    def _compile(self, engine: Engine, leaves: list[Any], structure: Child, statics: Any, is_bound: bool) -> Any:
        traced, options = self._flat(engine, leaves, structure, statics, is_bound)
        if self._options.dynamic:
            options["dynamic"] = self._options.dynamic.of(structure, self._target.shift)
        return engine.compile.jit(traced, **options)

    def _flat(
        self, engine: Engine, leaves: list[Any], structure: Child, statics: Any, is_bound: bool
    ) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The flat function, and options for the engine."""
        _lift.check_arguments(leaves, structure, f"jit of {self._target.name}", "name it in static_argnames")
        is_inplace = self._options.inplace
        flat = _lift.flat_function(
            with_statics(self._target, statics),
            structure,
            self._watch,
            written_back=(lambda both: _changed(both, is_bound and not is_inplace)) if is_bound or is_inplace else None,
        )

        def traced(inner: list[Any]) -> tuple[list[Any], _lift.Packed]:
            if _is_trace(engine, inner):
                self._note(engine, structure, statics, inner)
            with scope.compiling():
                return flat(inner)

        donated = self._options.donated(structure, self._target.shift)
        options: dict[str, Any] = {"donate": donated, "compiler": self._options.compiler}
        if self._options.compiler_options:
            options["options"] = self._options.compiler_options
        return traced, options

    def _note(self, engine: Engine, structure: Child, statics: Any, leaves: list[Any]) -> None:
        shapes = tuple(_ahead.signature(leaf) for leaf in leaves)
        self._traces.append((structure, statics, (engine.name, *shapes)))
        if len(self._traces) % WARN_AT == 0:
            warnings.warn(
                RetraceWarning(f"{self._target.name} has been traced {len(self._traces)} times. {self.explain()}"),
                stacklevel=5,
            )

    def explain(self) -> str:
        """Why the function was traced the last time: what differed from the time before."""
        if len(self._traces) < 2:
            return "It has been traced once." if self._traces else "It has not been traced."
        (old, old_statics, old_shapes), (new, new_statics, new_shapes) = self._traces[-2:]
        if old is not new:
            path, got, expected = _difference(new, old)
            return f"The structure of the arguments changed at {path}: {expected}, then {got}."
        if old_statics != new_statics:
            return explain_statics(old_statics, new_statics, self._target.shift)
        if old_shapes[0] != new_shapes[0]:
            return f"The engine changed from {old_shapes[0]} to {new_shapes[0]}."
        for index, (a, b) in enumerate(zip(old_shapes[1:], new_shapes[1:], strict=True)):
            if a != b:
                where = _lift.place(new.slots[index].path) if isinstance(new, Skeleton) else str(index)
                return f"The leaf {where} changed from {a} to {b}."
        return f"Nothing that can be named changed{', but sizes may have' if self._options.dynamic else ''}."


class _Method:
    """A jitted function of which the first argument, a module, is an object: its state is written back."""

    def __init__(self, jitted: Jitted, instance: Any) -> None:
        self._jitted, self._instance = jitted, instance

    def __call__(self, instance: Any, *args: Any, **kwargs: Any) -> Any:
        if init.state.active is not None:
            return self._jitted._target.fn(instance, *args, **kwargs)
        return self._jitted._run((instance, *args), kwargs, isinstance(instance, Module))

    def lower(self, *args: Any, **kwargs: Any) -> _ahead.Lowered:
        """As :meth:`Jitted.lower`, for the module."""
        return self._jitted._lower((self._instance,), args, kwargs, isinstance(self._instance, Module))

    def _um_captured(self, *args: Any) -> Any:
        return self._jitted._captured((self._instance,), args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jitted, name)


def _difference(new: Any, old: Any) -> tuple[str, str, str]:
    """The first place in ``(args, kwargs)`` at which two structures differ, and what each has there."""
    index = int(new.children[0] is old.children[0])
    return tree.difference(new.children[index], old.children[index], ("args", "kwargs")[index])


def _is_trace(engine: Engine, leaves: list[Any]) -> bool:
    """Whether the function is being traced, not run as it is by an engine (or a choice of compiler) without traces."""
    arrays = [leaf for leaf in leaves if _registry.of_type(type(leaf)) is engine]
    return not all(map(engine.arrays.is_concrete, arrays)) if arrays else engine.compile.is_tracing()


def _places(statics: Any) -> tuple[int, ...]:
    return tuple(place for place, _ in statics[0]) if statics else ()


def _example(engine: Engine, leaf: Any) -> Any:
    return engine.arrays.full(leaf.shape, 0, str(leaf.dtype)) if isinstance(leaf, ShapeDtypeStruct) else leaf


def _changed(both: Any, is_owner_only: bool) -> list[Any]:
    return [both[0][0]] if is_owner_only else list(_lift.arguments(both))


def jit(
    fn: Callable[..., Any] | None = None,
    *,
    static_argnums: Places = None,
    static_argnames: Names = None,
    donate_argnums: Places = None,
    donate_argnames: Names = None,
    inplace: bool = False,
    backend: str | None = None,
    compiler: str | None = None,
    compiler_options: Mapping[str, Any] | None = None,
    dynamic: Dynamic | None = None,
) -> Any:
    """A compiled ``fn``: traced once for each structure, shape and dtype of its arguments.

    Arguments and results are trees. A module argument is a value: return it to keep what the function changed in it. A
    bound method (or a module) treats its module as an object: what the call changes is written back.

    Args:
        fn: the function; without it, ``jit`` returns a decorator.
        static_argnums: places of arguments that are part of the program, hashable.
        static_argnames: their names.
        donate_argnums: places of arguments that are not used after the call: their memory is reused for the results.
            On JAX such an array is deleted, on torch it is left empty; a jitted function refuses it.
        donate_argnames: their names.
        inplace: write all module arguments back, as a bound method does with its own.
        backend: the engine for calls without arrays.
        compiler: what the torch engine does with the traced graph: ``"inductor"``, ``"cudagraphs"`` (the same, with its
            kernels started as one on GPUs), ``"graph"`` (run it as it is) or ``"none"`` (do not trace). Default:
            ``UNIMOD_TORCH_COMPILER``, else inductor where a C++ compiler is found.
        compiler_options: handed to the compiler: those of XLA on JAX; on torch names of ``torch._inductor.config``, and
            ``mode`` as in ``torch.compile``.
        dynamic: the axes whose size may be another one at each call, so that on torch one trace serves several sizes:
            ``{"x": 0, "mask": (0, 1)}`` by name or place of an argument, for all arrays in it that have the axis, or
            True for all axes of what is no part of a module. Where Python looks at a size (``if x.shape[0] > 4``), the
            trace serves those sizes for which it was right, and the function is traced again for others. Sizes 0 and 1,
            and sizes inside loops and branches of ``um``, have traces of their own. On JAX every size has one.

    Returns:
        A callable with ``trace_count`` and ``explain()``, and ``lower(*args)``, whose result has ``as_text()`` and
        ``compile()``; a compiled program is called in the same way, without static arguments, and has
        ``cost_analysis()`` and ``memory_analysis()``.

    Raises:
        DTypeError: an argument is neither array nor number and not static.
        OptionError: an option names an argument or a compiler that there is not, or the compiler does not know one.
        LeakedTracerError: a value that a traced function left behind is used.
        CapabilityError: Python asks for the value of a traced array, or an array was donated before.

    Example:
        >>> import unimod as um
        >>> double = um.jit(lambda tree: {"y": tree["x"] * 2}, compiler="graph")
        >>> out = double({"x": um.numpy.ones((2,))}), double({"x": um.numpy.ones((2,))})
        >>> [float(v) for v in out[0]["y"]]
        [2.0, 2.0]
    """
    if fn is None:
        return functools.partial(
            jit,
            static_argnums=static_argnums,
            static_argnames=static_argnames,
            donate_argnums=donate_argnums,
            donate_argnames=donate_argnames,
            inplace=inplace,
            backend=backend,
            compiler=compiler,
            compiler_options=compiler_options,
            dynamic=dynamic,
        )
    target = _lift.target_of(fn)
    static_args, donated_args = (static_argnums, static_argnames), (donate_argnums, donate_argnames)
    options = Options(fn, static_args, donated_args, inplace, backend, compiler, compiler_options, dynamic)
    return Jitted(target, options)
