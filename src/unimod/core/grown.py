"""The methods of a module that make parts of it while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unimod.core import compact, init


class Grown:
    """The methods of a module that make parts of it in its first call."""

    __slots__ = ()

    def get_or_create(self, name: str, make: Callable[[], Any]) -> Any:
        """The attribute ``name``; where there is none, ``make()`` is set and returned.

        Args:
            name: of the attribute.
            make: function without arguments that makes a module, a box such as ``um.Parameter(...)``, or a value.

        Example:
            >>> import unimod as um
            >>> class Net(um.Module):
            ...     def __call__(self, x):
            ...         return self.get_or_create("fc", lambda: um.nn.Linear(None, 2))(x)
            >>> Net().init(0, um.numpy.ones((4, 3))).fc.kernel.shape == (3, 2)
            True
        """
        return compact.get_or_create(self, name, make)  # type: ignore[arg-type]

    @property
    def first_run(self) -> bool:
        """Whether the compact method that is running runs for the first time.

        Raises:
            TreeError: no compact method of this module is running.
        """
        return compact.first_run(self)  # type: ignore[arg-type]

    def initializing(self) -> bool:
        """Whether ``init`` is calling the model on its example inputs."""
        return init.state.active is not None
