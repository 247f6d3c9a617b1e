"""What :func:`unimod.remat` keeps for the derivative instead of computing it again.

Example:
    >>> import unimod as um
    >>> um.checkpoint_policies.save_only_these_names("hidden")
    Policy(name='save_only_these_names', names=('hidden',))
"""

from __future__ import annotations

import dataclasses

__all__ = [
    "Policy",
    "dots_saveable",
    "dots_with_no_batch_dims_saveable",
    "everything_saveable",
    "nothing_saveable",
    "save_only_these_names",
]


@dataclasses.dataclass(frozen=True)
class Policy:
    """A rule that says what is kept.

    Attributes:
        name: of the rule.
        names: that it takes.
    """

    name: str
    names: tuple[str, ...] = ()


everything_saveable = Policy("everything_saveable")
"""Keep all: nothing is computed again."""
nothing_saveable = Policy("nothing_saveable")
"""Keep the arguments only, as without a policy."""
dots_saveable = Policy("dots_saveable")
"""Keep the results of products of matrices and of convolutions."""
dots_with_no_batch_dims_saveable = Policy("dots_with_no_batch_dims_saveable")
"""Keep the results of products of two matrices, not of batches of them: what layers compute, not attention."""


def save_only_these_names(*names: str) -> Policy:
    """Keep what :func:`unimod.checkpoint_name` gave one of these names."""
    return Policy("save_only_these_names", names)
