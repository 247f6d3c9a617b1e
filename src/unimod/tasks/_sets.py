"""Problems on the data that comes with scikit-learn, where that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import unimod.numpy as unp
from unimod.errors import OptionError
from unimod.tasks._data import classification
from unimod.tasks._task import Task


def iris(hidden: Sequence[int] = (16,)) -> Task:
    """Three kinds of iris, told apart by four lengths; each is shifted and scaled to mean 0 and deviation 1.

    Args:
        hidden: the sizes of the hidden layers of a multi-layer perceptron.

    Raises:
        OptionError: scikit-learn is not installed.

    Source: Fisher, "The use of multiple measurements in taxonomic problems", 1936.
    """
    return _task("iris", hidden)


def digits(hidden: Sequence[int] = (32,)) -> Task:
    """1797 images of written digits, 8 by 8, scaled as in :func:`iris`.

    Args:
        hidden: the sizes of the hidden layers of a multi-layer perceptron.

    Raises:
        OptionError: scikit-learn is not installed.
    """
    return _task("digits", hidden)


def _task(name: str, hidden: Sequence[int]) -> Task:
    x, labels = _loaded(name)
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    num_classes = int(labels.max()) + 1
    points, classes = unp.asarray(x.astype("float32")), unp.asarray(labels.astype("int32"))
    return classification(name, points, classes, (x.shape[1], *hidden, num_classes))


def _loaded(name: str) -> tuple[Any, Any]:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise OptionError(
            "The data of this task comes with scikit-learn, which is not installed.",
            got=repr(name),
            expected="a task on data that is made, such as 'spirals'",
            fix="pip install scikit-learn",
        ) from error
    found = getattr(datasets, f"load_{name}")()
    return found.data, found.target
