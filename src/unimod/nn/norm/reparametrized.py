"""Wrappers that call a layer with another kernel than the one that is stored: a function of it."""

from __future__ import annotations

import math
from typing import Any

import unimod.numpy as unp
from unimod import config, random
from unimod.core.initializer import Initializer
from unimod.core.kinds import ModelState, Parameter
from unimod.core.module import Module
from unimod.errors import DTypeError, NotInitializedError
from unimod.nn import _leaves, _reparametrization
from unimod.nn.norm._scaled import ONES

_WARM_UP = 15
"""Power iterations at the start, so that the first estimate is near."""


class Reparametrized(Module):
    """Base of the wrappers: a layer, and the name of its kernel.

    A subclass declares its own leaves in ``declare(kernel)``, where ``kernel`` is an array or an Initializer of a known
    shape, and is asked for the kernel to use in each call.
    """

    def __init__(self, layer: Module, name: str) -> None:
        if not isinstance(layer, Module) or not hasattr(layer, name):
            raise DTypeError(
                f"{type(self).__name__} wraps a layer that has the leaf it is to change.",
                got=f"{type(layer).__name__} without {name!r}",
                expected="a layer such as Linear or Conv",
                fix="pass name= for a leaf of another name",
            )
        self.layer, self.name = layer, name
        self._declare()

    def _declare(self) -> None:
        kernel = self.kernel
        self.declare(None if getattr(kernel, "shape", None) is None else kernel)

    @property
    def kernel(self) -> Any:
        """The stored kernel of the wrapped layer."""
        return getattr(self.layer, self.name)

    def declare(self, kernel: Any) -> None:
        """Declare the leaves; ``kernel`` is None while its shape is not known."""
        raise NotImplementedError

    def infer_sizes(self, *inputs: Any, **options: Any) -> None:
        """Let the wrapped layer find its sizes first."""
        self.layer(*inputs, **options)  # type: ignore[operator]
        self._declare()

    def call_with(self, kernel: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call the wrapped layer with another kernel, and keep what else the call changes in it."""
        layer = self.layer.replace(**{self.name: kernel})
        result = layer(*inputs, **options)  # type: ignore[operator]
        if self.training and not self.frozen:
            self.layer.update(layer.states(), inplace=True)
        return result


class SpectralNorm(Reparametrized):
    """A layer whose kernel is divided by an estimate of its largest singular value.

    The estimate is ``v^T W u``, with ``W`` the kernel as a matrix ``(rest, out)`` and two vectors that each call in
    training mode improves by power iterations. In evaluation mode, or frozen, the vectors stay.

    Args:
        layer: a layer with a kernel whose last axis is that of the outputs.
        name: that of the kernel.
        num_steps: power iterations for each call.
        epsilon: the least norm that is divided by.

    Raises:
        DTypeError: the layer has no such leaf.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.SpectralNorm(um.nn.Linear(2, 2, kernel_init=um.nn.initializers.identity(5.0))).init(0)
        >>> layer(um.numpy.asarray([[1.0, 2.0]])).tolist()
        [[1.0, 2.0]]

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018.
    """

    def __init__(self, layer: Module, *, name: str = "kernel", num_steps: int = 1, epsilon: float = 1e-12) -> None:
        self.num_steps, self.epsilon = num_steps, epsilon
        super().__init__(layer, name)

    def declare(self, kernel: Any) -> None:
        """Declare the two vectors."""
        shape, dtype = ((None, None), "float32") if kernel is None else (_matrix(kernel), str(_dtype(kernel)))
        self.u: Any = ModelState(_leaves.pending(ONES, shape[1:], dtype))
        self.v: Any = ModelState(_leaves.pending(ONES, shape[:1], dtype))

    def rng_init(self, key: Any) -> None:
        """Start from a random vector, and let it come near the first singular one."""
        _check_filled(self)
        u = random.normal(key, tuple(self.u.shape), dtype=config.dtype_of(self.u))
        _, self.u, self.v = _reparametrization.spectral_norm(
            self.kernel, u, self.v, num_steps=_WARM_UP, epsilon=self.epsilon
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Call the layer with the divided kernel."""
        _check_filled(self)
        is_learning = self.training and not self.frozen
        kernel, u, v = _reparametrization.spectral_norm(
            self.kernel, self.u, self.v, num_steps=self.num_steps if is_learning else 0, epsilon=self.epsilon
        )
        if is_learning:
            self.u, self.v = u, v
        return self.call_with(kernel, inputs, options)


class WeightNorm(Reparametrized):
    """A layer whose kernel is split into a direction, the stored kernel, and a trained norm for each output.

    ``kernel / |kernel| * scale``, with the norm over all axes but the last. The scale starts as the norm of the kernel,
    so that the wrapped layer starts as what it was.

    Args:
        layer: a layer with a kernel whose last axis is that of the outputs.
        name: that of the kernel.
        epsilon: the least norm that is divided by.

    Raises:
        DTypeError: the layer has no such leaf.

    Example:
        >>> import unimod as um
        >>> layer = um.nn.WeightNorm(um.nn.Linear(2, 2, kernel_init=um.nn.initializers.identity(5.0))).init(0)
        >>> layer.scale.tolist(), layer(um.numpy.asarray([[1.0, 2.0]])).tolist()
        ([5.0, 5.0], [[5.0, 10.0]])

    Source: Salimans and Kingma, "Weight Normalization", 2016.
    """

    def __init__(self, layer: Module, *, name: str = "kernel", epsilon: float = 1e-12) -> None:
        self.epsilon = epsilon
        super().__init__(layer, name)

    def declare(self, kernel: Any) -> None:
        """Declare the norms."""
        shape, dtype = ((None,), "float32") if kernel is None else (tuple(kernel.shape[-1:]), str(_dtype(kernel)))
        self.scale: Any = Parameter(_leaves.pending(ONES, shape, dtype))

    def rng_init(self, key: Any) -> None:
        """Start with the norms of the kernel."""
        _check_filled(self)
        axes = tuple(range(len(self.kernel.shape) - 1))
        wide = unp.astype(self.kernel, "float32") if config.dtype_of(self.kernel).bits < 32 else self.kernel
        norms = unp.sqrt(unp.sum(unp.square(wide), axis=axes))
        self.scale = unp.astype(norms, config.dtype_of(self.kernel))

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Call the layer with the kernel of these norms."""
        _check_filled(self)
        kernel = _reparametrization.weight_norm(self.kernel, self.scale, epsilon=self.epsilon)
        return self.call_with(kernel, inputs, options)


def _matrix(kernel: Any) -> tuple[int, int]:
    return math.prod(kernel.shape[:-1]), int(kernel.shape[-1])


def _dtype(kernel: Any) -> Any:
    return kernel.dtype if isinstance(kernel, Initializer) else config.dtype_of(kernel)


def _check_filled(layer: Reparametrized) -> None:
    if isinstance(layer.kernel, Initializer):
        raise NotInitializedError(
            f"{type(layer).__name__} was called before the layer that it wraps had values.",
            fix="model = model.init(seed)",
        )
