"""Modules of torch, Flax and Haiku as modules of unimod."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from unimod import random
from unimod.backends import _registry
from unimod.backends._protocol import Engine
from unimod.core import init
from unimod.core.initializer import Initializer
from unimod.core.inputs import Inputs
from unimod.core.kinds import Rng
from unimod.core.module import Module
from unimod.errors import CapabilityError, NotInitializedError, OptionError
from unimod.interop import _finding, _placing
from unimod.interop._placing import Entries
from unimod.interop._shapes import Shapes


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What is part of the structure: the module of the library, and where its leaves are."""

    engine_name: str
    foreign: Any
    entries: Entries | None = None
    sample: Shapes | None = None

    @property
    def engine(self) -> Engine:
        return _registry.load(self.engine_name)


class ForeignModule(Module):
    """Base of the modules that run a module of another library.

    Their leaves have the names that the library gives them, and kinds; the module that is wrapped is never changed.
    They run on the engine of their library alone.
    """

    _library = ""

    def __init__(
        self,
        target: Any,
        *args: Any,
        sample_inputs: Inputs | None = None,
        variables: Any = None,
        is_random: bool | None = None,
        **options: Any,
    ) -> None:
        if (args or options) and not isinstance(target, type):
            raise OptionError(
                f"{type(self).__name__} got arguments for a module that has been made already.",
                got=", ".join([*(repr(arg)[:40] for arg in args), *options]),
                fix="pass the class and its arguments, or the module alone",
            )
        engine, foreign = _finding.found(self._library, target, args, options)
        sample = None if sample_inputs is None else Shapes(sample_inputs.args, sample_inputs.kwargs)
        self._plan = _Plan(engine.name, foreign, None, sample)
        if is_random is not None:
            foreign.is_random = is_random
        self._declare(variables, is_random)

    def _declare(self, variables: Any, is_random: bool | None) -> None:
        """Leaves that have values, or a place for them."""
        plan = self._plan
        if variables is not None:
            args, options = plan.sample.made(plan.engine) if plan.sample else ((), {})
            self._place(plan.foreign.given_variables(_variables(plan, variables), args, options), is_random)
        elif (given := plan.foreign.given_values()) is not None:
            self._place(given, is_random)
        elif plan.foreign.needs_inputs and plan.sample is None:
            # Without a recipe: init waits for example inputs.
            self.params: Any = Initializer(None)

    def _place(self, values: Any, is_random: bool | None) -> None:
        entries, leaves = values
        self._plan = dataclasses.replace(self._plan, entries=entries)
        _placing.place(self, entries, leaves)
        if self._plan.foreign.is_random if is_random is None else is_random:
            self.rng: Any = Rng(Initializer(_itself, (2,), "uint32"))

    @property
    def _um_engines(self) -> tuple[str, ...]:
        """The one engine that it runs on, for the conformance suite."""
        return (self._plan.engine_name,)

    def infer_sizes(self, *args: Any, **options: Any) -> None:
        """Take the shapes of the first inputs."""
        args, options = _finding.settled(self._plan.engine, self._plan.foreign.name, (args, options))
        self._plan = dataclasses.replace(self._plan, sample=Shapes(args, options))
        del self.params

    def rng_init(self, key: random.Key) -> None:
        """Make the first values, where none were given, by the library itself; and the key, on its engine."""
        plan = self._plan
        words = _finding.brought(plan.engine, random.key_data(key))
        if plan.entries is None:
            args, options = plan.sample.made(plan.engine) if plan.sample else ((), {})
            self._place(plan.foreign.init(words, args, options), None)
        if hasattr(self, "rng"):
            self.rng = random.fold_in(random.wrap_key_data(words), 1)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the module of the library; what it changes in its state is written back."""
        plan = self._plan
        if plan.entries is None:
            raise NotInitializedError(f"{plan.foreign.name} has no values yet.", fix="call model.init(seed, x) first")
        leaves = _placing.read(self, plan.entries)
        args, options = _finding.settled(plan.engine, plan.foreign.name, (args, options), leaves)
        leaves = _finding.settled(plan.engine, plan.foreign.name, leaves)
        out, new = plan.foreign.call(plan.entries, leaves, self._next_words(), self.training, args, options)
        if not self.frozen and init.state.active is None:  # example inputs leave no trace
            for (path, _), old, leaf in zip(plan.entries, leaves, new, strict=True):
                if leaf is not old:
                    _placing.write(self, path, leaf)
        return out

    def _next_words(self) -> Any:
        if not hasattr(self, "rng"):
            return None
        if isinstance(self.rng, Initializer):
            raise NotInitializedError(
                f"{self._plan.foreign.name} draws random numbers, and has no key yet.",
                fix="call model.init(seed), which gives it one and leaves its values as they are",
            )
        key = self.rng
        if self.training and not self.frozen:
            self.rng, key = random.split(self.rng)
        return self._words(key)

    def _words(self, key: random.Key) -> Any:
        words: Any = _finding.settled(self._plan.engine, self._plan.foreign.name, random.key_data(key))
        return words


class TorchModule(ForeignModule):
    """A ``torch.nn.Module`` as a module: parameters and buffers are leaves with the names that torch gives them.

    Parameters that require no gradient are ``State``; running statistics are ``BatchStat``, other buffers ``State``.
    The module that is given is copied, and stays as it is. Dropout and other random parts draw from a key, which is the
    leaf ``rng``; a module that draws in a function of its own says so by ``is_random=True``. In training mode all parts
    are in training mode.

    Args:
        target: a module, whose values are taken over, or a class; ``init(seed)`` then makes the values.
        args: for the class.
        is_random: whether it draws (default: whether it has parts that do).
        options: for the class.

    Raises:
        DTypeError: it is no module of torch.
        OptionError: there are arguments for a module that has been made already.

    Differences: first values come from torch's own generator, and are others than those of ``um.nn`` layers.
    """

    _library = "torch.nn"


class FlaxModule(ForeignModule):
    """A ``flax.linen.Module`` as a module: each collection of variables is an attribute.

    ``params`` are ``Parameter``, ``batch_stats`` ``BatchStat``, ``cache`` ``Cache``, all others ``State``. A module
    that draws random numbers keeps its key in the leaf ``rng``. An option of its call named ``train``, ``training`` or
    ``is_training`` gets the mode, ``deterministic`` and ``use_running_average`` the opposite, where the call does not
    give it. What it sows is dropped.

    Args:
        target: a module, or a class with arguments.
        args: for the class.
        sample_inputs: example inputs (``um.Inputs``), of which shapes and dtypes count; without them ``init`` needs
            some: ``model.init(seed, x)``.
        variables: collections of values that somebody else made.
        is_random: whether it draws (default: found out by ``init``, or from ``sample_inputs``).
        options: for the class.

    Raises:
        DTypeError: it is no module of linen.
        OptionError: there are arguments for a module that has been made already.
    """

    _library = "flax"


class NNXModule(ForeignModule):
    """A ``flax.nnx.Module`` as a module: its values are taken over, by the kinds of its variables.

    ``params``, ``batch_stats``, ``cache``, ``rngs`` and ``states`` (of all other kinds) are attributes, each a dict of
    the attributes of the module. It draws from its own streams, which are leaves too.

    Args:
        target: a module, which stays as it is, or a class; ``init(seed)`` makes it then, with ``rngs`` of that seed.
        args: for the class.
        options: for the class.

    Raises:
        DTypeError: it is no module of NNX.
        OptionError: there are arguments for a module that has been made already.
    """

    _library = "nnx"


class HaikuModule(ForeignModule):
    """A module of Haiku as a module: ``params`` are ``Parameter``, ``state`` is ``BatchStat``.

    A module that draws random numbers keeps its key in the leaf ``rng``. An option of its call named ``is_training``
    gets the mode, where the call does not give it.

    Args:
        target: a class with arguments, or what ``haiku.transform`` or ``haiku.transform_with_state`` made of a
            function.
        args: for the class.
        sample_inputs: example inputs (``um.Inputs``), of which shapes and dtypes count; without them ``init`` needs
            some: ``model.init(seed, x)``.
        variables: parameters that somebody else made, or a pair of these and state.
        is_random: whether it draws (default: found out by ``init``, or from ``sample_inputs``).
        options: for the class.

    Raises:
        DTypeError: it is no module of Haiku.
        OptionError: there are arguments for a function that has been transformed already.
    """

    _library = "haiku"


def _variables(plan: _Plan, variables: Any) -> Any:
    if not plan.foreign.needs_inputs:
        raise CapabilityError(
            f"A module of {plan.foreign.library} has values of its own.", fix="load them before it is wrapped"
        )
    if isinstance(variables, Mapping | tuple):
        return _finding.settled(plan.engine, plan.foreign.name, variables)
    return variables


def _itself(key: Any) -> Any:
    return key
