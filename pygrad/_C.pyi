# Written by tools/generate_stub.py from the registry; edit tools/stub_head.pyi instead.
import builtins
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, NamedTuple, SupportsIndex, TypeAlias, TypeVar, overload

from typing_extensions import Self

Scalar: TypeAlias = int | float | complex | _bool
_Other: TypeAlias = Tensor | Scalar

# Inside Tensor these names are methods and attributes.
_int: TypeAlias = int
_float: TypeAlias = float
_bool: TypeAlias = builtins.bool
_complex: TypeAlias = complex
_dtype: TypeAlias = dtype
_device: TypeAlias = device
_layout: TypeAlias = layout
_memory_format: TypeAlias = memory_format
_T = TypeVar("_T", bound=Tensor)

# The named results of the registry's operations.
class _GradInputGradWeight(NamedTuple):
    grad_input: Tensor
    grad_weight: Tensor

class _GradInputGradWeightGradBias(NamedTuple):
    grad_input: Tensor
    grad_weight: Tensor
    grad_bias: Tensor

class _GradQueryGradKeyGradValue(NamedTuple):
    grad_query: Tensor
    grad_key: Tensor
    grad_value: Tensor

class _MinMax(NamedTuple):
    min: Tensor
    max: Tensor

class _OutIndices(NamedTuple):
    out: Tensor
    indices: Tensor

class _ValuesIndices(NamedTuple):
    values: Tensor
    indices: Tensor

class OutOfMemoryError(RuntimeError): ...

class dtype:
    @property
    def is_floating_point(self) -> _bool: ...
    @property
    def is_complex(self) -> _bool: ...
    @property
    def is_signed(self) -> _bool: ...
    @property
    def itemsize(self) -> int: ...
    def to_complex(self) -> dtype: ...
    def to_real(self) -> dtype: ...

class device:
    @property
    def type(self) -> str: ...
    @property
    def index(self) -> int | None: ...
    @overload
    def __init__(self, type: device | str | int) -> None: ...
    @overload
    def __init__(self, type: str, index: int | None = ...) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

class layout:
    def __init__(self, name: str) -> None: ...

class memory_format:
    def __init__(self, name: str) -> None: ...

class Size(tuple[int, ...]):
    def __add__(self, other: tuple[int, ...]) -> Size: ...  # type: ignore[override]
    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __mul__(self, times: SupportsIndex) -> Size: ...
    def __rmul__(self, times: SupportsIndex) -> Size: ...
    def numel(self) -> int: ...

class Generator:
    def __init__(self, device: _device | str | int | None = ...) -> None: ...
    @property
    def device(self) -> _device: ...
    def manual_seed(self, seed: int) -> Generator: ...
    def seed(self) -> int: ...
    def initial_seed(self) -> int: ...
    def get_state(self) -> Tensor: ...
    def set_state(self, new_state: Tensor) -> Generator: ...
    def clone_state(self) -> Generator: ...

class RemovableHandle:
    @property
    def id(self) -> int: ...
    def remove(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

class Node:
    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]: ...
    @property
    def variable(self) -> Tensor: ...
    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]: ...
    @property
    def metadata(self) -> dict[Any, Any]: ...
    def name(self) -> str: ...
    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle: ...
    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle: ...
    def _sequence_nr(self) -> int: ...

class SavedTensor:
    def __init__(self, tensor: Tensor, is_output: _bool) -> None: ...
    def unpack(self, node: Node | None = ...) -> Tensor: ...

class UntypedStorage:
    def __init__(self, nbytes: int = ..., *, device: _device | str | int | None = ...) -> None: ...
    @property
    def device(self) -> _device: ...
    def data_ptr(self) -> int: ...
    def nbytes(self) -> int: ...
    def size(self) -> int: ...
    def __len__(self) -> int: ...
    def _id(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

class Tensor:
    data: Tensor
    grad: Tensor | None
    requires_grad: _bool
    real: Tensor
    imag: Tensor
    __array_priority__: _float
    def __init__(self, *args: Any, device: Any = ...) -> None: ...
    @property
    def grad_fn(self) -> Node | None: ...
    @property
    def is_leaf(self) -> _bool: ...
    @property
    def output_nr(self) -> _int: ...
    @property
    def _version(self) -> _int: ...
    @property
    def _base(self) -> Tensor | None: ...
    @property
    def shape(self) -> Size: ...
    @property
    def ndim(self) -> _int: ...
    @property
    def dtype(self) -> _dtype: ...
    @property
    def device(self) -> _device: ...
    @property
    def layout(self) -> _layout: ...
    @property
    def is_cpu(self) -> _bool: ...
    @property
    def is_cuda(self) -> _bool: ...
    @property
    def is_meta(self) -> _bool: ...
    @property
    def is_mps(self) -> _bool: ...
    @property
    def is_nested(self) -> _bool: ...
    @property
    def is_quantized(self) -> _bool: ...
    @property
    def is_sparse(self) -> _bool: ...
    @property
    def name(self) -> None: ...
    @property
    def names(self) -> None: ...
    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...
    @property
    def itemsize(self) -> _int: ...
    @property
    def nbytes(self) -> _int: ...
    @property
    def T(self) -> Tensor: ...
    @property
    def mT(self) -> Tensor: ...
    @property
    def H(self) -> Tensor: ...
    @property
    def mH(self) -> Tensor: ...
    @property
    def retains_grad(self) -> _bool: ...
    def backward(
        self,
        gradient: Tensor | None = ...,
        retain_graph: _bool | None = ...,
        create_graph: _bool = ...,
        inputs: Tensor | Sequence[Tensor] | None = ...,
    ) -> None: ...
    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle: ...
    def register_post_accumulate_grad_hook(
        self, hook: Callable[[Tensor], None]
    ) -> RemovableHandle: ...
    def retain_grad(self) -> None: ...
    def requires_grad_(self, requires_grad: _bool = ...) -> Self: ...
    def detach(self) -> Tensor: ...
    def detach_(self) -> Self: ...
    def item(self) -> Any: ...
    def tolist(self) -> Any: ...
    def numpy(self, *, force: _bool = ...) -> Any: ...
    @overload
    def to(
        self,
        dtype: _dtype,
        non_blocking: _bool = ...,
        copy: _bool = ...,
        *,
        memory_format: _memory_format | None = ...,
    ) -> Tensor: ...
    @overload
    def to(
        self,
        device: _device | str | _int | None = ...,
        dtype: _dtype | None = ...,
        non_blocking: _bool = ...,
        copy: _bool = ...,
        *,
        memory_format: _memory_format | None = ...,
    ) -> Tensor: ...
    @overload
    def to(
        self,
        other: Tensor,
        non_blocking: _bool = ...,
        copy: _bool = ...,
        *,
        memory_format: _memory_format | None = ...,
    ) -> Tensor: ...
    @overload
    def type(self, dtype: None = ..., non_blocking: _bool = ...) -> str: ...
    @overload
    def type(self, dtype: _dtype | str | type, non_blocking: _bool = ...) -> Tensor: ...
    @overload
    def size(self, dim: None = ...) -> Size: ...
    @overload
    def size(self, dim: _int) -> _int: ...
    @overload
    def stride(self, dim: None = ...) -> tuple[_int, ...]: ...
    @overload
    def stride(self, dim: _int) -> _int: ...
    def storage_offset(self) -> _int: ...
    def storage(self) -> UntypedStorage: ...
    def untyped_storage(self) -> UntypedStorage: ...
    def data_ptr(self) -> _int: ...
    def dim(self) -> _int: ...
    def ndimension(self) -> _int: ...
    def numel(self) -> _int: ...
    def nelement(self) -> _int: ...
    def element_size(self) -> _int: ...
    def get_device(self) -> _int: ...
    def is_contiguous(self, *, memory_format: _memory_format = ...) -> _bool: ...
    def is_floating_point(self) -> _bool: ...
    def is_complex(self) -> _bool: ...
    def is_signed(self) -> _bool: ...
    def is_inference(self) -> _bool: ...
    def is_conj(self) -> _bool: ...
    def is_neg(self) -> _bool: ...
    def is_pinned(self) -> _bool: ...
    def is_set_to(self, tensor: Tensor) -> _bool: ...
    def is_same_size(self, other: Tensor) -> _bool: ...
    def set_(self, source: Tensor) -> Self: ...
    def as_subclass(self, cls: builtins.type[_T]) -> _T: ...
    @staticmethod
    def _make_subclass(cls: builtins.type[_T], data: Tensor, require_grad: _bool = ...) -> _T: ...
    def __array__(self, dtype: Any = ..., copy: _bool | None = ...) -> Any: ...
    def __dlpack__(
        self,
        *,
        stream: Any = ...,
        max_version: tuple[_int, _int] | None = ...,
        dl_device: tuple[_int, _int] | None = ...,
        copy: _bool | None = ...,
    ) -> Any: ...
    def __dlpack_device__(self) -> tuple[_int, _int]: ...
    def __buffer__(self, flags: _int, /) -> memoryview: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[Any, Any], /) -> Self: ...
    def __bool__(self) -> _bool: ...
    def __int__(self) -> _int: ...
    def __float__(self) -> _float: ...
    def __index__(self) -> _int: ...
    def __len__(self) -> _int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __getitem__(self, index: Any) -> Tensor: ...
    def __setitem__(self, index: Any, value: _Other) -> None: ...
    def __neg__(self) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __abs__(self) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __add__(self, other: _Other) -> Tensor: ...
    def __radd__(self, other: _Other) -> Tensor: ...
    def __iadd__(self, other: _Other) -> Self: ...
    def __sub__(self, other: _Other) -> Tensor: ...
    def __rsub__(self, other: _Other) -> Tensor: ...
    def __isub__(self, other: _Other) -> Self: ...
    def __mul__(self, other: _Other) -> Tensor: ...
    def __rmul__(self, other: _Other) -> Tensor: ...
    def __imul__(self, other: _Other) -> Self: ...
    def __truediv__(self, other: _Other) -> Tensor: ...
    def __rtruediv__(self, other: _Other) -> Tensor: ...
    def __itruediv__(self, other: _Other) -> Self: ...
    def __floordiv__(self, other: _Other) -> Tensor: ...
    def __rfloordiv__(self, other: _Other) -> Tensor: ...
    def __ifloordiv__(self, other: _Other) -> Self: ...
    def __mod__(self, other: _Other) -> Tensor: ...
    def __rmod__(self, other: _Other) -> Tensor: ...
    def __imod__(self, other: _Other) -> Self: ...
    def __pow__(self, other: _Other) -> Tensor: ...
    def __rpow__(self, other: _Other) -> Tensor: ...
    def __ipow__(self, other: _Other) -> Self: ...
    def __and__(self, other: _Other) -> Tensor: ...
    def __rand__(self, other: _Other) -> Tensor: ...
    def __iand__(self, other: _Other) -> Self: ...
    def __or__(self, other: _Other) -> Tensor: ...
    def __ror__(self, other: _Other) -> Tensor: ...
    def __ior__(self, other: _Other) -> Self: ...
    def __xor__(self, other: _Other) -> Tensor: ...
    def __rxor__(self, other: _Other) -> Tensor: ...
    def __ixor__(self, other: _Other) -> Self: ...
    def __lshift__(self, other: _Other) -> Tensor: ...
    def __rlshift__(self, other: _Other) -> Tensor: ...
    def __ilshift__(self, other: _Other) -> Self: ...
    def __rshift__(self, other: _Other) -> Tensor: ...
    def __rrshift__(self, other: _Other) -> Tensor: ...
    def __irshift__(self, other: _Other) -> Self: ...
    def __matmul__(self, other: Tensor) -> Tensor: ...
    def __rmatmul__(self, other: Tensor) -> Tensor: ...
    def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __lt__(self, other: _Other) -> Tensor: ...
    def __le__(self, other: _Other) -> Tensor: ...
    def __gt__(self, other: _Other) -> Tensor: ...
    def __ge__(self, other: _Other) -> Tensor: ...
    def __hash__(self) -> _int: ...
    is_ipu: _bool
    is_maia: _bool
    is_mkldnn: _bool
    is_mtia: _bool
    is_sparse_csr: _bool
    is_vulkan: _bool
    is_xla: _bool
    is_xpu: _bool
    def __array_wrap__(self, array: Any, context: Any = ..., return_scalar: _bool = ...) -> Any:
        """What NumPy computed from this tensor, as a tensor where the dtype exists here."""
    def __complex__(self) -> _complex:
        """The only element as a Python complex number."""
    def __contains__(self, element: Any) -> _bool:
        """Whether any element equals `element`, a number or a tensor that broadcasts."""
    def __format__(self, spec: str) -> str:
        """Format a 0-D tensor as its number, any other by its text."""
    def __reversed__(self) -> Tensor:
        """The tensor with its first dimension reversed."""
    def apply_(self, callable: Callable[..., Any]) -> Self:
        """Replace each element by what `callable` makes of it, in place, on the CPU."""
    def as_strided_scatter(
        self,
        src: Tensor,
        size: Any,
        stride: Any,
        storage_offset: _int | None = ...,
    ) -> Tensor:
        """A copy of the input in which ``as_strided(size, stride, storage_offset)`` is `src`."""
    def cholesky(self, upper: _bool = ...) -> Tensor:
        """Cholesky factor of (..., n, n); see `pygrad.linalg.cholesky`."""
    def cholesky_inverse(self, upper: _bool = ...) -> Tensor:
        """Inverse of the matrix whose Cholesky factor is `L` (..., n, n)."""
    def cholesky_solve(self, L: Tensor, upper: _bool = ...) -> Tensor:
        """Solve ``A X = B`` by the Cholesky factor of A."""
    def corrcoef(self) -> Tensor:
        """Matrix of Pearson's correlation coefficients; rows are variables."""
    def cov(self, *, correction: _int = ..., fweights: Any = ..., aweights: Any = ...) -> Tensor:
        """Covariance matrix; rows are variables, columns observations."""
    def cross(self, other: Tensor, dim: _int | None = ...) -> Tensor:
        """Cross product of vectors of three elements along `dim` (default: the first such one)."""
    def det(self) -> Tensor:
        """Determinant of (..., n, n); see `pygrad.linalg.det`."""
    def diagonal_scatter(
        self,
        src: Tensor,
        offset: _int = ...,
        dim1: _int = ...,
        dim2: _int = ...,
    ) -> Tensor:
        """A copy of the input in which ``diagonal(offset, dim1, dim2)`` is `src`."""
    def diff(self, n: _int = ..., dim: _int = ..., prepend: Any = ..., append: Any = ...) -> Tensor:
        """The n-th differences of neighbours along `dim`."""
    def fill_diagonal_(self, fill_value: _float, wrap: _bool = ...) -> Self:
        """Write a number on the main diagonal, in place."""
    def frexp(self) -> Any:
        """Mantissa and exponent: ``input = mantissa * 2 ** exponent``, ``0.5 <= |mantissa| <..."""
    def histogram(
        self,
        bins: Any,
        *,
        range: Sequence[_float] | None = ...,
        weight: Tensor | None = ...,
        density: _bool = ...,
    ) -> Any:
        """Counts of the elements between the edges of bins; the last bin includes its upper..."""
    def inverse(self) -> Tensor:
        """Inverse of (..., n, n); see `pygrad.linalg.inv`."""
    def is_distributed(self) -> _bool:
        """Return False: a tensor lives in one process."""
    def is_nonzero(self) -> _bool:
        """Whether the only element differs from zero."""
    def is_shared(self) -> _bool:
        """Whether other processes see changes of this tensor: never on the CPU, always on CUDA."""
    def istft(
        self,
        n_fft: _int,
        hop_length: _int | None = ...,
        win_length: _int | None = ...,
        window: Tensor | None = ...,
        center: _bool = ...,
        normalized: _bool = ...,
        onesided: _bool | None = ...,
        length: _int | None = ...,
        return_complex: _bool = ...,
    ) -> Tensor:
        """The signal whose `stft` is `input`, by overlapping and adding (least squares)."""
    def logdet(self) -> Tensor:
        """Logarithm of the determinant of (..., n, n): NaN where the determinant is negative."""
    def map2_(self, x: Tensor, y: Tensor, callable: Callable[..., Any]) -> Self:
        """Replace each element by ``callable(element, of x, of y)``, in place, on the CPU."""
    def map_(self, tensor: Tensor, callable: Callable[..., Any]) -> Self:
        """Replace each element by ``callable(element, element of tensor)``, in place, on the..."""
    def matrix_exp(self) -> Tensor:
        """Matrix exponential, ``sum_k input^k / k!``, by scaling and squaring a Taylor..."""
    def matrix_power(self, n: _int) -> Tensor:
        """The n-th power of (..., m, m); see `pygrad.linalg.matrix_power`."""
    def new(self, *args: Any, device: Any = ...) -> Tensor:
        """A tensor of this dtype and device: of the sizes given, or of one sequence of data."""
    def new_empty_strided(
        self,
        size: Any,
        stride: Any,
        *,
        dtype: Any = ...,
        device: Any = ...,
    ) -> Tensor:
        """A tensor of these strides, whose elements are not set, of this dtype and device."""
    def new_tensor(
        self,
        data: Any,
        *,
        dtype: Any = ...,
        device: Any = ...,
        requires_grad: _bool = ...,
        layout: Any = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A copy of `data` as a tensor of this dtype and device, unless others are given."""
    def pinverse(self, rcond: _float = ...) -> Tensor:
        """Moore-Penrose inverse of (..., m, n); see `pygrad.linalg.pinv`."""
    def qr(self, some: _bool = ...) -> Any:
        """``(Q, R)``, complete unless `some`; see `pygrad.linalg.qr`."""
    def renorm(self, p: _float, dim: _int, maxnorm: _float) -> Tensor:
        """Scale each part along `dim` whose p-norm is above `maxnorm` down to it."""
    def select_scatter(self, src: Tensor, dim: _int, index: _int) -> Tensor:
        """A copy of the input in which ``select(dim, index)`` is `src`."""
    def share_memory_(self) -> Self:
        """Return self: worker processes get tensors by copy, and threads share them as they are."""
    def slice_scatter(
        self,
        src: Tensor,
        dim: _int = ...,
        start: _int | None = ...,
        end: _int | None = ...,
        step: _int = ...,
    ) -> Tensor:
        """A copy of the input in which the slice ``start:end:step`` of `dim` is `src`."""
    def slogdet(self) -> Any:
        """Sign and logarithm of the absolute determinant; see `pygrad.linalg.slogdet`."""
    def stft(
        self,
        n_fft: _int,
        hop_length: _int | None = ...,
        win_length: _int | None = ...,
        window: Tensor | None = ...,
        center: _bool = ...,
        pad_mode: str = ...,
        normalized: _bool = ...,
        onesided: _bool | None = ...,
        return_complex: _bool | None = ...,
    ) -> Tensor:
        """Short-time Fourier transform: the spectra of overlapping windowed frames."""
    def svd(self, some: _bool = ..., compute_uv: _bool = ...) -> Any:
        """``(U, S, V)`` with ``input = U diag(S) V^H``; see `pygrad.linalg.svd`."""
    def to_dense(self, dtype: Any = ..., *, masked_grad: _bool | None = ...) -> Tensor:
        """The tensor itself, for all are dense, in `dtype` when it is given."""
    def trace(self) -> Tensor:
        """Sum of the main diagonal of a matrix, ``sum_i input[i, i]``."""
    def triangular_solve(
        self,
        A: Tensor,
        upper: _bool = ...,
        transpose: _bool = ...,
        unitriangular: _bool = ...,
    ) -> Any:
        """Solve ``A X = b`` with a triangular A; returns ``(solution, cloned_coefficient)``."""
    def unsafe_chunk(self, chunks: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Copies of the parts that `chunk` gives."""
    def unsafe_split(self, split_size: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Copies of the parts that `split` gives."""
    def abs(self) -> Tensor:
        """Absolute value; of a complex number, its modulus."""
    def abs_(self) -> Self:
        """In-place `abs`."""
    def absolute(self) -> Tensor:
        """Absolute value; of a complex number, its modulus."""
    def absolute_(self) -> Self:
        """In-place `absolute`."""
    def acos(self) -> Tensor:
        """Arc cosine of each element; NaN outside [-1, 1]."""
    def acos_(self) -> Self:
        """In-place `acos`."""
    def acosh(self) -> Tensor:
        """Inverse hyperbolic cosine of each element; NaN below 1."""
    def acosh_(self) -> Self:
        """In-place `acosh`."""
    def add(self, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Tensor:
        """Sum: input + alpha * other, with broadcasting and type promotion."""
    def add_(self, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Self:
        """In-place `add`."""
    def addbmm(
        self,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """The sum of a batch of matrix products added to a matrix: beta input + alpha sum_i..."""
    def addbmm_(
        self,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Self:
        """In-place `addbmm`."""
    def addcdiv(self, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = ...) -> Tensor:
        """input + value * tensor1 / tensor2, with broadcasting."""
    def addcdiv_(self, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = ...) -> Self:
        """In-place `addcdiv`."""
    def addcmul(self, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = ...) -> Tensor:
        """input + value * tensor1 * tensor2, with broadcasting."""
    def addcmul_(self, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = ...) -> Self:
        """In-place `addcmul`."""
    def addmm(
        self,
        mat1: Tensor,
        mat2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """A matrix product added to a tensor: beta input + alpha (mat1 mat2)."""
    def addmm_(
        self,
        mat1: Tensor,
        mat2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Self:
        """In-place `addmm`."""
    def addmv(self, mat: Tensor, vec: Tensor, *, beta: Scalar = ..., alpha: Scalar = ...) -> Tensor:
        """A matrix-vector product added to a vector: beta input + alpha (mat vec)."""
    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: Scalar = ..., alpha: Scalar = ...) -> Self:
        """In-place `addmv`."""
    def addr(
        self,
        vec1: Tensor,
        vec2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """An outer product added to a matrix: beta input + alpha vec1 vec2^T."""
    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: Scalar = ..., alpha: Scalar = ...) -> Self:
        """In-place `addr`."""
    def adjoint(self) -> Tensor:
        """The conjugate of the view with the last two dimensions exchanged."""
    @overload
    def all(self) -> Tensor:
        """Whether no element is zero."""
    @overload
    def all(self, dim: _int | Sequence[_int] | None, keepdim: _bool = ...) -> Tensor:
        """Whether no element is zero, over dimensions."""
    def allclose(
        self,
        other: Tensor,
        rtol: _float = ...,
        atol: _float = ...,
        equal_nan: _bool = ...,
    ) -> _bool:
        """Whether all elements are close, see isclose()."""
    def amax(self, dim: _int | Sequence[_int] = ..., keepdim: _bool = ...) -> Tensor:
        """Largest element over dimensions; equal ones share the gradient."""
    def amin(self, dim: _int | Sequence[_int] = ..., keepdim: _bool = ...) -> Tensor:
        """Smallest element over dimensions; equal ones share the gradient."""
    def aminmax(self, *, dim: _int | None = ..., keepdim: _bool = ...) -> _MinMax:
        """Smallest and largest element, of all or over a dimension."""
    def angle(self) -> Tensor:
        """The argument of each element in radians; real numbers give 0 or pi."""
    @overload
    def any(self) -> Tensor:
        """Whether any element is not zero."""
    @overload
    def any(self, dim: _int | Sequence[_int] | None, keepdim: _bool = ...) -> Tensor:
        """Whether any element is not zero, over dimensions."""
    def arccos(self) -> Tensor:
        """Arc cosine of each element; NaN outside [-1, 1]."""
    def arccos_(self) -> Self:
        """In-place `arccos`."""
    def arccosh(self) -> Tensor:
        """Inverse hyperbolic cosine of each element; NaN below 1."""
    def arccosh_(self) -> Self:
        """In-place `arccosh`."""
    def arcsin(self) -> Tensor:
        """Arc sine of each element; NaN outside [-1, 1]."""
    def arcsin_(self) -> Self:
        """In-place `arcsin`."""
    def arcsinh(self) -> Tensor:
        """Inverse hyperbolic sine of each element."""
    def arcsinh_(self) -> Self:
        """In-place `arcsinh`."""
    def arctan(self) -> Tensor:
        """Arc tangent of each element."""
    def arctan_(self) -> Self:
        """In-place `arctan`."""
    def arctan2(self, other: Tensor) -> Tensor:
        """The angle of the point (other, input), in (-pi, pi]."""
    def arctan2_(self, other: Tensor) -> Self:
        """In-place `arctan2`."""
    def arctanh(self) -> Tensor:
        """Inverse hyperbolic tangent of each element; NaN outside [-1, 1]."""
    def arctanh_(self) -> Self:
        """In-place `arctanh`."""
    def argmax(self, dim: _int | None = ..., keepdim: _bool = ...) -> Tensor:
        """Where the largest element is: the first of equal ones; NaN counts as largest."""
    def argmin(self, dim: _int | None = ..., keepdim: _bool = ...) -> Tensor:
        """Where the smallest element is: the first of equal ones; NaN counts as smallest."""
    def argsort(self, dim: _int = ..., descending: _bool = ..., stable: _bool = ...) -> Tensor:
        """The indices that sort a tensor along a dimension."""
    def argwhere(self) -> Tensor:
        """The positions of the elements that are not zero, one row each."""
    def as_strided(
        self,
        size: _int | Sequence[_int],
        stride: _int | Sequence[_int],
        storage_offset: _int | None = ...,
    ) -> Tensor:
        """A view of the tensor's memory with any sizes and strides."""
    def as_strided_(
        self,
        size: _int | Sequence[_int],
        stride: _int | Sequence[_int],
        storage_offset: _int | None = ...,
    ) -> Self:
        """as_strided() of the tensor itself."""
    def asin(self) -> Tensor:
        """Arc sine of each element; NaN outside [-1, 1]."""
    def asin_(self) -> Self:
        """In-place `asin`."""
    def asinh(self) -> Tensor:
        """Inverse hyperbolic sine of each element."""
    def asinh_(self) -> Self:
        """In-place `asinh`."""
    def atan(self) -> Tensor:
        """Arc tangent of each element."""
    def atan_(self) -> Self:
        """In-place `atan`."""
    def atan2(self, other: Tensor) -> Tensor:
        """The angle of the point (other, input), in (-pi, pi]."""
    def atan2_(self, other: Tensor) -> Self:
        """In-place `atan2`."""
    def atanh(self) -> Tensor:
        """Inverse hyperbolic tangent of each element; NaN outside [-1, 1]."""
    def atanh_(self) -> Self:
        """In-place `atanh`."""
    def baddbmm(
        self,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """Batched matrix products added to a tensor: beta input + alpha (batch1 batch2)."""
    def baddbmm_(
        self,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Self:
        """In-place `baddbmm`."""
    @overload
    def bernoulli(self, *, generator: Generator | None = ...) -> Tensor:
        """1 with the probability in each element, else 0."""
    @overload
    def bernoulli(self, p: _float, *, generator: Generator | None = ...) -> Tensor:
        """1 with probability p, of the input's shape."""
    @overload
    def bernoulli_(self, p: Tensor, *, generator: Generator | None = ...) -> Self:
        """Overwrites with 1 with the probability in each element of p, else 0."""
    @overload
    def bernoulli_(self, p: _float = ..., *, generator: Generator | None = ...) -> Self:
        """Overwrites with 1 with probability p, else 0."""
    def bfloat16(self) -> Tensor:
        """The tensor as bfloat16 numbers; itself when it holds such."""
    def bincount(self, weights: Tensor | None = ..., minlength: _int = ...) -> Tensor:
        """How often each of 0, 1, 2, ... occurs, or the sum of their weights."""
    def bitwise_and(self, other: Tensor | Scalar) -> Tensor:
        """Bits set in both; for bools, logical and."""
    def bitwise_and_(self, other: Tensor | Scalar) -> Self:
        """In-place `bitwise_and`."""
    def bitwise_left_shift(self, other: Tensor | Scalar) -> Tensor:
        """Bits moved to the left by other places."""
    def bitwise_left_shift_(self, other: Tensor | Scalar) -> Self:
        """In-place `bitwise_left_shift`."""
    def bitwise_not(self) -> Tensor:
        """Every bit inverted; for bools, logical not."""
    def bitwise_not_(self) -> Self:
        """In-place `bitwise_not`."""
    def bitwise_or(self, other: Tensor | Scalar) -> Tensor:
        """Bits set in either; for bools, logical or."""
    def bitwise_or_(self, other: Tensor | Scalar) -> Self:
        """In-place `bitwise_or`."""
    def bitwise_right_shift(self, other: Tensor | Scalar) -> Tensor:
        """Bits moved to the right, keeping the sign."""
    def bitwise_right_shift_(self, other: Tensor | Scalar) -> Self:
        """In-place `bitwise_right_shift`."""
    def bitwise_xor(self, other: Tensor | Scalar) -> Tensor:
        """Bits set in exactly one; for bools, unequal."""
    def bitwise_xor_(self, other: Tensor | Scalar) -> Self:
        """In-place `bitwise_xor`."""
    def bmm(self, mat2: Tensor) -> Tensor:
        """Products of matrices in two batches of equal length."""
    def bool(self) -> Tensor:
        """The tensor as bool numbers; itself when it holds such."""
    def broadcast_to(self, *size: _int | Sequence[_int]) -> Tensor:
        """The view of the tensor broadcast to a shape."""
    def byte(self) -> Tensor:
        """The tensor as uint8 numbers; itself when it holds such."""
    def cauchy_(
        self,
        median: _float = ...,
        sigma: _float = ...,
        *,
        generator: Generator | None = ...,
    ) -> Self:
        """Overwrites with Cauchy numbers."""
    def cdouble(self) -> Tensor:
        """The tensor as complex128 numbers; itself when it holds such."""
    def ceil(self) -> Tensor:
        """The smallest whole number not below each element."""
    def ceil_(self) -> Self:
        """In-place `ceil`."""
    def cfloat(self) -> Tensor:
        """The tensor as complex64 numbers; itself when it holds such."""
    def char(self) -> Tensor:
        """The tensor as int8 numbers; itself when it holds such."""
    def chunk(self, chunks: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """At most `chunks` views of equal size; the last may be smaller."""
    @overload
    def clamp(self, min: Scalar | None = ..., max: Scalar | None = ...) -> Tensor:
        """Each element moved into [min, max]; NaN stays."""
    @overload
    def clamp(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor:
        """Each element moved between the elements of two tensors, either of which may be None."""
    @overload
    def clamp(self, min: Tensor | Scalar, max: Tensor | Scalar) -> Tensor:
        """Each element moved between a number and the elements of a tensor, in either order."""
    @overload
    def clamp_(self, min: Scalar | None = ..., max: Scalar | None = ...) -> Self:
        """In-place `clamp`."""
    @overload
    def clamp_(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Self:
        """In-place `clamp`."""
    @overload
    def clamp_(self, min: Tensor | Scalar, max: Tensor | Scalar) -> Self:
        """In-place `clamp`."""
    def clamp_max(self, max: Tensor | Scalar) -> Tensor:
        """Each element, but at most max."""
    def clamp_max_(self, max: Tensor | Scalar) -> Self:
        """In-place `clamp_max`."""
    def clamp_min(self, min: Tensor | Scalar) -> Tensor:
        """Each element, but at least min."""
    def clamp_min_(self, min: Tensor | Scalar) -> Self:
        """In-place `clamp_min`."""
    @overload
    def clip(self, min: Scalar | None = ..., max: Scalar | None = ...) -> Tensor:
        """Each element moved into [min, max]; NaN stays."""
    @overload
    def clip(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor:
        """Each element moved between the elements of two tensors, either of which may be None."""
    @overload
    def clip(self, min: Tensor | Scalar, max: Tensor | Scalar) -> Tensor:
        """Each element moved between a number and the elements of a tensor, in either order."""
    @overload
    def clip_(self, min: Scalar | None = ..., max: Scalar | None = ...) -> Self:
        """In-place `clip`."""
    @overload
    def clip_(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Self:
        """In-place `clip`."""
    @overload
    def clip_(self, min: Tensor | Scalar, max: Tensor | Scalar) -> Self:
        """In-place `clip`."""
    def clone(self, *, memory_format: _memory_format | None = ...) -> Tensor:
        """A copy in fresh memory, through which gradients flow."""
    def conj(self) -> Tensor:
        """Complex conjugate; a real tensor itself."""
    def conj_physical(self) -> Tensor:
        """Complex conjugate in fresh memory."""
    def conj_physical_(self) -> Self:
        """In-place `conj_physical`."""
    def contiguous(self, *, memory_format: _memory_format | None = ...) -> Tensor:
        """The tensor itself when its elements lie in row-major order, else a copy that does."""
    @overload
    def copy_(self, src: Tensor, non_blocking: _bool = ...) -> Self:
        """Overwrites the tensor with src, which is broadcast, cast and moved as needed."""
    @overload
    def copy_(self, src: Scalar, non_blocking: _bool = ...) -> Self:
        """Overwrites the tensor with a number."""
    def copysign(self, other: Tensor | Scalar) -> Tensor:
        """The magnitude of input with the sign of other."""
    def copysign_(self, other: Tensor | Scalar) -> Self:
        """In-place `copysign`."""
    def cos(self) -> Tensor:
        """Cosine of each element, in radians."""
    def cos_(self) -> Self:
        """In-place `cos`."""
    def cosh(self) -> Tensor:
        """Hyperbolic cosine of each element."""
    def cosh_(self) -> Self:
        """In-place `cosh`."""
    def count_nonzero(self, dim: _int | Sequence[_int] | None = ...) -> Tensor:
        """How many elements are not zero."""
    def cpu(self) -> Tensor:
        """The tensor in the CPU's memory; itself when it is there."""
    def cuda(self, device: _device | str | _int | None = ..., non_blocking: _bool = ...) -> Tensor:
        """The tensor in the memory of the CUDA device."""
    def cummax(self, dim: _int) -> _ValuesIndices:
        """Running maximum along a dimension, and where it was last reached."""
    def cummin(self, dim: _int) -> _ValuesIndices:
        """Running minimum along a dimension, and where it was last reached."""
    def cumprod(self, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """Running product along a dimension."""
    def cumprod_(self, dim: _int, *, dtype: _dtype | None = ...) -> Self:
        """In-place `cumprod`."""
    def cumsum(self, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """Running sum along a dimension."""
    def cumsum_(self, dim: _int, *, dtype: _dtype | None = ...) -> Self:
        """In-place `cumsum`."""
    def deg2rad(self) -> Tensor:
        """Degrees to radians."""
    def deg2rad_(self) -> Self:
        """In-place `deg2rad`."""
    def diag(self, diagonal: _int = ...) -> Tensor:
        """A matrix with a vector on a diagonal, or the diagonal of a matrix."""
    def diag_embed(self, offset: _int = ..., dim1: _int = ..., dim2: _int = ...) -> Tensor:
        """Zeros with the last dimension of the input on a diagonal of two new ones."""
    def diagflat(self, offset: _int = ...) -> Tensor:
        """A matrix with all elements of the input on a diagonal."""
    def diagonal(self, offset: _int = ..., dim1: _int = ..., dim2: _int = ...) -> Tensor:
        """The view of a diagonal of two dimensions, as the last one."""
    def digamma(self) -> Tensor:
        """Derivative of the logarithm of the gamma function."""
    def digamma_(self) -> Self:
        """In-place `digamma`."""
    def dist(self, other: Tensor, p: Scalar = ...) -> Tensor:
        """p-norm of the difference."""
    @overload
    def div(self, other: Tensor | Scalar) -> Tensor:
        """Quotient; integers give the default floating dtype."""
    @overload
    def div(self, other: Tensor | Scalar, *, rounding_mode: str | None) -> Tensor:
        """Quotient, rounded by 'trunc' (towards zero) or 'floor', or not at all (None)."""
    @overload
    def div_(self, other: Tensor | Scalar) -> Self:
        """In-place `div`."""
    @overload
    def div_(self, other: Tensor | Scalar, *, rounding_mode: str | None) -> Self:
        """In-place `div`."""
    @overload
    def divide(self, other: Tensor | Scalar) -> Tensor:
        """Quotient; integers give the default floating dtype."""
    @overload
    def divide(self, other: Tensor | Scalar, *, rounding_mode: str | None) -> Tensor:
        """Quotient, rounded by 'trunc' (towards zero) or 'floor', or not at all (None)."""
    @overload
    def divide_(self, other: Tensor | Scalar) -> Self:
        """In-place `divide`."""
    @overload
    def divide_(self, other: Tensor | Scalar, *, rounding_mode: str | None) -> Self:
        """In-place `divide`."""
    def dot(self, tensor: Tensor) -> Tensor:
        """Scalar product of two vectors, without conjugation."""
    def double(self) -> Tensor:
        """The tensor as float64 numbers; itself when it holds such."""
    @overload
    def dsplit(self, indices_or_sections: _int) -> tuple[Tensor, ...]:
        """Views cut along depth: a number of equal parts, or at positions."""
    @overload
    def dsplit(self, indices_or_sections: Sequence[_int]) -> tuple[Tensor, ...]:
        """Views cut along depth at positions."""
    def eq(self, other: Tensor | Scalar) -> Tensor:
        """Whether input == other, element by element; a bool tensor."""
    def eq_(self, other: Tensor | Scalar) -> Self:
        """In-place `eq`."""
    def equal(self, other: Tensor) -> _bool:
        """Whether two tensors have the same shape and elements."""
    def erf(self) -> Tensor:
        """Error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    def erf_(self) -> Self:
        """In-place `erf`."""
    def erfc(self) -> Tensor:
        """Complementary error function: 1 - erf(x), exact for large x."""
    def erfc_(self) -> Self:
        """In-place `erfc`."""
    def erfinv(self) -> Tensor:
        """Inverse of the error function on (-1, 1)."""
    def erfinv_(self) -> Self:
        """In-place `erfinv`."""
    def exp(self) -> Tensor:
        """Exponential of each element: y = e^x."""
    def exp_(self) -> Self:
        """In-place `exp`."""
    def exp2(self) -> Tensor:
        """Two to the power of each element: y = 2^x."""
    def exp2_(self) -> Self:
        """In-place `exp2`."""
    def expand(self, *size: _int | Sequence[_int]) -> Tensor:
        """The view in which dimensions of size 1 are repeated to a larger size, without a copy."""
    def expand_as(self, other: Tensor) -> Tensor:
        """expand() to the shape of another tensor."""
    def expm1(self) -> Tensor:
        """Exponential minus one, exact near zero: y = e^x - 1."""
    def expm1_(self) -> Self:
        """In-place `expm1`."""
    def exponential_(self, lambd: _float = ..., *, generator: Generator | None = ...) -> Self:
        """Overwrites with exponential numbers of rate lambd."""
    def fill_(self, value: Tensor | Scalar) -> Self:
        """Overwrites every element with a number or a 0-d tensor."""
    def fix(self) -> Tensor:
        """Each element without its fraction."""
    def fix_(self) -> Self:
        """In-place `fix`."""
    def flatten(self, start_dim: _int = ..., end_dim: _int = ...) -> Tensor:
        """Dimensions start_dim to end_dim merged into one."""
    def flip(self, *dims: _int | Sequence[_int]) -> Tensor:
        """A copy with the order of elements reversed along some dimensions."""
    def fliplr(self) -> Tensor:
        """A copy with the columns in reverse order."""
    def flipud(self) -> Tensor:
        """A copy with the rows in reverse order."""
    def float(self) -> Tensor:
        """The tensor as float32 numbers; itself when it holds such."""
    def float_power(self, exponent: Tensor | Scalar) -> Tensor:
        """Each element to a power, in double precision."""
    def float_power_(self, exponent: Tensor | Scalar) -> Self:
        """In-place `float_power`."""
    def floor(self) -> Tensor:
        """The largest whole number not above each element."""
    def floor_(self) -> Self:
        """In-place `floor`."""
    def floor_divide(self, other: Tensor | Scalar) -> Tensor:
        """Quotient rounded towards minus infinity."""
    def floor_divide_(self, other: Tensor | Scalar) -> Self:
        """In-place `floor_divide`."""
    def fmax(self, other: Tensor) -> Tensor:
        """The larger of two elements, ignoring NaN."""
    def fmin(self, other: Tensor) -> Tensor:
        """The smaller of two elements, ignoring NaN."""
    def fmod(self, other: Tensor | Scalar) -> Tensor:
        """Remainder with the sign of the dividend, as C's fmod."""
    def fmod_(self, other: Tensor | Scalar) -> Self:
        """In-place `fmod`."""
    def frac(self) -> Tensor:
        """The fraction of each element, with its sign: x - trunc(x)."""
    def frac_(self) -> Self:
        """In-place `frac`."""
    def gather(self, dim: _int, index: Tensor, *, sparse_grad: _bool = ...) -> Tensor:
        """Elements picked along a dimension: out[i][j] = input[index[i][j]][j] for dim 0."""
    def gcd(self, other: Tensor) -> Tensor:
        """Greatest common divisor, not negative."""
    def gcd_(self, other: Tensor) -> Self:
        """In-place `gcd`."""
    def ge(self, other: Tensor | Scalar) -> Tensor:
        """Whether input >= other, element by element; a bool tensor."""
    def ge_(self, other: Tensor | Scalar) -> Self:
        """In-place `ge`."""
    def geometric_(self, p: _float, *, generator: Generator | None = ...) -> Self:
        """Overwrites with the number of trials up to the first success of probability p."""
    def ger(self, vec2: Tensor) -> Tensor:
        """The matrix of all products of two vectors' elements: out[i, j] = a[i] b[j]."""
    def greater(self, other: Tensor | Scalar) -> Tensor:
        """Whether input > other, element by element; a bool tensor."""
    def greater_(self, other: Tensor | Scalar) -> Self:
        """In-place `greater`."""
    def greater_equal(self, other: Tensor | Scalar) -> Tensor:
        """Whether input >= other, element by element; a bool tensor."""
    def greater_equal_(self, other: Tensor | Scalar) -> Self:
        """In-place `greater_equal`."""
    def gt(self, other: Tensor | Scalar) -> Tensor:
        """Whether input > other, element by element; a bool tensor."""
    def gt_(self, other: Tensor | Scalar) -> Self:
        """In-place `gt`."""
    def half(self) -> Tensor:
        """The tensor as float16 numbers; itself when it holds such."""
    def hardshrink(self, lambd: _float = ...) -> Tensor:
        """x where |x| > lambd, else 0."""
    def heaviside(self, values: Tensor) -> Tensor:
        """Step function: 0 below zero, 1 above, values at zero."""
    def heaviside_(self, values: Tensor) -> Self:
        """In-place `heaviside`."""
    def histc(self, bins: _int = ..., min: Scalar = ..., max: Scalar = ...) -> Tensor:
        """Counts of elements in equal bins from min to max; both 0: from the smallest to the..."""
    @overload
    def hsplit(self, indices_or_sections: _int) -> tuple[Tensor, ...]:
        """Views cut along columns: a number of equal parts, or at positions."""
    @overload
    def hsplit(self, indices_or_sections: Sequence[_int]) -> tuple[Tensor, ...]:
        """Views cut along columns at positions."""
    def hypot(self, other: Tensor) -> Tensor:
        """sqrt(input^2 + other^2) without overflow."""
    def hypot_(self, other: Tensor) -> Self:
        """In-place `hypot`."""
    def i0(self) -> Tensor:
        """Modified Bessel function of the first kind, order 0."""
    def i0_(self) -> Self:
        """In-place `i0`."""
    def index_add(self, dim: _int, index: Tensor, source: Tensor, *, alpha: Scalar = ...) -> Tensor:
        """The tensor with alpha times each slice of source added at the positions in index."""
    def index_add_(self, dim: _int, index: Tensor, source: Tensor, *, alpha: Scalar = ...) -> Self:
        """In-place `index_add`."""
    def index_copy(self, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """The tensor with the slices at the positions in index replaced by those of source."""
    def index_copy_(self, dim: _int, index: Tensor, source: Tensor) -> Self:
        """In-place `index_copy`."""
    @overload
    def index_fill(self, dim: _int, index: Tensor, value: Tensor) -> Tensor:
        """The tensor with the slices at the positions in index set to a number."""
    @overload
    def index_fill(self, dim: _int, index: Tensor, value: Scalar) -> Tensor:
        """index_fill() with a number."""
    @overload
    def index_fill_(self, dim: _int, index: Tensor, value: Tensor) -> Self:
        """In-place `index_fill`."""
    @overload
    def index_fill_(self, dim: _int, index: Tensor, value: Scalar) -> Self:
        """In-place `index_fill`."""
    def index_put(
        self,
        indices: Sequence[Tensor],
        values: Tensor,
        accumulate: _bool = ...,
    ) -> Tensor:
        """The tensor with the elements at the indexed positions replaced by values, or..."""
    def index_put_(
        self,
        indices: Sequence[Tensor],
        values: Tensor,
        accumulate: _bool = ...,
    ) -> Self:
        """In-place `index_put`."""
    def index_select(self, dim: _int, index: Tensor) -> Tensor:
        """The slices of a dimension at the positions in a vector."""
    def inner(self, other: Tensor) -> Tensor:
        """Scalar products along the last dimensions of both tensors."""
    def int(self) -> Tensor:
        """The tensor as int32 numbers; itself when it holds such."""
    def isclose(
        self,
        other: Tensor,
        rtol: _float = ...,
        atol: _float = ...,
        equal_nan: _bool = ...,
    ) -> Tensor:
        """Whether |input - other| <= atol + rtol |other|, element by element."""
    def isfinite(self) -> Tensor:
        """Whether each element is neither infinite nor NaN."""
    def isinf(self) -> Tensor:
        """Whether each element is infinite, of either sign."""
    def isnan(self) -> Tensor:
        """Whether each element is NaN; a complex one if either part is."""
    def isneginf(self) -> Tensor:
        """Whether each element is -inf."""
    def isposinf(self) -> Tensor:
        """Whether each element is +inf."""
    def isreal(self) -> Tensor:
        """Whether each element has no imaginary part."""
    def kron(self, other: Tensor) -> Tensor:
        """Kronecker product: every element of the input times the whole other tensor."""
    def kthvalue(self, k: _int, dim: _int = ..., keepdim: _bool = ...) -> _ValuesIndices:
        """The k-th smallest element along a dimension, counted from 1, and where it is."""
    def lcm(self, other: Tensor) -> Tensor:
        """Least common multiple, not negative."""
    def lcm_(self, other: Tensor) -> Self:
        """In-place `lcm`."""
    def ldexp(self, other: Tensor | Scalar) -> Tensor:
        """input * 2^other."""
    def ldexp_(self, other: Tensor | Scalar) -> Self:
        """In-place `ldexp`."""
    def le(self, other: Tensor | Scalar) -> Tensor:
        """Whether input <= other, element by element; a bool tensor."""
    def le_(self, other: Tensor | Scalar) -> Self:
        """In-place `le`."""
    def lerp(self, end: Tensor, weight: Tensor | Scalar) -> Tensor:
        """Linear interpolation: input + weight * (end - input)."""
    def lerp_(self, end: Tensor, weight: Tensor | Scalar) -> Self:
        """In-place `lerp`."""
    def less(self, other: Tensor | Scalar) -> Tensor:
        """Whether input < other, element by element; a bool tensor."""
    def less_(self, other: Tensor | Scalar) -> Self:
        """In-place `less`."""
    def less_equal(self, other: Tensor | Scalar) -> Tensor:
        """Whether input <= other, element by element; a bool tensor."""
    def less_equal_(self, other: Tensor | Scalar) -> Self:
        """In-place `less_equal`."""
    def lgamma(self) -> Tensor:
        """Logarithm of the absolute value of the gamma function."""
    def lgamma_(self) -> Self:
        """In-place `lgamma`."""
    def log(self) -> Tensor:
        """Natural logarithm of each element; negative reals give NaN."""
    def log_(self) -> Self:
        """In-place `log`."""
    def log10(self) -> Tensor:
        """Logarithm to base 10 of each element."""
    def log10_(self) -> Self:
        """In-place `log10`."""
    def log1p(self) -> Tensor:
        """Logarithm of 1 + x, exact near zero."""
    def log1p_(self) -> Self:
        """In-place `log1p`."""
    def log2(self) -> Tensor:
        """Logarithm to base 2 of each element."""
    def log2_(self) -> Self:
        """In-place `log2`."""
    def log_normal_(
        self,
        mean: _float = ...,
        std: _float = ...,
        *,
        generator: Generator | None = ...,
    ) -> Self:
        """Overwrites with numbers whose logarithms are normal."""
    def log_softmax(self, dim: _int, dtype: _dtype | None = ...) -> Tensor:
        """Logarithm of softmax, without its overflow: x_i - log(sum_j e^(x_j))."""
    def logaddexp(self, other: Tensor) -> Tensor:
        """log(e^input + e^other) without overflow."""
    def logaddexp2(self, other: Tensor) -> Tensor:
        """log2(2^input + 2^other) without overflow."""
    def logcumsumexp(self, dim: _int) -> Tensor:
        """Logarithm of the running sum of exponentials along a dimension."""
    def logical_and(self, other: Tensor | Scalar) -> Tensor:
        """True where both elements are not zero."""
    def logical_and_(self, other: Tensor | Scalar) -> Self:
        """In-place `logical_and`."""
    def logical_not(self) -> Tensor:
        """True where an element is zero."""
    def logical_not_(self) -> Self:
        """In-place `logical_not`."""
    def logical_or(self, other: Tensor | Scalar) -> Tensor:
        """True where either element is not zero."""
    def logical_or_(self, other: Tensor | Scalar) -> Self:
        """In-place `logical_or`."""
    def logical_xor(self, other: Tensor | Scalar) -> Tensor:
        """True where exactly one element is not zero."""
    def logical_xor_(self, other: Tensor | Scalar) -> Self:
        """In-place `logical_xor`."""
    def logit(self, eps: _float | None = ...) -> Tensor:
        """log(x / (1 - x)), with x first clamped to [eps, 1 - eps]."""
    def logit_(self, eps: _float | None = ...) -> Self:
        """In-place `logit`."""
    def logsumexp(self, dim: _int | Sequence[_int], keepdim: _bool = ...) -> Tensor:
        """log(sum(e^x)) over dimensions, without overflow."""
    def long(self) -> Tensor:
        """The tensor as int64 numbers; itself when it holds such."""
    def lt(self, other: Tensor | Scalar) -> Tensor:
        """Whether input < other, element by element; a bool tensor."""
    def lt_(self, other: Tensor | Scalar) -> Self:
        """In-place `lt`."""
    def masked_fill(self, mask: Tensor, value: Tensor | Scalar) -> Tensor:
        """input with value where mask is true."""
    def masked_fill_(self, mask: Tensor, value: Tensor | Scalar) -> Self:
        """In-place `masked_fill`."""
    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """The tensor with the elements where the mask is true replaced by those of source,..."""
    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Self:
        """In-place `masked_scatter`."""
    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements where the mask is true, as a vector."""
    def matmul(self, other: Tensor) -> Tensor:
        """Matrix product of tensors of any dimensions."""
    @overload
    def max(self, other: Tensor) -> Tensor:
        """The larger of two elements; NaN if either is."""
    @overload
    def max(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices:
        """Largest element along a dimension, and where the first of them is."""
    @overload
    def max(self) -> Tensor:
        """Largest of all elements; equal ones share the gradient."""
    def maximum(self, other: Tensor) -> Tensor:
        """The larger of two elements; NaN if either is."""
    @overload
    def mean(self, *, dtype: _dtype | None = ...) -> Tensor:
        """Mean of all elements."""
    @overload
    def mean(
        self,
        dim: _int | Sequence[_int] | None,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
    ) -> Tensor:
        """Mean over one or more dimensions."""
    @overload
    def median(self) -> Tensor:
        """The lower middle of all elements; NaN if there is one."""
    @overload
    def median(self, dim: _int = ..., keepdim: _bool = ...) -> _ValuesIndices:
        """The lower middle element along a dimension, and where it is."""
    @overload
    def min(self, other: Tensor) -> Tensor:
        """The smaller of two elements; NaN if either is."""
    @overload
    def min(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices:
        """Smallest element along a dimension, and where the first of them is."""
    @overload
    def min(self) -> Tensor:
        """Smallest of all elements; equal ones share the gradient."""
    def minimum(self, other: Tensor) -> Tensor:
        """The smaller of two elements; NaN if either is."""
    def mm(self, mat2: Tensor) -> Tensor:
        """Product of two matrices: c[i, j] = sum_k a[i, k] b[k, j]."""
    def mode(self, dim: _int = ..., keepdim: _bool = ...) -> _ValuesIndices:
        """The most frequent element along a dimension, the smallest of several, and where it..."""
    def moveaxis(self, source: _int | Sequence[_int], destination: _int | Sequence[_int]) -> Tensor:
        """The view with dimensions moved to other places, the rest keeping their order."""
    def movedim(self, source: _int | Sequence[_int], destination: _int | Sequence[_int]) -> Tensor:
        """The view with dimensions moved to other places, the rest keeping their order."""
    def msort(self) -> Tensor:
        """Sorted along the first dimension."""
    def mul(self, other: Tensor | Scalar) -> Tensor:
        """Product of the elements, with broadcasting and type promotion."""
    def mul_(self, other: Tensor | Scalar) -> Self:
        """In-place `mul`."""
    def multinomial(
        self,
        num_samples: _int,
        replacement: _bool = ...,
        *,
        generator: Generator | None = ...,
    ) -> Tensor:
        """Indices drawn with probabilities proportional to each row."""
    def multiply(self, other: Tensor | Scalar) -> Tensor:
        """Product of the elements, with broadcasting and type promotion."""
    def multiply_(self, other: Tensor | Scalar) -> Self:
        """In-place `multiply`."""
    def mv(self, vec: Tensor) -> Tensor:
        """Product of a matrix and a vector."""
    def mvlgamma(self, p: _int) -> Tensor:
        """Logarithm of the multivariate gamma function of dimension p."""
    def mvlgamma_(self, p: _int) -> Self:
        """In-place `mvlgamma`."""
    def nan_to_num(
        self,
        nan: _float | None = ...,
        posinf: _float | None = ...,
        neginf: _float | None = ...,
    ) -> Tensor:
        """NaN and infinities replaced by numbers."""
    def nan_to_num_(
        self,
        nan: _float | None = ...,
        posinf: _float | None = ...,
        neginf: _float | None = ...,
    ) -> Self:
        """In-place `nan_to_num`."""
    def nanmean(
        self,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
    ) -> Tensor:
        """Mean of the elements that are not NaN."""
    @overload
    def nanmedian(self) -> Tensor:
        """The lower middle of the elements that are not NaN."""
    @overload
    def nanmedian(self, dim: _int = ..., keepdim: _bool = ...) -> _ValuesIndices:
        """The lower middle of the elements that are not NaN along a dimension, and where it is."""
    def nanquantile(
        self,
        q: Tensor | Scalar,
        dim: _int | None = ...,
        keepdim: _bool = ...,
        *,
        interpolation: str = ...,
    ) -> Tensor:
        """The q-quantiles of the elements that are not NaN; see quantile()."""
    def nansum(
        self,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
    ) -> Tensor:
        """Sum that counts NaN as zero."""
    @overload
    def narrow(self, dim: _int, start: _int, length: _int) -> Tensor:
        """The view of length elements of a dimension from start on."""
    @overload
    def narrow(self, dim: _int, start: Tensor, length: _int) -> Tensor:
        """narrow() from a start held in a tensor."""
    def narrow_copy(self, dim: _int, start: _int, length: _int) -> Tensor:
        """narrow() into fresh memory."""
    def ne(self, other: Tensor | Scalar) -> Tensor:
        """Whether input != other, element by element; a bool tensor."""
    def ne_(self, other: Tensor | Scalar) -> Self:
        """In-place `ne`."""
    def neg(self) -> Tensor:
        """Each element with its sign changed."""
    def neg_(self) -> Self:
        """In-place `neg`."""
    def negative(self) -> Tensor:
        """Each element with its sign changed."""
    def negative_(self) -> Self:
        """In-place `negative`."""
    def new_empty(
        self,
        *size: _int | Sequence[_int],
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Unspecified numbers, of this tensor's dtype and device."""
    def new_full(
        self,
        size: _int | Sequence[_int],
        fill_value: Scalar,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """One number, of this tensor's dtype and device."""
    def new_ones(
        self,
        *size: _int | Sequence[_int],
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A tensor of ones, of this tensor's dtype and device."""
    def new_zeros(
        self,
        *size: _int | Sequence[_int],
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A tensor of zeros, of this tensor's dtype and device."""
    def nextafter(self, other: Tensor) -> Tensor:
        """The next floating-point number after input towards other."""
    def nextafter_(self, other: Tensor) -> Self:
        """In-place `nextafter`."""
    @overload
    def nonzero(self) -> Tensor:
        """The positions of the elements that are not zero, one row each."""
    @overload
    def nonzero(self, *, as_tuple: Literal[False]) -> Tensor:
        """The positions of the elements that are not zero, one row each."""
    @overload
    def nonzero(self, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]:
        """The positions of the elements that are not zero, one vector per dimension."""
    @overload
    def norm(
        self,
        p: Scalar | None = ...,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
    ) -> Tensor:
        """Vector norm of all elements, or over dimensions."""
    @overload
    def norm(
        self,
        p: str,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
    ) -> Tensor:
        """Frobenius norm: the 2-norm of all elements, or over dimensions."""
    def normal_(
        self,
        mean: _float = ...,
        std: _float = ...,
        *,
        generator: Generator | None = ...,
    ) -> Self:
        """Overwrites with normal numbers."""
    def not_equal(self, other: Tensor | Scalar) -> Tensor:
        """Whether input != other, element by element; a bool tensor."""
    def not_equal_(self, other: Tensor | Scalar) -> Self:
        """In-place `not_equal`."""
    def outer(self, vec2: Tensor) -> Tensor:
        """The matrix of all products of two vectors' elements: out[i, j] = a[i] b[j]."""
    def permute(self, *dims: _int | Sequence[_int]) -> Tensor:
        """The view with its dimensions in another order."""
    def pin_memory(self) -> Tensor:
        """The tensor itself: transfers need no pinned memory here."""
    def polygamma(self, n: _int) -> Tensor:
        """The n-th derivative of the digamma function, as a method."""
    def polygamma_(self, n: _int) -> Self:
        """In-place `polygamma`."""
    def positive(self) -> Tensor:
        """The tensor itself; refuses bool tensors."""
    def pow(self, exponent: Tensor | Scalar) -> Tensor:
        """Each element to a power, with broadcasting."""
    def pow_(self, exponent: Tensor | Scalar) -> Self:
        """In-place `pow`."""
    def prelu(self, weight: Tensor) -> Tensor:
        """x where positive, else weight * x."""
    @overload
    def prod(self, *, dtype: _dtype | None = ...) -> Tensor:
        """Product of all elements."""
    @overload
    def prod(self, dim: _int, keepdim: _bool = ..., *, dtype: _dtype | None = ...) -> Tensor:
        """Product over a dimension."""
    def put(self, index: Tensor, source: Tensor, accumulate: _bool = ...) -> Tensor:
        """The tensor with the elements at positions in its flattened form replaced by those..."""
    def put_(self, index: Tensor, source: Tensor, accumulate: _bool = ...) -> Self:
        """In-place `put`."""
    def quantile(
        self,
        q: Tensor | Scalar,
        dim: _int | None = ...,
        keepdim: _bool = ...,
        *,
        interpolation: str = ...,
    ) -> Tensor:
        """The q-quantiles along a dimension; NaN where there is one."""
    def rad2deg(self) -> Tensor:
        """Radians to degrees."""
    def rad2deg_(self) -> Self:
        """In-place `rad2deg`."""
    @overload
    def random_(self, *, generator: Generator | None = ...) -> Self:
        """Overwrites with random whole numbers that the dtype holds exactly."""
    @overload
    def random_(self, to: _int, *, generator: Generator | None = ...) -> Self:
        """Overwrites with random integers from 0 to to - 1."""
    @overload
    def random_(self, from_: _int, to: _int | None, *, generator: Generator | None = ...) -> Self:
        """Overwrites with random integers from `from` to `to` - 1."""
    def ravel(self) -> Tensor:
        """All elements in one dimension: a view where possible."""
    def reciprocal(self) -> Tensor:
        """One divided by each element."""
    def reciprocal_(self) -> Self:
        """In-place `reciprocal`."""
    def relu(self) -> Tensor:
        """Rectified linear unit: max(x, 0)."""
    def relu_(self) -> Self:
        """In-place `relu`."""
    def remainder(self, other: Tensor | Scalar) -> Tensor:
        """Remainder with the sign of the divisor, as Python's %."""
    def remainder_(self, other: Tensor | Scalar) -> Self:
        """In-place `remainder`."""
    def repeat(self, *repeats: _int | Sequence[_int]) -> Tensor:
        """The tensor repeated along each dimension, in fresh memory."""
    @overload
    def repeat_interleave(
        self,
        repeats: _int,
        dim: _int | None = ...,
        *,
        output_size: _int | None = ...,
    ) -> Tensor:
        """Every element repeated, next to itself."""
    @overload
    def repeat_interleave(
        self,
        repeats: Tensor,
        dim: _int | None = ...,
        *,
        output_size: _int | None = ...,
    ) -> Tensor:
        """Element i repeated repeats[i] times."""
    def reshape(self, *shape: _int | Sequence[_int]) -> Tensor:
        """The same elements in another shape: a view where possible, else a copy."""
    def reshape_as(self, other: Tensor) -> Tensor:
        """reshape() to the shape of another tensor."""
    def resize_(self, *size: _int | Sequence[_int]) -> Self:
        """Gives the tensor another shape, with more memory if needed; new elements are not set."""
    def resize_as_(self, other: Tensor) -> Self:
        """resize_() to the shape of another tensor."""
    def resolve_conj(self) -> Tensor:
        """The tensor itself: conjugation is never delayed here."""
    def resolve_neg(self) -> Tensor:
        """The tensor itself: negation is never delayed here."""
    def roll(self, shifts: _int | Sequence[_int], dims: _int | Sequence[_int] = ...) -> Tensor:
        """The elements moved on by some places, those that fall off the end coming back in..."""
    def rot90(self, k: _int = ..., dims: _int | Sequence[_int] = ...) -> Tensor:
        """A copy turned by k quarter turns in the plane of two dimensions."""
    @overload
    def round(self) -> Tensor:
        """The nearest whole number; halves go to the even one."""
    @overload
    def round(self, *, decimals: _int = ...) -> Tensor:
        """Each element rounded to a number of decimals, which may be negative."""
    @overload
    def round_(self) -> Self:
        """In-place `round`."""
    @overload
    def round_(self, *, decimals: _int = ...) -> Self:
        """In-place `round`."""
    def rsqrt(self) -> Tensor:
        """Reciprocal of the square root: y = 1 / sqrt(x)."""
    def rsqrt_(self) -> Self:
        """In-place `rsqrt`."""
    @overload
    def scatter(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """The tensor with elements replaced along a dimension: out[index[i][j]][j] =..."""
    @overload
    def scatter(self, dim: _int, index: Tensor, value: Scalar) -> Tensor:
        """The tensor with elements set to a number along a dimension."""
    @overload
    def scatter(self, dim: _int, index: Tensor, src: Tensor, *, reduce: str) -> Tensor:
        """The tensor with elements added ('add') or multiplied ('multiply') into it along a..."""
    @overload
    def scatter(self, dim: _int, index: Tensor, value: Scalar, *, reduce: str) -> Tensor:
        """The tensor with a number added ('add') or multiplied ('multiply') into it along a..."""
    @overload
    def scatter_(self, dim: _int, index: Tensor, src: Tensor) -> Self:
        """In-place `scatter`."""
    @overload
    def scatter_(self, dim: _int, index: Tensor, value: Scalar) -> Self:
        """In-place `scatter`."""
    @overload
    def scatter_(self, dim: _int, index: Tensor, src: Tensor, *, reduce: str) -> Self:
        """In-place `scatter`."""
    @overload
    def scatter_(self, dim: _int, index: Tensor, value: Scalar, *, reduce: str) -> Self:
        """In-place `scatter`."""
    def scatter_add(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """The tensor with elements added along a dimension: out[index[i][j]][j] += src[i][j]..."""
    def scatter_add_(self, dim: _int, index: Tensor, src: Tensor) -> Self:
        """In-place `scatter_add`."""
    def scatter_reduce(
        self,
        dim: _int,
        index: Tensor,
        src: Tensor,
        reduce: str,
        *,
        include_self: _bool = ...,
    ) -> Tensor:
        """The tensor with the elements of src reduced into it along a dimension."""
    def scatter_reduce_(
        self,
        dim: _int,
        index: Tensor,
        src: Tensor,
        reduce: str,
        *,
        include_self: _bool = ...,
    ) -> Self:
        """In-place `scatter_reduce`."""
    def select(self, dim: _int, index: _int) -> Tensor:
        """The view at one index of a dimension."""
    def sgn(self) -> Tensor:
        """z / |z|, and 0 for 0: the sign, extended to complex numbers."""
    def sgn_(self) -> Self:
        """In-place `sgn`."""
    def short(self) -> Tensor:
        """The tensor as int16 numbers; itself when it holds such."""
    def sigmoid(self) -> Tensor:
        """Logistic function: y = 1 / (1 + e^-x)."""
    def sigmoid_(self) -> Self:
        """In-place `sigmoid`."""
    def sign(self) -> Tensor:
        """-1, 0 or 1 by the sign of each element; gradient 0."""
    def sign_(self) -> Self:
        """In-place `sign`."""
    def signbit(self) -> Tensor:
        """Whether the sign bit of each element is set; true for -0.0."""
    def sin(self) -> Tensor:
        """Sine of each element, in radians."""
    def sin_(self) -> Self:
        """In-place `sin`."""
    def sinc(self) -> Tensor:
        """Normalised sinc: sin(pi x) / (pi x), 1 at 0."""
    def sinc_(self) -> Self:
        """In-place `sinc`."""
    def sinh(self) -> Tensor:
        """Hyperbolic sine of each element."""
    def sinh_(self) -> Self:
        """In-place `sinh`."""
    def softmax(self, dim: _int, dtype: _dtype | None = ...) -> Tensor:
        """Exponentials divided by their sum along dim: y_i = e^(x_i) / sum_j e^(x_j)."""
    @overload
    def sort(self, dim: _int = ..., descending: _bool = ...) -> _ValuesIndices:
        """Sorted values along a dimension, and where each came from. The order of equal..."""
    @overload
    def sort(self, *, stable: _bool, dim: _int = ..., descending: _bool = ...) -> _ValuesIndices:
        """Sorted values and indices; sorting is always stable."""
    @overload
    def split(self, split_size_or_sections: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of equal size along a dimension; the last may be smaller."""
    @overload
    def split(self, split_size: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of equal size along a dimension; the last may be smaller."""
    @overload
    def split(self, split_size_or_sections: Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of the given sizes along a dimension."""
    @overload
    def split(self, split_size: Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of the given sizes along a dimension."""
    def split_with_sizes(self, split_sizes: Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of the given sizes along a dimension."""
    def sqrt(self) -> Tensor:
        """Square root of each element; negative reals give NaN."""
    def sqrt_(self) -> Self:
        """In-place `sqrt`."""
    def square(self) -> Tensor:
        """Each element times itself."""
    def square_(self) -> Self:
        """In-place `square`."""
    @overload
    def squeeze(self) -> Tensor:
        """The view without dimensions of size 1."""
    @overload
    def squeeze(self, dim: _int) -> Tensor:
        """The view without dimension dim, if that has size 1."""
    @overload
    def squeeze(self, dim: _int | Sequence[_int]) -> Tensor:
        """The view without those of the given dimensions that have size 1."""
    @overload
    def squeeze_(self) -> Self:
        """squeeze() of the tensor itself."""
    @overload
    def squeeze_(self, dim: _int) -> Self:
        """squeeze() of one dimension of the tensor itself."""
    @overload
    def std(self, unbiased: _bool) -> Tensor:
        """Standard deviation."""
    @overload
    def std(
        self,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
    ) -> Tensor:
        """Standard deviation, over dimensions."""
    @overload
    def std(
        self,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
    ) -> Tensor:
        """Standard deviation, of all elements or over dimensions."""
    @overload
    def std_mean(self, unbiased: _bool) -> tuple[Tensor, Tensor]:
        """Standard deviation and mean."""
    @overload
    def std_mean(
        self,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
    ) -> tuple[Tensor, Tensor]:
        """Standard deviation and mean, over dimensions."""
    @overload
    def std_mean(
        self,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
    ) -> tuple[Tensor, Tensor]:
        """Standard deviation and mean, of all elements or over dimensions."""
    def sub(self, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Tensor:
        """Difference: input - alpha * other, with broadcasting and type promotion."""
    def sub_(self, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Self:
        """In-place `sub`."""
    def subtract(self, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Tensor:
        """Difference: input - alpha * other, with broadcasting and type promotion."""
    def subtract_(self, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Self:
        """In-place `subtract`."""
    @overload
    def sum(self, *, dtype: _dtype | None = ...) -> Tensor:
        """Sum of all elements."""
    @overload
    def sum(
        self,
        dim: _int | Sequence[_int] | None,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
    ) -> Tensor:
        """Sum over one or more dimensions."""
    def sum_to_size(self, *size: _int | Sequence[_int]) -> Tensor:
        """The sum over the dimensions that broadcasting from `size` would have added."""
    def swapaxes(self, axis0: _int, axis1: _int) -> Tensor:
        """transpose() by NumPy's name."""
    def swapaxes_(self, axis0: _int, axis1: _int) -> Self:
        """swapaxes() of the tensor itself."""
    def swapdims(self, dim0: _int, dim1: _int) -> Tensor:
        """transpose() by another name."""
    def swapdims_(self, dim0: _int, dim1: _int) -> Self:
        """swapdims() of the tensor itself."""
    def t(self) -> Tensor:
        """The transposed view of a matrix; vectors and numbers stay as they are."""
    def t_(self) -> Self:
        """t() of the tensor itself."""
    def take(self, index: Tensor) -> Tensor:
        """The elements at positions in the flattened tensor."""
    def take_along_dim(self, indices: Tensor, dim: _int | None = ...) -> Tensor:
        """Elements picked along a dimension, with broadcasting of the others: what argsort..."""
    def tan(self) -> Tensor:
        """Tangent of each element, in radians."""
    def tan_(self) -> Self:
        """In-place `tan`."""
    def tanh(self) -> Tensor:
        """Hyperbolic tangent of each element."""
    def tanh_(self) -> Self:
        """In-place `tanh`."""
    @overload
    def tensor_split(self, indices_or_sections: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of a number of sections that differ by at most one in size, or cut at given..."""
    @overload
    def tensor_split(
        self,
        indices_or_sections: Sequence[_int],
        dim: _int = ...,
    ) -> tuple[Tensor, ...]:
        """Views cut at the given positions."""
    @overload
    def tensor_split(
        self,
        tensor_indices_or_sections: Tensor,
        dim: _int = ...,
    ) -> tuple[Tensor, ...]:
        """tensor_split() with the number or the positions in a tensor."""
    @overload
    def tensor_split(self, sections: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of a number of sections."""
    @overload
    def tensor_split(self, indices: Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]:
        """Views cut at the given positions."""
    def tile(self, *dims: _int | Sequence[_int]) -> Tensor:
        """The tensor repeated along its last dimensions."""
    def topk(
        self,
        k: _int,
        dim: _int = ...,
        largest: _bool = ...,
        sorted: _bool = ...,
    ) -> _ValuesIndices:
        """The k largest elements along a dimension, in order, and where they are."""
    def transpose(self, dim0: _int, dim1: _int) -> Tensor:
        """The view with two dimensions exchanged."""
    def transpose_(self, dim0: _int, dim1: _int) -> Self:
        """transpose() of the tensor itself."""
    def tril(self, diagonal: _int = ...) -> Tensor:
        """The lower triangle of each matrix, zeros above."""
    def tril_(self, diagonal: _int = ...) -> Self:
        """In-place `tril`."""
    def triu(self, diagonal: _int = ...) -> Tensor:
        """The upper triangle of each matrix, zeros below."""
    def triu_(self, diagonal: _int = ...) -> Self:
        """In-place `triu`."""
    def true_divide(self, other: Tensor | Scalar) -> Tensor:
        """Quotient; integers give the default floating dtype."""
    def true_divide_(self, other: Tensor | Scalar) -> Self:
        """In-place `true_divide`."""
    def trunc(self) -> Tensor:
        """Each element without its fraction."""
    def trunc_(self) -> Self:
        """In-place `trunc`."""
    def type_as(self, other: Tensor) -> Tensor:
        """The tensor with the dtype and on the device of another."""
    def unbind(self, dim: _int = ...) -> tuple[Tensor, ...]:
        """The views at every index of a dimension."""
    def unflatten(self, dim: _int, sizes: _int | Sequence[_int]) -> Tensor:
        """One dimension split into several."""
    def unfold(self, dimension: _int, size: _int, step: _int) -> Tensor:
        """The view of all windows of a size along a dimension; the window is the last..."""
    def uniform_(
        self,
        from_: _float = ...,
        to: _float = ...,
        *,
        generator: Generator | None = ...,
    ) -> Self:
        """Overwrites with uniform numbers from [from, to)."""
    @overload
    def unique(self, sorted: _bool = ..., *, dim: _int | None = ...) -> Tensor:
        """The distinct elements, sorted."""
    @overload
    def unique(
        self,
        sorted: _bool = ...,
        return_inverse: _bool = ...,
        return_counts: _bool = ...,
        dim: _int | None = ...,
    ) -> tuple[Tensor, ...]:
        """The distinct elements with, as asked, the group of each element and the size of..."""
    @overload
    def unique_consecutive(self, *, dim: _int | None = ...) -> Tensor:
        """The elements without those that equal the one before."""
    @overload
    def unique_consecutive(
        self,
        return_inverse: _bool = ...,
        return_counts: _bool = ...,
        dim: _int | None = ...,
    ) -> tuple[Tensor, ...]:
        """Runs of equal elements with, as asked, the run of each element and the length of..."""
    def unsqueeze(self, dim: _int) -> Tensor:
        """The view with a dimension of size 1 put in at dim."""
    def unsqueeze_(self, dim: _int) -> Self:
        """unsqueeze() of the tensor itself."""
    @overload
    def var(self, unbiased: _bool) -> Tensor:
        """Variance."""
    @overload
    def var(
        self,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
    ) -> Tensor:
        """Variance, over dimensions."""
    @overload
    def var(
        self,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
    ) -> Tensor:
        """Variance, of all elements or over dimensions."""
    @overload
    def var_mean(self, unbiased: _bool) -> tuple[Tensor, Tensor]:
        """Variance and mean."""
    @overload
    def var_mean(
        self,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
    ) -> tuple[Tensor, Tensor]:
        """Variance and mean, over dimensions."""
    @overload
    def var_mean(
        self,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
    ) -> tuple[Tensor, Tensor]:
        """Variance and mean, of all elements or over dimensions."""
    def vdot(self, other: Tensor) -> Tensor:
        """Scalar product of two vectors, the first one conjugated."""
    @overload
    def view(self, *size: _int | Sequence[_int]) -> Tensor:
        """The same elements in another shape, without a copy."""
    @overload
    def view(self, dtype: _dtype) -> Tensor:
        """The same bytes read as another dtype; the last dimension's size changes with the..."""
    def view_as(self, other: Tensor) -> Tensor:
        """view() to the shape of another tensor."""
    @overload
    def vsplit(self, indices_or_sections: _int) -> tuple[Tensor, ...]:
        """Views cut along rows: a number of equal parts, or at positions."""
    @overload
    def vsplit(self, indices_or_sections: Sequence[_int]) -> tuple[Tensor, ...]:
        """Views cut along rows at positions."""
    def where(self, condition: Tensor, other: Tensor | Scalar) -> Tensor:
        """The tensor where condition is true, other elsewhere."""
    def xlogy(self, other: Tensor | Scalar) -> Tensor:
        """input * log(other), 0 where input is 0."""
    def xlogy_(self, other: Tensor | Scalar) -> Self:
        """In-place `xlogy`."""
    def zero_(self) -> Self:
        """Overwrites every element with zero."""

class ModuleBase:
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __getattr__(self, name: str, /) -> Any: ...

def set_module_helpers(
    hooks: dict[int, _bool], with_hooks: Callable[..., Any], path: Callable[..., None], /
) -> None: ...
def clear_gradients(params: Sequence[Tensor], /) -> None: ...
def gather_gradients(params: Sequence[Tensor], /) -> tuple[list[Tensor], list[Tensor]]: ...

class ops:
    @staticmethod
    def _addmm_activation(
        input: Tensor,
        mat1: Tensor,
        mat2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
        use_gelu: _bool = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """An activation of beta input + alpha (mat1 mat2)."""
    @staticmethod
    def _int_mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Product of two matrices of 8-bit integers, summed in int32 (which wraps)."""
    @staticmethod
    def abs(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Absolute value; of a complex number, its modulus."""
    @staticmethod
    def abs_(input: Tensor) -> Tensor:
        """In-place `abs`."""
    @staticmethod
    def absolute(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Absolute value; of a complex number, its modulus."""
    @staticmethod
    def absolute_(input: Tensor) -> Tensor:
        """In-place `absolute`."""
    @staticmethod
    def acos(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Arc cosine of each element; NaN outside [-1, 1]."""
    @staticmethod
    def acos_(input: Tensor) -> Tensor:
        """In-place `acos`."""
    @staticmethod
    def acosh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Inverse hyperbolic cosine of each element; NaN below 1."""
    @staticmethod
    def acosh_(input: Tensor) -> Tensor:
        """In-place `acosh`."""
    @staticmethod
    def activation_backward(
        grad: Tensor,
        input: Tensor,
        op: _int,
        a: _float = ...,
        b: _float = ...,
        c: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """grad * f'(input) for the fused activation number op."""
    @staticmethod
    def adagrad_step(
        params: Sequence[Tensor],
        grads: Sequence[Tensor],
        state_sums: Sequence[Tensor],
        steps: Sequence[_float],
        lr: _float,
        lr_decay: _float = ...,
        weight_decay: _float = ...,
        eps: _float = ...,
        maximize: _bool = ...,
    ) -> None:
        """One step of Adagrad, in place."""
    @staticmethod
    def adam_step(
        params: Sequence[Tensor],
        grads: Sequence[Tensor],
        exp_avgs: Sequence[Tensor],
        exp_avg_sqs: Sequence[Tensor],
        max_exp_avg_sqs: Sequence[Tensor],
        steps: Sequence[_float],
        lr: _float,
        beta1: _float = ...,
        beta2: _float = ...,
        eps: _float = ...,
        weight_decay: _float = ...,
        amsgrad: _bool = ...,
        maximize: _bool = ...,
        decoupled: _bool = ...,
    ) -> None:
        """One step of Adam, in place; decoupled weight decay makes it AdamW."""
    @staticmethod
    def adaptive_avg_pool1d(
        input: Tensor,
        output_size: _int | Sequence[_int],
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean over output_size even windows of (N, C, L) or (C, L)."""
    @staticmethod
    def adaptive_avg_pool2d(
        input: Tensor,
        output_size: _int | Sequence[_int],
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean over a grid of even windows of (N, C, H, W) or (C, H, W)."""
    @staticmethod
    def adaptive_avg_pool3d(
        input: Tensor,
        output_size: _int | Sequence[_int],
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean over a grid of even windows of (N, C, D, H, W) or (C, D, H, W)."""
    @staticmethod
    def adaptive_max_pool1d(
        input: Tensor,
        output_size: _int | Sequence[_int],
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _OutIndices:
        """Largest value, and its position, in output_size even windows of (N, C, L) or (C, L)."""
    @staticmethod
    def adaptive_max_pool2d(
        input: Tensor,
        output_size: _int | Sequence[_int],
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _OutIndices:
        """Largest value, and its position in the flattened plane, in a grid of even windows..."""
    @staticmethod
    def adaptive_max_pool3d(
        input: Tensor,
        output_size: _int | Sequence[_int],
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _OutIndices:
        """Largest value, and its position in the flattened volume, in a grid of even windows..."""
    @overload
    @staticmethod
    def add(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Sum: input + alpha * other, with broadcasting and type promotion."""
    @overload
    @staticmethod
    def add(
        input: Scalar,
        other: Tensor,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The sum with a number on the left."""
    @staticmethod
    def add_(input: Tensor, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Tensor:
        """In-place `add`."""
    @staticmethod
    def addbmm(
        input: Tensor,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The sum of a batch of matrix products added to a matrix: beta input + alpha sum_i..."""
    @staticmethod
    def addbmm_(
        input: Tensor,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """In-place `addbmm`."""
    @staticmethod
    def addcdiv(
        input: Tensor,
        tensor1: Tensor,
        tensor2: Tensor,
        *,
        value: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """input + value * tensor1 / tensor2, with broadcasting."""
    @staticmethod
    def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = ...) -> Tensor:
        """In-place `addcdiv`."""
    @staticmethod
    def addcmul(
        input: Tensor,
        tensor1: Tensor,
        tensor2: Tensor,
        *,
        value: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """input + value * tensor1 * tensor2, with broadcasting."""
    @staticmethod
    def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = ...) -> Tensor:
        """In-place `addcmul`."""
    @staticmethod
    def addmm(
        input: Tensor,
        mat1: Tensor,
        mat2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """A matrix product added to a tensor: beta input + alpha (mat1 mat2)."""
    @staticmethod
    def addmm_(
        input: Tensor,
        mat1: Tensor,
        mat2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """In-place `addmm`."""
    @staticmethod
    def addmv(
        input: Tensor,
        mat: Tensor,
        vec: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """A matrix-vector product added to a vector: beta input + alpha (mat vec)."""
    @staticmethod
    def addmv_(
        input: Tensor,
        mat: Tensor,
        vec: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """In-place `addmv`."""
    @staticmethod
    def addr(
        input: Tensor,
        vec1: Tensor,
        vec2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """An outer product added to a matrix: beta input + alpha vec1 vec2^T."""
    @staticmethod
    def addr_(
        input: Tensor,
        vec1: Tensor,
        vec2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """In-place `addr`."""
    @staticmethod
    def adjoint(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The conjugate of the view with the last two dimensions exchanged."""
    @overload
    @staticmethod
    def all(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether no element is zero."""
    @overload
    @staticmethod
    def all(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Whether no element is zero, over dimensions."""
    @staticmethod
    def allclose(
        input: Tensor,
        other: Tensor,
        rtol: _float = ...,
        atol: _float = ...,
        equal_nan: _bool = ...,
    ) -> _bool:
        """Whether all elements are close, see isclose()."""
    @staticmethod
    def amax(
        input: Tensor,
        dim: _int | Sequence[_int] = ...,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Largest element over dimensions; equal ones share the gradient."""
    @staticmethod
    def amin(
        input: Tensor,
        dim: _int | Sequence[_int] = ...,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Smallest element over dimensions; equal ones share the gradient."""
    @staticmethod
    def aminmax(
        input: Tensor,
        *,
        dim: _int | None = ...,
        keepdim: _bool = ...,
        out: Sequence[Tensor] | None = ...,
    ) -> _MinMax:
        """Smallest and largest element, of all or over a dimension."""
    @staticmethod
    def angle(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The argument of each element in radians; real numbers give 0 or pi."""
    @overload
    @staticmethod
    def any(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether any element is not zero."""
    @overload
    @staticmethod
    def any(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Whether any element is not zero, over dimensions."""
    @overload
    @staticmethod
    def arange(
        end: Scalar,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """The numbers 0, 1, 2, ... below end."""
    @overload
    @staticmethod
    def arange(
        start: Scalar,
        end: Scalar,
        step: Scalar = ...,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """The numbers start, start + step, ... before end."""
    @staticmethod
    def arccos(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Arc cosine of each element; NaN outside [-1, 1]."""
    @staticmethod
    def arccos_(input: Tensor) -> Tensor:
        """In-place `arccos`."""
    @staticmethod
    def arccosh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Inverse hyperbolic cosine of each element; NaN below 1."""
    @staticmethod
    def arccosh_(input: Tensor) -> Tensor:
        """In-place `arccosh`."""
    @staticmethod
    def arcsin(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Arc sine of each element; NaN outside [-1, 1]."""
    @staticmethod
    def arcsin_(input: Tensor) -> Tensor:
        """In-place `arcsin`."""
    @staticmethod
    def arcsinh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Inverse hyperbolic sine of each element."""
    @staticmethod
    def arcsinh_(input: Tensor) -> Tensor:
        """In-place `arcsinh`."""
    @staticmethod
    def arctan(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Arc tangent of each element."""
    @staticmethod
    def arctan_(input: Tensor) -> Tensor:
        """In-place `arctan`."""
    @staticmethod
    def arctan2(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The angle of the point (other, input), in (-pi, pi]."""
    @staticmethod
    def arctan2_(input: Tensor, other: Tensor) -> Tensor:
        """In-place `arctan2`."""
    @staticmethod
    def arctanh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Inverse hyperbolic tangent of each element; NaN outside [-1, 1]."""
    @staticmethod
    def arctanh_(input: Tensor) -> Tensor:
        """In-place `arctanh`."""
    @staticmethod
    def argmax(
        input: Tensor,
        dim: _int | None = ...,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Where the largest element is: the first of equal ones; NaN counts as largest."""
    @staticmethod
    def argmin(
        input: Tensor,
        dim: _int | None = ...,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Where the smallest element is: the first of equal ones; NaN counts as smallest."""
    @staticmethod
    def argsort(
        input: Tensor,
        dim: _int = ...,
        descending: _bool = ...,
        stable: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The indices that sort a tensor along a dimension."""
    @staticmethod
    def argwhere(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The positions of the elements that are not zero, one row each."""
    @staticmethod
    def as_strided(
        input: Tensor,
        size: _int | Sequence[_int],
        stride: _int | Sequence[_int],
        storage_offset: _int | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """A view of the tensor's memory with any sizes and strides."""
    @staticmethod
    def asin(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Arc sine of each element; NaN outside [-1, 1]."""
    @staticmethod
    def asin_(input: Tensor) -> Tensor:
        """In-place `asin`."""
    @staticmethod
    def asinh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Inverse hyperbolic sine of each element."""
    @staticmethod
    def asinh_(input: Tensor) -> Tensor:
        """In-place `asinh`."""
    @staticmethod
    def atan(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Arc tangent of each element."""
    @staticmethod
    def atan_(input: Tensor) -> Tensor:
        """In-place `atan`."""
    @staticmethod
    def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The angle of the point (other, input), in (-pi, pi]."""
    @staticmethod
    def atan2_(input: Tensor, other: Tensor) -> Tensor:
        """In-place `atan2`."""
    @staticmethod
    def atanh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Inverse hyperbolic tangent of each element; NaN outside [-1, 1]."""
    @staticmethod
    def atanh_(input: Tensor) -> Tensor:
        """In-place `atanh`."""
    @staticmethod
    def avg_pool1d(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        count_include_pad: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean of each window of (N, C, L) or (C, L)."""
    @staticmethod
    def avg_pool2d(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        count_include_pad: _bool = ...,
        divisor_override: _int | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean of each window of (N, C, H, W) or (C, H, W)."""
    @staticmethod
    def avg_pool3d(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        count_include_pad: _bool = ...,
        divisor_override: _int | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean of each window of (N, C, D, H, W) or (C, D, H, W)."""
    @staticmethod
    def baddbmm(
        input: Tensor,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Batched matrix products added to a tensor: beta input + alpha (batch1 batch2)."""
    @staticmethod
    def baddbmm_(
        input: Tensor,
        batch1: Tensor,
        batch2: Tensor,
        *,
        beta: Scalar = ...,
        alpha: Scalar = ...,
    ) -> Tensor:
        """In-place `baddbmm`."""
    @staticmethod
    def batch_norm(
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = ...,
        bias: Tensor | None = ...,
        training: _bool = ...,
        momentum: _float = ...,
        eps: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Normalises each channel over the batch: (x - mean) / sqrt(var + eps) * weight + bias."""
    @staticmethod
    def batch_norm_backward(
        grad: Tensor,
        input: Tensor,
        weight: Tensor | None,
        mean: Tensor,
        rstd: Tensor,
        training: _bool,
        eps: _float,
        need_input: _bool,
        need_weight: _bool,
        need_bias: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _GradInputGradWeightGradBias:
        """The gradients of batch_norm."""
    @overload
    @staticmethod
    def bernoulli(
        input: Tensor,
        *,
        generator: Generator | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """1 with the probability in each element, else 0."""
    @overload
    @staticmethod
    def bernoulli(
        input: Tensor,
        p: _float,
        *,
        generator: Generator | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """1 with probability p, of the input's shape."""
    @staticmethod
    def bilinear(
        input1: Tensor,
        input2: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """A bilinear map of two inputs: y_o = x1^T W_o x2 + b_o."""
    @staticmethod
    def binary_cross_entropy(
        input: Tensor,
        target: Tensor,
        weight: Tensor | None = ...,
        reduction: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """-(t log(p) + (1 - t) log(1 - p)) of probabilities p, reduced; logarithms are cut..."""
    @staticmethod
    def binary_cross_entropy_with_logits(
        input: Tensor,
        target: Tensor,
        weight: Tensor | None = ...,
        pos_weight: Tensor | None = ...,
        reduction: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """binary_cross_entropy of sigmoid(input), without overflow."""
    @staticmethod
    def bincount(
        input: Tensor,
        weights: Tensor | None = ...,
        minlength: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """How often each of 0, 1, 2, ... occurs, or the sum of their weights."""
    @overload
    @staticmethod
    def bitwise_and(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Bits set in both; for bools, logical and."""
    @overload
    @staticmethod
    def bitwise_and(self: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Bits set in both."""
    @staticmethod
    def bitwise_and_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `bitwise_and`."""
    @staticmethod
    def bitwise_left_shift(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Bits moved to the left by other places."""
    @staticmethod
    def bitwise_left_shift_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `bitwise_left_shift`."""
    @staticmethod
    def bitwise_not(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Every bit inverted; for bools, logical not."""
    @staticmethod
    def bitwise_not_(input: Tensor) -> Tensor:
        """In-place `bitwise_not`."""
    @overload
    @staticmethod
    def bitwise_or(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Bits set in either; for bools, logical or."""
    @overload
    @staticmethod
    def bitwise_or(self: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Bits set in either."""
    @staticmethod
    def bitwise_or_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `bitwise_or`."""
    @staticmethod
    def bitwise_right_shift(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Bits moved to the right, keeping the sign."""
    @staticmethod
    def bitwise_right_shift_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `bitwise_right_shift`."""
    @overload
    @staticmethod
    def bitwise_xor(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Bits set in exactly one; for bools, unequal."""
    @overload
    @staticmethod
    def bitwise_xor(self: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Bits set in exactly one."""
    @staticmethod
    def bitwise_xor_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `bitwise_xor`."""
    @staticmethod
    def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Products of matrices in two batches of equal length."""
    @staticmethod
    def broadcast_to(
        input: Tensor,
        *size: _int | Sequence[_int],
        out: Tensor | None = ...,
    ) -> Tensor:
        """The view of the tensor broadcast to a shape."""
    @staticmethod
    def bucketize(
        input: Tensor | Scalar,
        boundaries: Tensor,
        *,
        out_int32: _bool = ...,
        right: _bool = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The index of the bucket of each value, between sorted boundaries."""
    @staticmethod
    def cat(tensors: Sequence[Tensor], dim: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """The tensors joined along an existing dimension."""
    @staticmethod
    def ceil(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The smallest whole number not below each element."""
    @staticmethod
    def ceil_(input: Tensor) -> Tensor:
        """In-place `ceil`."""
    @staticmethod
    def celu(input: Tensor, alpha: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """max(0, x) + min(0, alpha * (e^(x / alpha) - 1))."""
    @staticmethod
    def celu_(input: Tensor, alpha: _float = ...) -> Tensor:
        """In-place `celu`."""
    @staticmethod
    def chunk(input: Tensor, chunks: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """At most `chunks` views of equal size; the last may be smaller."""
    @overload
    @staticmethod
    def clamp(
        input: Tensor,
        min: Scalar | None = ...,
        max: Scalar | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each element moved into [min, max]; NaN stays."""
    @overload
    @staticmethod
    def clamp(
        input: Tensor,
        min: Tensor | None = ...,
        max: Tensor | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each element moved between the elements of two tensors, either of which may be None."""
    @overload
    @staticmethod
    def clamp(
        input: Tensor,
        min: Tensor | Scalar,
        max: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each element moved between a number and the elements of a tensor, in either order."""
    @overload
    @staticmethod
    def clamp_(input: Tensor, min: Scalar | None = ..., max: Scalar | None = ...) -> Tensor:
        """In-place `clamp`."""
    @overload
    @staticmethod
    def clamp_(input: Tensor, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor:
        """In-place `clamp`."""
    @overload
    @staticmethod
    def clamp_(input: Tensor, min: Tensor | Scalar, max: Tensor | Scalar) -> Tensor:
        """In-place `clamp`."""
    @staticmethod
    def clamp_max(input: Tensor, max: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Each element, but at most max."""
    @staticmethod
    def clamp_max_(input: Tensor, max: Tensor | Scalar) -> Tensor:
        """In-place `clamp_max`."""
    @staticmethod
    def clamp_min(input: Tensor, min: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Each element, but at least min."""
    @staticmethod
    def clamp_min_(input: Tensor, min: Tensor | Scalar) -> Tensor:
        """In-place `clamp_min`."""
    @overload
    @staticmethod
    def clip(
        input: Tensor,
        min: Scalar | None = ...,
        max: Scalar | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each element moved into [min, max]; NaN stays."""
    @overload
    @staticmethod
    def clip(
        input: Tensor,
        min: Tensor | None = ...,
        max: Tensor | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each element moved between the elements of two tensors, either of which may be None."""
    @overload
    @staticmethod
    def clip(
        input: Tensor,
        min: Tensor | Scalar,
        max: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each element moved between a number and the elements of a tensor, in either order."""
    @overload
    @staticmethod
    def clip_(input: Tensor, min: Scalar | None = ..., max: Scalar | None = ...) -> Tensor:
        """In-place `clip`."""
    @overload
    @staticmethod
    def clip_(input: Tensor, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor:
        """In-place `clip`."""
    @overload
    @staticmethod
    def clip_(input: Tensor, min: Tensor | Scalar, max: Tensor | Scalar) -> Tensor:
        """In-place `clip`."""
    @staticmethod
    def clip_grad_norm(
        grads: Sequence[Tensor],
        max_norm: _float,
        norm_type: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Scales gradients in place so that their common norm is at most max_norm."""
    @staticmethod
    def clone(
        input: Tensor,
        *,
        out: Tensor | None = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """A copy in fresh memory, through which gradients flow."""
    @staticmethod
    def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
        """The tensors joined along dimension 1, vectors being columns."""
    @staticmethod
    def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Complex numbers of their real and imaginary parts."""
    @staticmethod
    def concat(tensors: Sequence[Tensor], dim: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """cat() by another name."""
    @staticmethod
    def concatenate(
        tensors: Sequence[Tensor],
        dim: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """cat() by another name."""
    @staticmethod
    def conj(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Complex conjugate; a real tensor itself."""
    @staticmethod
    def conj_physical(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Complex conjugate in fresh memory."""
    @staticmethod
    def conj_physical_(input: Tensor) -> Tensor:
        """In-place `conj_physical`."""
    @staticmethod
    def constant_pad_nd(
        input: Tensor,
        pad: _int | Sequence[_int],
        value: Scalar = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Pads with a constant; negative numbers cut off."""
    @staticmethod
    def conv1d(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        groups: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """1-D convolution (cross-correlation)."""
    @staticmethod
    def conv2d(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        groups: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """2-D convolution (cross-correlation)."""
    @staticmethod
    def conv3d(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        groups: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """3-D convolution (cross-correlation)."""
    @staticmethod
    def conv_transpose1d(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        output_padding: _int | Sequence[_int] = ...,
        groups: _int = ...,
        dilation: _int | Sequence[_int] = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Transposed 1-D convolution."""
    @staticmethod
    def conv_transpose2d(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        output_padding: _int | Sequence[_int] = ...,
        groups: _int = ...,
        dilation: _int | Sequence[_int] = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Transposed 2-D convolution."""
    @staticmethod
    def conv_transpose3d(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        output_padding: _int | Sequence[_int] = ...,
        groups: _int = ...,
        dilation: _int | Sequence[_int] = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Transposed 3-D convolution."""
    @staticmethod
    def convolution(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: _int | Sequence[_int],
        padding: _int | Sequence[_int],
        dilation: _int | Sequence[_int],
        transposed: _bool,
        output_padding: _int | Sequence[_int],
        groups: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Any of the convolutions, with 1 to 3 spatial dimensions as weight has, or its..."""
    @staticmethod
    def copysign(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """The magnitude of input with the sign of other."""
    @staticmethod
    def copysign_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `copysign`."""
    @staticmethod
    def cos(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Cosine of each element, in radians."""
    @staticmethod
    def cos_(input: Tensor) -> Tensor:
        """In-place `cos`."""
    @staticmethod
    def cosh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Hyperbolic cosine of each element."""
    @staticmethod
    def cosh_(input: Tensor) -> Tensor:
        """In-place `cosh`."""
    @staticmethod
    def count_nonzero(
        input: Tensor,
        dim: _int | Sequence[_int] | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """How many elements are not zero."""
    @staticmethod
    def cross_entropy(
        input: Tensor,
        target: Tensor,
        weight: Tensor | None = ...,
        reduction: _int = ...,
        ignore_index: _int = ...,
        label_smoothing: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """-log(softmax(input)[target]) of logits, reduced."""
    @staticmethod
    def cross_entropy_backward(
        grad: Tensor,
        input: Tensor,
        lse: Tensor,
        target: Tensor,
        weight: Tensor | None,
        ignore_index: _int,
        label_smoothing: _float,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The gradient of cross_entropy with class numbers, from the log-sum-exp of each row..."""
    @staticmethod
    def cummax(input: Tensor, dim: _int, *, out: Sequence[Tensor] | None = ...) -> _ValuesIndices:
        """Running maximum along a dimension, and where it was last reached."""
    @staticmethod
    def cummin(input: Tensor, dim: _int, *, out: Sequence[Tensor] | None = ...) -> _ValuesIndices:
        """Running minimum along a dimension, and where it was last reached."""
    @staticmethod
    def cumprod(
        input: Tensor,
        dim: _int,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Running product along a dimension."""
    @staticmethod
    def cumprod_(input: Tensor, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """In-place `cumprod`."""
    @staticmethod
    def cumsum(
        input: Tensor,
        dim: _int,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Running sum along a dimension."""
    @staticmethod
    def cumsum_(input: Tensor, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """In-place `cumsum`."""
    @staticmethod
    def deg2rad(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Degrees to radians."""
    @staticmethod
    def deg2rad_(input: Tensor) -> Tensor:
        """In-place `deg2rad`."""
    @staticmethod
    def diag(input: Tensor, diagonal: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """A matrix with a vector on a diagonal, or the diagonal of a matrix."""
    @staticmethod
    def diag_embed(
        input: Tensor,
        offset: _int = ...,
        dim1: _int = ...,
        dim2: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Zeros with the last dimension of the input on a diagonal of two new ones."""
    @staticmethod
    def diagflat(input: Tensor, offset: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """A matrix with all elements of the input on a diagonal."""
    @staticmethod
    def diagonal(
        input: Tensor,
        offset: _int = ...,
        dim1: _int = ...,
        dim2: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The view of a diagonal of two dimensions, as the last one."""
    @staticmethod
    def diagonal_backward(
        grad: Tensor,
        sizes: _int | Sequence[_int],
        offset: _int,
        dim1: _int,
        dim2: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Zeros of the given sizes with grad on a diagonal."""
    @staticmethod
    def digamma(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Derivative of the logarithm of the gamma function."""
    @staticmethod
    def digamma_(input: Tensor) -> Tensor:
        """In-place `digamma`."""
    @staticmethod
    def dist(input: Tensor, other: Tensor, p: Scalar = ..., *, out: Tensor | None = ...) -> Tensor:
        """p-norm of the difference."""
    @overload
    @staticmethod
    def div(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Quotient; integers give the default floating dtype."""
    @overload
    @staticmethod
    def div(input: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The quotient with a number on the left."""
    @overload
    @staticmethod
    def div(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        rounding_mode: str | None,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Quotient, rounded by 'trunc' (towards zero) or 'floor', or not at all (None)."""
    @overload
    @staticmethod
    def div_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `div`."""
    @overload
    @staticmethod
    def div_(input: Tensor, other: Tensor | Scalar, *, rounding_mode: str | None) -> Tensor:
        """In-place `div`."""
    @overload
    @staticmethod
    def divide(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Quotient; integers give the default floating dtype."""
    @overload
    @staticmethod
    def divide(input: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The quotient with a number on the left."""
    @overload
    @staticmethod
    def divide(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        rounding_mode: str | None,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Quotient, rounded by 'trunc' (towards zero) or 'floor', or not at all (None)."""
    @overload
    @staticmethod
    def divide_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `divide`."""
    @overload
    @staticmethod
    def divide_(input: Tensor, other: Tensor | Scalar, *, rounding_mode: str | None) -> Tensor:
        """In-place `divide`."""
    @staticmethod
    def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Scalar product of two vectors, without conjugation."""
    @staticmethod
    def dropout(
        input: Tensor,
        p: _float = ...,
        training: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Zeroes each element with probability p and divides the others by 1 - p; the input..."""
    @staticmethod
    def dropout_(input: Tensor, p: _float = ..., training: _bool = ...) -> Tensor:
        """In-place `dropout`."""
    @overload
    @staticmethod
    def dsplit(input: Tensor, indices_or_sections: _int) -> tuple[Tensor, ...]:
        """Views cut along depth: a number of equal parts, or at positions."""
    @overload
    @staticmethod
    def dsplit(input: Tensor, indices_or_sections: Sequence[_int]) -> tuple[Tensor, ...]:
        """Views cut along depth at positions."""
    @staticmethod
    def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
        """The tensors joined in depth, along dimension 2."""
    @staticmethod
    def elu(input: Tensor, alpha: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """x where positive, else alpha * (e^x - 1)."""
    @staticmethod
    def elu_(input: Tensor, alpha: _float = ...) -> Tensor:
        """In-place `elu`."""
    @staticmethod
    def embedding(
        weight: Tensor,
        indices: Tensor,
        padding_idx: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Rows of weight by number."""
    @staticmethod
    def embedding_backward(
        grad: Tensor,
        indices: Tensor,
        num_embeddings: _int,
        padding_idx: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The sum of the gradients of each row of the table; zero for padding_idx."""
    @staticmethod
    def empty(
        *size: _int | Sequence[_int],
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """A tensor of unspecified numbers: memory that is about to be written."""
    @staticmethod
    def empty_like(
        input: Tensor,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """Unspecified numbers, of the input's shape, layout, dtype and device."""
    @staticmethod
    def empty_strided(
        size: _int | Sequence[_int],
        stride: _int | Sequence[_int],
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Unspecified numbers, with the given strides in elements."""
    @staticmethod
    def entr(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Entropy terms: -x log x, 0 at 0, -inf below."""
    @staticmethod
    def eq(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input == other, element by element; a bool tensor."""
    @staticmethod
    def eq_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `eq`."""
    @staticmethod
    def equal(input: Tensor, other: Tensor) -> _bool:
        """Whether two tensors have the same shape and elements."""
    @staticmethod
    def erf(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    @staticmethod
    def erf_(input: Tensor) -> Tensor:
        """In-place `erf`."""
    @staticmethod
    def erfc(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Complementary error function: 1 - erf(x), exact for large x."""
    @staticmethod
    def erfc_(input: Tensor) -> Tensor:
        """In-place `erfc`."""
    @staticmethod
    def erfcx(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Scaled complementary error function: exp(x^2) erfc(x)."""
    @staticmethod
    def erfinv(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Inverse of the error function on (-1, 1)."""
    @staticmethod
    def erfinv_(input: Tensor) -> Tensor:
        """In-place `erfinv`."""
    @staticmethod
    def exp(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Exponential of each element: y = e^x."""
    @staticmethod
    def exp_(input: Tensor) -> Tensor:
        """In-place `exp`."""
    @staticmethod
    def exp2(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Two to the power of each element: y = 2^x."""
    @staticmethod
    def exp2_(input: Tensor) -> Tensor:
        """In-place `exp2`."""
    @staticmethod
    def expit(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logistic function."""
    @staticmethod
    def expm1(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Exponential minus one, exact near zero: y = e^x - 1."""
    @staticmethod
    def expm1_(input: Tensor) -> Tensor:
        """In-place `expm1`."""
    @staticmethod
    def eye(
        n: _int,
        m: _int | None = ...,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Ones on the diagonal, zeros elsewhere."""
    @staticmethod
    def fill_(self: Tensor, value: Tensor | Scalar) -> Tensor:
        """Overwrites every element with a number or a 0-d tensor."""
    @staticmethod
    def fix(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Each element without its fraction."""
    @staticmethod
    def fix_(input: Tensor) -> Tensor:
        """In-place `fix`."""
    @staticmethod
    def flatten(
        input: Tensor,
        start_dim: _int = ...,
        end_dim: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Dimensions start_dim to end_dim merged into one."""
    @staticmethod
    def flip(input: Tensor, *dims: _int | Sequence[_int], out: Tensor | None = ...) -> Tensor:
        """A copy with the order of elements reversed along some dimensions."""
    @staticmethod
    def fliplr(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A copy with the columns in reverse order."""
    @staticmethod
    def flipud(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A copy with the rows in reverse order."""
    @overload
    @staticmethod
    def float_power(
        input: Tensor,
        exponent: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each element to a power, in double precision."""
    @overload
    @staticmethod
    def float_power(self: Scalar, exponent: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A number to the power of each element, in double precision."""
    @staticmethod
    def float_power_(input: Tensor, exponent: Tensor | Scalar) -> Tensor:
        """In-place `float_power`."""
    @staticmethod
    def floor(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The largest whole number not above each element."""
    @staticmethod
    def floor_(input: Tensor) -> Tensor:
        """In-place `floor`."""
    @overload
    @staticmethod
    def floor_divide(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Quotient rounded towards minus infinity."""
    @overload
    @staticmethod
    def floor_divide(input: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A number divided by each element, rounded towards minus infinity."""
    @staticmethod
    def floor_divide_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `floor_divide`."""
    @staticmethod
    def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The larger of two elements, ignoring NaN."""
    @staticmethod
    def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The smaller of two elements, ignoring NaN."""
    @staticmethod
    def fmod(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Remainder with the sign of the dividend, as C's fmod."""
    @staticmethod
    def fmod_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `fmod`."""
    @staticmethod
    def foreach_zero(tensors: Sequence[Tensor]) -> None:
        """Sets all elements of all tensors to 0, in place and without a tape."""
    @staticmethod
    def frac(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The fraction of each element, with its sign: x - trunc(x)."""
    @staticmethod
    def frac_(input: Tensor) -> Tensor:
        """In-place `frac`."""
    @staticmethod
    def full(
        size: _int | Sequence[_int],
        fill_value: Scalar,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A tensor filled with one number, whose kind gives the dtype."""
    @staticmethod
    def full_like(
        input: Tensor,
        fill_value: Scalar,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """One number, of the input's shape, dtype and device."""
    @staticmethod
    def gammaln(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm of the absolute value of the gamma function."""
    @staticmethod
    def gather(
        input: Tensor,
        dim: _int,
        index: Tensor,
        *,
        sparse_grad: _bool = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Elements picked along a dimension: out[i][j] = input[index[i][j]][j] for dim 0."""
    @staticmethod
    def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Greatest common divisor, not negative."""
    @staticmethod
    def gcd_(input: Tensor, other: Tensor) -> Tensor:
        """In-place `gcd`."""
    @staticmethod
    def ge(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input >= other, element by element; a bool tensor."""
    @staticmethod
    def ge_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `ge`."""
    @staticmethod
    def gelu(input: Tensor, *, approximate: str = ..., out: Tensor | None = ...) -> Tensor:
        """Gaussian error linear unit: x * Phi(x), Phi the standard normal's distribution..."""
    @staticmethod
    def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The matrix of all products of two vectors' elements: out[i, j] = a[i] b[j]."""
    @staticmethod
    def glu(input: Tensor, dim: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """a * sigmoid(b), where a and b are the halves of x along dim."""
    @staticmethod
    def greater(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input > other, element by element; a bool tensor."""
    @staticmethod
    def greater_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `greater`."""
    @staticmethod
    def greater_equal(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input >= other, element by element; a bool tensor."""
    @staticmethod
    def greater_equal_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `greater_equal`."""
    @staticmethod
    def group_norm(
        input: Tensor,
        num_groups: _int,
        weight: Tensor | None = ...,
        bias: Tensor | None = ...,
        eps: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Normalises each sample over groups of channels, then scales and shifts each channel."""
    @staticmethod
    def group_norm_backward(
        grad: Tensor,
        input: Tensor,
        mean: Tensor,
        rstd: Tensor,
        weight: Tensor | None,
        num_groups: _int,
        eps: _float,
        need_input: _bool,
        need_weight: _bool,
        need_bias: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _GradInputGradWeightGradBias:
        """The gradients of group_norm."""
    @overload
    @staticmethod
    def gru(
        input: Tensor,
        hx: Tensor,
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        batch_first: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """Gated recurrent units over a sequence; arguments as for lstm(), but one state."""
    @overload
    @staticmethod
    def gru(
        data: Tensor,
        batch_sizes: Tensor,
        hx: Tensor,
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """The same over packed sequences: rows sorted by time, batch_sizes of them per step."""
    @staticmethod
    def gru_cell(
        input: Tensor,
        hx: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = ...,
        b_hh: Tensor | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """One step of gated recurrent units, in the order r, z, n: the new hidden state;..."""
    @staticmethod
    def gt(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input > other, element by element; a bool tensor."""
    @staticmethod
    def gt_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `gt`."""
    @staticmethod
    def hardshrink(input: Tensor, lambd: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """x where |x| > lambd, else 0."""
    @staticmethod
    def hardsigmoid(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """relu6(x + 3) / 6."""
    @staticmethod
    def hardsigmoid_(input: Tensor) -> Tensor:
        """In-place `hardsigmoid`."""
    @staticmethod
    def hardswish(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """x * relu6(x + 3) / 6."""
    @staticmethod
    def hardswish_(input: Tensor) -> Tensor:
        """In-place `hardswish`."""
    @staticmethod
    def hardtanh(
        input: Tensor,
        min_val: _float = ...,
        max_val: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """x cut off at min_val and max_val."""
    @staticmethod
    def hardtanh_(input: Tensor, min_val: _float = ..., max_val: _float = ...) -> Tensor:
        """In-place `hardtanh`."""
    @staticmethod
    def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Step function: 0 below zero, 1 above, values at zero."""
    @staticmethod
    def heaviside_(input: Tensor, values: Tensor) -> Tensor:
        """In-place `heaviside`."""
    @staticmethod
    def histc(
        input: Tensor,
        bins: _int = ...,
        min: Scalar = ...,
        max: Scalar = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Counts of elements in equal bins from min to max; both 0: from the smallest to the..."""
    @overload
    @staticmethod
    def hsplit(input: Tensor, indices_or_sections: _int) -> tuple[Tensor, ...]:
        """Views cut along columns: a number of equal parts, or at positions."""
    @overload
    @staticmethod
    def hsplit(input: Tensor, indices_or_sections: Sequence[_int]) -> tuple[Tensor, ...]:
        """Views cut along columns at positions."""
    @staticmethod
    def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
        """The tensors joined side by side: along dimension 1, or 0 for vectors."""
    @staticmethod
    def huber_loss(
        input: Tensor,
        target: Tensor,
        reduction: _int = ...,
        delta: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """d^2 / 2 where d = |input - target| <= delta, else delta (d - delta / 2); reduced."""
    @staticmethod
    def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """sqrt(input^2 + other^2) without overflow."""
    @staticmethod
    def hypot_(input: Tensor, other: Tensor) -> Tensor:
        """In-place `hypot`."""
    @staticmethod
    def i0(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Modified Bessel function of the first kind, order 0."""
    @staticmethod
    def i0_(input: Tensor) -> Tensor:
        """In-place `i0`."""
    @staticmethod
    def i0e(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """exp(-|x|) times the Bessel function i0."""
    @staticmethod
    def i1(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Modified Bessel function of the first kind, order 1."""
    @staticmethod
    def i1e(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """exp(-|x|) times the Bessel function i1."""
    @staticmethod
    def imag(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The imaginary part of a complex tensor, as a view."""
    @staticmethod
    def index(input: Tensor, indices: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
        """Advanced indexing of the leading dimensions, as x[i, j] does."""
    @staticmethod
    def index_add(
        input: Tensor,
        dim: _int,
        index: Tensor,
        source: Tensor,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with alpha times each slice of source added at the positions in index."""
    @staticmethod
    def index_add_(
        input: Tensor,
        dim: _int,
        index: Tensor,
        source: Tensor,
        *,
        alpha: Scalar = ...,
    ) -> Tensor:
        """In-place `index_add`."""
    @staticmethod
    def index_copy(
        input: Tensor,
        dim: _int,
        index: Tensor,
        source: Tensor,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with the slices at the positions in index replaced by those of source."""
    @staticmethod
    def index_copy_(input: Tensor, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """In-place `index_copy`."""
    @overload
    @staticmethod
    def index_fill(
        input: Tensor,
        dim: _int,
        index: Tensor,
        value: Tensor,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with the slices at the positions in index set to a number."""
    @overload
    @staticmethod
    def index_fill(
        input: Tensor,
        dim: _int,
        index: Tensor,
        value: Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """index_fill() with a number."""
    @overload
    @staticmethod
    def index_fill_(input: Tensor, dim: _int, index: Tensor, value: Tensor) -> Tensor:
        """In-place `index_fill`."""
    @overload
    @staticmethod
    def index_fill_(input: Tensor, dim: _int, index: Tensor, value: Scalar) -> Tensor:
        """In-place `index_fill`."""
    @staticmethod
    def index_put(
        input: Tensor,
        indices: Sequence[Tensor],
        values: Tensor,
        accumulate: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with the elements at the indexed positions replaced by values, or..."""
    @staticmethod
    def index_put_(
        input: Tensor,
        indices: Sequence[Tensor],
        values: Tensor,
        accumulate: _bool = ...,
    ) -> Tensor:
        """In-place `index_put`."""
    @staticmethod
    def index_select(
        input: Tensor,
        dim: _int,
        index: Tensor,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The slices of a dimension at the positions in a vector."""
    @staticmethod
    def inner(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Scalar products along the last dimensions of both tensors."""
    @staticmethod
    def isclose(
        input: Tensor,
        other: Tensor,
        rtol: _float = ...,
        atol: _float = ...,
        equal_nan: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Whether |input - other| <= atol + rtol |other|, element by element."""
    @staticmethod
    def isfinite(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether each element is neither infinite nor NaN."""
    @staticmethod
    def isinf(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether each element is infinite, of either sign."""
    @staticmethod
    def isnan(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether each element is NaN; a complex one if either part is."""
    @staticmethod
    def isneginf(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether each element is -inf."""
    @staticmethod
    def isposinf(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether each element is +inf."""
    @staticmethod
    def isreal(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether each element has no imaginary part."""
    @staticmethod
    def kl_div(
        input: Tensor,
        target: Tensor,
        reduction: _int = ...,
        *,
        log_target: _bool = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """target (log(target) - input), reduced; input holds log probabilities."""
    @staticmethod
    def kron(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Kronecker product: every element of the input times the whole other tensor."""
    @staticmethod
    def kthvalue(
        input: Tensor,
        k: _int,
        dim: _int = ...,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """The k-th smallest element along a dimension, counted from 1, and where it is."""
    @staticmethod
    def l1_loss(
        input: Tensor,
        target: Tensor,
        reduction: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """|input - target|, reduced."""
    @staticmethod
    def layer_norm(
        input: Tensor,
        normalized_shape: _int | Sequence[_int],
        weight: Tensor | None = ...,
        bias: Tensor | None = ...,
        eps: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Normalises over the last dimensions: (x - mean) / sqrt(var + eps) * weight + bias."""
    @staticmethod
    def layer_norm_backward(
        grad: Tensor,
        input: Tensor,
        mean: Tensor,
        rstd: Tensor,
        weight: Tensor | None,
        cols: _int,
        eps: _float,
        need_input: _bool,
        need_weight: _bool,
        need_bias: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _GradInputGradWeightGradBias:
        """The gradients of layer_norm over rows of cols elements; those of the parameters..."""
    @staticmethod
    def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Least common multiple, not negative."""
    @staticmethod
    def lcm_(input: Tensor, other: Tensor) -> Tensor:
        """In-place `lcm`."""
    @staticmethod
    def ldexp(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """input * 2^other."""
    @staticmethod
    def ldexp_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `ldexp`."""
    @staticmethod
    def le(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input <= other, element by element; a bool tensor."""
    @staticmethod
    def le_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `le`."""
    @staticmethod
    def leaky_relu(
        input: Tensor,
        negative_slope: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """x where positive, else negative_slope * x."""
    @staticmethod
    def leaky_relu_(input: Tensor, negative_slope: _float = ...) -> Tensor:
        """In-place `leaky_relu`."""
    @staticmethod
    def lerp(
        input: Tensor,
        end: Tensor,
        weight: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Linear interpolation: input + weight * (end - input)."""
    @staticmethod
    def lerp_(input: Tensor, end: Tensor, weight: Tensor | Scalar) -> Tensor:
        """In-place `lerp`."""
    @staticmethod
    def less(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input < other, element by element; a bool tensor."""
    @staticmethod
    def less_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `less`."""
    @staticmethod
    def less_equal(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input <= other, element by element; a bool tensor."""
    @staticmethod
    def less_equal_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `less_equal`."""
    @staticmethod
    def lgamma(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm of the absolute value of the gamma function."""
    @staticmethod
    def lgamma_(input: Tensor) -> Tensor:
        """In-place `lgamma`."""
    @staticmethod
    def linear(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The affine map of the last dimension: y = x W^T + b."""
    @staticmethod
    def linspace(
        start: Scalar,
        end: Scalar,
        steps: _int,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Evenly spaced numbers from start to end, both included."""
    @staticmethod
    def log(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Natural logarithm of each element; negative reals give NaN."""
    @staticmethod
    def log_(input: Tensor) -> Tensor:
        """In-place `log`."""
    @staticmethod
    def log10(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm to base 10 of each element."""
    @staticmethod
    def log10_(input: Tensor) -> Tensor:
        """In-place `log10`."""
    @staticmethod
    def log1p(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm of 1 + x, exact near zero."""
    @staticmethod
    def log1p_(input: Tensor) -> Tensor:
        """In-place `log1p`."""
    @staticmethod
    def log2(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm to base 2 of each element."""
    @staticmethod
    def log2_(input: Tensor) -> Tensor:
        """In-place `log2`."""
    @staticmethod
    def log_ndtr(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm of the standard normal's distribution function, without underflow."""
    @staticmethod
    def log_softmax(
        input: Tensor,
        dim: _int,
        dtype: _dtype | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Logarithm of softmax, without its overflow: x_i - log(sum_j e^(x_j))."""
    @staticmethod
    def log_softmax_backward(
        grad: Tensor,
        output: Tensor,
        dim: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """g - exp(y) * sum(g) along dim: the gradient of log_softmax with result y."""
    @staticmethod
    def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """log(e^input + e^other) without overflow."""
    @staticmethod
    def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """log2(2^input + 2^other) without overflow."""
    @staticmethod
    def logcumsumexp(input: Tensor, dim: _int, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm of the running sum of exponentials along a dimension."""
    @staticmethod
    def logical_and(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """True where both elements are not zero."""
    @staticmethod
    def logical_and_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `logical_and`."""
    @staticmethod
    def logical_not(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """True where an element is zero."""
    @staticmethod
    def logical_not_(input: Tensor) -> Tensor:
        """In-place `logical_not`."""
    @staticmethod
    def logical_or(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """True where either element is not zero."""
    @staticmethod
    def logical_or_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `logical_or`."""
    @staticmethod
    def logical_xor(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """True where exactly one element is not zero."""
    @staticmethod
    def logical_xor_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `logical_xor`."""
    @staticmethod
    def logit(input: Tensor, eps: _float | None = ..., *, out: Tensor | None = ...) -> Tensor:
        """log(x / (1 - x)), with x first clamped to [eps, 1 - eps]."""
    @staticmethod
    def logit_(input: Tensor, eps: _float | None = ...) -> Tensor:
        """In-place `logit`."""
    @staticmethod
    def logsigmoid(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """log(sigmoid(x)) without overflow."""
    @staticmethod
    def logspace(
        start: Scalar,
        end: Scalar,
        steps: _int,
        base: _float = ...,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Powers of base with evenly spaced exponents from start to end."""
    @staticmethod
    def logsumexp(
        input: Tensor,
        dim: _int | Sequence[_int],
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """log(sum(e^x)) over dimensions, without overflow."""
    @overload
    @staticmethod
    def lstm(
        input: Tensor,
        hx: Sequence[Tensor],
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        batch_first: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Long short-term memory over a sequence; what nn.LSTM runs."""
    @overload
    @staticmethod
    def lstm(
        data: Tensor,
        batch_sizes: Tensor,
        hx: Sequence[Tensor],
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same over packed sequences: rows sorted by time, batch_sizes of them per step."""
    @staticmethod
    def lstm_cell(
        input: Tensor,
        hx: Sequence[Tensor],
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = ...,
        b_hh: Tensor | None = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """One step of an LSTM: c' = f c + i g and h' = o tanh(c')."""
    @staticmethod
    def lt(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input < other, element by element; a bool tensor."""
    @staticmethod
    def lt_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `lt`."""
    @staticmethod
    def masked_fill(
        input: Tensor,
        mask: Tensor,
        value: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """input with value where mask is true."""
    @staticmethod
    def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Scalar) -> Tensor:
        """In-place `masked_fill`."""
    @staticmethod
    def masked_scatter(
        input: Tensor,
        mask: Tensor,
        source: Tensor,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with the elements where the mask is true replaced by those of source,..."""
    @staticmethod
    def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        """In-place `masked_scatter`."""
    @staticmethod
    def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The elements where the mask is true, as a vector."""
    @staticmethod
    def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Matrix product of tensors of any dimensions."""
    @overload
    @staticmethod
    def max(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The larger of two elements; NaN if either is."""
    @overload
    @staticmethod
    def max(
        input: Tensor,
        dim: _int,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """Largest element along a dimension, and where the first of them is."""
    @overload
    @staticmethod
    def max(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Largest of all elements; equal ones share the gradient."""
    @staticmethod
    def max_pool1d(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Largest value of each window of (N, C, L) or (C, L)."""
    @staticmethod
    def max_pool1d_with_indices(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _OutIndices:
        """Largest value of each window of (N, C, L), and its position."""
    @staticmethod
    def max_pool2d(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Largest value of each window of (N, C, H, W) or (C, H, W)."""
    @staticmethod
    def max_pool2d_with_indices(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _OutIndices:
        """Largest value of each window of (N, C, H, W), and its position in the flattened plane."""
    @staticmethod
    def max_pool3d(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Largest value of each window of (N, C, D, H, W) or (C, D, H, W)."""
    @staticmethod
    def max_pool3d_with_indices(
        input: Tensor,
        kernel_size: _int | Sequence[_int],
        stride: _int | Sequence[_int] = ...,
        padding: _int | Sequence[_int] = ...,
        dilation: _int | Sequence[_int] = ...,
        ceil_mode: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _OutIndices:
        """Largest value of each window of (N, C, D, H, W), and its position in the flattened..."""
    @staticmethod
    def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The larger of two elements; NaN if either is."""
    @overload
    @staticmethod
    def mean(input: Tensor, *, dtype: _dtype | None = ..., out: Tensor | None = ...) -> Tensor:
        """Mean of all elements."""
    @overload
    @staticmethod
    def mean(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean over one or more dimensions."""
    @overload
    @staticmethod
    def median(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The lower middle of all elements; NaN if there is one."""
    @overload
    @staticmethod
    def median(
        input: Tensor,
        dim: _int = ...,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """The lower middle element along a dimension, and where it is."""
    @overload
    @staticmethod
    def min(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The smaller of two elements; NaN if either is."""
    @overload
    @staticmethod
    def min(
        input: Tensor,
        dim: _int,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """Smallest element along a dimension, and where the first of them is."""
    @overload
    @staticmethod
    def min(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Smallest of all elements; equal ones share the gradient."""
    @staticmethod
    def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The smaller of two elements; NaN if either is."""
    @staticmethod
    def mish(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """x * tanh(softplus(x))."""
    @staticmethod
    def mish_(input: Tensor) -> Tensor:
        """In-place `mish`."""
    @staticmethod
    def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Product of two matrices: c[i, j] = sum_k a[i, k] b[k, j]."""
    @staticmethod
    def mode(
        input: Tensor,
        dim: _int = ...,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """The most frequent element along a dimension, the smallest of several, and where it..."""
    @staticmethod
    def moveaxis(
        input: Tensor,
        source: _int | Sequence[_int],
        destination: _int | Sequence[_int],
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The view with dimensions moved to other places, the rest keeping their order."""
    @staticmethod
    def movedim(
        input: Tensor,
        source: _int | Sequence[_int],
        destination: _int | Sequence[_int],
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The view with dimensions moved to other places, the rest keeping their order."""
    @staticmethod
    def mse_loss(
        input: Tensor,
        target: Tensor,
        reduction: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """(input - target)^2, reduced."""
    @staticmethod
    def msort(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Sorted along the first dimension."""
    @overload
    @staticmethod
    def mul(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Product of the elements, with broadcasting and type promotion."""
    @overload
    @staticmethod
    def mul(input: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The product with a number on the left."""
    @staticmethod
    def mul_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `mul`."""
    @staticmethod
    def multigammaln(input: Tensor, p: _int, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm of the multivariate gamma function of dimension p."""
    @staticmethod
    def multinomial(
        input: Tensor,
        num_samples: _int,
        replacement: _bool = ...,
        *,
        generator: Generator | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Indices drawn with probabilities proportional to each row."""
    @overload
    @staticmethod
    def multiply(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Product of the elements, with broadcasting and type promotion."""
    @overload
    @staticmethod
    def multiply(input: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The product with a number on the left."""
    @staticmethod
    def multiply_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `multiply`."""
    @staticmethod
    def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Product of a matrix and a vector."""
    @staticmethod
    def mvlgamma(input: Tensor, p: _int, *, out: Tensor | None = ...) -> Tensor:
        """Logarithm of the multivariate gamma function of dimension p."""
    @staticmethod
    def mvlgamma_(input: Tensor, p: _int) -> Tensor:
        """In-place `mvlgamma`."""
    @staticmethod
    def nan_to_num(
        input: Tensor,
        nan: _float | None = ...,
        posinf: _float | None = ...,
        neginf: _float | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """NaN and infinities replaced by numbers."""
    @staticmethod
    def nan_to_num_(
        input: Tensor,
        nan: _float | None = ...,
        posinf: _float | None = ...,
        neginf: _float | None = ...,
    ) -> Tensor:
        """In-place `nan_to_num`."""
    @staticmethod
    def nanmean(
        input: Tensor,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Mean of the elements that are not NaN."""
    @overload
    @staticmethod
    def nanmedian(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The lower middle of the elements that are not NaN."""
    @overload
    @staticmethod
    def nanmedian(
        input: Tensor,
        dim: _int = ...,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """The lower middle of the elements that are not NaN along a dimension, and where it is."""
    @staticmethod
    def nanquantile(
        input: Tensor,
        q: Tensor | Scalar,
        dim: _int | None = ...,
        keepdim: _bool = ...,
        *,
        interpolation: str = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The q-quantiles of the elements that are not NaN; see quantile()."""
    @staticmethod
    def nansum(
        input: Tensor,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Sum that counts NaN as zero."""
    @overload
    @staticmethod
    def narrow(
        input: Tensor,
        dim: _int,
        start: _int,
        length: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The view of length elements of a dimension from start on."""
    @overload
    @staticmethod
    def narrow(
        input: Tensor,
        dim: _int,
        start: Tensor,
        length: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """narrow() from a start held in a tensor."""
    @staticmethod
    def narrow_copy(
        input: Tensor,
        dim: _int,
        start: _int,
        length: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """narrow() into fresh memory."""
    @staticmethod
    def ndtr(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Distribution function of the standard normal."""
    @staticmethod
    def ndtri(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Quantile function of the standard normal: the inverse of ndtr."""
    @staticmethod
    def ne(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input != other, element by element; a bool tensor."""
    @staticmethod
    def ne_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `ne`."""
    @staticmethod
    def neg(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Each element with its sign changed."""
    @staticmethod
    def neg_(input: Tensor) -> Tensor:
        """In-place `neg`."""
    @staticmethod
    def negative(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Each element with its sign changed."""
    @staticmethod
    def negative_(input: Tensor) -> Tensor:
        """In-place `negative`."""
    @staticmethod
    def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The next floating-point number after input towards other."""
    @staticmethod
    def nextafter_(input: Tensor, other: Tensor) -> Tensor:
        """In-place `nextafter`."""
    @staticmethod
    def nll_loss(
        input: Tensor,
        target: Tensor,
        weight: Tensor | None = ...,
        reduction: _int = ...,
        ignore_index: _int = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """-weight[target] input[target] of log probabilities, reduced; the mean divides by..."""
    @overload
    @staticmethod
    def nonzero(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The positions of the elements that are not zero, one row each."""
    @overload
    @staticmethod
    def nonzero(input: Tensor, *, as_tuple: Literal[False], out: Tensor | None = ...) -> Tensor:
        """The positions of the elements that are not zero, one row each."""
    @overload
    @staticmethod
    def nonzero(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]:
        """The positions of the elements that are not zero, one vector per dimension."""
    @overload
    @staticmethod
    def norm(
        input: Tensor,
        p: Scalar | None = ...,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Vector norm of all elements, or over dimensions."""
    @overload
    @staticmethod
    def norm(
        input: Tensor,
        p: str,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Frobenius norm: the 2-norm of all elements, or over dimensions."""
    @overload
    @staticmethod
    def normal(
        mean: Tensor,
        std: Tensor,
        *,
        generator: Generator | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Normal random numbers with a mean and a standard deviation for each element."""
    @overload
    @staticmethod
    def normal(
        mean: Tensor,
        std: _float = ...,
        *,
        generator: Generator | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Normal random numbers with a mean for each element."""
    @overload
    @staticmethod
    def normal(
        mean: _float,
        std: Tensor,
        *,
        generator: Generator | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Normal random numbers with a standard deviation for each element."""
    @overload
    @staticmethod
    def normal(
        mean: _float,
        std: _float,
        size: _int | Sequence[_int],
        *,
        generator: Generator | None = ...,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Normal random numbers of the given shape."""
    @staticmethod
    def not_equal(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Whether input != other, element by element; a bool tensor."""
    @staticmethod
    def not_equal_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `not_equal`."""
    @staticmethod
    def one_hot(tensor: Tensor, num_classes: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """One more dimension, with 1 at each class number and 0 elsewhere."""
    @staticmethod
    def ones(
        *size: _int | Sequence[_int],
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A tensor of ones."""
    @staticmethod
    def ones_like(
        input: Tensor,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """A tensor of ones, of the input's shape, dtype and device."""
    @staticmethod
    def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The matrix of all products of two vectors' elements: out[i, j] = a[i] b[j]."""
    @staticmethod
    def pad(
        input: Tensor,
        pad: _int | Sequence[_int],
        mode: str = ...,
        value: Scalar | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Enlarges the last dimensions."""
    @staticmethod
    def permute(input: Tensor, *dims: _int | Sequence[_int], out: Tensor | None = ...) -> Tensor:
        """The view with its dimensions in another order."""
    @staticmethod
    def poisson(
        input: Tensor,
        *,
        generator: Generator | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Poisson numbers with the rate in each element."""
    @staticmethod
    def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Complex numbers of their moduli and arguments."""
    @staticmethod
    def polygamma(n: _int, input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The n-th derivative of the digamma function."""
    @staticmethod
    def polygamma_(input: Tensor, n: _int) -> Tensor:
        """In-place `polygamma`."""
    @staticmethod
    def positive(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The tensor itself; refuses bool tensors."""
    @overload
    @staticmethod
    def pow(input: Tensor, exponent: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Each element to a power, with broadcasting."""
    @overload
    @staticmethod
    def pow(self: Scalar, exponent: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A number to the power of each element."""
    @staticmethod
    def pow_(input: Tensor, exponent: Tensor | Scalar) -> Tensor:
        """In-place `pow`."""
    @staticmethod
    def prelu(input: Tensor, weight: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """x where positive, else weight * x."""
    @overload
    @staticmethod
    def prod(input: Tensor, *, dtype: _dtype | None = ..., out: Tensor | None = ...) -> Tensor:
        """Product of all elements."""
    @overload
    @staticmethod
    def prod(
        input: Tensor,
        dim: _int,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Product over a dimension."""
    @staticmethod
    def psi(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Derivative of the logarithm of the gamma function."""
    @staticmethod
    def put(
        input: Tensor,
        index: Tensor,
        source: Tensor,
        accumulate: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with the elements at positions in its flattened form replaced by those..."""
    @staticmethod
    def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: _bool = ...) -> Tensor:
        """In-place `put`."""
    @staticmethod
    def quantile(
        input: Tensor,
        q: Tensor | Scalar,
        dim: _int | None = ...,
        keepdim: _bool = ...,
        *,
        interpolation: str = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The q-quantiles along a dimension; NaN where there is one."""
    @staticmethod
    def rad2deg(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Radians to degrees."""
    @staticmethod
    def rad2deg_(input: Tensor) -> Tensor:
        """In-place `rad2deg`."""
    @staticmethod
    def rand(
        *size: _int | Sequence[_int],
        generator: Generator | None = ...,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Uniform random numbers from [0, 1)."""
    @staticmethod
    def rand_like(
        input: Tensor,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """Uniform numbers from [0, 1), of the input's shape."""
    @overload
    @staticmethod
    def randint(
        high: _int,
        size: _int | Sequence[_int],
        *,
        generator: Generator | None = ...,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Random integers from 0 to high - 1."""
    @overload
    @staticmethod
    def randint(
        low: _int,
        high: _int,
        size: _int | Sequence[_int],
        *,
        generator: Generator | None = ...,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Random integers from low to high - 1."""
    @overload
    @staticmethod
    def randint_like(
        input: Tensor,
        high: _int,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """Random integers from 0 to high - 1, of the input's shape and dtype."""
    @overload
    @staticmethod
    def randint_like(
        input: Tensor,
        low: _int,
        high: _int,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """Random integers from low to high - 1, of the input's shape and dtype."""
    @staticmethod
    def randn(
        *size: _int | Sequence[_int],
        generator: Generator | None = ...,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Standard normal random numbers."""
    @staticmethod
    def randn_like(
        input: Tensor,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """Standard normal numbers, of the input's shape."""
    @staticmethod
    def randperm(
        n: _int,
        *,
        generator: Generator | None = ...,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A random permutation of 0 ... n - 1, the same on every device."""
    @staticmethod
    def range(
        start: Scalar,
        end: Scalar,
        step: Scalar = ...,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """The numbers start, start + step, ... up to and including end; arange() is the..."""
    @staticmethod
    def ravel(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """All elements in one dimension: a view where possible."""
    @staticmethod
    def real(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The real part, as a view; a real tensor is returned as it is."""
    @staticmethod
    def reciprocal(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """One divided by each element."""
    @staticmethod
    def reciprocal_(input: Tensor) -> Tensor:
        """In-place `reciprocal`."""
    @staticmethod
    def relu(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Rectified linear unit: max(x, 0)."""
    @staticmethod
    def relu_(input: Tensor) -> Tensor:
        """In-place `relu`."""
    @staticmethod
    def relu6(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """min(max(x, 0), 6)."""
    @staticmethod
    def relu6_(input: Tensor) -> Tensor:
        """In-place `relu6`."""
    @staticmethod
    def relu_backward(grad: Tensor, output: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """grad where output is positive, else 0."""
    @overload
    @staticmethod
    def remainder(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Remainder with the sign of the divisor, as Python's %."""
    @overload
    @staticmethod
    def remainder(input: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Remainder of a number by each element, with the sign of the divisor."""
    @staticmethod
    def remainder_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `remainder`."""
    @overload
    @staticmethod
    def repeat_interleave(
        input: Tensor,
        repeats: _int,
        dim: _int | None = ...,
        *,
        output_size: _int | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Every element repeated, next to itself."""
    @overload
    @staticmethod
    def repeat_interleave(
        input: Tensor,
        repeats: Tensor,
        dim: _int | None = ...,
        *,
        output_size: _int | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Element i repeated repeats[i] times."""
    @overload
    @staticmethod
    def repeat_interleave(
        repeats: Tensor,
        *,
        output_size: _int | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Each position i, repeats[i] times."""
    @staticmethod
    def reshape(input: Tensor, *shape: _int | Sequence[_int], out: Tensor | None = ...) -> Tensor:
        """The same elements in another shape: a view where possible, else a copy."""
    @staticmethod
    def resolve_conj(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The tensor itself: conjugation is never delayed here."""
    @staticmethod
    def resolve_neg(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The tensor itself: negation is never delayed here."""
    @staticmethod
    def rms_norm(
        input: Tensor,
        normalized_shape: _int | Sequence[_int],
        weight: Tensor | None = ...,
        eps: _float | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Divides by the root mean square over the last dimensions: x / sqrt(mean(x^2) +..."""
    @staticmethod
    def rms_norm_backward(
        grad: Tensor,
        input: Tensor,
        rstd: Tensor,
        weight: Tensor | None,
        cols: _int,
        eps: _float,
        need_input: _bool,
        need_weight: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _GradInputGradWeight:
        """The gradients of rms_norm over rows of cols elements; that of the weight is flat."""
    @staticmethod
    def rmsprop_step(
        params: Sequence[Tensor],
        grads: Sequence[Tensor],
        square_avgs: Sequence[Tensor],
        momentum_buffers: Sequence[Tensor],
        grad_avgs: Sequence[Tensor],
        lr: _float,
        alpha: _float = ...,
        eps: _float = ...,
        weight_decay: _float = ...,
        momentum: _float = ...,
        centered: _bool = ...,
        maximize: _bool = ...,
    ) -> None:
        """One step of RMSprop, in place."""
    @overload
    @staticmethod
    def rnn_relu(
        input: Tensor,
        hx: Tensor,
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        batch_first: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """An Elman network with ReLU over a sequence; arguments as for lstm(), but one state."""
    @overload
    @staticmethod
    def rnn_relu(
        data: Tensor,
        batch_sizes: Tensor,
        hx: Tensor,
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """The same over packed sequences: rows sorted by time, batch_sizes of them per step."""
    @staticmethod
    def rnn_relu_cell(
        input: Tensor,
        hx: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = ...,
        b_hh: Tensor | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """One step of an Elman network with ReLU: the new hidden state; arguments as for..."""
    @overload
    @staticmethod
    def rnn_tanh(
        input: Tensor,
        hx: Tensor,
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        batch_first: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """An Elman network with tanh over a sequence; arguments as for lstm(), but one state."""
    @overload
    @staticmethod
    def rnn_tanh(
        data: Tensor,
        batch_sizes: Tensor,
        hx: Tensor,
        params: Sequence[Tensor],
        has_biases: _bool,
        num_layers: _int,
        dropout: _float,
        train: _bool,
        bidirectional: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """The same over packed sequences: rows sorted by time, batch_sizes of them per step."""
    @staticmethod
    def rnn_tanh_cell(
        input: Tensor,
        hx: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = ...,
        b_hh: Tensor | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """One step of an Elman network with tanh: the new hidden state; arguments as for..."""
    @staticmethod
    def roll(
        input: Tensor,
        shifts: _int | Sequence[_int],
        dims: _int | Sequence[_int] = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The elements moved on by some places, those that fall off the end coming back in..."""
    @staticmethod
    def rot90(
        input: Tensor,
        k: _int = ...,
        dims: _int | Sequence[_int] = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """A copy turned by k quarter turns in the plane of two dimensions."""
    @overload
    @staticmethod
    def round(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The nearest whole number; halves go to the even one."""
    @overload
    @staticmethod
    def round(input: Tensor, *, decimals: _int = ..., out: Tensor | None = ...) -> Tensor:
        """Each element rounded to a number of decimals, which may be negative."""
    @overload
    @staticmethod
    def round_(input: Tensor) -> Tensor:
        """In-place `round`."""
    @overload
    @staticmethod
    def round_(input: Tensor, *, decimals: _int = ...) -> Tensor:
        """In-place `round`."""
    @staticmethod
    def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
        """The tensors joined as rows, along dimension 0."""
    @staticmethod
    def rsqrt(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Reciprocal of the square root: y = 1 / sqrt(x)."""
    @staticmethod
    def rsqrt_(input: Tensor) -> Tensor:
        """In-place `rsqrt`."""
    @staticmethod
    def rsub(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Reversed difference: other - alpha * input."""
    @staticmethod
    def scalar_tensor(
        s: Scalar,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A 0-d tensor of one number."""
    @staticmethod
    def scaled_dot_product_attention(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = ...,
        dropout_p: _float = ...,
        is_causal: _bool = ...,
        scale: _float | None = ...,
        enable_gqa: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """softmax(query @ key^T * scale + mask) @ value, without keeping the weights."""
    @staticmethod
    def scaled_dot_product_attention_backward(
        grad: Tensor,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None,
        output: Tensor,
        logsumexp: Tensor,
        dropout_p: _float,
        is_causal: _bool,
        scale: _float,
        seed: _int,
        offset: _int,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _GradQueryGradKeyGradValue:
        """The gradients of scaled_dot_product_attention; logsumexp is that of each row of..."""
    @overload
    @staticmethod
    def scatter(
        input: Tensor,
        dim: _int,
        index: Tensor,
        src: Tensor,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with elements replaced along a dimension: out[index[i][j]][j] =..."""
    @overload
    @staticmethod
    def scatter(
        input: Tensor,
        dim: _int,
        index: Tensor,
        value: Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with elements set to a number along a dimension."""
    @overload
    @staticmethod
    def scatter(
        input: Tensor,
        dim: _int,
        index: Tensor,
        src: Tensor,
        *,
        reduce: str,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with elements added ('add') or multiplied ('multiply') into it along a..."""
    @overload
    @staticmethod
    def scatter(
        input: Tensor,
        dim: _int,
        index: Tensor,
        value: Scalar,
        *,
        reduce: str,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with a number added ('add') or multiplied ('multiply') into it along a..."""
    @overload
    @staticmethod
    def scatter_(input: Tensor, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """In-place `scatter`."""
    @overload
    @staticmethod
    def scatter_(input: Tensor, dim: _int, index: Tensor, value: Scalar) -> Tensor:
        """In-place `scatter`."""
    @overload
    @staticmethod
    def scatter_(input: Tensor, dim: _int, index: Tensor, src: Tensor, *, reduce: str) -> Tensor:
        """In-place `scatter`."""
    @overload
    @staticmethod
    def scatter_(input: Tensor, dim: _int, index: Tensor, value: Scalar, *, reduce: str) -> Tensor:
        """In-place `scatter`."""
    @staticmethod
    def scatter_add(
        input: Tensor,
        dim: _int,
        index: Tensor,
        src: Tensor,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with elements added along a dimension: out[index[i][j]][j] += src[i][j]..."""
    @staticmethod
    def scatter_add_(input: Tensor, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """In-place `scatter_add`."""
    @staticmethod
    def scatter_reduce(
        input: Tensor,
        dim: _int,
        index: Tensor,
        src: Tensor,
        reduce: str,
        *,
        include_self: _bool = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The tensor with the elements of src reduced into it along a dimension."""
    @staticmethod
    def scatter_reduce_(
        input: Tensor,
        dim: _int,
        index: Tensor,
        src: Tensor,
        reduce: str,
        *,
        include_self: _bool = ...,
    ) -> Tensor:
        """In-place `scatter_reduce`."""
    @staticmethod
    def searchsorted(
        sorted_sequence: Tensor,
        input: Tensor | Scalar,
        *,
        out_int32: _bool = ...,
        right: _bool = ...,
        side: str | None = ...,
        sorter: Tensor | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Where each value would be inserted into a sorted sequence."""
    @staticmethod
    def select(input: Tensor, dim: _int, index: _int, *, out: Tensor | None = ...) -> Tensor:
        """The view at one index of a dimension."""
    @staticmethod
    def select_backward(
        grad: Tensor,
        sizes: _int | Sequence[_int],
        dim: _int,
        index: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Zeros of the given sizes with grad at one index of dim."""
    @staticmethod
    def selu(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Scaled ELU, which keeps mean 0 and variance 1."""
    @staticmethod
    def selu_(input: Tensor) -> Tensor:
        """In-place `selu`."""
    @staticmethod
    def sgd_step(
        params: Sequence[Tensor],
        grads: Sequence[Tensor],
        momentum_buffers: Sequence[Tensor],
        lr: _float,
        momentum: _float = ...,
        dampening: _float = ...,
        weight_decay: _float = ...,
        nesterov: _bool = ...,
        maximize: _bool = ...,
        first: Sequence[_float] = ...,
    ) -> None:
        """One step of stochastic gradient descent, in place."""
    @staticmethod
    def sgn(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """z / |z|, and 0 for 0: the sign, extended to complex numbers."""
    @staticmethod
    def sgn_(input: Tensor) -> Tensor:
        """In-place `sgn`."""
    @staticmethod
    def sigmoid(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Logistic function: y = 1 / (1 + e^-x)."""
    @staticmethod
    def sigmoid_(input: Tensor) -> Tensor:
        """In-place `sigmoid`."""
    @staticmethod
    def sigmoid_backward(grad: Tensor, output: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """grad * output * (1 - output)"""
    @staticmethod
    def sign(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """-1, 0 or 1 by the sign of each element; gradient 0."""
    @staticmethod
    def sign_(input: Tensor) -> Tensor:
        """In-place `sign`."""
    @staticmethod
    def signbit(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Whether the sign bit of each element is set; true for -0.0."""
    @staticmethod
    def silu(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """x * sigmoid(x), also called swish."""
    @staticmethod
    def silu_(input: Tensor) -> Tensor:
        """In-place `silu`."""
    @staticmethod
    def sin(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Sine of each element, in radians."""
    @staticmethod
    def sin_(input: Tensor) -> Tensor:
        """In-place `sin`."""
    @staticmethod
    def sinc(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Normalised sinc: sin(pi x) / (pi x), 1 at 0."""
    @staticmethod
    def sinc_(input: Tensor) -> Tensor:
        """In-place `sinc`."""
    @staticmethod
    def sinh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Hyperbolic sine of each element."""
    @staticmethod
    def sinh_(input: Tensor) -> Tensor:
        """In-place `sinh`."""
    @staticmethod
    def slice_backward(
        grad: Tensor,
        sizes: _int | Sequence[_int],
        dim: _int,
        start: _int,
        end: _int,
        step: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Zeros of the given sizes with grad in the slice start:end:step of dim."""
    @staticmethod
    def smooth_l1_loss(
        input: Tensor,
        target: Tensor,
        reduction: _int = ...,
        beta: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2; reduced."""
    @staticmethod
    def softmax(
        input: Tensor,
        dim: _int,
        dtype: _dtype | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Exponentials divided by their sum along dim: y_i = e^(x_i) / sum_j e^(x_j)."""
    @staticmethod
    def softmax_backward(
        grad: Tensor,
        output: Tensor,
        dim: _int,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """(g - sum(g * y)) * y along dim: the gradient of softmax with result y."""
    @staticmethod
    def softplus(
        input: Tensor,
        beta: _float = ...,
        threshold: _float = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """log(1 + e^(beta x)) / beta, linear where beta x is above threshold."""
    @staticmethod
    def softshrink(input: Tensor, lambd: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """x moved towards 0 by lambd, and 0 where |x| <= lambd."""
    @staticmethod
    def softsign(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """x / (1 + |x|)."""
    @overload
    @staticmethod
    def sort(
        input: Tensor,
        dim: _int = ...,
        descending: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """Sorted values along a dimension, and where each came from. The order of equal..."""
    @overload
    @staticmethod
    def sort(
        input: Tensor,
        *,
        stable: _bool,
        dim: _int = ...,
        descending: _bool = ...,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """Sorted values and indices; sorting is always stable."""
    @overload
    @staticmethod
    def split(tensor: Tensor, split_size_or_sections: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of equal size along a dimension; the last may be smaller."""
    @overload
    @staticmethod
    def split(input: Tensor, split_size: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of equal size along a dimension; the last may be smaller."""
    @overload
    @staticmethod
    def split(
        tensor: Tensor,
        split_size_or_sections: Sequence[_int],
        dim: _int = ...,
    ) -> tuple[Tensor, ...]:
        """Views of the given sizes along a dimension."""
    @overload
    @staticmethod
    def split(input: Tensor, split_size: Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of the given sizes along a dimension."""
    @staticmethod
    def split_with_sizes(
        input: Tensor,
        split_sizes: Sequence[_int],
        dim: _int = ...,
    ) -> tuple[Tensor, ...]:
        """Views of the given sizes along a dimension."""
    @staticmethod
    def sqrt(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Square root of each element; negative reals give NaN."""
    @staticmethod
    def sqrt_(input: Tensor) -> Tensor:
        """In-place `sqrt`."""
    @staticmethod
    def square(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Each element times itself."""
    @staticmethod
    def square_(input: Tensor) -> Tensor:
        """In-place `square`."""
    @overload
    @staticmethod
    def squeeze(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The view without dimensions of size 1."""
    @overload
    @staticmethod
    def squeeze(input: Tensor, dim: _int, *, out: Tensor | None = ...) -> Tensor:
        """The view without dimension dim, if that has size 1."""
    @overload
    @staticmethod
    def squeeze(input: Tensor, dim: _int | Sequence[_int], *, out: Tensor | None = ...) -> Tensor:
        """The view without those of the given dimensions that have size 1."""
    @staticmethod
    def stack(tensors: Sequence[Tensor], dim: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """The tensors joined along a new dimension."""
    @overload
    @staticmethod
    def std(input: Tensor, unbiased: _bool, *, out: Tensor | None = ...) -> Tensor:
        """Standard deviation."""
    @overload
    @staticmethod
    def std(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Standard deviation, over dimensions."""
    @overload
    @staticmethod
    def std(
        input: Tensor,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Standard deviation, of all elements or over dimensions."""
    @overload
    @staticmethod
    def std_mean(
        input: Tensor,
        unbiased: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """Standard deviation and mean."""
    @overload
    @staticmethod
    def std_mean(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """Standard deviation and mean, over dimensions."""
    @overload
    @staticmethod
    def std_mean(
        input: Tensor,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """Standard deviation and mean, of all elements or over dimensions."""
    @overload
    @staticmethod
    def sub(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Difference: input - alpha * other, with broadcasting and type promotion."""
    @overload
    @staticmethod
    def sub(
        input: Scalar,
        other: Tensor,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The difference with a number on the left."""
    @staticmethod
    def sub_(input: Tensor, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Tensor:
        """In-place `sub`."""
    @overload
    @staticmethod
    def subtract(
        input: Tensor,
        other: Tensor | Scalar,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Difference: input - alpha * other, with broadcasting and type promotion."""
    @overload
    @staticmethod
    def subtract(
        input: Scalar,
        other: Tensor,
        *,
        alpha: Scalar = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The difference with a number on the left."""
    @staticmethod
    def subtract_(input: Tensor, other: Tensor | Scalar, *, alpha: Scalar = ...) -> Tensor:
        """In-place `subtract`."""
    @overload
    @staticmethod
    def sum(input: Tensor, *, dtype: _dtype | None = ..., out: Tensor | None = ...) -> Tensor:
        """Sum of all elements."""
    @overload
    @staticmethod
    def sum(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Sum over one or more dimensions."""
    @staticmethod
    def swapaxes(input: Tensor, axis0: _int, axis1: _int, *, out: Tensor | None = ...) -> Tensor:
        """transpose() by NumPy's name."""
    @staticmethod
    def swapdims(input: Tensor, dim0: _int, dim1: _int, *, out: Tensor | None = ...) -> Tensor:
        """transpose() by another name."""
    @staticmethod
    def t(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The transposed view of a matrix; vectors and numbers stay as they are."""
    @staticmethod
    def take(input: Tensor, index: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The elements at positions in the flattened tensor."""
    @staticmethod
    def take_along_dim(
        input: Tensor,
        indices: Tensor,
        dim: _int | None = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Elements picked along a dimension, with broadcasting of the others: what argsort..."""
    @staticmethod
    def tan(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Tangent of each element, in radians."""
    @staticmethod
    def tan_(input: Tensor) -> Tensor:
        """In-place `tan`."""
    @staticmethod
    def tanh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Hyperbolic tangent of each element."""
    @staticmethod
    def tanh_(input: Tensor) -> Tensor:
        """In-place `tanh`."""
    @staticmethod
    def tanh_backward(grad: Tensor, output: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """grad * (1 - output^2)"""
    @staticmethod
    def tanhshrink(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """x - tanh(x)."""
    @overload
    @staticmethod
    def tensor_split(
        input: Tensor,
        indices_or_sections: _int,
        dim: _int = ...,
    ) -> tuple[Tensor, ...]:
        """Views of a number of sections that differ by at most one in size, or cut at given..."""
    @overload
    @staticmethod
    def tensor_split(
        input: Tensor,
        indices_or_sections: Sequence[_int],
        dim: _int = ...,
    ) -> tuple[Tensor, ...]:
        """Views cut at the given positions."""
    @overload
    @staticmethod
    def tensor_split(
        input: Tensor,
        tensor_indices_or_sections: Tensor,
        dim: _int = ...,
    ) -> tuple[Tensor, ...]:
        """tensor_split() with the number or the positions in a tensor."""
    @overload
    @staticmethod
    def tensor_split(input: Tensor, sections: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Views of a number of sections."""
    @overload
    @staticmethod
    def tensor_split(input: Tensor, indices: Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]:
        """Views cut at the given positions."""
    @staticmethod
    def threshold(
        input: Tensor,
        threshold: Scalar,
        value: Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """x where above threshold, else value."""
    @staticmethod
    def threshold_(input: Tensor, threshold: Scalar, value: Scalar) -> Tensor:
        """In-place `threshold`."""
    @staticmethod
    def tile(input: Tensor, *dims: _int | Sequence[_int], out: Tensor | None = ...) -> Tensor:
        """The tensor repeated along its last dimensions."""
    @staticmethod
    def topk(
        input: Tensor,
        k: _int,
        dim: _int = ...,
        largest: _bool = ...,
        sorted: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> _ValuesIndices:
        """The k largest elements along a dimension, in order, and where they are."""
    @staticmethod
    def transpose(input: Tensor, dim0: _int, dim1: _int, *, out: Tensor | None = ...) -> Tensor:
        """The view with two dimensions exchanged."""
    @staticmethod
    def tril(input: Tensor, diagonal: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """The lower triangle of each matrix, zeros above."""
    @staticmethod
    def tril_(input: Tensor, diagonal: _int = ...) -> Tensor:
        """In-place `tril`."""
    @staticmethod
    def tril_indices(
        row: _int,
        col: _int,
        offset: _int = ...,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Rows and columns of the lower triangle of a row x col matrix, as a (2, n) tensor."""
    @staticmethod
    def triu(input: Tensor, diagonal: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """The upper triangle of each matrix, zeros below."""
    @staticmethod
    def triu_(input: Tensor, diagonal: _int = ...) -> Tensor:
        """In-place `triu`."""
    @staticmethod
    def triu_indices(
        row: _int,
        col: _int,
        offset: _int = ...,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """Rows and columns of the upper triangle of a row x col matrix, as a (2, n) tensor."""
    @overload
    @staticmethod
    def true_divide(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """Quotient; integers give the default floating dtype."""
    @overload
    @staticmethod
    def true_divide(input: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """The quotient with a number on the left."""
    @staticmethod
    def true_divide_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `true_divide`."""
    @staticmethod
    def trunc(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Each element without its fraction."""
    @staticmethod
    def trunc_(input: Tensor) -> Tensor:
        """In-place `trunc`."""
    @staticmethod
    def unbind(input: Tensor, dim: _int = ...) -> tuple[Tensor, ...]:
        """The views at every index of a dimension."""
    @staticmethod
    def unflatten(
        input: Tensor,
        dim: _int,
        sizes: _int | Sequence[_int],
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """One dimension split into several."""
    @overload
    @staticmethod
    def unique(
        input: Tensor,
        sorted: _bool = ...,
        *,
        dim: _int | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The distinct elements, sorted."""
    @overload
    @staticmethod
    def unique(
        input: Tensor,
        sorted: _bool = ...,
        return_inverse: _bool = ...,
        return_counts: _bool = ...,
        dim: _int | None = ...,
    ) -> tuple[Tensor, ...]:
        """The distinct elements with, as asked, the group of each element and the size of..."""
    @overload
    @staticmethod
    def unique_consecutive(
        input: Tensor,
        *,
        dim: _int | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """The elements without those that equal the one before."""
    @overload
    @staticmethod
    def unique_consecutive(
        input: Tensor,
        return_inverse: _bool = ...,
        return_counts: _bool = ...,
        dim: _int | None = ...,
    ) -> tuple[Tensor, ...]:
        """Runs of equal elements with, as asked, the run of each element and the length of..."""
    @staticmethod
    def unsqueeze(input: Tensor, dim: _int, *, out: Tensor | None = ...) -> Tensor:
        """The view with a dimension of size 1 put in at dim."""
    @overload
    @staticmethod
    def var(input: Tensor, unbiased: _bool, *, out: Tensor | None = ...) -> Tensor:
        """Variance."""
    @overload
    @staticmethod
    def var(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Variance, over dimensions."""
    @overload
    @staticmethod
    def var(
        input: Tensor,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """Variance, of all elements or over dimensions."""
    @overload
    @staticmethod
    def var_mean(
        input: Tensor,
        unbiased: _bool,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """Variance and mean."""
    @overload
    @staticmethod
    def var_mean(
        input: Tensor,
        dim: _int | Sequence[_int] | None,
        unbiased: _bool,
        keepdim: _bool = ...,
        *,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """Variance and mean, over dimensions."""
    @overload
    @staticmethod
    def var_mean(
        input: Tensor,
        dim: _int | Sequence[_int] | None = ...,
        *,
        correction: Scalar | None = ...,
        keepdim: _bool = ...,
        out: Sequence[Tensor] | None = ...,
    ) -> tuple[Tensor, Tensor]:
        """Variance and mean, of all elements or over dimensions."""
    @staticmethod
    def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """Scalar product of two vectors, the first one conjugated."""
    @staticmethod
    def vector_norm(
        x: Tensor,
        ord: Scalar = ...,
        dim: _int | Sequence[_int] | None = ...,
        keepdim: _bool = ...,
        *,
        dtype: _dtype | None = ...,
        out: Tensor | None = ...,
    ) -> Tensor:
        """p-norm of vectors: (sum |x|^p)^(1/p); the largest |x| for inf, the count of..."""
    @staticmethod
    def view_as_complex(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A real tensor with a last dimension (real, imaginary) as a complex one, without a..."""
    @staticmethod
    def view_as_real(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A complex tensor as a real one with a last dimension (real, imaginary), without a..."""
    @overload
    @staticmethod
    def vsplit(input: Tensor, indices_or_sections: _int) -> tuple[Tensor, ...]:
        """Views cut along rows: a number of equal parts, or at positions."""
    @overload
    @staticmethod
    def vsplit(input: Tensor, indices_or_sections: Sequence[_int]) -> tuple[Tensor, ...]:
        """Views cut along rows at positions."""
    @staticmethod
    def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
        """The tensors joined as rows, along dimension 0."""
    @overload
    @staticmethod
    def where(
        condition: Tensor,
        input: Tensor | Scalar,
        other: Tensor | Scalar,
        *,
        out: Tensor | None = ...,
    ) -> Tensor:
        """input where condition is true, other elsewhere; all three broadcast."""
    @overload
    @staticmethod
    def where(condition: Tensor) -> tuple[Tensor, ...]:
        """The indices of the true elements: one tensor per dimension."""
    @staticmethod
    def xlog1py(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """input * log1p(other), 0 where input is 0."""
    @overload
    @staticmethod
    def xlogy(input: Tensor, other: Tensor | Scalar, *, out: Tensor | None = ...) -> Tensor:
        """input * log(other), 0 where input is 0."""
    @overload
    @staticmethod
    def xlogy(self: Scalar, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """A number times the logarithm of each element, 0 where the number is 0."""
    @staticmethod
    def xlogy_(input: Tensor, other: Tensor | Scalar) -> Tensor:
        """In-place `xlogy`."""
    @staticmethod
    def zero_(self: Tensor) -> Tensor:
        """Overwrites every element with zero."""
    @staticmethod
    def zeros(
        *size: _int | Sequence[_int],
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
    ) -> Tensor:
        """A tensor of zeros."""
    @staticmethod
    def zeros_like(
        input: Tensor,
        *,
        dtype: _dtype | None = ...,
        device: _device | str | _int | None = ...,
        requires_grad: _bool = ...,
        out: Tensor | None = ...,
        layout: _layout | None = ...,
        pin_memory: _bool = ...,
        memory_format: _memory_format | None = ...,
    ) -> Tensor:
        """A tensor of zeros, of the input's shape, dtype and device."""

def export_ops(target: dict[str, Any], namespace: str, /) -> None: ...
def op_names() -> list[str]: ...
def op_info(name: str, /) -> dict[str, Any]: ...
def tensor(
    data: Any,
    *,
    dtype: _dtype | None = ...,
    device: _device | str | int | None = ...,
    requires_grad: _bool = ...,
    pin_memory: _bool = ...,
) -> Tensor: ...
def as_tensor(
    data: Any, dtype: _dtype | None = ..., device: _device | str | int | None = ...
) -> Tensor: ...
def from_numpy(ndarray: Any, /) -> Tensor: ...
def from_dlpack(obj: Any, /) -> Tensor: ...
def frombuffer(
    buffer: Any,
    *,
    dtype: _dtype,
    count: int = ...,
    offset: int = ...,
    requires_grad: _bool = ...,
) -> Tensor: ...
def is_grad_enabled() -> _bool: ...
def set_grad_enabled(mode: _bool, /) -> None: ...
def is_inference_mode_enabled() -> _bool: ...
def set_inference_mode(mode: _bool, /) -> None: ...
def is_anomaly_enabled() -> _bool: ...
def set_anomaly_enabled(mode: _bool, check_nan: _bool = ...) -> None: ...
def increment_version(tensor: Tensor, /) -> None: ...
def run_backward(
    tensors: Sequence[Tensor],
    grad_tensors: Sequence[Tensor | None],
    inputs: Sequence[Tensor] | None,
    retain_graph: _bool,
    create_graph: _bool,
    accumulate: _bool,
    allow_unused: _bool,
    /,
) -> Any: ...
def record_function(
    name: str,
    inputs: tuple[Any, ...],
    outputs: tuple[Tensor, ...],
    backward: Callable[..., Any],
    dirty: tuple[Tensor, ...],
    non_differentiable: tuple[Tensor, ...],
    /,
) -> tuple[Any, ...]: ...
def get_default_dtype() -> _dtype: ...
def set_default_dtype(d: _dtype, /) -> None: ...
def get_default_device() -> _device: ...
def set_default_device(device: _device | str | int, /) -> None: ...
def promote_types(type1: _dtype, type2: _dtype, /) -> _dtype: ...
def can_cast(from_: _dtype, to: _dtype, /) -> _bool: ...
def result_type(tensor1: _Other, tensor2: _Other, /) -> _dtype: ...
def get_num_threads() -> int: ...
def set_num_threads(number: int, /) -> None: ...
def get_deferral_threshold() -> int | None: ...
def set_deferral_threshold(numel: int | None, /) -> None: ...
def get_float32_matmul_precision() -> str: ...
def set_float32_matmul_precision(precision: str, /) -> None: ...
def tile_unit() -> str: ...
def set_tile_unit(name: str, /) -> None: ...
def float32_split_allowed() -> _bool: ...
def set_float32_split_allowed(allowed: _bool, /) -> None: ...
def winograd_allowed() -> _bool: ...
def set_winograd_allowed(allowed: _bool, /) -> None: ...
def build_info() -> dict[str, str]: ...
def cpu_capability() -> str: ...
def isa_name() -> str: ...
def available_isas() -> list[str]: ...
def set_isa(name: str, /) -> None: ...
def memory_stats(device: str = ...) -> dict[str, int]: ...
def reset_peak_memory_stats(device: str = ...) -> None: ...
def empty_cache() -> None: ...
def set_memory_cache_cap(nbytes: int, /) -> None: ...
def crc32(data: Any, value: int = ...) -> int: ...
def fma_peak(dtype: dtype, seconds: float = ...) -> float: ...
def cuda_is_available() -> _bool: ...
def cuda_is_built() -> _bool: ...
def cuda_is_emulated() -> _bool: ...
def cuda_why() -> str: ...
def cuda_device_count() -> int: ...
def cuda_device_name(index: int, /) -> str: ...
def cuda_current_device() -> int: ...
def cuda_set_device(index: int, /) -> None: ...
def cuda_synchronize() -> None: ...
def cuda_memory_info() -> tuple[int, int]: ...
def _dtype_from_name(name: str, /) -> _dtype | None: ...
def _rebuild_tensor(
    storage: UntypedStorage,
    dtype: _dtype,
    offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    /,
) -> Tensor: ...
def _unpickle_tensor(*args: Any) -> Tensor: ...
def _unpickle_generator(device: str, seed: int, offset: int, /) -> Generator: ...

__version__: str
default_generator: Generator
default_cuda_generator: Generator
strided: layout
contiguous_format: memory_format
preserve_format: memory_format
channels_last: memory_format
channels_last_3d: memory_format
uint8: dtype
int8: dtype
int16: dtype
int32: dtype
int64: dtype
float16: dtype
bfloat16: dtype
float32: dtype
float64: dtype
complex64: dtype
complex128: dtype
bool: dtype
