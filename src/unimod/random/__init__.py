"""Random keys and distributions: the same numbers on every engine, those of ``jax.random``.

A key is used once; further keys are made of it by :func:`split` and :func:`fold_in`.

Example:
    >>> import unimod as um
    >>> key = um.random.key(0)
    >>> for_weights, for_noise = um.random.split(key)
    >>> um.random.normal(for_weights, (2, 3)).shape == (2, 3)
    True
"""

from unimod.random._ambient import is_seeded as is_seeded
from unimod.random._ambient import next_key as next_key
from unimod.random._ambient import rng as rng
from unimod.random._ambient import seed as seed
from unimod.random._choosing import categorical as categorical
from unimod.random._choosing import choice as choice
from unimod.random._choosing import permutation as permutation
from unimod.random._distributions import bernoulli as bernoulli
from unimod.random._distributions import bits as bits
from unimod.random._distributions import exponential as exponential
from unimod.random._distributions import gumbel as gumbel
from unimod.random._distributions import normal as normal
from unimod.random._distributions import randint as randint
from unimod.random._distributions import truncated_normal as truncated_normal
from unimod.random._distributions import uniform as uniform
from unimod.random._key import Key as Key
from unimod.random._making import fold_in as fold_in
from unimod.random._making import key as key
from unimod.random._making import key_data as key_data
from unimod.random._making import split as split
from unimod.random._making import stable_hash as stable_hash
from unimod.random._making import wrap_key_data as wrap_key_data
