"""Names and paths: ``model/h1/kernel``."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable

from unimod.errors import OptionError, TreeError

_MODULE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


def join(path: str, name: str) -> str:
    """The path of ``name`` below ``path``.

    Raises:
        OptionError: the name is no text, or has an empty part.
    """
    if not isinstance(name, str) or not all(name.split("/")):
        raise OptionError(
            "A name in the state is text, without empty parts between its slashes.",
            where=path,
            got=f"name = {name!r}",
            expected="such as 'bias' or 'h1/bias'",
        )
    return f"{path}/{name}" if path else name


def parts(path: str) -> tuple[str, ...]:
    """The parts of a path, as the paths of modules have them."""
    return tuple(path.split("/")) if path else ()


def of_leaf(path: Iterable[Hashable]) -> str:
    """The name of a leaf below its layer; a slash inside a dict key is written ``~1``."""
    return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)


def check_module_name(cls: str, name: object) -> None:
    """Refuse what is no name of a module.

    Raises:
        OptionError: there is none, or it has other characters than letters, digits, ``_``, ``-`` and dots.
    """
    if not isinstance(name, str) or not _MODULE_NAME.fullmatch(name):
        raise OptionError(
            f"{cls} needs a name, under which the state has its entries.",
            got=f"name={name!r}",
            expected="letters, digits, _, - and dots",
            fix=f"{cls}(..., name='model')",
        )


def below(path: str, key: str) -> str | None:
    """The name of ``key`` relative to ``path``; None where it is not below."""
    if not path:
        return key
    return key[len(path) + 1 :] if key.startswith(path + "/") else None


def resolve(path: str, name: str, known: object) -> str:
    """The whole key that ``name`` means below ``path``: absolute where it starts with the path, else relative."""
    if path and below(path, name) is not None and join(path, name) not in known:  # type: ignore[operator]
        return name
    return join(path, name)


def matching(keys: Iterable[str], path: str, pattern: str, *, is_whole: bool) -> list[str]:
    """The keys below ``path`` whose relative names match a regular expression, as a whole or somewhere.

    Raises:
        OptionError: it is no regular expression.
        TreeError: nothing matches.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise OptionError("This is no regular expression.", got=repr(pattern), fix=str(error)) from error
    match = compiled.fullmatch if is_whole else compiled.search
    own = {key: name for key in keys if (name := below(path, key)) is not None}
    found = [key for key, name in own.items() if match(name)]
    if not found and not (is_whole and pattern == ".*"):
        raise TreeError(
            f"The pattern {pattern!r} matches no entry of the state.",
            where=path,
            got=", ".join(list(own.values())[:8]) or "no entries",
            expected="a regular expression for names relative to the module",
        )
    return found
