"""The NumPy engine."""

from unimod.backends._protocol import Engine
from unimod.backends.numpy import (
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
    autodiff=autodiff,  # type: ignore[arg-type]  # the rest is put in place when the engine is loaded
    control=control,
    compile=compile,
    optim=optim,
    parallel=parallel,
    inspect=inspect,  # type: ignore[arg-type]
)
