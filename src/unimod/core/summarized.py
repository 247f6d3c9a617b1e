"""The methods of a module that show what it is made of; what they need is imported when they are first called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Summarized:
    """The methods of a module that make tables of it."""

    __slots__ = ()

    def summary(
        self,
        *inputs: Any,
        depth: int | None = None,
        kwargs: Mapping[str, Any] | None = None,
        key: Any = 0,
        width: int | None = None,
    ) -> str:
        """A table of the modules: path, type, parameters, bytes, and with inputs what goes in and comes out.

        Parameters and bytes of a row are those of the module without the rows below it, so that the columns add up.

        Args:
            inputs: what to call a copy of the module with. See :func:`unimod.summarize`.
            depth: how many levels of modules have rows of their own (default: all); the last stand for all below them.
            kwargs: keyword arguments of the call.
            key: the seed or key for leaves that have no value yet.
            width: fold cells where the table would be wider.

        Raises:
            DTypeError: there are inputs, and the module cannot be called.
            OptionError: ``depth`` or ``width`` is too small.

        Example:
            >>> import unimod as um
            >>> print(um.nn.MLP([None, 8, 1]).summary(um.numpy.ones((4, 3))))
            path      module  inputs     outputs    parameters  bytes
            ---------------------------------------------------------
            (root)    MLP     f32[4, 3]  f32[4, 1]           0      0
            layers.0  Linear  f32[4, 3]  f32[4, 8]          32    128
            layers.1  Linear  f32[4, 8]  f32[4, 1]           9     36
            ---------------------------------------------------------
            total                                           41    164
            <BLANKLINE>
            trainable  41 parameters  164 bytes
            frozen      0 parameters    0 bytes
            without values yet: 4 leaves
        """
        from unimod.core import summary

        return summary.summarize(self, *inputs, kwargs=kwargs, key=key).summary(depth=depth, width=width)

    def tabulate(
        self,
        *inputs: Any,
        depth: int | None = None,
        signature: bool = True,
        kinds: Sequence[type] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        key: Any = 0,
        width: int | None = None,
    ) -> str:
        """A table of the modules like :meth:`summary`, with a column for each kind of leaves in place of the sums.

        Args:
            inputs: what to call a copy of the module with. See :func:`unimod.summarize`.
            depth: how many levels of modules have rows of their own (default: all); the last stand for all below them.
            signature: whether what goes in and comes out is shown.
            kinds: the kinds that have a column, each leaf in the first that fits (default: each kind that there is).
            kwargs: keyword arguments of the call.
            key: the seed or key for leaves that have no value yet.
            width: fold cells where the table would be wider.

        Raises:
            DTypeError: there are inputs, and the module cannot be called.
            OptionError: an option has a value that does not fit.

        Example:
            >>> import unimod as um
            >>> print(um.nn.Linear(2, 3).init(0).tabulate(kinds=[um.Parameter]))
            path    module  Parameter
            ---------------------------------
            (root)  Linear  kernel: f32[2, 3]
                            bias: f32[3]
                            9 (36 bytes)
            ---------------------------------
            total           9 (36 bytes)
            <BLANKLINE>
            trainable  9 parameters  36 bytes
            frozen     0 parameters   0 bytes
        """
        from unimod.core import summary

        found = summary.summarize(self, *inputs, kwargs=kwargs, key=key)
        return found.tabulate(depth=depth, signature=signature, kinds=kinds, width=width)

    def print_summary(
        self, *inputs: Any, depth: int | None = None, kwargs: Mapping[str, Any] | None = None, key: Any = 0
    ) -> None:
        """Print the summary, in colour where rich is installed. Arguments as in :meth:`summary`."""
        from unimod.core import summary, table

        found = summary.summarize(self, *inputs, kwargs=kwargs, key=key)
        table.show(table.short(found, depth), type(self).__name__)
