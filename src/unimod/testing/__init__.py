"""Testing with unimod: assertions on trees, and the suite by which engines are compared.

A model of one's own is compared on two engines by :func:`assert_conformant`. An engine is tested by the whole suite
with one line in a test file, ``from unimod.testing.suite import *``, and ``unimod_engines = name`` in pytest's
configuration; see :mod:`unimod.testing.plugin`.

Example:
    >>> import unimod as um
    >>> from unimod.testing import assert_close
    >>> assert_close(um.numpy.exp(um.numpy.asarray([0.0, 1.0])), um.numpy.asarray([1.0, 2.7182817]), rtol=1e-6)
"""

from unimod.testing.assertions import MismatchError as MismatchError
from unimod.testing.assertions import assert_close as assert_close
from unimod.testing.assertions import assert_native as assert_native
from unimod.testing.assertions import max_ulp as max_ulp
from unimod.testing.bounds import Bound as Bound
from unimod.testing.case import Case as Case
from unimod.testing.case import Data as Data
from unimod.testing.conformant import assert_conformant as assert_conformant
