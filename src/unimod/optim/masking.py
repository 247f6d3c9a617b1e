"""Different transformations for different parameters."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unimod.backends._protocol import Engine
from unimod.core import filters as flt
from unimod.core import paths, tree, walk
from unimod.core import skeleton as sk
from unimod.core.kinds import static
from unimod.core.node import Node
from unimod.core.skeleton import Child, Leaf, Skeleton
from unimod.errors import DTypeError, OptionError, TreeError
from unimod.optim.base import FUNCTIONS, Hyper, Stateful, Transformation, transformation_only, values_of
from unimod.optim.wrappers import Wrapper

Where = type | str
"""A kind, a class of modules, a dotted path (its beginning, or a pattern with ``*``)."""


class Masked(Wrapper):
    """See :func:`masked`."""

    called = "masked"
    mask: Any = static()
    chosen: Any = static()

    def __init__(self, inner: Transformation, mask: Any) -> None:
        super().__init__(inner)
        self.mask, self.chosen = _static(mask), None

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Masked:
        """The wrapped transformation, of the chosen parameters."""
        new: Masked = walk.rebuilt(self)
        new.structure, new.chosen = structure, _mask(self.mask, leaves, structure)
        new.inner = self.inner.init_flat(engine, _kept(leaves, new.chosen), _selected(structure, new.chosen))
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
        self.param_labels, self.groups = _static(param_labels), None

    def __getitem__(self, label: str) -> Transformation:
        return self.parts[label]

    def hyperparameters(self) -> Iterator[str]:
        """Those of the parts."""
        return (name for part in self.parts.values() for name in part.hyperparameters())

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> Partition:
        """Each part, of its own parameters."""
        new: Partition = walk.rebuilt(self)
        groups = tuple(_spread(self.param_labels, leaves, structure))
        _check_labels(groups, self.parts, structure)
        new.structure, new.groups = structure, groups
        for label, part in self.parts.items():
            own = new.members(label)
            new.parts[label] = part.init_flat(engine, _kept(leaves, own), _selected(structure, own))
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
        columns = [_filtered(where, leaves, structure) for where, _ in self.rules]
        return walk.unflatten(structure, [self._label(i, columns, structure) for i in range(len(leaves))])

    def _label(self, index: int, columns: list[tuple[bool, ...]], structure: Child) -> str:
        for (_, label), column in zip(self.rules, columns, strict=True):
            if column[index]:
                return label
        if self.default is None:
            raise OptionError(
                "No rule gives this parameter a label.",
                where=_place(structure, index),
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


# Of flat lists --------------------------------------------------------------------------------------------------------


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
        found = tree._matching(own["grad"], structure)
        own["grad"] = walk.unflatten(_selected(structure, chosen), _kept(found, chosen))
    for name in FUNCTIONS & own.keys() if params is not None else ():
        own[name] = _of_part(own[name], params or [], chosen, structure)
    numbers = None if params is None else _kept(params, chosen)
    new = part.update_flat(engine, _kept(grads, chosen), numbers, _selected(structure, chosen), own)
    return _merged(grads, new, chosen)


def _of_part(
    fn: Callable[[Any], Any], params: list[Any], chosen: tuple[bool, ...], structure: Child
) -> Callable[[Any], Any]:
    """A function of all parameters as one of the chosen ones."""
    return lambda part: fn(walk.unflatten(structure, _merged(params, walk.flatten(part)[0], chosen)))


def _kept(leaves: list[Any], chosen: tuple[bool, ...]) -> list[Any]:
    return [leaf for leaf, is_chosen in zip(leaves, chosen, strict=True) if is_chosen]


def _merged(leaves: list[Any], new: list[Any], chosen: tuple[bool, ...]) -> list[Any]:
    rest = iter(new)
    return [next(rest) if is_chosen else leaf for leaf, is_chosen in zip(leaves, chosen, strict=True)]


def _selected(structure: Child, chosen: tuple[bool, ...]) -> Child:
    if isinstance(structure, Skeleton):
        return sk.select(structure, chosen)
    return structure if all(chosen) else sk.HOLE


@dataclasses.dataclass(frozen=True)
class _Prefix:
    """A tree of bools or labels as a static value."""

    structure: Child
    values: tuple[Any, ...]


def _static(spec: Any) -> Any:
    if isinstance(spec, (str, type)) or (callable(spec) and not isinstance(spec, Node)):
        return spec
    return _prefix(spec)


def _prefix(spec: Any) -> _Prefix:
    values, structure = walk.flatten(spec)
    return _Prefix(structure, tuple(values))


def _mask(spec: Any, leaves: list[Any], structure: Child) -> tuple[bool, ...]:
    if isinstance(spec, (str, type)):
        return _filtered(spec, leaves, structure)
    found = _spread(spec, leaves, structure)
    for index, value in enumerate(found):
        if type(value).__name__ not in ("bool", "bool_"):
            raise DTypeError(
                "A mask is a tree of bools.",
                where=_place(structure, index),
                got=repr(value)[:80],
                expected="True or False",
                fix="um.tree.map(lambda x: len(x.shape) > 1, params)",
            )
    return tuple(bool(value) for value in found)


def _filtered(where: Where, leaves: list[Any], structure: Child) -> tuple[bool, ...]:
    if not isinstance(structure, Skeleton):
        return tuple(False for _ in leaves)
    if isinstance(where, str) and any(mark in where for mark in "*?["):
        return tuple(fnmatch.fnmatchcase(paths.dotted(slot.path), where) for slot in structure.slots)
    return flt.mask(structure, leaves, (where,))


def _spread(spec: Any, leaves: list[Any], structure: Child) -> list[Any]:
    """For each parameter the value at its place in a tree of the same structure, or of the upper part of it."""
    prefix = spec if isinstance(spec, _Prefix) else _prefix(spec(walk.unflatten(structure, leaves)))
    return list(_values(iter(prefix.values), prefix.structure, structure, ()))


def _values(values: Iterator[Any], prefix: Child, structure: Child, path: tuple[Any, ...]) -> Iterator[Any]:
    if isinstance(prefix, Leaf):
        yield from [next(values)] * sk.count(structure)
    elif _is_alike(prefix, structure):
        rows = zip(sk.child_keys(structure), prefix.children, structure.children, strict=True)  # type: ignore[union-attr]
        for key, upper, lower in rows:
            yield from _values(values, upper, lower, (*path, key))
    elif sk.count(prefix) or sk.count(structure):
        raise TreeError(
            "A tree of masks or labels does not have the structure of the parameters.",
            where=paths.pretty("params", path),
            got=tree._describe(prefix),
            expected=f"one value, or {tree._describe(structure)}",
        )


def _is_alike(prefix: Child, structure: Child) -> bool:
    both = isinstance(prefix, Skeleton) and isinstance(structure, Skeleton) and prefix.type is structure.type
    return both and list(sk.child_keys(prefix)) == list(sk.child_keys(structure))  # type: ignore[arg-type]


def _check_labels(groups: tuple[Any, ...], parts: Mapping[str, Any], structure: Child) -> None:
    for index, label in enumerate(groups):
        if label not in parts:
            raise OptionError(
                "A parameter has a label without a transformation.",
                where=_place(structure, index),
                got=f"label = {label!r}",
                expected=", ".join(map(repr, parts)) or "none, as there are no transformations",
                fix=f"give partition a transformation for {label!r}, such as um.optim.set_to_zero()",
            )


def _place(structure: Child, index: int) -> str:
    return paths.pretty("params", structure.slots[index].path if isinstance(structure, Skeleton) else ())
