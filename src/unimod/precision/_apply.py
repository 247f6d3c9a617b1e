"""Giving modules a policy, and taking it away again: only the classes in their structure change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, Union

from unimod.core import paths, walk
from unimod.core import skeleton as sk
from unimod.core.initializer import Initializer
from unimod.core.kinds import Parameter
from unimod.core.module import Module
from unimod.core.node import Node
from unimod.core.skeleton import Child, Fixed, Path, Skeleton, Slot
from unimod.dtypes import float32, float64
from unimod.errors import DTypeError, NotInitializedError, OptionError
from unimod.precision._classes import MixedPrecision, base_of, with_policy
from unimod.precision._policy import Policy, cast_leaf

M = TypeVar("M", bound=Module)
T = TypeVar("T")
Choice = Union[type, str, Module, Callable[[Any], bool], "tuple[Choice, ...]", "list[Choice]"]


def apply_policy(
    module: M, policy: Policy | str, *, where: Choice | None = None, skip: Choice | None = None
) -> M:  # fmt: skip
    """A module that behaves as ``module`` does, and computes in the dtypes of ``policy``.

    Its parameters are kept in the dtype of parameters, now and after each update. A call casts them, and the
    floating-point arrays among the inputs, to the dtype of the computation, and those of the result to that of results;
    so gradients come back in the dtype of the parameters. States keep their dtypes, also those that a call changes:
    the statistics of a BatchNorm stay float32. Integers, bools, complex numbers and keys are left as they are.

    The result is of a subclass of the class of ``module``, with the same attributes, paths and leaves: state dicts fit
    both, filters by class, path and kind find the same, and an optimizer's state holds modules of these classes too.
    Only ``__call__`` computes under the policy; other methods see the parameters as they are.

    A policy further inside holds for what it is around, and stays when another is put around it; its results should
    have the dtype in which the outer one computes. A policy of the same module is replaced.

    Args:
        module: a module whose leaves have values.
        policy: a policy, or its text.
        where: the modules to give the policy to, the outermost that are chosen; None: ``module``. A class, a dotted
            path, a module of the tree, a function of a module, or several of these.
        skip: modules inside those to compute in float32, or in float64 where the parameters have that; likewise.

    Raises:
        DTypeError: ``module`` is no module, or has no ``__call__``.
        NotInitializedError: a leaf has no value yet.
        OptionError: ``where``, or a path or module in ``skip``, is not found.

    Example:
        >>> import unimod as um
        >>> net = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3), um.nn.Linear(3, 1)).init(0)
        >>> half = um.apply_policy(net, "params=float32,compute=bfloat16,output=float32", skip=um.nn.BatchNorm)
        >>> um.dtype_of(half(um.numpy.ones((4, 2)))), um.precision.policy_of(half[1])
        (float32, Policy('params=float32,compute=float32,output=bfloat16'))

    Source: the policies of jmp, https://github.com/google-deepmind/jmp.
    """
    policy = policy if isinstance(policy, Policy) else Policy(policy)
    _check(module)
    leaves, structure = walk.flatten_node(module)
    _check_filled(leaves, structure)
    places = [()] if where is None else _chosen(module, structure, where, "where")
    chosen: dict[Path, Policy] = dict.fromkeys(places, policy)
    if skip is not None:
        chosen.update(dict.fromkeys(_skipped(module, structure, skip, tuple(chosen)), _full(policy)))
    new = _with_policies(structure, (), chosen)
    result: M = walk.unflatten(new, [_kept(leaf, slot) for leaf, slot in zip(leaves, new.slots, strict=True)])
    return result


def unwrap_policy(tree: T) -> T:
    """A module, or any tree of modules, without the policies in it, at any depth. Leaves are left as they are.

    Example:
        >>> import unimod as um
        >>> layer = um.apply_policy(um.nn.Linear(2, 3).init(0), "compute=bfloat16")
        >>> um.unwrap_policy(layer)
        Linear(in_features=2, out_features=3, use_bias=True, kernel=f32[2, 3], bias=f32[3])
    """
    leaves, structure = walk.flatten(tree)
    return walk.unflatten(_without_policies(structure), leaves)  # type: ignore[no-any-return]


def policy_of(module: Any) -> Policy | None:
    """The policy that was applied to this very module; None where there is none.

    Example:
        >>> import unimod as um
        >>> um.precision.policy_of(um.apply_policy(um.nn.Linear(2, 3).init(0), "bfloat16"))
        Policy('params=bfloat16,compute=bfloat16,output=bfloat16')
    """
    return type(module)._um_policy if isinstance(module, MixedPrecision) else None


def _full(policy: Policy) -> Policy:
    """The policy of what is skipped inside of ``policy``."""
    compute = float64 if policy.param_dtype == float64 else float32
    return Policy(param_dtype=policy.param_dtype, compute_dtype=compute, output_dtype=policy.compute_dtype)


def _kept(leaf: Any, slot: Slot) -> Any:
    """A leaf in the dtype in which the innermost policy around it keeps parameters."""
    if slot.kind is None or not issubclass(slot.kind, Parameter):
        return leaf
    policies = [owner._um_policy for owner in slot.owners if issubclass(owner, MixedPrecision)]
    return cast_leaf(leaf, policies[-1].param_dtype) if policies else leaf


# Choosing modules -----------------------------------------------------------------------------------------------------


def _modules(node: Skeleton, path: Path) -> Iterator[tuple[Path, Skeleton]]:
    if node.is_module:
        yield path, node
    for key, child in zip(sk.child_keys(node), node.children, strict=True):
        if isinstance(child, Skeleton):
            yield from _modules(child, path if node.meta is sk.ATOM else (*path, key))


def _chosen(root: Module, structure: Skeleton, choice: Choice, name: str) -> list[Path]:
    """The paths of the outermost modules that are chosen."""
    found: list[Path] = []
    for path, node in _modules(structure, ()):
        if not any(_is_below(path, outer) for outer in found) and _is_chosen(root, path, node, choice):
            found.append(path)
    if not found:
        raise _not_found(root, choice, name)
    return found


def _skipped(root: Module, structure: Skeleton, choice: Choice, around: tuple[Path, ...]) -> list[Path]:
    """The paths of the outermost modules that are chosen below ``around``, and not below another policy."""
    for one in choice if isinstance(choice, (tuple, list)) else (choice,):
        if isinstance(one, (str, Module)):
            _chosen(root, structure, one, "skip")
    found: list[Path] = []
    closed = [path for path, node in _modules(structure, ()) if issubclass(node.type, MixedPrecision)]
    outside = [path for path in closed if path not in around]
    for path, node in _modules(structure, ()):
        is_inside = any(_is_below(path, outer) for outer in around)
        is_done = path in outside or any(_is_below(path, outer) for outer in (*found, *outside))
        if is_inside and not is_done and _is_chosen(root, path, node, choice):
            found.append(path)
    return found


def _is_below(path: Path, outer: Path) -> bool:
    return len(path) > len(outer) and path[: len(outer)] == outer


def _is_chosen(root: Module, path: Path, node: Skeleton, choice: Choice) -> bool:
    if isinstance(choice, (tuple, list)):
        return any(_is_chosen(root, path, node, one) for one in choice)
    if isinstance(choice, type):
        return issubclass(node.type, choice)
    if isinstance(choice, str):
        return paths.dotted(path) == choice
    module = paths.follow(root, path)
    if isinstance(choice, Node):
        return module is choice
    if callable(choice):
        return bool(choice(module))
    raise DTypeError(
        "Modules are chosen by something that cannot be used.",
        got=repr(choice),
        expected="a class, a dotted path, a module of the tree, a function of a module, or several of these",
    )


# Structures -----------------------------------------------------------------------------------------------------------


def _with_policies(node: Skeleton, path: Path, chosen: dict[Path, Policy]) -> Skeleton:
    keys = (path if node.meta is sk.ATOM else (*path, key) for key in sk.child_keys(node))
    children = tuple(
        _with_policies(child, key, chosen) if isinstance(child, Skeleton) else child
        for key, child in zip(keys, node.children, strict=True)
    )
    cls = with_policy(node.type, chosen[path]) if node.is_module and path in chosen else node.type
    return sk.intern(cls, node.meta, node.names, children)


def _without_policies(child: Child) -> Any:
    if isinstance(child, Fixed) and child.key[0] is Skeleton:  # the structure of something that is kept as leaves
        return Fixed(_without_policies(child.value))
    if not isinstance(child, Skeleton):
        return child
    cls = base_of(child.type) if child.is_module else child.type
    return sk.intern(cls, child.meta, child.names, tuple(map(_without_policies, child.children)))


# Checks ---------------------------------------------------------------------------------------------------------------


def _check(module: Any) -> None:
    if isinstance(module, Module) and callable(module):
        return
    is_module = isinstance(module, Module)
    raise DTypeError(
        f"{type(module).__name__} has no __call__ to compute under a policy."
        if is_module
        else "Only a module can be given a policy.",
        got=repr(module)[:100],
        expected="a module that can be called",
        fix="apply the policy to its submodules, with where=" if is_module else "wrap a function in um.nn.Lambda",
    )


def _check_filled(leaves: list[Any], structure: Skeleton) -> None:
    for leaf, slot in zip(leaves, structure.slots, strict=True):
        if isinstance(leaf, Initializer):
            raise NotInitializedError(
                "A module that is given a policy has no values yet.",
                where=paths.pretty("model", slot.path),
                fix="call model = model.init(seed) first",
            )


def _not_found(root: Module, choice: Choice, name: str) -> OptionError:
    return OptionError(
        f"There is no module that `{name}` chooses.",
        got=f"{name} = {choice!r:.80} for {type(root).__name__}",
        expected="a class, path, module or function that chooses one",
        fix="see model.summary() for the paths and classes",
    )
