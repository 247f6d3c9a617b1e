"""PyTorch: values that are computed again for their derivative instead of being kept.

That is ``torch.utils.checkpoint``, which also works while a graph is traced. It knows plain autograd only: under the
transforms of ``torch.func`` a function is run as it is.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils import checkpoint as native

from unimod.backends._protocol import Array, FlatFn
from unimod.backends.torch import _private, _rules
from unimod.backends.torch._runs import as_tensors, current, is_single, run_number

_aten = torch.ops.aten
_PLAIN_DOTS = (_aten.mm.default, _aten.addmm.default, _aten.mv.default, _aten.addmv.default, _aten.dot.default)
_DOTS = (*_PLAIN_DOTS, _aten.bmm.default, _aten.baddbmm.default, _aten.convolution.default)

_OPS = {"dots_saveable": _DOTS, "dots_with_no_batch_dims_saveable": _PLAIN_DOTS}


class _Named(threading.local):
    is_wanted: bool = False


_named = _Named()

_name_op = _private.define_op(
    "checkpoint_name(Tensor x, str name) -> Tensor",
    lambda x, name: x.clone(),
    lambda x, name: torch.empty_like(x),
)
torch.library.register_autograd("unimod::checkpoint_name", lambda ctx, slope: (slope, None))


def remat(
    fn: FlatFn, leaves: list[Array], policy: tuple[str, tuple[str, ...]] | None, prevent_cse: bool
) -> tuple[list[Array], Any]:
    """``fn(leaves)``, computed again for its derivative; see the protocol."""
    name, names = policy or ("nothing_saveable", ())
    if name == "everything_saveable" or _private.in_functorch() or not torch.is_grad_enabled():
        return fn(leaves)
    cell: list[Any] = []
    number, is_alone, rules = current(), is_single(), _rules.state()

    def run(*inputs: Tensor) -> list[Tensor]:
        # What asks for the second run may be a derivative inside of the function, also one that is being mapped.
        state = _private.outside_levels(), run_number(number, is_single=is_alone), _rules.restored(rules)
        with state[0], state[1], state[2], _names_wanted(bool(names)):
            outputs, extra = fn(list(inputs))
        cell[:] = cell or [extra]
        return as_tensors(outputs)

    # What torch keeps for a policy serves for one derivative that is not differentiated (torch 2.13).
    is_selective = name != "nothing_saveable" and is_single()
    options: dict[str, Any] = {"context_fn": _contexts(name, names)} if is_selective else {}
    # To stop early torch raises an exception, which the functions on the way would explain to the user.
    with native.set_checkpoint_early_stop(False):
        outputs: Any = native.checkpoint(
            run, *as_tensors(leaves), use_reentrant=False, preserve_rng_state=False, determinism_check="none", **options
        )
    return outputs, cell[0]


def checkpoint_name(x: Array, name: str) -> Array:
    """``x``, which a policy knows under this name."""
    named: Array = _name_op(x, name) if _named.is_wanted and not _private.in_functorch() else x
    return named


def _contexts(name: str, names: tuple[str, ...]) -> Callable[[], Any]:
    kept = _OPS.get(name, ())

    def decide(_: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
        is_kept = op in kept or (op is _name_op and args[1] in names)
        return native.CheckpointPolicy.MUST_SAVE if is_kept else native.CheckpointPolicy.PREFER_RECOMPUTE

    return functools.partial(native.create_selective_checkpoint_contexts, decide)


@contextlib.contextmanager
def _names_wanted(is_wanted: bool) -> Iterator[None]:
    before = _named.is_wanted
    _named.is_wanted = is_wanted or before
    try:
        yield
    finally:
        _named.is_wanted = before
