"""Linear algebra: the extension ``linalg`` of the Array API standard, and more, on matrices of any engine.

Matrices are the last two axes of an array, the axes before them a batch; a matrix may be empty. Half precision is
computed in float32 and rounded once, integers give float32. What has no answer (the factor of a matrix that is not
positive-definite, the inverse of a singular one, anything of nan) is nan or inf, on every engine, and no error.

Example:
    >>> import unimod.numpy as unp
    >>> unp.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0]).tolist()
    [0.5, 0.25]
"""

from unimod.numpy.linalg.decompositions import LUResult, QRResult, SVDResult, cholesky, lu, qr, svd, svdvals
from unimod.numpy.linalg.determinants import SlogdetResult, det, slogdet
from unimod.numpy.linalg.eigen import EighResult, EigResult, eig, eigh, eigvals, eigvalsh
from unimod.numpy.linalg.functions import expm
from unimod.numpy.linalg.norms import cond, matrix_norm, norm, vector_norm
from unimod.numpy.linalg.products import diagonal, matrix_power, multi_dot, outer, trace
from unimod.numpy.linalg.solvers import (
    LstsqResult,
    cholesky_solve,
    inv,
    lstsq,
    matrix_rank,
    pinv,
    solve,
    solve_triangular,
)
from unimod.numpy.linear_algebra import cross, kron, matmul, tensordot, vecdot
from unimod.numpy.manipulation import matrix_transpose

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot",
    "trace", "vecdot", "vector_norm",
    "eig", "eigvals", "lstsq", "solve_triangular", "cholesky_solve", "expm", "norm", "kron", "multi_dot", "lu", "cond",
    "EigResult", "EighResult", "LUResult", "LstsqResult", "QRResult", "SVDResult", "SlogdetResult",
]  # fmt: skip
