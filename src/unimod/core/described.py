"""The methods of a module that say what its attributes are."""

from __future__ import annotations

from typing import Any, TypeVar

from unimod.core import metadata, texts, walk

M = TypeVar("M", bound="Described")


class Described:
    """The methods of a module that say, and change, what its attributes are."""

    __slots__ = ()

    @property
    def field_metadata(self) -> dict[str, metadata.FieldMetadata]:
        """For each attribute, whether it holds leaves, and of which declared kind.

        Example:
            >>> import unimod as um
            >>> um.nn.Linear(2, 1).init(0).field_metadata["use_bias"]
            FieldMetadata(node=False, kind=None)
        """
        return metadata.field_metadata(self)  # type: ignore[arg-type]

    def update_field_metadata(
        self: M, name: str, *, node: bool | None = None, kind: type | None = None, inplace: bool = False
    ) -> M:
        """The module with one attribute declared anew.

        Args:
            name: of the attribute.
            node: whether it holds leaves.
            kind: the kind of its leaves.
            inplace: change ``self`` and return it.

        Raises:
            TreeError: there is no such attribute, or it holds arrays and was to be static.

        Example:
            >>> import unimod as um
            >>> layer = um.nn.Linear(2, 1).init(0).update_field_metadata("kernel", kind=um.State)
            >>> layer.parameters()
            Linear(in_features=2, out_features=1, use_bias=True, kernel=Nothing, bias=f32[1])
        """
        new: Any = walk.rebuilt(self)
        metadata.change_field(new, name, node, kind)
        return self._result(new, inplace)  # type: ignore[attr-defined, no-any-return]

    def to_dict(
        self,
        *,
        private_fields: bool = False,
        static_fields: bool = True,
        type_info: bool = False,
        field_info: bool = False,
    ) -> dict[str, Any]:
        """The module as a dict of its attributes. See :func:`unimod.to_dict`."""
        found: dict[str, Any] = texts.to_dict(
            self,
            private_fields=private_fields,
            static_fields=static_fields,
            type_info=type_info,
            field_info=field_info,
        )
        return found

    def to_string(self, *, private_fields: bool = False, static_fields: bool = True, color: bool = False) -> str:
        """The module as text. See :func:`unimod.to_string`."""
        return texts.to_string(self, private_fields=private_fields, static_fields=static_fields, color=color)
