"""Weight decay: of all parameters or of some, by a number or by a schedule."""

from __future__ import annotations

from typing import Any

from unimod.backends._protocol import Engine
from unimod.core.skeleton import Child
from unimod.errors import NotInitializedError
from unimod.optim._formulas._means import following, is_zero
from unimod.optim.base import Hyper, Rate, Transformation
from unimod.optim.masking import masked
from unimod.optim.primitive import Primitive, carry_out
from unimod.optim.scheduled import Scheduled

Mask = Any
"""What :func:`masked` takes: a tree of booleans, a function that makes one of the parameters, or a filter."""


class AddDecayedWeights(Scheduled):
    """``updates + weight_decay(count) * params``.

    Attributes:
        weight_decay: the decay of the next step.
    """

    option = "weight_decay"

    @property
    def weight_decay(self) -> Any:
        """The decay of the next step."""
        return self.factor

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """Add, and count."""
        if not self.state:
            raise NotInitializedError("The weight decay has no counter yet.", fix="call opt = opt.init(params) first")
        options = (("weight_decay", hyper.get("weight_decay", self.factor)),)
        self.state = {"count": following(self.state["count"])}
        return carry_out(engine, "add_decayed_weights", options, grads, {}, params)[0]


def add_decayed_weights(weight_decay: Rate = 0.0, mask: Mask | None = None) -> Transformation:
    """``updates + weight_decay * params``.

    Args:
        weight_decay: a number, or a schedule (a function of the 0-based step).
        mask: which parameters decay, as :func:`masked` takes it: a tree of booleans, a function that makes it of the
            parameters, or a filter such as ``"*.kernel"``. Without one all do.

    State: ``count`` (int32 scalar) for a schedule, else none.

    Raises:
        OptionError: ``update`` is called without the parameters.

    Example:
        >>> import unimod as um
        >>> x = {"b": um.numpy.ones(2), "w": um.numpy.ones((2, 2))}
        >>> decay = um.optim.add_decayed_weights(0.5, lambda x: um.tree.map(lambda leaf: leaf.ndim > 1, x)).init(x)
        >>> updates, decay = decay.update(x, x)
        >>> updates["b"].tolist(), updates["w"].tolist()
        ([1.0, 1.0], [[1.5, 1.5], [1.5, 1.5]])
    """
    decay: Transformation = (
        AddDecayedWeights(weight_decay)
        if callable(weight_decay)
        else Primitive("add_decayed_weights", weight_decay=weight_decay)
    )
    return decay if mask is None else masked(decay, mask)


def decayed(weight_decay: Any, mask: Mask | None = None) -> list[Transformation]:
    """What adds the decay; nothing where it is the number 0."""
    return [] if is_zero(weight_decay) else [add_decayed_weights(weight_decay, mask)]


def changed_gradients(maximize: bool, weight_decay: Any = 0.0, mask: Mask | None = None) -> list[Transformation]:
    """What comes before an optimizer: the sign for a maximum, then decay that is part of the gradient."""
    return [*([Primitive("scale", step_size=-1.0)] if maximize else []), *decayed(weight_decay, mask)]
