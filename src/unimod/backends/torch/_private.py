"""The private names of PyTorch that the engine uses, in one place, checked with torch 2.13.0.

Each has a fallback that is right and slower; ``missing()`` lists those that had to be used.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._functorch import pyfunctorch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
)
from torch.fx.experimental import proxy_tensor
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from unimod.backends.torch._private_ended import EndingMode
from unimod.backends.torch._private_rules import differentiable_rule as differentiable_rule
from unimod.backends.torch._private_rules import primals as primals
from unimod.backends.torch._private_rules import unpack_dual as unpack_dual
from unimod.backends.torch._private_writes import no_captured_writes as no_captured_writes
from unimod.backends.torch._private_writes import without_meta as without_meta

_missing: list[str] = []
_NO_NUMPY = ".numpy() is not supported for tensor subclasses"
_NO_INDEX = "only integer tensors of a single element can be converted to an index"
_NO_VALUE_IN_VMAP = "vmap: It looks like you're"


def _find(module: Any, path: str, fallback: Any) -> Any:
    for name in path.split("."):
        module = getattr(module, name, None)
    if module is None:
        _missing.append(path)
    return fallback if module is None else module


def missing() -> tuple[str, ...]:
    """The private names that this version of PyTorch no longer has."""
    return tuple(_missing)


_functorch_level = _find(torch._C, "_functorch.peek_interpreter_stack", lambda: True)
_functorch_levels = _find(torch._C, "_functorch.get_interpreter_stack", lambda: None)
_forward_mode = _find(torch._C, "_functorch.TransformType.Jvp", None)
_dispatch_modes = _find(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_function_modes = _find(torch._C, "_len_torch_function_stack", lambda: 1)
_top_hooks = _find(torch._C, "_autograd._top_saved_tensors_default_hooks", lambda ignore_is_tracing: None)
_any_requires_grad = _find(
    torch._C, "_any_requires_grad", lambda *xs: any(isinstance(x, Tensor) and x.requires_grad for x in xs)
)


def any_requires_grad(leaves: Sequence[Any]) -> bool:
    """Whether autograd follows one of the leaves (False under ``torch.no_grad``)."""
    return bool(_any_requires_grad(*leaves)) and torch.is_grad_enabled()


def in_functorch() -> bool:
    """Whether a transform of ``torch.func`` is active in this thread (without the private name: always)."""
    return _functorch_level() is not None


def is_in_jvp() -> bool:
    """Whether one of the active transforms of ``torch.func`` is ``jvp`` (without the private names: if any is)."""
    if not in_functorch():
        return False
    levels = _functorch_levels()
    return levels is None or _forward_mode is None or any(level.key() == _forward_mode for level in levels)


def is_batched(x: Tensor) -> bool:
    """Whether ``x`` has a value for each of several examples that ``torch.func.vmap`` maps."""
    functorch: Any = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return True
        x = functorch.get_unwrapped(x)
    return False


def innermost(x: Tensor) -> Tensor:
    """The tensor below all levels of ``torch.func``."""
    functorch: Any = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        x = functorch.get_unwrapped(x)
    return x


def _is_derivative(level: Any) -> bool:
    return level.key() in (torch._C._functorch.TransformType.Grad, torch._C._functorch.TransformType.Jvp)


def derivative_level() -> int:
    """The innermost active ``grad``, ``vjp`` or ``jvp`` of ``torch.func``, by its number; 0 where there is none."""
    return max((level.level() for level in _functorch_levels() or () if _is_derivative(level)), default=0)


def next_level() -> int:
    """The number that the next transform of ``torch.func`` will have."""
    return len(_functorch_levels() or ()) + 1


def innermost_derivative(xs: Sequence[Any], skipped: frozenset[int]) -> tuple[int, bool] | None:
    """The number of the innermost derivative that follows one of the tensors, and whether it is a ``jvp``.

    Number 0 is plain autograd. ``skipped`` are numbers to look past; None: nothing follows the tensors.
    """
    if not in_functorch():
        return (0, False) if 0 not in skipped and any_requires_grad(xs) else None
    here = _interpreter()
    level, own = here.level(), [x for x in xs if torch._C._functorch.maybe_get_level(x) == here.level()]
    if _is_derivative(here) and level not in skipped:
        is_forward = here.key() == _forward_mode
        if any(_has_tangent(x) if is_forward else x.requires_grad for x in own):
            return level, is_forward
    unwrapped = torch._C._functorch.get_unwrapped
    inner = [unwrapped(x) if any(x is y for y in own) else x for x in xs]
    with here.lower():
        return innermost_derivative(inner, skipped)


def _has_tangent(x: Tensor) -> bool:
    return unpack_dual(x)[1] is not None


def make_dual(x: Tensor, tangent: Tensor) -> Tensor:
    """A tensor with a tangent at the innermost ``jvp``."""
    make: Any = torch.autograd.forward_ad.make_dual
    found: Tensor = make(x, tangent)
    return found


def _interpreter() -> Any:
    from torch._functorch.pyfunctorch import retrieve_current_functorch_interpreter

    return retrieve_current_functorch_interpreter()


class Level:
    """The innermost active transform of ``torch.func``, for calls outside of it.

    Attributes:
        number: its number.
        batch_size: the length of the mapped axis, None where it is no ``vmap``.
        leaves: the tensors as they are outside of it.
        dims: the mapped axis of each of these, or None.
    """

    def __init__(self, leaves: Sequence[Tensor]) -> None:
        native = torch._C._functorch
        self._here = _interpreter()
        is_vmap = self._here.key() == native.TransformType.Vmap
        self.number, self.batch_size = self._here.level(), self._here.batch_size() if is_vmap else None
        own = [native.maybe_get_level(x) == self.number for x in leaves]
        self.dims = [native.maybe_get_bdim(x) if hit and is_vmap else None for x, hit in zip(leaves, own, strict=True)]
        self.leaves = [native.get_unwrapped(x) if hit else x for x, hit in zip(leaves, own, strict=True)]

    def left(self) -> contextlib.AbstractContextManager[Any]:
        """A context outside of the transform."""
        return self._here.lower()  # type: ignore[no-any-return]

    def wrapped(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        """Tensors from outside as they are inside; those of a ``vmap`` are mapped along their first axis."""
        native = torch._C._functorch
        if self.batch_size is None:
            return [native._wrap_for_grad(x, self.number) for x in outputs]
        return [native._add_batch_dim(x, 0, self.number) for x in outputs]


def outside_levels() -> contextlib.AbstractContextManager[Any]:
    """A context outside of all transforms of ``torch.func``."""
    return pyfunctorch.temporarily_clear_interpreter_stack()


@contextlib.contextmanager
def without_saving_hooks() -> Iterator[None]:
    """Tensors are kept for derivatives as they are: ``torch.func`` refuses the hooks of ``torch.utils.checkpoint``."""
    autograd: Any = torch._C._autograd
    hooks = _top_hooks(True)
    if hooks is None:
        yield
        return
    autograd._pop_saved_tensors_default_hooks()
    try:
        # Checkpoints lie in each other.
        with without_saving_hooks():
            yield
    finally:
        autograd._push_saved_tensors_default_hooks(*hooks)


def func_vjp(fn: Callable[..., Any], *primals: Tensor, has_aux: bool = False) -> Any:
    """``torch.func.vjp``, also inside of checkpoints."""
    with without_saving_hooks():
        outputs, pull, *aux = torch.func.vjp(fn, *primals, has_aux=has_aux)

    def pulled(cotangents: Any) -> Any:
        with without_saving_hooks():
            return pull(cotangents)

    return outputs, pulled, *aux


def current_fake_mode() -> Any:
    """The mode of the trace that is under way, else a new one."""
    from torch._guards import detect_fake_mode

    return detect_fake_mode() or fake_mode()


def is_transforming() -> bool:
    """Whether a transform of ``torch.func``, or a dispatch mode such as a fake tensor trace, is active."""
    return _functorch_level() is not None or _dispatch_modes() > 0


@contextlib.contextmanager
def untransformed() -> Iterator[None]:
    """A context in which no transform or trace is seen: for a look at tensors from outside of these."""
    from torch.utils._python_dispatch import _disable_current_modes

    with torch._C._DisableFuncTorch(), _disable_current_modes():
        yield


def ambient() -> tuple[Any, ...]:
    """What a trace depends on beside its inputs: default dtype, default device, autocast."""
    device = str(torch.get_default_device()) if _function_modes() else ""
    return torch.get_default_dtype(), device


def autocast_state() -> tuple[Any, ...]:
    """The autocast settings of this thread."""
    kinds = [kind for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)]
    return tuple((kind, torch.get_autocast_dtype(kind)) for kind in kinds)


def guard(leaves: Sequence[Tensor]) -> Callable[..., bool] | None:
    """A check in C++ that arguments have the types, dtypes, devices, sizes and strides of ``leaves``.

    It also compares the dispatch keys (conjugate and negative views, transforms), autocast and, with grad mode on,
    ``requires_grad``; equal arguments that are one object fail. 0.05 us a leaf, against 0.25 us in Python.
    """
    try:
        guards: Any = importlib.import_module("torch._C._dynamo.guards").TensorGuards
    except (ImportError, AttributeError):
        return None
    sizes, strides = [list(x.shape) for x in leaves], [list(x.stride()) for x in leaves]
    check: Callable[..., bool] = guards(*leaves, dynamic_dims_sizes=sizes, dynamic_dims_strides=strides).check
    return check


def fake_mode() -> Any:
    """A mode in which tensors have a shape and a dtype but no values."""
    # torch's own loops and branches want a shape environment; this one refuses to invent sizes and numbers.
    shapes = ShapeEnv(allow_scalar_outputs=False, allow_dynamic_output_shape_ops=False, duck_shape=False)
    return EndingMode(allow_non_fake_inputs=True, static_shapes=True, shape_env=shapes)


def fake(mode: Any, x: Tensor, shape: tuple[Any, ...] | None = None) -> Tensor:
    """A stand-in of ``x`` in a mode, with memory of its own also where two tensors are one object.

    With a ``shape`` it is contiguous, and has that one.
    """
    with mode:
        if shape is not None:
            return torch.empty(shape, dtype=x.dtype, device=x.device)
        return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=x.device)


def current_tracer() -> Any:
    """The tracer of the innermost trace by ``make_fx``, which knows its tensors; None where none is under way."""
    mode = proxy_tensor.get_proxy_mode()
    return None if mode is None else mode.tracer


@contextlib.contextmanager
def by_itself() -> Iterator[None]:
    """Out of the trace and of all transforms of ``torch.func`` for the time of a block."""
    with pyfunctorch.temporarily_clear_interpreter_stack(), proxy_tensor.disable_proxy_modes_tracing():
        yield


def unseen() -> Any:
    """A block whose calls no mode of torch functions sees (a private name, torch 2.13)."""
    return torch._C.DisableTorchFunction()


def is_fake(x: Tensor) -> bool:
    """Whether ``x`` has no values."""
    return isinstance(x, FakeTensor)


def storage_id(x: Tensor) -> int:
    """A number that two tensors share when one is a view of the other."""
    return int(x.untyped_storage()._cdata)


def is_value_needed(error: BaseException) -> bool:
    """Whether ``error`` says that Python asked a fake or a batched tensor for its value."""
    if isinstance(error, DataDependentOutputException | DynamicOutputShapeException):
        return True
    return isinstance(error, RuntimeError | TypeError) and str(error).startswith(
        (_NO_NUMPY, _NO_INDEX, _NO_VALUE_IN_VMAP)
    )


def fused_recurrent(name: str) -> Callable[..., Any]:
    """The kernel of torch of a whole recurrent layer, of which ``torch.nn.LSTM`` and its like are made."""
    return getattr(torch._VF, name)  # type: ignore[no-any-return]


def has_mkldnn() -> bool:
    """Whether recurrent layers on CPUs run in one kernel, if in float32."""
    mkldnn: Any = torch.backends.mkldnn
    return bool(mkldnn.is_available() and torch._C._get_mkldnn_enabled())


_library: Any = torch.library.Library
_LIBRARY = _library("unimod", "FRAGMENT")


def define_op(
    schema: str,
    fn: Callable[..., Any],
    fake: Callable[..., Any],
    *,
    vmap: Callable[..., Any] | None = None,
    tags: tuple[Any, ...] = (),
) -> Any:
    """An operator of the library ``unimod`` that traces and compilers take as one, without looking into it."""
    name = schema.split("(")[0]
    qualified = f"unimod::{name}"
    _LIBRARY.define(schema, tags=tags)
    _LIBRARY.impl(qualified, fn, "CompositeExplicitAutograd")
    torch.library.register_fake(qualified, fake, lib=_LIBRARY)
    if vmap is not None:
        torch.library.register_vmap(qualified, vmap, lib=_LIBRARY)
    return getattr(torch.ops.unimod, name).default


def keep(op: Any) -> None:
    """Let no pass of a graph drop an operator whose result nobody uses (torch 2.13 says so for FX and inductor)."""
    torch.fx.node.has_side_effect(op)


def is_tracing_graph() -> bool:
    """Whether a dispatch mode is active, as that of a trace is (without the private name: no)."""
    return bool(_dispatch_modes() > 0)
