"""What a schedule is: a rule with options, as a function of the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod import config
from unimod.backends._protocol import Array, Engine
from unimod.core import walk
from unimod.core.kinds import static
from unimod.core.module import Module
from unimod.errors import OptionError
from unimod.transforms import _lift

Number = float | Array
"""A Python number, or an array without axes, by which the values can be differentiated."""


class Schedule(Module):
    """A function of the 0-based step, for any hyperparameter; the functions of this package make them.

    Of a Python number it gives a float, computed in float64. Of an array of steps (of any shape) it gives an array in
    the widest float of the engine: float64, or float32 on JAX without 64 bits. Options that are arrays are leaves, so
    values can be differentiated by them; with such options the result is always an array.

    Attributes:
        rule: the formula, a function of the steps (an array of floats) and of the options.
        options: the options of the rule, by name.

    Example:
        >>> import unimod as um
        >>> schedule = um.optim.linear_schedule(1.0, 0.0, transition_steps=4)
        >>> schedule(1), [float(v) for v in schedule(um.numpy.arange(6))]
        (0.75, [1.0, 0.75, 0.5, 0.25, 0.0, 0.0])
        >>> schedule
        linear_schedule(init_value=1.0, end_value=0.0, transition_steps=4, transition_begin=0)
    """

    name: str = static()
    rule: Callable[..., Any] = static()
    options: dict[str, Any]

    def __init__(self, name: str, rule: Callable[..., Any], **options: Any) -> None:
        self.name, self.rule, self.options = name, rule, options

    def __call__(self, step: Any) -> Any:
        """The value at a step, a number of 0 or more or an array of such.

        Raises:
            OptionError: a number is negative.
        """
        engine, count, options = _widened(checked(step), self.options)
        found = self.rule(count, **options)
        if not config.is_array(step) and engine.name == config.HOST and getattr(found, "shape", ()) == ():
            return float(found)
        return engine.arrays.asarray(found, widest(engine))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={_text(value)}" for name, value in self.options.items())
        return f"{self.name}({options})"


def checked(step: Any) -> Any:
    """The step itself.

    Raises:
        OptionError: it is a negative number.
    """
    if isinstance(step, (int, float)) and step < 0:
        raise OptionError("Steps count from 0.", got=f"step = {step}", expected="0 or more")
    return step


def widest(engine: Engine) -> str:
    """The widest float of an engine."""
    return "float64" if engine.facts.has_x64() else "float32"


def _widened(step: Any, options: dict[str, Any]) -> tuple[Engine, Array, dict[str, Any]]:
    """The engine, the step as an array of its widest float, and the options with their arrays in it too."""
    leaves, structure = walk.flatten([step, options])
    arrays = [leaf for leaf in leaves if config.is_array(leaf)]
    engine = _lift.engine_for(arrays, None if arrays else config.HOST)
    dtype = widest(engine)
    found = [
        engine.arrays.astype(leaf, dtype) if config.is_array(leaf) else leaf for leaf in _lift.to_engine(engine, leaves)
    ]
    count, options = walk.unflatten(structure, found)
    if not config.is_array(count):
        like = next((leaf for leaf in found if config.is_array(leaf)), None)
        count = engine.arrays.asarray(count, dtype) if like is None else engine.arrays.full_like(like, count)
    return engine, count, options


def _text(value: Any) -> str:
    return config.short(value) if config.is_array(value) else repr(value)
