"""GaLore: an optimizer in a small space, onto which gradients of matrices are projected."""

from __future__ import annotations

from typing import Any

import unimod.numpy as unp
from unimod import config
from unimod.backends._protocol import Array, Engine
from unimod.core.kinds import static
from unimod.core.skeleton import Child
from unimod.errors import OptionError
from unimod.optim import _lists
from unimod.optim._branches import where_needed
from unimod.optim._formulas import _sizes as sizes
from unimod.optim._formulas._means import following
from unimod.optim._masks import place
from unimod.optim.base import Hyper, Rate, Transformation, at_least, own_values
from unimod.optim.chain import Chain, chain
from unimod.optim.decay import add_decayed_weights
from unimod.optim.dimension_numbers import Layout, kept_spec, layouts
from unimod.optim.optimizers import scale_by_adam, scale_by_learning_rate
from unimod.optim.wrappers import Wrapper


class ScaleByGalore(Wrapper):
    """See :func:`scale_by_galore`; ``opt.inner`` is the optimizer of the projected gradients."""

    called = "scale_by_galore"
    options: Any = static()
    spec: Any = static()
    layouts: Any = static()

    def __init__(self, inner: Transformation, rank: int, gap: int, scale: float, spec: Any) -> None:
        super().__init__(inner)
        self.options, self.spec, self.layouts = (rank, gap, scale), kept_spec(spec), None

    def init_flat(self, engine: Engine, leaves: list[Any], structure: Child) -> ScaleByGalore:
        """Nothing is projected yet."""
        self.layouts = layouts(self.spec, leaves, structure)
        for index, layout in enumerate(self.layouts):
            if layout is not None and layout.is_stack:
                raise OptionError(
                    "GaLore takes matrices, and got a stack of them.",
                    where=place(structure, index),
                    got=f"shape {tuple(leaves[index].shape)}",
                    expected="each axis among the rows or the columns",
                )
        lists = _lists.of(engine)
        projectors = [self._empty(engine, x, layout) for x, layout in zip(leaves, self.layouts, strict=True)]
        small = [self._project(*each) for each in zip(lists.zeros(leaves), projectors, self.layouts, strict=True)]
        new: ScaleByGalore = super().init_flat(engine, small, structure)
        new.state = {"count": lists.count(leaves), "projector": projectors}
        return new

    def _rank(self, layout: Layout) -> int:
        return int(min(self.options[0], *layout.sizes[1:]))

    def _empty(self, engine: Engine, x: Array, layout: Layout | None) -> Array:
        shape = (0, 0) if layout is None else (max(layout.sizes[1:]), self._rank(layout))
        return engine.arrays.full(shape, 0.0, str(config.dtype_of(x)), _lists.of(engine).device([x]))

    def _project(self, x: Array, projector: Array, layout: Layout | None) -> Array:
        """A gradient in the small space."""
        if layout is None:
            return x
        matrix = layout.matrices(x)
        if _is_tall(layout):
            return unp.matmul(unp.matrix_transpose(projector), matrix)
        return unp.matmul(matrix, projector)

    def _restored(self, small: Array, projector: Array, layout: Layout | None) -> Array:
        """An update in the place of the gradient."""
        if layout is None:
            return small
        is_tall = _is_tall(layout)
        full = unp.matmul(projector, small) if is_tall else unp.matmul(small, unp.matrix_transpose(projector))
        return unp.multiply(layout.array(full), self.options[2])

    def _projector(self, x: Array, layout: Layout | None, old: Array) -> Array:
        """The first singular vectors of a gradient, on the longer side."""
        if layout is None:
            return old
        left, _, right = unp.linalg.svd(sizes.wide(layout.matrices(x)), full_matrices=False)
        vectors = left if _is_tall(layout) else unp.matrix_transpose(right)
        return unp.astype(_signed(vectors[:, : self._rank(layout)]), config.dtype_of(x))

    def update_flat(
        self, engine: Engine, grads: list[Any], params: list[Any] | None, structure: Child, hyper: Hyper
    ) -> list[Any]:
        """There, a step of the other optimizer, and back."""
        self.check_structure(grads, structure)
        count, old = self.state["count"], self.state["projector"]

        def compute() -> list[Any]:
            return [self._projector(*each) for each in zip(grads, self.layouts, old, strict=True)]

        is_time = unp.equal(unp.remainder(count, self.options[1]), 0)
        projectors = where_needed(engine, is_time, compute, old)
        small = [self._project(*each) for each in zip(grads, projectors, self.layouts, strict=True)]
        steps = self.inner.update_flat(engine, small, None, structure, own_values(self.inner, hyper))
        self.state = {"count": following(count), "projector": projectors}
        return [self._restored(*each) for each in zip(steps, projectors, self.layouts, strict=True)]


def _signed(vectors: Array) -> Array:
    """The columns with such signs that the largest element is positive: engines find one or the other."""
    sizes_of = unp.abs(vectors)
    is_largest = unp.equal(sizes_of, unp.max(sizes_of, axis=0, keepdims=True))
    largest = unp.sum(unp.where(is_largest, vectors, unp.zeros_like(vectors)), axis=0, keepdims=True)
    return unp.where(unp.less(largest, 0), unp.negative(vectors), vectors)


def _is_tall(layout: Layout) -> bool:
    return layout.sizes[1] >= layout.sizes[2]


def scale_by_galore(
    *,
    rank: int = 128,
    update_proj_gap: int = 200,
    scale: float = 1.0,
    base_optimizer: Transformation | None = None,
    weight_dimension_numbers: Any = None,
) -> ScaleByGalore:
    r"""Another direction in a small space: for a matrix (m, n) with ``rank`` rows, or columns if it is wide.

    .. math:: u = s\,P\,\mathrm{base}(P^T g)

    for the first singular vectors :math:`P` of a gradient.

    State: ``count`` (int32 scalar), ``projector`` (the longer side by the rank; (0, 0) for what is no matrix), and that
    of the base optimizer in ``inner``, in the shapes of the small space.

    Args:
        rank: the size of the small space.
        update_proj_gap: after how many steps singular vectors are computed anew.
        scale: multiplies the updates of matrices.
        base_optimizer: makes directions of gradients alone, without the parameters; None: ``scale_by_adam()``.
        weight_dimension_numbers: which parameters are matrices, as :func:`muon` takes it.

    Raises:
        OptionError: ``rank`` or ``update_proj_gap`` is less than 1, or a parameter cannot be a matrix.

    Source: Zhao et al., "GaLore: Memory-Efficient LLM Training by Gradient Low-Rank Projection", 2024.

    Differences: singular vectors have the sign with which their largest element is positive, so that engines agree, and
    are computed in float64 for float64.

    Example:
        >>> import unimod as um
        >>> x = {"w": um.numpy.ones((4, 3)), "b": um.numpy.ones((3,))}
        >>> opt = um.optim.scale_by_galore(rank=2).init(x)
        >>> tuple(opt.inner.mu["w"].shape), tuple(opt.projector["w"].shape)
        ((2, 3), (4, 2))
    """
    at_least("scale_by_galore", "rank", rank, 1)
    at_least("scale_by_galore", "update_proj_gap", update_proj_gap, 1)
    base = scale_by_adam() if base_optimizer is None else base_optimizer
    return ScaleByGalore(base, rank, update_proj_gap, scale, weight_dimension_numbers)


def galore(
    learning_rate: Rate,
    *,
    rank: int = 128,
    update_proj_gap: int = 200,
    scale: float = 1.0,
    base_optimizer: Transformation | None = None,
    weight_decay: Rate = 0.0,
    mask: Any = None,
    weight_dimension_numbers: Any = None,
) -> Chain:
    """Adam, or another optimizer, with states of a low rank.

    The parts: :func:`scale_by_galore` and its state, ``add_decayed_weights``, ``scale_by_learning_rate``.

    Args:
        learning_rate: a number or a schedule.
        rank: the size of the small space.
        update_proj_gap: after how many steps singular vectors are computed anew.
        scale: multiplies the updates of matrices.
        base_optimizer: makes directions of gradients alone; None: ``scale_by_adam()``.
        weight_decay: what part of the parameters is added to the direction.
        mask: which parameters decay.
        weight_dimension_numbers: which parameters are matrices, as :func:`muon` takes it.

    Source: Zhao et al., "GaLore: Memory-Efficient LLM Training by Gradient Low-Rank Projection", 2024.

    Example:
        >>> import unimod as um
        >>> x = um.numpy.asarray([[2.0, 0.0], [0.0, 1.0]])
        >>> opt = um.optim.galore(0.5, rank=1).init(x)
        >>> x, opt = opt.step(x, x)
        >>> [[round(float(v), 2) for v in row] for row in x]
        [[1.5, 0.0], [0.0, 1.0]]
    """
    direction = scale_by_galore(
        rank=rank,
        update_proj_gap=update_proj_gap,
        scale=scale,
        base_optimizer=base_optimizer,
        weight_dimension_numbers=weight_dimension_numbers,
    )
    return chain(direction, add_decayed_weights(weight_decay, mask), scale_by_learning_rate(learning_rate))
