"""Whole networks, each written once with the layers of :mod:`unimod.nn`. Imported when they are first asked for.

Example:
    >>> import unimod as um
    >>> model = um.nets.ResNet18(3, 1000)
    >>> um.nets.count_parameters(model)
    11689512
"""

from typing import TYPE_CHECKING

from unimod._lazy import attach

if TYPE_CHECKING:
    from unimod.nets._counting import count_parameters
    from unimod.nets.encoder import BERT, BERTOutput
    from unimod.nets.gpt import GPT
    from unimod.nets.resnet import ResNet, ResNet18, ResNet34, ResNet50, ResNet101, ResNet152, ResNet200
    from unimod.nets.unet import UNet
    from unimod.nets.vae import VAE, VAEOutput

__getattr__, __dir__ = attach(
    __name__,
    {
        "nets._counting": "count_parameters",
        "nets.encoder": "BERT BERTOutput",
        "nets.gpt": "GPT",
        "nets.resnet": "ResNet ResNet18 ResNet34 ResNet50 ResNet101 ResNet152 ResNet200",
        "nets.unet": "UNet",
        "nets.vae": "VAE VAEOutput",
    },
)

__all__ = [
    "BERT",
    "GPT",
    "VAE",
    "BERTOutput",
    "ResNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "ResNet200",
    "UNet",
    "VAEOutput",
    "count_parameters",
]
