"""Different transformations for different parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unimod.backends._protocol import Engine
from unimod.core import tree, walk
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import OptionError
from unimod.optim._masks import Where, filtered, kept, mask_of, merged, place, selected, spread, static_spec
from unimod.optim.base import FUNCTIONS, Hyper, Stateful, Transformation, transformation_only, values_of
from unimod.optim.wrappers import Wrapper


class Masked(Wrapper):
    """See :func:`masked`."""

    called = "masked"
    mask: Any = static()
    chosen: Any = static()

    def __init__(self, inner: Transformation, mask: Any) -> None:
        super().__init__(inner)
        self.mask, self.chosen = static_spec(mask), None

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Masked:
        """The wrapped transformation, of the chosen parameters."""
        new: Masked = walk.rebuilt(self)
        new.structure, new.chosen = structure, mask_of(self.mask, leaves, structure)
        new.inner = self.inner.init_flat(engine, kept(leaves, new.chosen), selected(structure, new.chosen))
        return new

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The updates of the wrapped transformation where the mask holds, else the gradients."""
        self.check_structure(grads, structure)
        return update_part(self.inner, self.chosen, engine, grads, params, self.structure, hyper)


def masked(inner: Transformation, mask: Any) -> Masked:
    """``inner`` for some parameters; the updates of the others pass as they are.

    Args:
        inner: the transformation; its state is that of the chosen parameters alone, with ``Nothing`` for the others.
        mask: a tree of bools, of the structure of the parameters or of its upper part; or a function that gets the
            parameters and gives such a tree; or a filter: a kind, a class of modules, a dotted path or its beginning,
            or a pattern of paths such as ``"*.kernel"``. It is looked at once, by ``init``.

    Raises:
        TreeError: the mask has another structure; the message names the first path that differs.
        DTypeError: there is something else than bools in it.

    Example:
        >>> import unimod as um
        >>> x = {"w": um.numpy.asarray(1.0), "b": um.numpy.asarray(1.0)}
        >>> opt = um.optim.masked(um.optim.scale(-0.5), {"w": True, "b": False}).init(x)
        >>> updates, opt = opt.update(x)
        >>> float(updates["w"]), float(updates["b"])
        (-0.5, 1.0)

    Differences: optax asks a function for the mask in each step.
    """
    return Masked(inner, mask)


class Partition(Stateful):
    """See :func:`partition`. ``opt[label]`` is the transformation of that label.

    Attributes:
        parts: the transformations by label.
        groups: for each parameter its label; None before ``init``.
    """

    param_labels: Any = static()
    groups: Any = static()

    def __init__(self, transforms: Mapping[str, Transformation], param_labels: Any) -> None:
        super().__init__()
        for part in transforms.values():
            transformation_only("partition", part)
        self.parts = dict(transforms)
        self.param_labels, self.groups = static_spec(param_labels), None

    def __getitem__(self, label: str) -> Transformation:
        return self.parts[label]

    def hyperparameters(self) -> Iterator[str]:
        """Those of the parts."""
        return (name for part in self.parts.values() for name in part.hyperparameters())

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Partition:
        """Each part, of its own parameters."""
        new: Partition = walk.rebuilt(self)
        groups = tuple(spread(self.param_labels, leaves, structure))
        _check_labels(groups, self.parts, structure)
        new.structure, new.groups = structure, groups
        for label, part in self.parts.items():
            own = new.members(label)
            new.parts[label] = part.init_flat(engine, kept(leaves, own), selected(structure, own))
        return new

    def members(self, label: str) -> tuple[bool, ...]:
        """For each parameter whether it has this label."""
        return tuple(group == label for group in self.groups)

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """The updates of each part for its own parameters."""
        self.check_structure(grads, structure)
        for label, part in self.parts.items():
            own = values_of(label, part, hyper)
            grads = update_part(part, self.members(label), engine, grads, params, self.structure, own)
        return grads


def partition(transforms: Mapping[str, Transformation], param_labels: Any) -> Partition:
    """A transformation for each group of parameters.

    A value for one step may be a dict, with a value for each label that it names.

    Args:
        transforms: the transformations by label.
        param_labels: a tree of labels, of the structure of the parameters or of its upper part; or a function that gets
            the parameters and gives such a tree, such as :func:`label_by` makes of paths and kinds. It is looked at
            once, by ``init``.

    Raises:
        OptionError: a parameter has a label without a transformation; the message names it.
        TreeError: the labels have another structure.

    Example:
        >>> import unimod as um
        >>> x = {"w": um.numpy.asarray(1.0), "b": um.numpy.asarray(1.0)}
        >>> parts = {"fast": um.optim.sgd(0.5), "slow": um.optim.sgd(0.25)}
        >>> opt = um.optim.partition(parts, {"w": "fast", "b": "slow"}).init(x)
        >>> new, _ = opt.step(x, x)
        >>> float(new["w"]), float(new["b"])
        (0.5, 0.75)
        >>> new, _ = opt.step(x, x, learning_rate={"slow": 1.0})
        >>> float(new["w"]), float(new["b"])
        (0.5, 0.0)
    """
    return Partition(transforms, param_labels)


multi_transform = partition


@dataclasses.dataclass(frozen=True)
class LabelBy:
    """See :func:`label_by`."""

    rules: tuple[tuple[Where, str], ...]
    default: str | None

    def __call__(self, params: Any) -> Any:
        """The tree of labels."""
        leaves, structure = walk.flatten(params)
        columns = [filtered(where, leaves, structure) for where, _ in self.rules]
        return walk.unflatten(structure, [self._label(i, columns, structure) for i in range(len(leaves))])

    def _label(self, index: int, columns: list[tuple[bool, ...]], structure: Child) -> str:
        for (_, label), column in zip(self.rules, columns, strict=True):
            if column[index]:
                return label
        if self.default is None:
            raise OptionError(
                "No rule gives this parameter a label.",
                where=place(structure, index),
                expected=" or ".join(repr(where) for where, _ in self.rules),
                fix='give label_by a default: um.optim.label_by(..., default="rest")',
            )
        return self.default


def label_by(*rules: tuple[Where, str], default: str | None = None) -> Callable[[Any], Any]:
    """Labels for :func:`partition` by paths and kinds: a function that gets the parameters and gives a tree of labels.

    Args:
        rules: pairs of a filter and a label; the first filter that holds counts. A filter is a kind, a class of
            modules, a dotted path or its beginning, or a pattern of paths such as ``"*.bias"``.
        default: the label where none holds.

    Raises:
        OptionError: when it is called: no filter holds for a parameter, and there is no default.

    Example:
        >>> import unimod as um
        >>> labels = um.optim.label_by(("head", "fast"), ("*.b", "bias"), default="slow")
        >>> labels({"head": {"w": 0.0, "b": 0.0}, "body": {"w": 0.0, "b": 0.0}})
        {'body': {'b': 'bias', 'w': 'slow'}, 'head': {'b': 'fast', 'w': 'fast'}}
    """
    return LabelBy(tuple(rules), default)


def update_part(
    part: Transformation,
    chosen: tuple[bool, ...],
    engine: Engine,
    grads: list[Any],
    params: list[Any] | None,
    structure: Child,
    hyper: Hyper,
) -> list[Any]:
    """The updates of a transformation for the chosen parameters, and the gradients of the others."""
    own = dict(hyper)
    if "grad" in own:
        own["grad"] = _selected_tree(own["grad"], chosen, structure)
    for name in FUNCTIONS & own.keys() if params is not None else ():
        of_part = _of_part(own[name], params or [], chosen, structure)
        own[name] = _part_of(of_part, chosen, structure) if name == "grad_fn" else of_part
    numbers = None if params is None else kept(params, chosen)
    new = part.update_flat(engine, kept(grads, chosen), numbers, selected(structure, chosen), own)
    return merged(grads, new, chosen)


def _of_part(
    fn: Callable[..., Any], params: list[Any], chosen: tuple[bool, ...], structure: Child
) -> Callable[..., Any]:
    """A function of all parameters as one of the chosen ones."""
    return lambda part, *rest: fn(walk.unflatten(structure, merged(params, walk.flatten(part)[0], chosen)), *rest)


def _part_of(fn: Callable[..., Any], chosen: tuple[bool, ...], structure: Child) -> Callable[..., Any]:
    """A function that gives the gradients of all parameters as one that gives those of the chosen ones."""
    return lambda *args: _selected_tree(fn(*args), chosen, structure)


def _selected_tree(grads: Any, chosen: tuple[bool, ...], structure: Child) -> Any:
    return walk.unflatten(selected(structure, chosen), kept(tree._matching(grads, structure), chosen))


def _check_labels(groups: tuple[Any, ...], parts: Mapping[str, Any], structure: Child) -> None:
    for index, label in enumerate(groups):
        if label not in parts:
            raise OptionError(
                "A parameter has a label without a transformation.",
                where=place(structure, index),
                got=f"label = {label!r}",
                expected=", ".join(map(repr, parts)) or "none, as there are no transformations",
                fix=f"give partition a transformation for {label!r}, such as um.optim.set_to_zero()",
            )
