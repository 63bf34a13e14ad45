// New tensors filled with numbers. None has a history; `requires_grad=True` makes a leaf.
#include "csrc/ops/creation.h"

#include <cfloat>
#include <cmath>
#include <cstring>

#include "csrc/autograd/record.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/registry.h"

namespace pygrad {

void check_sizes(const char* op, Sizes size) {
  for (int64_t s : size)
    PG_CHECK(s >= 0, op, "(): Trying to create tensor with negative dimension ", s, ": ", size,
             "; Dimension size must be non-negative");
}

Tensor with_grad(Tensor t, bool requires_grad) {
  if (requires_grad) {
    PG_CHECK(!is_integral(t.dtype()),
             "requires_grad: Only Tensors of floating point and complex dtype can require "
             "gradients, not ",
             t.dtype());
    set_requires_grad(t, true);
  }
  return t;
}

void check_convertible(const char* op, Scalar value, DType dtype) {
  if (dtype == DType::Bool || is_complex(dtype)) return;
  PG_CHECK(!value.is_complex() || value.im == 0, op, "(): value cannot be converted to type ",
           dtype, " without overflow: it is complex");
  bool fits = true;
  if (is_integral(dtype)) {
    const int bits = int(item_size(dtype)) * 8;
    const int64_t high = dtype == DType::UInt8 ? 255 : int64_t((uint64_t(1) << (bits - 1)) - 1);
    const int64_t low = dtype == DType::UInt8 ? -high : -high - 1;  // -1 becomes 255
    if (value.is_integral())
      fits = value.i >= low && value.i <= high;
    else
      fits =
          value.to_double() >= double(low) && value.to_double() <= double(high);  // false for NaN
  } else if (!value.is_integral()) {
    const double largest = dtype == DType::Float16    ? 65504.0
                           : dtype == DType::BFloat16 ? 0x1.fep127
                           : dtype == DType::Float32  ? FLT_MAX
                                                      : DBL_MAX;
    fits = !(std::fabs(value.to_double()) > largest) || std::isinf(value.to_double());
  } else if (dtype == DType::Float16) {
    fits = value.i <= 65504 && value.i >= -65504;
  }
  PG_CHECK(fits, op, "(): value cannot be converted to type ", dtype,
           " without overflow: ", value.to_double());
}

namespace {
thread_local Device current_default;
}
Device default_device() { return current_default; }
void set_default_device(Device device) { current_default = device; }

// Fills a tensor that was just made, all of its storage; newly mapped pages are zeros already, and
// stay untouched.
static void fill_new(const Tensor& t, Scalar value) {
  constexpr size_t kFewBytes = 16 * 1024;  // less work than calling a kernel
  if (value.is_integral() && value.i == 0) {
    if (t.storage().zeroed || t.numel() == 0) return;
    if (!t.device().is_cuda() && t.storage().nbytes <= kFewBytes) {
      std::memset(t.data(), 0, t.storage().nbytes);
      return;
    }
  }
  kernels::fill(t.device_type())(t.view(), value);
}

Tensor full(Sizes size, Scalar value, DType dtype, Device device) {
  check_sizes("full", size);
  Tensor out = empty(size, dtype, device);
  fill_new(out, value);
  return out;
}

Tensor zeros(Sizes size, DType dtype, Device device) {
  return full(size, Scalar(0), dtype, device);
}

namespace {

Tensor filled_like(const Tensor& input, Scalar value, DType dtype, Device device) {
  Tensor out =
      device == input.device() ? empty_like(input, dtype) : empty(input.sizes(), dtype, device);
  fill_new(out, value);
  return out;
}

}  // namespace

Tensor zeros_like(const Tensor& input) {
  return filled_like(input, Scalar(0), input.dtype(), input.device());
}
Tensor ones_like(const Tensor& input) {
  return filled_like(input, Scalar(1), input.dtype(), input.device());
}
Tensor full_like(const Tensor& input, Scalar value) {
  return filled_like(input, value, input.dtype(), input.device());
}
Tensor scalar_tensor(Scalar value, DType dtype, Device device) {
  return full(Shape{}, value, dtype, device);
}

Tensor wrapped(const Operand& operand, const Tensor& like) {
  if (operand.is_tensor()) return operand.tensor;
  return full(Shape{}, operand.scalar, scalar_dtype(operand.scalar), like.device());
}

#define PG_CREATION_ARGS "*, dtype? dtype=None, device? device=None, bool requires_grad=False"

#define PG_FILLED(name, value, text, result)                                                      \
  Tensor name##_op(const Shape& size, std::optional<DType> dtype, std::optional<Device> device,   \
                   bool requires_grad) {                                                          \
    check_sizes(#name, size);                                                                     \
    return with_grad(full(size, Scalar(value), dtype.value_or(default_dtype()),                   \
                          device.value_or(default_device())),                                     \
                     requires_grad);                                                              \
  }                                                                                               \
  PG_OP_NAMED(#name, &name##_op, "(int[...] size, " PG_CREATION_ARGS ") -> Tensor",               \
              text                                                                                \
              ".\n\nArgs:\n    size: the shape, as numbers or a sequence.\n    dtype: default: "  \
              "the default dtype.\n"                                                              \
              "    device: default: the CPU.\n    requires_grad: record operations on "           \
              "it.\n\nExample:\n    >>> pygrad." #name "(2, 2)\n" result)                         \
      .nondifferentiable();                                                                       \
  Tensor name##_like_op(const Tensor& input, std::optional<DType> dtype,                          \
                        std::optional<Device> device, bool requires_grad) {                       \
    return with_grad(filled_like(input, Scalar(value), dtype.value_or(input.dtype()),             \
                                 device.value_or(input.device())),                                \
                     requires_grad);                                                              \
  }                                                                                               \
  PG_OP_NAMED(#name "_like", &name##_like_op, "(Tensor input, " PG_CREATION_ARGS ") -> Tensor",   \
              text ", of the input's shape, dtype and device.\n\nExample:\n    >>> pygrad." #name \
                   "_like(pygrad.tensor([5, 6]))\n    tensor([" #value ", " #value "])\n")        \
      .nondifferentiable();                                                                       \
  Tensor new_##name(const Tensor& self, const Shape& size, std::optional<DType> dtype,            \
                    std::optional<Device> device, bool requires_grad) {                           \
    check_sizes("new_" #name, size);                                                              \
    return with_grad(                                                                             \
        full(size, Scalar(value), dtype.value_or(self.dtype()), device.value_or(self.device())),  \
        requires_grad);                                                                           \
  }                                                                                               \
  PG_OP_NAMED(                                                                                    \
      "new_" #name, &new_##name, "(Tensor self, int[...] size, " PG_CREATION_ARGS ") -> Tensor",  \
      text                                                                                        \
      ", of this tensor's dtype and device.\n\nExample:\n    >>> pygrad.tensor([5]).new_" #name   \
      "(2)\n    tensor([" #value ", " #value "])\n")                                              \
      .in("Tensor")                                                                               \
      .method()                                                                                   \
      .nondifferentiable();

PG_FILLED(zeros, 0, "A tensor of zeros", "    tensor([[0., 0.],\n            [0., 0.]])\n")
PG_FILLED(ones, 1, "A tensor of ones", "    tensor([[1., 1.],\n            [1., 1.]])\n")
#undef PG_FILLED

Tensor empty_op(const Shape& size, std::optional<DType> dtype, std::optional<Device> device,
                bool requires_grad) {
  check_sizes("empty", size);
  return with_grad(empty(size, dtype.value_or(default_dtype()), device.value_or(default_device())),
                   requires_grad);
}
PG_OP_NAMED("empty", &empty_op, "(int[...] size, " PG_CREATION_ARGS ") -> Tensor",
            R"(A tensor of unspecified numbers: memory that is about to be written.

Example:
    >>> pygrad.empty(2, 3).shape
    torch.Size([2, 3])
)")
    .nondifferentiable();

Tensor empty_like_op(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
                     bool requires_grad) {
  const DType type = dtype.value_or(input.dtype());
  const Device where = device.value_or(input.device());
  return with_grad(
      where == input.device() ? empty_like(input, type) : empty(input.sizes(), type, where),
      requires_grad);
}
PG_OP_NAMED("empty_like", &empty_like_op, "(Tensor input, " PG_CREATION_ARGS ") -> Tensor",
            R"(Unspecified numbers, of the input's shape, layout, dtype and device.

Example:
    >>> pygrad.empty_like(pygrad.ones(2, 3)).shape
    torch.Size([2, 3])
)")
    .nondifferentiable();

Tensor new_empty(const Tensor& self, const Shape& size, std::optional<DType> dtype,
                 std::optional<Device> device, bool requires_grad) {
  check_sizes("new_empty", size);
  return with_grad(empty(size, dtype.value_or(self.dtype()), device.value_or(self.device())),
                   requires_grad);
}
PG_OP(new_empty, "(Tensor self, int[...] size, " PG_CREATION_ARGS ") -> Tensor",
      R"(Unspecified numbers, of this tensor's dtype and device.

Example:
    >>> pygrad.tensor([1.5]).new_empty(2, 3).shape
    torch.Size([2, 3])
)")
.in("Tensor").method().nondifferentiable();

Tensor empty_strided_op(const Shape& size, const Shape& stride, std::optional<DType> dtype,
                        std::optional<Device> device, bool requires_grad) {
  check_sizes("empty_strided", size);
  PG_CHECK(size.size() == stride.size(), "empty_strided(): size ", size, " and stride ", stride,
           " differ in length");
  for (int64_t s : stride)
    PG_CHECK(s >= 0, "empty_strided(): stride ", stride,
             " has a negative number; expected 0 or more");
  return with_grad(empty_strided(size, stride, dtype.value_or(default_dtype()),
                                 device.value_or(default_device())),
                   requires_grad);
}
PG_OP_NAMED("empty_strided", &empty_strided_op,
            "(int[] size, int[] stride, " PG_CREATION_ARGS ") -> Tensor",
            R"(Unspecified numbers, with the given strides in elements.

Example:
    >>> pygrad.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
)")
    .nondifferentiable();

Tensor full_op(const Shape& size, Scalar fill_value, std::optional<DType> dtype,
               std::optional<Device> device, bool requires_grad) {
  const DType made = dtype.value_or(scalar_dtype(fill_value));
  check_convertible("full", fill_value, made);
  return with_grad(full(size, fill_value, made, device.value_or(default_device())), requires_grad);
}
PG_OP_NAMED("full", &full_op, "(int[] size, Scalar fill_value, " PG_CREATION_ARGS ") -> Tensor",
            R"(A tensor filled with one number, whose kind gives the dtype.

Args:
    size: the shape.
    fill_value: the number.
    dtype: default: bool, int64, the default dtype or its complex partner, by the number.
    device: default: the CPU.
    requires_grad: record operations on it.

Example:
    >>> pygrad.full((2,), 1.5)
    tensor([1.5000, 1.5000])
)")
    .nondifferentiable();

Tensor full_like_op(const Tensor& input, Scalar fill_value, std::optional<DType> dtype,
                    std::optional<Device> device, bool requires_grad) {
  check_convertible("full_like", fill_value, dtype.value_or(input.dtype()));
  return with_grad(filled_like(input, fill_value, dtype.value_or(input.dtype()),
                               device.value_or(input.device())),
                   requires_grad);
}
PG_OP_NAMED("full_like", &full_like_op,
            "(Tensor input, Scalar fill_value, " PG_CREATION_ARGS ") -> Tensor",
            R"(One number, of the input's shape, dtype and device.

Example:
    >>> pygrad.full_like(pygrad.tensor([1., 2.]), 7)
    tensor([7., 7.])
)")
    .nondifferentiable();

Tensor new_full(const Tensor& self, const Shape& size, Scalar fill_value,
                std::optional<DType> dtype, std::optional<Device> device, bool requires_grad) {
  check_convertible("new_full", fill_value, dtype.value_or(self.dtype()));
  return with_grad(
      full(size, fill_value, dtype.value_or(self.dtype()), device.value_or(self.device())),
      requires_grad);
}
PG_OP(new_full, "(Tensor self, int[] size, Scalar fill_value, " PG_CREATION_ARGS ") -> Tensor",
      R"(One number, of this tensor's dtype and device.

Example:
    >>> pygrad.tensor([1.5]).new_full((2,), 7)
    tensor([7., 7.])
)")
.in("Tensor").method().nondifferentiable();

Tensor scalar_tensor_op(Scalar s, std::optional<DType> dtype, std::optional<Device> device,
                        bool requires_grad) {
  return with_grad(
      scalar_tensor(s, dtype.value_or(default_dtype()), device.value_or(default_device())),
      requires_grad);
}
PG_OP_NAMED("scalar_tensor", &scalar_tensor_op, "(Scalar s, " PG_CREATION_ARGS ") -> Tensor",
            R"(A 0-d tensor of one number.

Example:
    >>> pygrad.scalar_tensor(3)
    tensor(3.)
)")
    .nondifferentiable();

Tensor eye(int64_t n, std::optional<int64_t> m, std::optional<DType> dtype,
           std::optional<Device> device, bool requires_grad) {
  const int64_t columns = m.value_or(n);
  PG_CHECK(n >= 0, "eye(): n must be greater or equal to 0, got ", n);
  PG_CHECK(columns >= 0, "eye(): m must be greater or equal to 0, got ", columns);
  Tensor out =
      zeros(Shape{n, columns}, dtype.value_or(default_dtype()), device.value_or(default_device()));
  const Tensor diagonal = alias(out, Shape{n < columns ? n : columns}, Shape{columns + 1}, 0);
  kernels::fill(out.device_type())(diagonal.view(), Scalar(1));
  return with_grad(out, requires_grad);
}
PG_OP(eye, "(int n, int? m=None, " PG_CREATION_ARGS ") -> Tensor",
      R"(Ones on the diagonal, zeros elsewhere.

Args:
    n: rows.
    m: columns; default: n.

Example:
    >>> pygrad.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
)")
.nondifferentiable();

namespace {

// The real (0) or imaginary (1) parts of a contiguous complex tensor, as a view of its memory.
Tensor part_of(const Tensor& z, int64_t part) {
  Shape strides;
  for (int64_t s : z.strides()) strides.push_back(2 * s);
  return make_tensor(z.impl()->storage, real_dtype(z.dtype()), z.sizes(), strides,
                     2 * z.offset() + part);
}

Tensor join_parts(const Tensor& re, const Tensor& im) {
  const Shape sizes = broadcast_shapes("complex", re.sizes(), im.sizes());
  const Tensor out = empty(sizes, complex_dtype(re.dtype()), re.device());
  kernels::copy(out.device_type())(part_of(out, 0).view(), re.view_expanded(sizes));
  kernels::copy(out.device_type())(part_of(out, 1).view(), im.view_expanded(sizes));
  return out;
}

void check_parts(const char* op, const Tensor& a, const Tensor& b) {
  PG_CHECK(
      a.dtype() == DType::Float32 || a.dtype() == DType::Float64 || a.dtype() == DType::Float16, op,
      "(): Expected both inputs to be Half, Float or Double tensors but got ", a.dtype(), " and ",
      b.dtype());
  PG_CHECK(a.dtype() == b.dtype(), op, "(): Expected object of scalar type ", a.dtype(),
           " but got scalar type ", b.dtype(), " for second argument");
  check_same_device(op, a, b);
}

}  // namespace

Tensor complex(const Tensor& re, const Tensor& im) {
  check_parts("complex", re, im);
  return record("complex", join_parts(re, im), {re, im}, {}, [](const Node& n, const Tensor& g) {
    return Grads{n.needs(0) ? real(g) : Tensor(), n.needs(1) ? imag(g) : Tensor()};
  });
}
PG_OP(complex, "(Tensor real, Tensor imag) -> Tensor",
      R"(Complex numbers of their real and imaginary parts.

Example:
    >>> pygrad.complex(pygrad.tensor([1.]), pygrad.tensor([2.]))
    tensor([1.+2.j])
)");

Tensor polar(const Tensor& abs, const Tensor& angle) {
  check_parts("polar", abs, angle);
  return complex(mul(abs, cos(angle)), mul(abs, sin(angle)));
}
PG_OP(polar, "(Tensor abs, Tensor angle) -> Tensor",
      R"(Complex numbers of their moduli and arguments.

Example:
    >>> pygrad.polar(pygrad.tensor([1., 2.]), pygrad.tensor([0., 0.]))
    tensor([1.+0.j, 2.+0.j])
)")
.composed();

}  // namespace pygrad
