"""What an engine is: one folder with these modules, each a set of plain functions on native arrays.

Of the methods here those marked ``@optional`` may be left out, as may be what ``_optional`` names.

A backend is a package ``backends/<name>/`` whose modules implement the protocols below, and whose ``__init__``
defines ``ENGINE = Engine(...)``. What crosses the line between front and engine: native arrays, Python scalars,
tuples, dtype names, and flat lists of arrays. Never a Module, a tree or an optimizer state.

The front calls ``engine.math.add(x, y)``. Arguments have been checked there: shapes, dtypes and mixed engines are the
front's business, so an engine method may rely on them. Axes are non-negative or negative ints; ``dtype`` is a dtype
name or None; ``device`` is a string or None; keys are uint32 arrays whose last axis has the length 2.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from unimod.backends._protocol_autodiff import Autodiff
from unimod.backends._protocol_inspect import Inspect
from unimod.backends._protocol_parallel import Parallel
from unimod.backends._terms import Array as Array
from unimod.backends._terms import Axis as Axis
from unimod.backends._terms import FlatFn as FlatFn
from unimod.backends._terms import Linear as Linear
from unimod.backends._terms import Shape as Shape
from unimod.backends._terms import SplitFn as SplitFn
from unimod.backends._terms import optional as optional


class Facts(Protocol):
    """Who the engine is, which arrays are its own, and what it can do."""

    NAME: str
    CAPABILITIES: frozenset[str]
    DIVERGENCES: dict[str, str]

    def owns(self, cls: type) -> bool:
        """Whether instances of ``cls`` are this engine's arrays (tracers and fake arrays included)."""

    def version(self) -> str:
        """The version of the framework."""

    @optional
    def device_kinds(self) -> tuple[str, ...]:
        """The device names that ``device=`` accepts here, the default first."""

    @optional
    def has_x64(self) -> bool:
        """Whether arrays of 64 bits can be made now, in this thread."""

    @optional
    def set_x64(self, enabled: bool) -> None:
        """Allow or forbid 64 bits for the process, where the framework has such a switch."""

    @optional
    def use_x64(self, enabled: bool) -> contextlib.AbstractContextManager[Any]:
        """The same inside a ``with`` block of this thread."""

    @optional
    def register_node(self, cls: type, flatten: Callable[..., Any], unflatten: Callable[..., Any]) -> None:
        """Register a node type with the framework's own pytree registry.

        ``flatten(obj) -> (leaves: list, aux: hashable)``, ``unflatten(aux, leaves) -> obj``.
        """


class Arrays(Protocol):
    """Creation, inspection and movement of arrays.

    A device is a name, or one of those that devices() gives: the name of each, and what the framework has for it.
    Numbers fit the dtype of what is made of them. Of what an engine has not, _optional tells what the front puts there.
    """

    def __getattr__(self, name: str) -> Callable[..., Array]: ...

    @optional
    def devices(self) -> list[tuple[str, Any]]: ...
    def asarray(self, obj: Any, dtype: str | None = None, device: str | None = None) -> Array: ...
    def to_numpy(self, x: Array) -> Any: ...
    @optional
    def from_foreign(self, x: Any, device: str | None = None, must_share: bool = False) -> Array: ...
    @optional
    def dtype_name(self, x: Array) -> str: ...
    @optional
    def device_name(self, x: Array) -> str: ...
    @optional
    def is_concrete(self, x: Array) -> bool: ...
    @optional
    def copy(self, x: Array) -> Array: ...
    def full(self, shape: Shape, value: Any, dtype: str, device: str | None = None) -> Array: ...
    def arange(self, start: Any, stop: Any, step: Any, dtype: str, device: str | None = None) -> Array: ...
    @optional
    def full_like(self, x: Array, value: Any, dtype: str | None = None) -> Array: ...
    def astype(self, x: Array, dtype: str) -> Array: ...
    def reshape(self, x: Array, shape: Shape) -> Array: ...
    def permute_dims(self, x: Array, axes: tuple[int, ...]) -> Array: ...
    @optional
    def broadcast_to(self, x: Array, shape: Shape) -> Array: ...
    def concat(self, xs: Sequence[Array], axis: int) -> Array: ...
    def where(self, condition: Array, x: Array, y: Array) -> Array: ...
    def take(self, x: Array, indices: Array, axis: int) -> Array: ...
    @optional
    def take_along_axis(self, x: Array, indices: Array, axis: int) -> Array: ...
    @optional
    def one_hot(self, indices: Array, num_classes: int, dtype: str) -> Array: ...
    def scatter(
        self,
        x: Array,
        indices: Array,
        updates: Array,
        axis: int,
        op: str,
        *,
        drop: bool,
        unique: bool = False,
        is_sorted: bool = False,
    ) -> Array:
        """``x`` with the slices at ``indices``, of one axis, combined with ``updates`` of the same dtype.

        ``op`` is ``set`` (then no index stands twice), ``add``, ``min`` or ``max`` (then gradients are split evenly at
        ties). Indices are in ``[0, n)`` for the size ``n`` of the axis; with ``drop`` also ``n``, which is dropped.
        """

    @optional
    def set_slices(self, x: Array, y: Array, slices: tuple[slice, ...]) -> Array:
        """``x`` with ``y`` in a box: for each axis a slice with its start, its stop and a positive step."""

    @optional
    def sort(self, x: Array, axis: int, descending: bool) -> Array: ...
    def argsort(self, x: Array, axis: int, descending: bool) -> Array: ...


class Math(Protocol):
    """Elementwise functions, reductions and products, under the names of the Array API standard.

    Elementwise, one array: ``exp expm1 log log1p sqrt sin cos tanh erf erfc lgamma digamma floor conj real imag``.
    Elementwise, two (one may be a Python scalar): ``add subtract multiply divide floor_divide remainder pow maximum
    atan2 equal less nextafter bitwise_and``.
    Reductions ``(x, axis, keepdims)``: ``sum max``. Products: ``matmul(x, y)``.
    """

    def __getattr__(self, name: str) -> Callable[..., Array]: ...


class Linalg(Protocol):
    """Decompositions and solvers of matrices on the last two axes; leading axes are a batch.

    Arrays come in float32, float64, complex64 or complex128, two of them in the same dtype. What has no answer is nan
    or inf, and no error. ``cholesky(x)`` is the lower factor; of it and of ``eigh(x)`` the lower triangle is read.
    ``svd(x, full_matrices)``, ``qr(x, complete)``, ``slogdet(x)``, and ``solve(x, y)`` for matrices ``(y)`` whose
    leading axes broadcast with those of ``(x)``. Several results are a tuple.
    """

    def __getattr__(self, name: str) -> Callable[..., Array]: ...


class FFT(Protocol):
    """Discrete Fourier transforms of float32, float64, complex64 and complex128, with a ``norm`` as NumPy has it.

    Axes are non-negative and distinct, and no element is added or left out: the front sees to that.
    """

    def fftn(self, x: Array, axes: tuple[int, ...], norm: str) -> Array: ...
    @optional
    def ifftn(self, x: Array, axes: tuple[int, ...], norm: str) -> Array: ...
    @optional
    def rfft(self, x: Array, axis: int, norm: str) -> Array:
        """The first half of the transform of real numbers."""

    @optional
    def irfft(self, x: Array, size: int, axis: int, norm: str) -> Array:
        """The ``size`` real numbers of which ``x`` is the first half of the transform."""


class NN(Protocol):
    """Activations and the few layers whose native kernels are worth having: an engine needs none of them.

    Images are channels-last (N, spatial..., C); kernels are (spatial..., in // groups, out). The activations are
    named in the list of optional functions.
    """

    def __getattr__(self, name: str) -> Callable[..., Array]: ...
    @optional
    def softmax(self, x: Array, axis: int) -> Array: ...
    @optional
    def log_softmax(self, x: Array, axis: int) -> Array: ...
    @optional
    def linear(self, x: Array, kernel: Array, bias: Array | None) -> Array:
        """``x @ kernel + bias`` for x (..., in), a kernel (in, out) and a bias (out,), all of one floating dtype."""

    @optional
    def conv(
        self,
        x: Array,
        kernel: Array,
        bias: Array | None = None,
        *,
        stride: Shape,
        padding: tuple[tuple[int, int], ...],
        dilation: Shape,
        groups: int,
    ) -> Array: ...
    @optional
    def conv_transpose(
        self,
        x: Array,
        kernel: Array,
        bias: Array | None = None,
        *,
        stride: Shape,
        crop: tuple[tuple[int, int], ...],
        dilation: Shape,
        groups: int,
    ) -> Array:
        """The full transposed convolution with ``crop`` cut from both ends of each axis (a negative one adds zeros)."""

    @optional
    def max_pool(self, x: Array, *, window: Shape, stride: Shape, padding: tuple[tuple[int, int], ...]) -> Array: ...
    @optional
    def sum_pool(self, x: Array, *, window: Shape, stride: Shape, padding: tuple[tuple[int, int], ...]) -> Array: ...
    @optional
    def layer_norm(self, x: Array, scale: Array | None, bias: Array | None, *, num_axes: int, epsilon: float) -> Array:
        """Normalise the last ``num_axes`` axes; statistics in float32 at least, two-pass variance."""

    @optional
    def normalize(
        self, x: Array, mean: Array, var: Array, scale: Array | None, bias: Array | None, *, axis: int, epsilon: float
    ) -> Array:
        """``(x - mean) * rsqrt(var + epsilon) * scale + bias``, one value for each place on ``axis`` (0 or more)."""

    @optional
    def moments(self, x: Array, *, axis: int) -> tuple[Array, Array]:
        """Mean and biased two-pass variance over all axes but ``axis`` (0 or more)."""


class Random(Protocol):
    """Threefry2x32 with JAX's partitionable layout. ``key`` is uint32[..., 2]; bounds are in NUMERICS.md.

    Samplers take one key, uint32[2].
    """

    @optional
    def key(self, high: int, low: int, device: str | None = None) -> Array: ...
    def split(self, key: Array, shape: Shape) -> Array: ...
    def fold_in(self, key: Array, data: Any) -> Array: ...
    def bits(self, key: Array, shape: Shape, width: int) -> Array: ...
    @optional
    def uniform(self, key: Array, shape: Shape, dtype: str, minval: Any, maxval: Any) -> Array: ...
    @optional
    def normal(self, key: Array, shape: Shape, dtype: str) -> Array: ...
    @optional
    def truncated_normal(self, key: Array, lower: Any, upper: Any, shape: Shape, dtype: str) -> Array: ...
    @optional
    def bernoulli(self, key: Array, p: Any, shape: Shape) -> Array: ...
    @optional
    def randint(self, key: Array, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Array: ...
    @optional
    def permutation(self, key: Array, x: Array, axis: int, independent: bool) -> Array: ...
    @optional
    def categorical(self, key: Array, logits: Array, axis: int, shape: Shape) -> Array: ...
    @optional
    def gumbel(self, key: Array, shape: Shape, dtype: str) -> Array: ...
    @optional
    def exponential(self, key: Array, shape: Shape, dtype: str) -> Array: ...
    @optional
    def choice(self, key: Array, x: Array, shape: Shape, replace: bool, p: Array | None, axis: int) -> Array: ...


class Control(Protocol):
    """Loops and branches of flat functions, all of which may be left out: see ``_optional``."""


class Compile(Protocol):
    """Tracing and compiling of flat functions."""

    def jit(
        self,
        fn: FlatFn,
        *,
        donate: Sequence[int] = (),
        compiler: str | None = None,
        options: Mapping[str, Any] | None = None,
        dynamic: Mapping[int, Sequence[int] | None] | None = None,
    ) -> FlatFn:
        """A compiled ``fn``, traced once per set of shapes and dtypes; its opaque result is that of the trace.

        The leaves in ``donate`` are not used after a call; ``options`` are the compiler's own. ``dynamic`` has the axes
        of leaves (None: all) whose sizes one trace may serve together; an engine may have a trace for each instead.
        """

    def is_tracing(self) -> bool:
        """Whether the framework is tracing or transforming right now in this thread."""

    @optional
    def named_scope(self, name: str) -> contextlib.AbstractContextManager[Any]:
        """A context in which operations carry a name, in profiles and in compiled programs."""


class Optim(Protocol):
    """Gradient transformations on flat lists of arrays.

    A transformation is ``(name, options)``: a name such as ``scale_by_adam`` and a tuple of ``(option, value)`` pairs.
    Its state is a dict from field name to an array or to a list of arrays, one for each parameter. The front has a
    formula for each; ``_optional`` names what an engine may have to carry some of them out itself, or to be quicker.
    """

    def apply_updates(self, params: list[Array], updates: list[Array]) -> list[Array]: ...


class Plain(NamedTuple):
    """The framework's own function, as the attribute ``plain`` of an engine's, for operands where it needs no help.

    The front calls it there without a detour. Dtypes are the framework's objects; an engine whose dtypes are numpy's,
    which it shares with others, has no use for it.
    """

    function: Any
    alike: Collection[Any]
    """For arrays that are all of one of these dtypes."""
    beside_float: Collection[Any] = ()
    """For an array of one of these dtypes and a Python float after it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Engine:
    """One backend, loaded: its modules, under the names of the protocols."""

    name: str
    facts: Facts
    arrays: Arrays
    math: Math
    linalg: Linalg
    fft: FFT
    nn: NN
    random: Random
    autodiff: Autodiff
    control: Control
    compile: Compile
    optim: Optim
    parallel: Parallel
    inspect: Inspect

    def __repr__(self) -> str:
        return f"<engine {self.name} {self.facts.version()}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from unimod.backends import _registry

        return (_registry.load, (self.name,))
