"""Classes of modules that have a policy: for each class and policy a subclass, which differs in what a call does.

A module with a policy is an object of such a class. Its attributes, paths and leaves are those of the module without
one, so that all that works on modules works on it, and a state dict fits both.
"""

from __future__ import annotations

import copyreg
import functools
import operator
import threading
from typing import Any

from unimod.core import graft, init, lazy, scope, surgery, walk
from unimod.core import node as nodes
from unimod.core import skeleton as sk
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.core.skeleton import Alias, Child, Leaf, Skeleton
from unimod.precision._policy import Policy, cast, cast_leaf, is_floating

Parts = tuple[list[Any], Skeleton]

_classes: dict[tuple[type, Policy], type] = {}
_metaclasses: dict[type, type] = {}
_lock = threading.RLock()


class MixedPrecision(Module):
    """Base of the classes of modules that have a policy."""

    _um_policy: Policy
    _um_base: Any

    def __repr__(self) -> str:
        return f"MixedPrecision({type(self)._um_base.__repr__(self)}, {str(type(self)._um_policy)!r})"


def base_of(cls: Any) -> Any:
    """The class without a policy."""
    return cls._um_base if issubclass(cls, MixedPrecision) else cls


def with_policy(cls: type, policy: Policy) -> type:
    """The class with a policy, in place of one that it has; the same object for the same arguments."""
    base = base_of(cls)
    with _lock:
        found = _classes.get((base, policy))
        if found is None:
            found = _classes[base, policy] = _made(base, policy)
        return found


def _made(base: Any, policy: Policy) -> type:
    namespace = {
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": base.__doc__,
        "__call__": functools.wraps(base.__call__)(lambda self, *args, **kwargs: _call(self, args, kwargs)),
        "_um_policy": policy,
        "_um_base": base,
    }
    made: type = _metaclass(type(base))(base.__name__, (MixedPrecision, base), namespace)
    return made


def _metaclass(of: type) -> type:
    """A metaclass whose classes are pickled as what they are made of: no module has them under their names."""
    made = _metaclasses.get(of)
    if made is None:
        made = _metaclasses[of] = type(of.__name__, (of,), {})
        copyreg.pickle(made, _reduced)
    return made


def _reduced(cls: Any) -> tuple[Any, ...]:
    return (with_policy, (cls._um_base, cls._um_policy))


# A call ---------------------------------------------------------------------------------------------------------------


def _call(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a copy without the policy, with parameters and inputs cast, and keep what the call changed in it."""
    policy, base = type(module)._um_policy, type(module)._um_base
    if init.state.active is not None:
        return _call_for_sizes(module, args, kwargs)
    leaves, structure = walk.flatten_node(module)
    mask = structure.cached("cast by its policy", lambda: _Reach(structure).mask)
    narrow = [cast_leaf(leaf, policy.compute_dtype) if hit else leaf for leaf, hit in zip(leaves, mask, strict=True)]
    inner = _retyped(structure, base)
    copy = walk.unflatten(inner, narrow)
    args, kwargs = cast((args, kwargs), policy.compute_dtype, _same)
    try:
        result = copy(*args, **kwargs)
    except Exception as error:
        _point_back(error, copy, module)
        raise
    found, changed = walk.flatten_node(copy)
    if changed is not inner or not all(map(operator.is_, found, narrow)):
        _take_over(module, (found, changed), (leaves, structure), narrow)
    return cast(result, policy.output_dtype, lambda node: module if node is copy else node)


def _call_for_sizes(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call while ``init`` looks for sizes: of the module itself, in the dtype of its parameters."""
    policy, base = type(module)._um_policy, type(module)._um_base
    given = next((leaf.dtype for leaf in walk.flatten((args, kwargs))[0] if is_floating(leaf)), policy.param_dtype)
    args, kwargs = cast((args, kwargs), policy.param_dtype, _same)
    return cast(base.__call__(module, *args, **kwargs), given, _same)


def _same(node: Any) -> Any:
    return node


def _retyped(structure: Skeleton, cls: type) -> Skeleton:
    return sk.intern(cls, structure.meta, structure.names, structure.children)


def _take_over(module: Any, new: Parts, old: Parts, narrow: list[Any]) -> None:
    """Give ``module``, with the parts ``old``, what a call made of its copy; what was cast is again what it was.

    Raises:
        CapturedModuleError: the module is not one that may be changed here.
    """
    if module._um_scope is not scope.state.current:
        raise nodes.captured(module, "contents")
    originals = {id(leaf): original for leaf, original in zip(narrow, old[0], strict=True)}
    before = {slot.path: leaf for slot, leaf in zip(old[1].slots, old[0], strict=True)}
    leaves = [
        originals[id(leaf)] if id(leaf) in originals else _like(leaf, before.get(slot.path))
        for leaf, slot in zip(new[0], new[1].slots, strict=True)
    ]
    lazy.touch(module)  # a module that was never built counts as unchanged
    graft.replace_contents(module, leaves, _retyped(new[1], type(module)))


def _like(new: Any, old: Any) -> Any:
    """A leaf that a call changed, in the dtype that it had."""
    return cast_leaf(new, old.dtype) if is_floating(new) and is_floating(old) else new


def _point_back(error: Any, copy: Any, module: Any) -> None:
    """Let an error that arose in the copy name the place in the module."""
    innermost = getattr(error, "_um_chain", None)
    path = next((path for path, found in init.modules(copy) if found is innermost), None)
    if path is not None:
        error._um_chain = surgery.at(module, path)


class _Reach:
    """Which parameters the policy of the root casts: those that are used outside of policies further inside.

    A shared module or a tied leaf counts wherever it is used.
    """

    def __init__(self, root: Skeleton) -> None:
        self.root, self.hits = root, [False] * root.num_leaves
        self.entities: list[tuple[Child, int]] = []
        self.visit(root, 0, False, True)

    @property
    def mask(self) -> tuple[bool, ...]:
        """For each leaf, whether it is cast."""
        return tuple(self.hits)

    def visit(self, child: Child, start: int, is_inner: bool, is_new: bool) -> None:
        if isinstance(child, Alias):
            if not is_inner:
                self.visit(*self.entities[child.index], False, False)
            return
        if isinstance(child, Leaf):
            self.enter(child, start, is_new and child.is_tied)
            self.hits[start] |= not is_inner and child.kind is not None and issubclass(child.kind, Parameter)
        elif isinstance(child, Skeleton):
            self.enter(child, start, is_new and child.is_module)
            inner = is_inner or (child is not self.root and issubclass(child.type, MixedPrecision))
            for part in child.children:
                self.visit(part, start, inner, is_new)
                start += sk.count(part)

    def enter(self, child: Child, start: int, is_entity: bool) -> None:
        if is_entity:
            self.entities.append((child, start))
