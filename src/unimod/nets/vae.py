"""Variational autoencoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import unimod.numpy as unp
from unimod import config, random
from unimod.errors import OptionError, ShapeError
from unimod.nets import _options
from unimod.nets._vae_parts import ConvDecoder, ConvEncoder, DenseDecoder, DenseEncoder
from unimod.nn import _leaves, activations
from unimod.nn.stochastic import Stochastic
from unimod.nn.transformer import Activation

Array = Any

_PARTS: dict[str, tuple[Any, Any]] = {"dense": (DenseEncoder, DenseDecoder), "conv": (ConvEncoder, ConvDecoder)}


class VAEOutput(NamedTuple):
    """What :class:`VAE` gives.

    Attributes:
        reconstruction: ``(batch, *shape)``, decoded from the draw.
        mean: ``(batch, latent_features)``, of the code.
        logvar: ``(batch, latent_features)``, the logarithm of the variance of the code.
    """

    reconstruction: Array
    mean: Array
    logvar: Array


class VAE(Stochastic):
    """A variational autoencoder: ``decode(mean + exp(logvar / 2) * noise)``, with mean and logvar from the encoder.

    In training the noise is drawn with the ``Rng`` leaf ``key``, which is split at each call, so that the same seed
    gives the same draws on every engine. In evaluation mode, or frozen, the code is its mean. A key that is passed
    draws in every mode, and leaves the module's own as it is.

    Args:
        shape: of one example; ``(H, W, channels)`` for images.
        latent_features: length of the code.
        hidden_features: of the layers of the encoder; the decoder has them in reversed order.
        kind: ``"dense"`` for linear layers, ``"conv"`` for convolutions of stride 2, one for each hidden number.
        activation: between the layers. Behind the last one is none: reconstructions of bits are their logits.
        dtype: of the leaves; inputs must have it too.

    Raises:
        OptionError: an option has a wrong value.
        ShapeError: the examples have another shape.
        DTypeError: the examples have another dtype.

    Example:
        >>> import unimod as um
        >>> unp = um.numpy
        >>> model = um.nets.VAE((6,), 2, hidden_features=(8,)).init(0)
        >>> def loss(model, x):  # the negative ELBO, with a normal distribution around the reconstruction
        ...     y, mean, logvar = model(x)
        ...     error = unp.sum((y - x) ** 2, axis=-1) / 2
        ...     divergence = unp.sum(unp.exp(logvar) + mean**2 - 1 - logvar, axis=-1) / 2
        ...     return unp.mean(error + divergence), model
        >>> (value, model), grads = um.value_and_grad(loss, has_aux=True)(model, unp.ones((4, 6)))
        >>> value.shape == (), grads.encoder.layers.layers[0].kernel.shape == (6, 8)
        (True, True)
        >>> model.sample(3, um.random.key(1)).shape == (3, 6)
        True

    Source: Kingma and Welling (2013), arXiv:1312.6114.
    """

    def __init__(
        self,
        shape: int | Sequence[int],
        latent_features: int,
        *,
        hidden_features: Sequence[int] = (512,),
        kind: str = "dense",
        activation: Activation = activations.relu,
        dtype: str = "float32",
    ) -> None:
        _options.one_of("VAE", "kind", kind, _PARTS)
        self.shape = _options.counts("VAE", "shape", (shape,) if isinstance(shape, int) else shape)
        hidden = _options.counts("VAE", "hidden_features", hidden_features, least=1 if kind == "conv" else 0)
        _options.counts("VAE", "latent_features", (latent_features,))
        if kind == "conv" and len(self.shape) != 3:
            raise OptionError(
                "A VAE of convolutions works on images.",
                got=f"shape = {self.shape}",
                expected="(H, W, channels)",
                fix='pass the shape of one image, channels last, or kind="dense"',
            )
        self.latent_features = latent_features
        encoder, decoder = _PARTS[kind]
        self.encoder = encoder(self.shape, hidden, 2 * latent_features, activation, str(dtype))
        self.decoder = decoder(self.shape, hidden, latent_features, activation, str(dtype))
        self._dtype = str(dtype)
        self._declare_key()

    def __call__(self, x: Array, *, key: random.Key | None = None) -> VAEOutput:
        """Encode ``x``, of shape ``(batch, *shape)``, draw a code, and decode it."""
        mean, logvar = self.encode(x)
        if key is None and self._is_drawing(1.0):
            key = self._next_key()
        return VAEOutput(self.decode(mean if key is None else _drawn(mean, logvar, key)), mean, logvar)

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Mean and logarithm of the variance of the codes of ``x``, each ``(batch, latent_features)``."""
        lead = len(x.shape) - len(self.shape)
        if lead < 0 or tuple(x.shape[lead:]) != self.shape:
            raise ShapeError(
                "VAE got examples of another shape than it was built for.",
                got=f"x = {config.describe_value(x)}",
                expected=f"(batch, {', '.join(map(str, self.shape))})",
                fix="pass examples of that shape, with the axis of the batch before, or build it for theirs",
            )
        both = self.encoder(x)
        return both[..., : self.latent_features], both[..., self.latent_features :]

    def decode(self, z: Array) -> Array:
        """Examples ``(batch, *shape)`` of the codes ``z``, of shape ``(batch, latent_features)``."""
        _leaves.check_input(self, z, None, self.latent_features, "latent_features")
        return self.decoder(z)

    def sample(self, count: int, key: random.Key) -> Array:
        """``count`` new examples, ``(count, *shape)``, of codes that are standard normal."""
        return self.decode(_noise(key, (count, self.latent_features), self._dtype))


def _drawn(mean: Array, logvar: Array, key: random.Key) -> Array:
    noise = _noise(key, tuple(mean.shape), config.dtype_of(mean))
    return unp.add(mean, unp.multiply(unp.exp(unp.multiply(logvar, 0.5)), noise))


def _noise(key: random.Key, shape: tuple[int, ...], dtype: Any) -> Array:
    # The draws of a seed are the same in all dtypes.
    return unp.astype(random.normal(key, shape), dtype)
