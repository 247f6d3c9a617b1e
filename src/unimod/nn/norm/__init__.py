"""Normalisation layers."""

from unimod.nn.norm.batch import BatchNorm as BatchNorm
from unimod.nn.norm.example import LayerNorm as LayerNorm
from unimod.nn.norm.example import LocalResponseNorm as LocalResponseNorm
from unimod.nn.norm.example import RMSNorm as RMSNorm
from unimod.nn.norm.groups import GroupNorm as GroupNorm
from unimod.nn.norm.groups import InstanceNorm as InstanceNorm
from unimod.nn.norm.reparametrized import SpectralNorm as SpectralNorm
from unimod.nn.norm.reparametrized import WeightNorm as WeightNorm
