"""The JAX engine."""

from unimod.backends._protocol import Engine
from unimod.backends.jax import (
    arrays,
    autodiff,
    compile,
    control,
    facts,
    fft,
    inspect,
    linalg,
    math,
    nn,
    optim,
    parallel,
    random,
)

ENGINE = Engine(
    name=facts.NAME,
    facts=facts,
    arrays=arrays,
    math=math,
    linalg=linalg,
    fft=fft,
    nn=nn,
    random=random,
    autodiff=autodiff,
    control=control,
    compile=compile,
    optim=optim,
    parallel=parallel,
    inspect=inspect,
)
