"""Initializers: ``init(key, shape, dtype="float32") -> array``, the same numbers from the same key on every engine.

Each function here builds an initializer, a small frozen object: two that were built alike are equal, and they can be
hashed and pickled. The numbers are those of ``jax.nn.initializers`` within 4 ULP; from engine to engine the uniform
family, drawn as ``(2u - 1) * bound``, is equal to the last bit.

A dense kernel is ``(in, out)`` and a convolution kernel ``(spatial..., in, out)``; other layouts name their axes. The
initializers of PyTorch under their names there: ``eye_`` is :func:`identity`, ``calculate_gain`` is :func:`gain`,
``uniform_(-b, b)`` is :func:`symmetric_uniform`, ``trunc_normal_`` is :func:`truncated_normal`.
"""

from unimod.nn.initializers._matrices import delta_orthogonal as delta_orthogonal
from unimod.nn.initializers._matrices import dirac as dirac
from unimod.nn.initializers._matrices import eye as eye
from unimod.nn.initializers._matrices import identity as identity
from unimod.nn.initializers._matrices import orthogonal as orthogonal
from unimod.nn.initializers._matrices import sparse as sparse
from unimod.nn.initializers._plain import constant as constant
from unimod.nn.initializers._plain import normal as normal
from unimod.nn.initializers._plain import ones as ones
from unimod.nn.initializers._plain import symmetric_uniform as symmetric_uniform
from unimod.nn.initializers._plain import truncated_normal as truncated_normal
from unimod.nn.initializers._plain import uniform as uniform
from unimod.nn.initializers._plain import zeros as zeros
from unimod.nn.initializers._scaling import compute_fans as compute_fans
from unimod.nn.initializers._scaling import gain as gain
from unimod.nn.initializers._scaling import glorot_normal as glorot_normal
from unimod.nn.initializers._scaling import glorot_uniform as glorot_uniform
from unimod.nn.initializers._scaling import he_normal as he_normal
from unimod.nn.initializers._scaling import he_uniform as he_uniform
from unimod.nn.initializers._scaling import kaiming_normal as kaiming_normal
from unimod.nn.initializers._scaling import kaiming_uniform as kaiming_uniform
from unimod.nn.initializers._scaling import lecun_normal as lecun_normal
from unimod.nn.initializers._scaling import lecun_uniform as lecun_uniform
from unimod.nn.initializers._scaling import variance_scaling as variance_scaling
from unimod.nn.initializers._scaling import xavier_normal as xavier_normal
from unimod.nn.initializers._scaling import xavier_uniform as xavier_uniform
