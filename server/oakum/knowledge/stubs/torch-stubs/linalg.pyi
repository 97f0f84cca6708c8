from typing import Any

from torch import Tensor
from torch._op import Op

cholesky: Op
cond: Op
cross: Op
det: Op
diagonal: Op
eigvals: Op
eigvalsh: Op
householder_product: Op
inv: Op
lu_solve: Op
matmul: Op
matrix_exp: Op
matrix_norm: Op
matrix_power: Op
matrix_rank: Op
multi_dot: Op
norm: Op
pinv: Op
solve: Op
solve_triangular: Op
svdvals: Op
tensorinv: Op
tensorsolve: Op
vander: Op
vecdot: Op
vector_norm: Op

def eig(A: Tensor) -> tuple[Tensor, Tensor]: ...
def eigh(A: Tensor, UPLO: str = ...) -> tuple[Tensor, Tensor]: ...
def lu(A: Tensor, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]: ...
def qr(A: Tensor, mode: str = ...) -> tuple[Tensor, Tensor]: ...
def slogdet(A: Tensor) -> tuple[Tensor, Tensor]: ...
def svd(A: Tensor, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]: ...
