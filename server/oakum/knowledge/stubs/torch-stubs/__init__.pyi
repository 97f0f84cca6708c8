"""PyTorch, as far as Oakum's questions go: what is a tensor, a module, an optimizer. A name that is missing here is unknown."""

from builtins import bool as _bool, float as _float, int as _int
from typing import Any, Callable, Iterator, TypeVar, overload

from . import amp as amp, autograd as autograd, cuda as cuda, distributed as distributed, fft as fft, func as func
from . import hub as hub, jit as jit, linalg as linalg, nn as nn, optim as optim, profiler as profiler, special as special, utils as utils
from ._op import Op
from .autograd.grad_mode import enable_grad as enable_grad, inference_mode as inference_mode
from .autograd.grad_mode import no_grad as no_grad, set_grad_enabled as set_grad_enabled
from .func import vmap as vmap

_F = TypeVar("_F")

class _ValuesIndices(tuple[Tensor, Tensor]):
    values: Tensor
    indices: Tensor

class dtype: ...

class device:
    type: str
    index: _int
    def __enter__(self) -> device: ...
    def __exit__(self, *exc: Any) -> None: ...

class Size(tuple[_int, ...]):
    def numel(self) -> _int: ...

class Generator:
    def manual_seed(self, seed: _int) -> Generator: ...
    def seed(self) -> _int: ...

class UntypedStorage: ...

class Tensor:
    data: Tensor
    grad: Tensor
    T: Tensor
    mT: Tensor
    H: Tensor
    mH: Tensor
    real: Tensor
    imag: Tensor
    shape: Size
    dtype: dtype
    device: device
    ndim: _int
    requires_grad: _bool
    is_leaf: _bool
    is_cuda: _bool
    retains_grad: _bool
    grad_fn: autograd.Node
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    abs: Op
    abs_: Op
    absolute: Op
    acos: Op
    acosh: Op
    add: Op
    add_: Op
    addbmm: Op
    addcdiv: Op
    addcdiv_: Op
    addcmul: Op
    addcmul_: Op
    addmm: Op
    addmm_: Op
    addmv: Op
    addr: Op
    all: Op
    amax: Op
    amin: Op
    angle: Op
    any: Op
    arccos: Op
    arccosh: Op
    arcsin: Op
    arcsinh: Op
    arctan: Op
    arctan2: Op
    arctanh: Op
    argmax: Op
    argmin: Op
    argsort: Op
    argwhere: Op
    as_strided: Op
    asin: Op
    asinh: Op
    atan: Op
    atan2: Op
    atanh: Op
    baddbmm: Op
    bernoulli: Op
    bernoulli_: Op
    bfloat16: Op
    bincount: Op
    bitwise_and: Op
    bitwise_not: Op
    bitwise_or: Op
    bitwise_xor: Op
    bmm: Op
    bool: Op
    broadcast_to: Op
    bucketize: Op
    byte: Op
    cauchy_: Op
    ceil: Op
    ceil_: Op
    char: Op
    cholesky: Op
    cholesky_inverse: Op
    cholesky_solve: Op
    clamp: Op
    clamp_: Op
    clamp_max: Op
    clamp_max_: Op
    clamp_min: Op
    clamp_min_: Op
    clip: Op
    clip_: Op
    clone: Op
    conj: Op
    contiguous: Op
    copy_: Op
    copysign: Op
    corrcoef: Op
    cos: Op
    cos_: Op
    cosh: Op
    count_nonzero: Op
    cov: Op
    cpu: Op
    cross: Op
    cuda: Op
    cumprod: Op
    cumsum: Op
    cumsum_: Op
    deg2rad: Op
    det: Op
    detach: Op
    detach_: Op
    diag: Op
    diag_embed: Op
    diagflat: Op
    diagonal: Op
    diff: Op
    digamma: Op
    dist: Op
    div: Op
    div_: Op
    divide: Op
    dot: Op
    double: Op
    eq: Op
    erf: Op
    erfc: Op
    erfinv: Op
    erfinv_: Op
    exp: Op
    exp2: Op
    exp_: Op
    expand: Op
    expand_as: Op
    expm1: Op
    exponential_: Op
    fill_: Op
    fill_diagonal_: Op
    flatten: Op
    flatten_: Op
    flip: Op
    fliplr: Op
    flipud: Op
    float: Op
    float_power: Op
    floor: Op
    floor_: Op
    floor_divide: Op
    fmax: Op
    fmin: Op
    fmod: Op
    frac: Op
    gather: Op
    ge: Op
    geometric_: Op
    ger: Op
    greater: Op
    greater_equal: Op
    gt: Op
    half: Op
    heaviside: Op
    histc: Op
    hypot: Op
    igamma: Op
    igammac: Op
    index_add: Op
    index_add_: Op
    index_copy: Op
    index_copy_: Op
    index_fill: Op
    index_fill_: Op
    index_put: Op
    index_put_: Op
    index_select: Op
    inner: Op
    int: Op
    inverse: Op
    isclose: Op
    isfinite: Op
    isin: Op
    isinf: Op
    isnan: Op
    isneginf: Op
    isposinf: Op
    isreal: Op
    kron: Op
    ldexp: Op
    le: Op
    lerp: Op
    lerp_: Op
    less: Op
    less_equal: Op
    lgamma: Op
    log: Op
    log10: Op
    log1p: Op
    log2: Op
    log_: Op
    log_normal_: Op
    log_softmax: Op
    logaddexp: Op
    logaddexp2: Op
    logcumsumexp: Op
    logdet: Op
    logical_and: Op
    logical_and_: Op
    logical_not: Op
    logical_not_: Op
    logical_or: Op
    logical_xor: Op
    logit: Op
    logsumexp: Op
    long: Op
    lt: Op
    masked_fill: Op
    masked_fill_: Op
    masked_scatter: Op
    masked_scatter_: Op
    masked_select: Op
    matmul: Op
    matrix_exp: Op
    matrix_power: Op
    maximum: Op
    mean: Op
    minimum: Op
    mm: Op
    moveaxis: Op
    movedim: Op
    mul: Op
    mul_: Op
    multinomial: Op
    multiply: Op
    mv: Op
    mvlgamma: Op
    nan_to_num: Op
    nan_to_num_: Op
    nanmean: Op
    nanquantile: Op
    nansum: Op
    narrow: Op
    narrow_copy: Op
    ne: Op
    neg: Op
    neg_: Op
    negative: Op
    new_empty: Op
    new_full: Op
    new_ones: Op
    new_tensor: Op
    new_zeros: Op
    nextafter: Op
    norm: Op
    normal_: Op
    not_equal: Op
    outer: Op
    permute: Op
    pin_memory: Op
    pinverse: Op
    polygamma: Op
    positive: Op
    pow: Op
    pow_: Op
    prelu: Op
    prod: Op
    put: Op
    quantile: Op
    rad2deg: Op
    random_: Op
    ravel: Op
    reciprocal: Op
    reciprocal_: Op
    relu: Op
    relu_: Op
    remainder: Op
    renorm: Op
    repeat: Op
    repeat_interleave: Op
    requires_grad_: Op
    reshape: Op
    reshape_as: Op
    resize_: Op
    resize_as_: Op
    roll: Op
    rot90: Op
    round: Op
    round_: Op
    rsqrt: Op
    rsub: Op
    scatter: Op
    scatter_: Op
    scatter_add: Op
    scatter_add_: Op
    scatter_reduce: Op
    scatter_reduce_: Op
    select: Op
    sgn: Op
    share_memory_: Op
    short: Op
    sigmoid: Op
    sigmoid_: Op
    sign: Op
    sign_: Op
    signbit: Op
    sin: Op
    sin_: Op
    sinc: Op
    sinh: Op
    softmax: Op
    sqrt: Op
    sqrt_: Op
    square: Op
    squeeze: Op
    squeeze_: Op
    std: Op
    sub: Op
    sub_: Op
    subtract: Op
    sum: Op
    sum_to_size: Op
    swapaxes: Op
    swapdims: Op
    t: Op
    t_: Op
    take: Op
    take_along_dim: Op
    tan: Op
    tanh: Op
    tanh_: Op
    tile: Op
    to: Op
    to_dense: Op
    to_sparse: Op
    trace: Op
    transpose: Op
    transpose_: Op
    trapezoid: Op
    tril: Op
    tril_: Op
    triu: Op
    triu_: Op
    true_divide: Op
    trunc: Op
    trunc_: Op
    type_as: Op
    unflatten: Op
    unfold: Op
    uniform_: Op
    unsqueeze: Op
    unsqueeze_: Op
    var: Op
    vdot: Op
    view: Op
    view_as: Op
    view_as_complex: Op
    view_as_real: Op
    where: Op
    xlogy: Op
    zero_: Op
    def __add__(self, other: Any) -> Tensor: ...
    def __radd__(self, other: Any) -> Tensor: ...
    def __sub__(self, other: Any) -> Tensor: ...
    def __rsub__(self, other: Any) -> Tensor: ...
    def __mul__(self, other: Any) -> Tensor: ...
    def __rmul__(self, other: Any) -> Tensor: ...
    def __truediv__(self, other: Any) -> Tensor: ...
    def __rtruediv__(self, other: Any) -> Tensor: ...
    def __floordiv__(self, other: Any) -> Tensor: ...
    def __rfloordiv__(self, other: Any) -> Tensor: ...
    def __mod__(self, other: Any) -> Tensor: ...
    def __rmod__(self, other: Any) -> Tensor: ...
    def __pow__(self, other: Any) -> Tensor: ...
    def __rpow__(self, other: Any) -> Tensor: ...
    def __matmul__(self, other: Any) -> Tensor: ...
    def __rmatmul__(self, other: Any) -> Tensor: ...
    def __and__(self, other: Any) -> Tensor: ...
    def __rand__(self, other: Any) -> Tensor: ...
    def __or__(self, other: Any) -> Tensor: ...
    def __ror__(self, other: Any) -> Tensor: ...
    def __xor__(self, other: Any) -> Tensor: ...
    def __rxor__(self, other: Any) -> Tensor: ...
    def __lshift__(self, other: Any) -> Tensor: ...
    def __rshift__(self, other: Any) -> Tensor: ...
    def __lt__(self, other: Any) -> Tensor: ...
    def __le__(self, other: Any) -> Tensor: ...
    def __gt__(self, other: Any) -> Tensor: ...
    def __ge__(self, other: Any) -> Tensor: ...
    def __eq__(self, other: Any) -> Tensor: ...
    def __ne__(self, other: Any) -> Tensor: ...
    def __iadd__(self, other: Any) -> Tensor: ...
    def __isub__(self, other: Any) -> Tensor: ...
    def __imul__(self, other: Any) -> Tensor: ...
    def __itruediv__(self, other: Any) -> Tensor: ...
    def __ipow__(self, other: Any) -> Tensor: ...
    def __imatmul__(self, other: Any) -> Tensor: ...
    def __neg__(self) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __abs__(self) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __getitem__(self, index: Any) -> Tensor: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __next__(self) -> Tensor: ...
    def __len__(self) -> _int: ...
    def __bool__(self) -> _bool: ...
    def __int__(self) -> _int: ...
    def __float__(self) -> _float: ...
    def __contains__(self, item: Any) -> _bool: ...
    def __deepcopy__(self, memo: Any) -> Tensor: ...
    def backward(self, *args: Any, **kwargs: Any) -> None: ...
    def item(self) -> _float: ...
    def tolist(self) -> list[Any]: ...
    def numpy(self, *args: Any, **kwargs: Any) -> Any: ...
    def size(self, dim: _int = ...) -> Any: ...
    def dim(self) -> _int: ...
    def numel(self) -> _int: ...
    def nelement(self) -> _int: ...
    def ndimension(self) -> _int: ...
    def element_size(self) -> _int: ...
    def data_ptr(self) -> _int: ...
    def get_device(self) -> _int: ...
    def stride(self, *args: Any) -> Any: ...
    def storage(self) -> UntypedStorage: ...
    def untyped_storage(self) -> UntypedStorage: ...
    def is_contiguous(self, *args: Any, **kwargs: Any) -> _bool: ...
    def is_floating_point(self) -> _bool: ...
    def equal(self, other: Tensor) -> _bool: ...
    def allclose(self, other: Tensor, *args: Any, **kwargs: Any) -> _bool: ...
    def register_hook(self, hook: Callable[..., Any]) -> utils.hooks.RemovableHandle: ...
    def register_post_accumulate_grad_hook(self, hook: Callable[..., Any]) -> utils.hooks.RemovableHandle: ...
    def retain_grad(self) -> None: ...
    def split(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
    def chunk(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
    def unbind(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
    def tensor_split(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
    def topk(self, *args: Any, **kwargs: Any) -> _ValuesIndices: ...
    def sort(self, *args: Any, **kwargs: Any) -> _ValuesIndices: ...
    def kthvalue(self, *args: Any, **kwargs: Any) -> _ValuesIndices: ...
    def mode(self, *args: Any, **kwargs: Any) -> _ValuesIndices: ...
    def cummax(self, *args: Any, **kwargs: Any) -> _ValuesIndices: ...
    def cummin(self, *args: Any, **kwargs: Any) -> _ValuesIndices: ...
    @overload
    def max(self) -> Tensor: ...
    @overload
    def max(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
    @overload
    def min(self) -> Tensor: ...
    @overload
    def min(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
    @overload
    def median(self) -> Tensor: ...
    @overload
    def median(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
    @overload
    def nanmedian(self) -> Tensor: ...
    @overload
    def nanmedian(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...

abs: Op
absolute: Op
acos: Op
acosh: Op
adaptive_avg_pool1d: Op
add: Op
addbmm: Op
addcdiv: Op
addcmul: Op
addmm: Op
addmv: Op
addr: Op
all: Op
alpha_dropout: Op
amax: Op
amin: Op
angle: Op
any: Op
arange: Op
arccos: Op
arccosh: Op
arcsin: Op
arcsinh: Op
arctan: Op
arctan2: Op
arctanh: Op
argmax: Op
argmin: Op
argsort: Op
argwhere: Op
as_strided: Op
as_tensor: Op
asin: Op
asinh: Op
atan: Op
atan2: Op
atanh: Op
atleast_1d: Op
atleast_2d: Op
atleast_3d: Op
baddbmm: Op
bartlett_window: Op
batch_norm: Op
bernoulli: Op
bilinear: Op
binary_cross_entropy_with_logits: Op
bincount: Op
bitwise_and: Op
bitwise_not: Op
bitwise_or: Op
bitwise_xor: Op
blackman_window: Op
block_diag: Op
bmm: Op
broadcast_to: Op
bucketize: Op
cartesian_prod: Op
cat: Op
cdist: Op
ceil: Op
celu: Op
chain_matmul: Op
channel_shuffle: Op
cholesky: Op
cholesky_inverse: Op
cholesky_solve: Op
clamp: Op
clamp_max: Op
clamp_min: Op
clip: Op
clone: Op
column_stack: Op
combinations: Op
complex: Op
concat: Op
concatenate: Op
conj: Op
constant_pad_nd: Op
conv1d: Op
conv2d: Op
conv3d: Op
conv_transpose1d: Op
conv_transpose2d: Op
conv_transpose3d: Op
copysign: Op
corrcoef: Op
cos: Op
cosh: Op
cosine_embedding_loss: Op
cosine_similarity: Op
count_nonzero: Op
cov: Op
cross: Op
cumprod: Op
cumsum: Op
cumulative_trapezoid: Op
deg2rad: Op
det: Op
detach: Op
diag: Op
diag_embed: Op
diagflat: Op
diagonal: Op
diff: Op
digamma: Op
dist: Op
div: Op
divide: Op
dot: Op
dropout: Op
dstack: Op
einsum: Op
embedding: Op
empty: Op
empty_like: Op
eq: Op
erf: Op
erfc: Op
erfinv: Op
exp: Op
exp2: Op
expm1: Op
eye: Op
feature_dropout: Op
flatten: Op
flip: Op
fliplr: Op
flipud: Op
float_power: Op
floor: Op
floor_divide: Op
fmax: Op
fmin: Op
fmod: Op
frac: Op
from_dlpack: Op
from_numpy: Op
frombuffer: Op
full: Op
full_like: Op
gather: Op
ge: Op
ger: Op
greater: Op
greater_equal: Op
group_norm: Op
gt: Op
hamming_window: Op
hann_window: Op
heaviside: Op
hinge_embedding_loss: Op
histc: Op
hstack: Op
hypot: Op
igamma: Op
igammac: Op
imag: Op
index_add: Op
index_copy: Op
index_fill: Op
index_put: Op
index_select: Op
inner: Op
instance_norm: Op
inverse: Op
isclose: Op
isfinite: Op
isin: Op
isinf: Op
isnan: Op
isneginf: Op
isposinf: Op
isreal: Op
istft: Op
kaiser_window: Op
kl_div: Op
kron: Op
layer_norm: Op
ldexp: Op
le: Op
lerp: Op
less: Op
less_equal: Op
lgamma: Op
linspace: Op
log: Op
log10: Op
log1p: Op
log2: Op
log_softmax: Op
logaddexp: Op
logaddexp2: Op
logcumsumexp: Op
logdet: Op
logical_and: Op
logical_not: Op
logical_or: Op
logical_xor: Op
logit: Op
logspace: Op
logsumexp: Op
lt: Op
margin_ranking_loss: Op
masked_fill: Op
masked_scatter: Op
masked_select: Op
matmul: Op
matrix_exp: Op
matrix_power: Op
max_pool1d: Op
max_pool2d: Op
max_pool3d: Op
maximum: Op
mean: Op
minimum: Op
mm: Op
moveaxis: Op
movedim: Op
mul: Op
multinomial: Op
multiply: Op
mv: Op
mvlgamma: Op
nan_to_num: Op
nanmean: Op
nanquantile: Op
nansum: Op
narrow: Op
narrow_copy: Op
ne: Op
neg: Op
negative: Op
nextafter: Op
norm: Op
normal: Op
not_equal: Op
ones: Op
ones_like: Op
outer: Op
pairwise_distance: Op
pdist: Op
permute: Op
pinverse: Op
pixel_shuffle: Op
pixel_unshuffle: Op
poisson: Op
polar: Op
polygamma: Op
positive: Op
pow: Op
prelu: Op
prod: Op
put: Op
quantile: Op
quantize_per_tensor: Op
rad2deg: Op
rand: Op
rand_like: Op
randint: Op
randint_like: Op
randn: Op
randn_like: Op
randperm: Op
ravel: Op
real: Op
reciprocal: Op
relu: Op
remainder: Op
renorm: Op
repeat_interleave: Op
reshape: Op
roll: Op
rot90: Op
round: Op
row_stack: Op
rrelu: Op
rsqrt: Op
rsub: Op
scalar_tensor: Op
scatter: Op
scatter_add: Op
scatter_reduce: Op
searchsorted: Op
select: Op
selu: Op
sgn: Op
sigmoid: Op
sign: Op
signbit: Op
sin: Op
sinc: Op
sinh: Op
softmax: Op
sparse_coo_tensor: Op
sqrt: Op
square: Op
squeeze: Op
stack: Op
std: Op
stft: Op
sub: Op
subtract: Op
sum: Op
swapaxes: Op
swapdims: Op
t: Op
take: Op
take_along_dim: Op
tan: Op
tanh: Op
tensor: Op
tensordot: Op
tile: Op
trace: Op
transpose: Op
trapezoid: Op
trapz: Op
tril: Op
tril_indices: Op
triplet_margin_loss: Op
triu: Op
triu_indices: Op
true_divide: Op
trunc: Op
unflatten: Op
unsqueeze: Op
vander: Op
var: Op
vdot: Op
view_as_complex: Op
view_as_real: Op
vstack: Op
where: Op
xlogy: Op
zeros: Op
zeros_like: Op
@overload
def max(input: Tensor) -> Tensor: ...
@overload
def max(input: Tensor, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
@overload
def min(input: Tensor) -> Tensor: ...
@overload
def min(input: Tensor, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
@overload
def median(input: Tensor) -> Tensor: ...
@overload
def median(input: Tensor, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
@overload
def nanmedian(input: Tensor) -> Tensor: ...
@overload
def nanmedian(input: Tensor, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
def topk(*args: Any, **kwargs: Any) -> _ValuesIndices: ...
def sort(*args: Any, **kwargs: Any) -> _ValuesIndices: ...
def kthvalue(*args: Any, **kwargs: Any) -> _ValuesIndices: ...
def mode(*args: Any, **kwargs: Any) -> _ValuesIndices: ...
def cummax(*args: Any, **kwargs: Any) -> _ValuesIndices: ...
def cummin(*args: Any, **kwargs: Any) -> _ValuesIndices: ...
def split(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
def chunk(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
def unbind(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
def tensor_split(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
def meshgrid(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...
def broadcast_tensors(*args: Any) -> tuple[Tensor, ...]: ...
def std_mean(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]: ...
def var_mean(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]: ...
def is_tensor(obj: Any) -> _bool: ...
def is_grad_enabled() -> _bool: ...
def equal(input: Tensor, other: Tensor) -> _bool: ...
def allclose(input: Tensor, other: Tensor, *args: Any, **kwargs: Any) -> _bool: ...
def numel(input: Tensor) -> _int: ...
def manual_seed(seed: _int) -> Generator: ...
def load(*args: Any, **kwargs: Any) -> Any: ...
def save(*args: Any, **kwargs: Any) -> None: ...
def compile(model: _F = ..., **kwargs: Any) -> _F: ...
def autocast(*args: Any, **kwargs: Any) -> amp.autocast: ...

float32: dtype
float: dtype
float64: dtype
double: dtype
float16: dtype
half: dtype
bfloat16: dtype
uint8: dtype
int8: dtype
int16: dtype
int32: dtype
int: dtype
int64: dtype
long: dtype
bool: dtype
