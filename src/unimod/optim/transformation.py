"""Gradient transformations as modules: what they are called, their options, and their state.

``base`` says what a transformation is, ``primitive`` carries one out by its name, ``scheduled`` multiplies by a rate,
``chain`` puts them one after the other. What optimizers are made of can be imported from here.
"""

from unimod.optim.base import Hyper as Hyper
from unimod.optim.base import Rate as Rate
from unimod.optim.base import Schedule as Schedule
from unimod.optim.base import Transformation as Transformation
from unimod.optim.chain import Chain as Chain
from unimod.optim.chain import chain as chain
from unimod.optim.primitive import Primitive as Primitive
from unimod.optim.scheduled import ScaleByLearningRate as ScaleByLearningRate
