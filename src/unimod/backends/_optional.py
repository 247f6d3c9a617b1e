"""Functions that an engine may have beside those of the protocols.

Where it has none of a name, the front's own version runs, written with other functions; so an engine needs only what
the protocols name, and may add a faster or more exact function at any time.
"""

from __future__ import annotations

from typing import Final

FACTS: Final = frozenset({"device_kinds", "has_x64", "register_node", "set_x64", "use_x64"})
ARRAYS: Final = frozenset(
    {"dynamic_slice", "dynamic_update_slice", "flatnonzero", "searchsorted", "top_k"}
    | {"zeros", "ones", "zeros_like", "ones_like", "moveaxis", "expand_dims", "squeeze", "stack", "flip", "pad"}
    | {"tril", "triu", "view"}
    | {"broadcast_to", "copy", "device_name", "devices", "dtype_name", "from_foreign", "full_like", "is_concrete"}
    | {"one_hot", "set_slices", "sort", "take_along_axis"}
)
MATH: Final = frozenset(
    {"mean", "var", "std", "logsumexp", "any", "all", "argmin", "tensordot"}
    | {"cummax", "cummin", "cumulative_logsumexp"}
    | {"sign", "square", "reciprocal", "rsqrt", "cbrt", "exp2", "hypot", "logaddexp", "fmod", "copysign", "erfinv"}
    | {"tan", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "ceil", "trunc", "clip"}
    | {"not_equal", "less_equal", "greater", "greater_equal", "isnan", "isinf", "isfinite", "signbit"}
    | {"abs", "acos", "asin", "log10", "log2", "minimum", "negative", "round"}
    | {"argmax", "cumprod", "cumsum", "einsum", "min", "prod", "bitwise_left_shift", "bitwise_right_shift"}
    | {"logical_not", "logical_and", "logical_or", "logical_xor", "bitwise_or", "bitwise_xor", "bitwise_invert"}
)
LINALG: Final = frozenset(
    {"det", "diagonal", "eig", "eigvals", "eigvalsh", "expm", "inv", "lu", "pinv", "solve_triangular", "svdvals"}
    | {"vector_norm"}
)
FFT: Final = frozenset({"ifftn", "irfft", "rfft"})
NN: Final = frozenset(
    {"attention", "batch_norm", "ctc_loss", "group_norm", "gru", "loop", "lstm", "rms_norm", "rnn"}
    | {"conv", "conv_transpose", "layer_norm", "linear", "max_pool", "moments", "normalize", "sum_pool"}
    | {"log_softmax", "softmax", "relu", "relu6", "sigmoid", "silu", "tanh", "softplus", "elu", "selu", "celu", "gelu"}
    | {"leaky_relu", "hard_tanh", "hard_sigmoid", "hard_silu", "log_sigmoid", "soft_sign", "mish"}
    | {"foreign_module", "native_module"}
)
"""Those of the second line and the softmaxes are in the protocol. Activations take one array, and keyword options as in
the front.

``attention(query, key, value, mask, bias, *, scale, is_causal)`` is for a query (N, Tq, H, D), a key (N, Tk, K, D)
and a value (N, Tk, K, E) of one dtype, where K divides H; for a mask of bools and a bias without -inf, in which each
axis of (N, H, Tq, Tk) is there, some with the length 1. With ``is_causal`` there is neither. A query that sees no key
gets 0, and gives derivatives of 0.

``loop(step, xs, state, mask, *, reverse, unroll)`` makes ``state = step(x, *state)`` for each ``x`` of ``xs``, and
gives all first parts of the state, and the last state; where the mask (time, batch) is False the state is held.

``batch_norm(x, scale, bias, *, axis, epsilon)`` is ``normalize`` by the ``moments`` of ``x``, which it returns beside
the result; derivatives go to them through the result only. ``group_norm(x, num_groups, scale, bias, *, axis, epsilon)``
and ``rms_norm(x, scale, *, num_axes, epsilon)`` are the functions of the front. An ``axis`` is 0 or more.

``ctc_loss(logits, labels, frames, counts, *, blank)`` gives the loss of each example of logits (N, T, C), in float32 or
float64, and labels (N, L) in [0, C), of which the first ``frames`` and ``counts`` (N,) are there. Where the frames are
too few the value does not matter, and a cotangent of 0 gives derivatives of 0.

``foreign_module(library, target, args, options)`` is for a module of a library on it, or a class of them with
its arguments, else None: an object that compares by identity and can be pickled, with ``name``, ``library``,
``is_flat``, ``is_random`` and ``needs_inputs``, with ``given_values()``, ``init(words, args, options)`` and, for some,
``given_variables(variables, args, options)``, which give entries (a path and the name of a kind) and a leaf for each;
and ``call(entries, leaves, words, is_training, args, options)``, which gives the result and the leaves, those that have
not been written the same objects. ``words`` are those of a random key, or None. ``native_module`` is the opposite: a
module of torch, or of flax.linen, over functions of leaves.
"""

RANDOM: Final = frozenset(
    {"bernoulli", "categorical", "choice", "exponential", "gumbel", "key", "normal", "permutation", "randint"}
    | {"truncated_normal", "uniform"}
)
OPTIM: Final = frozenset({"carries_out", "init", "update", "fused", "foreign", "foreign_schedule"})
"""``carries_out(name)`` says whether the engine has a gradient transformation of that name itself. Of these,
``init(name, options, params)`` gives the first state and ``update(name, options, updates, state, params, extras)`` the
new updates and the new state; ``options`` is a tuple of ``(option, value)`` pairs, and ``extras`` a dict of what the
transformation needs beside the gradients: ``value``, lists such as ``grad``, functions of lists such as ``value_fn``.

``fused(name)`` is a function of whole lists, or None: of ``optim._lists``, and ``lerp(xs, ys, weight)`` and
``addcmul(xs, ys, zs, value=)``; and ``adam(grads, mu, nu, count, b1, b2, eps)``, which gives the direction of Adam and
both new moments, or None for arguments that it is not for.

``foreign(target, options)`` is for an optimizer of the framework itself, else None: an object with ``init(leaves,
rebuild)``, which gives a state, a tree of the framework's own; and ``step(leaves, grads, state, rebuild, hyper,
evaluate)``, which gives the new leaves and the new state, and ``update``, which gives what is to be added and the new
state. ``rebuild`` makes the tree of parameters of a list, ``hyper`` has options for the step alone, and ``evaluate`` is
None or gives the loss and the gradients of a list of leaves. ``foreign_schedule(target, options, initial_lr)`` is a
function of the step, None for what is no schedule of the framework. Both say of themselves ``is_traceable``.
"""

COMPILE: Final = frozenset({"export", "import_exported", "lower", "named_scope", "set_cache"})
"""``lower(fn, leaves, *, donate, compiler, options)`` traces ``fn`` for such leaves and compiles nothing: an object
with ``as_text()`` and ``compile()``. The latter gives an object with ``run(leaves)``, ``as_text()``, and ``cost()`` and
``memory()``, which are dicts of numbers by the framework's names.

``export(fn, leaves)`` is a dict of files with the program, which ``import_exported(files)`` turns into a flat function;
what is in a file may come from anybody, so nothing of it is run but operators. ``set_cache(directory)`` keeps compiled
programs for later processes, and None stands for what the framework does by itself.
"""

AUTODIFF: Final = frozenset(
    {"checkpoint_name", "custom_jvp", "custom_vjp", "eval_shape", "jvp", "linearize", "remat", "vjp"}
)

CONTROL: Final = frozenset({"scan", "switch", "while_loop"})
"""The front sees to it that a body gives a carry of the shapes and dtypes it got. Without these it calls the bodies
from Python, which serves where operations run as they come.

``scan(fn, carry, xs, *, length, reverse, unroll)`` makes ``fn([*carry, *x]) -> ([*carry, *y], extra)`` for each of
``length`` rows of ``xs``, and gives the last carry, each ``y`` stacked along a new first axis, and ``extra`` of a call.
There is always a call, if only to find the shapes. Numbers among the ``y`` become arrays.

``while_loop(cond, body, carry)`` makes ``body(carry) -> (carry, extra)`` while a bool scalar says so, which is that of
``cond(carry) -> ([bool scalar], extra)``. Reverse-mode derivatives of the result raise ``CapabilityError``.

``switch(index, branches, operands)`` is ``branches[index](operands)``, for a bool or integer scalar that is clipped to
their number. The results of all that are called are alike, and arrays; ``extra`` is that of one of them.
"""

PARALLEL: Final = frozenset({"all_to_all", "pmax", "pmin", "ppermute", "psum", "psum_scatter"})

INSPECT: Final = frozenset({"callback", "cost", "trace_file", "wait"})

ALL: Final = {
    "facts": FACTS,
    "arrays": ARRAYS,
    "math": MATH,
    "linalg": LINALG,
    "fft": FFT,
    "nn": NN,
    "random": RANDOM,
    "optim": OPTIM,
    "autodiff": AUTODIFF,
    "compile": COMPILE,
    "control": CONTROL,
    "parallel": PARALLEL,
    "inspect": INSPECT,
}
"""The names, by the module of the engine."""
