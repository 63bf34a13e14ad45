// Copies and casts: between dtypes, layouts and devices, and into existing memory.
#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/creation.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

// Bytes of a contiguous tensor to a contiguous tensor of the same size on another device.
void transfer(const Tensor& dst, const Tensor& src) {
  const CudaRuntime* cuda = cuda_runtime();
  PG_CHECK(cuda, "to(): this build has no CUDA device: ", src.device(), " to ", dst.device(),
           ". Build with PYGRAD_CUDA=ON or EMULATE");
  const int kind = !src.device().is_cuda() ? 0 : dst.device().is_cuda() ? 2 : 1;
  const size_t bytes = size_t(src.numel()) * item_size(src.dtype());
  if (bytes == 0) return;
  if (!cuda->copy(dst.data(), src.data(), bytes, kind)) {
    const char* why = cuda->last_error();
    raise(ErrorKind::Runtime, "to(): copying ", bytes, " bytes from ", src.device(), " to ",
          dst.device(), " failed: ", why ? why : "unknown reason");
  }
}

Tensor packed(const Tensor& t, DType dtype) {
  if (t.dtype() == dtype && t.is_contiguous()) return t;
  const Tensor out = empty(t.sizes(), dtype, t.device());
  kernels::copy(t.device_type())(out.view(), t.view());
  return out;
}

}  // namespace

void copy_data(const Tensor& dst, const Tensor& src) {
  if (dst.device() == src.device()) {
    kernels::copy(dst.device_type())(dst.view(), src.view_expanded(dst.sizes()));
    return;
  }
  // Cast and pack where the source is, move the bytes, then lay them out where they go.
  const Tensor from = packed(src, dst.dtype());
  const bool direct = dst.is_contiguous() && Shape::same(from.sizes(), dst.sizes());
  const Tensor landing = direct ? dst : empty(from.sizes(), dst.dtype(), dst.device());
  transfer(landing, from);
  if (!direct) kernels::copy(dst.device_type())(dst.view(), landing.view_expanded(dst.sizes()));
}

Tensor to(const Tensor& input, DType dtype) {
  if (input.dtype() == dtype) return input;
  Tensor out = empty_like(input, dtype);
  kernels::copy(input.device_type())(out.view(), input.view());
  if (is_integral(dtype)) return out;
  const DType from = input.dtype();
  return record("ToCopyBackward0", std::move(out), {input}, {},
                [from](const Node&, const Tensor& g) { return Grads{to(g, from)}; });
}

Tensor to_device(const Tensor& input, Device device) {
  if (input.device() == device) return input;
  Tensor out = empty(input.sizes(), input.dtype(), device);
  copy_data(out, input);
  const Device from = input.device();
  return record("ToCopyBackward0", std::move(out), {input}, {},
                [from](const Node&, const Tensor& g) { return Grads{to_device(g, from)}; });
}

Tensor clone(const Tensor& input) {
  Tensor out = empty_like(input);
  kernels::copy(input.device_type())(out.view(), input.view());
  return record("clone", std::move(out), {input}, {},
                [](const Node&, const Tensor& g) { return Grads{g}; });
}
PG_OP(clone, "(Tensor input) -> Tensor", R"(A copy in fresh memory, through which gradients flow.

Example:
    >>> pygrad.clone(pygrad.tensor([1., 2.]))
    tensor([1., 2.])
)")
.method();

Tensor contiguous(const Tensor& input) {
  if (input.is_contiguous()) return input;
  Tensor out = empty(input.sizes(), input.dtype(), input.device());
  kernels::copy(input.device_type())(out.view(), input.view());
  return record("clone", std::move(out), {input}, {},
                [](const Node&, const Tensor& g) { return Grads{g}; });
}
PG_OP(contiguous, "(Tensor input) -> Tensor",
      R"(The tensor itself when its elements lie in row-major order, else a copy that does.

Example:
    >>> pygrad.zeros(2, 3).t().contiguous().is_contiguous()
    True
)")
.in("Tensor").method();

namespace {

Tensor converted(const Tensor& input, DType dtype, Device device, bool copy) {
  // Cast on the side where the numbers are fewer bytes.
  const bool cast_first = item_size(dtype) <= item_size(input.dtype());
  Tensor out =
      cast_first ? to_device(to(input, dtype), device) : to(to_device(input, device), dtype);
  return copy && out.is(input) ? clone(input) : out;
}

}  // namespace

Tensor to_dtype_op(const Tensor& self, DType dtype, bool, bool copy) {
  return converted(self, dtype, self.device(), copy);
}
PG_OP_NAMED("to", &to_dtype_op,
            "(Tensor self, dtype dtype, bool non_blocking=False, bool copy=False) -> Tensor",
            R"(The tensor in another dtype; itself when nothing changes.

Args:
    dtype: what to convert to.
    non_blocking: accepted; transfers are ordered with the device's work.
    copy: make a copy even if nothing changes.

Example:
    >>> pygrad.tensor([1.7, -1.7]).to(pygrad.int64)
    tensor([ 1, -1])
)")
    .in("Tensor")
    .method();

Tensor to_other_op(const Tensor& self, const Tensor& other, bool, bool copy) {
  return converted(self, other.dtype(), other.device(), copy);
}
PG_OP_NAMED("to", &to_other_op,
            "(Tensor self, Tensor other, bool non_blocking=False, bool copy=False) -> Tensor",
            R"(The tensor with the dtype and on the device of another.)")
    .in("Tensor")
    .method()
    .composed();

Tensor to_device_op(const Tensor& self, std::optional<Device> device, std::optional<DType> dtype,
                    bool, bool copy) {
  return converted(self, dtype.value_or(self.dtype()), device.value_or(self.device()), copy);
}
PG_OP_NAMED("to", &to_device_op,
            "(Tensor self, device? device=None, dtype? dtype=None, bool non_blocking=False, bool "
            "copy=False) -> Tensor",
            R"(The tensor on another device, in another dtype, or both.)")
    .in("Tensor")
    .method();

Tensor type_as(const Tensor& self, const Tensor& other) {
  return converted(self, other.dtype(), other.device(), false);
}
PG_OP(type_as, "(Tensor self, Tensor other) -> Tensor",
      R"(The tensor with the dtype and on the device of another.

Example:
    >>> pygrad.tensor([1, 2]).type_as(pygrad.tensor(0.5))
    tensor([1., 2.])
)")
.in("Tensor").method().composed();

#define PG_CAST(name, dtype, text, result)                                             \
  Tensor cast_##name(const Tensor& self) { return to(self, DType::dtype); }            \
  PG_OP_NAMED(#name, &cast_##name, "(Tensor self) -> Tensor",                          \
              "The tensor as " text                                                    \
              " numbers; itself when it holds such.\n\n"                               \
              "Example:\n    >>> pygrad.tensor([0, 1])." #name "()\n    " result "\n") \
      .in("Tensor")                                                                    \
      .method()                                                                        \
      .composed();
PG_CAST(float, Float32, "float32", "tensor([0., 1.])")
PG_CAST(double, Float64, "float64", "tensor([0., 1.], dtype=torch.float64)")
PG_CAST(half, Float16, "float16", "tensor([0., 1.], dtype=torch.float16)")
PG_CAST(bfloat16, BFloat16, "bfloat16", "tensor([0., 1.], dtype=torch.bfloat16)")
PG_CAST(int, Int32, "int32", "tensor([0, 1], dtype=torch.int32)")
PG_CAST(long, Int64, "int64", "tensor([0, 1])")
PG_CAST(short, Int16, "int16", "tensor([0, 1], dtype=torch.int16)")
PG_CAST(char, Int8, "int8", "tensor([0, 1], dtype=torch.int8)")
PG_CAST(byte, UInt8, "uint8", "tensor([0, 1], dtype=torch.uint8)")
PG_CAST(bool, Bool, "bool", "tensor([False,  True])")
PG_CAST(cfloat, Complex64, "complex64", "tensor([0.+0.j, 1.+0.j])")
PG_CAST(cdouble, Complex128, "complex128", "tensor([0.+0.j, 1.+0.j], dtype=torch.complex128)")
#undef PG_CAST

Tensor cpu(const Tensor& self) { return to_device(self, Device{}); }
PG_OP(cpu, "(Tensor self) -> Tensor", R"(The tensor in the CPU's memory; itself when it is there.

Example:
    >>> pygrad.tensor([1, 2]).cpu()
    tensor([1, 2])
)")
.in("Tensor").method().composed();

Tensor cuda(const Tensor& self, std::optional<Device> device, bool) {
  const CudaRuntime* runtime = cuda_runtime();
  PG_CHECK(runtime && runtime->device_count() > 0,
           "cuda(): no CUDA device: ", runtime ? runtime->why() : "this build has none",
           ". pygrad.cuda.is_available() tells beforehand");
  const Device target =
      device.value_or(Device{DeviceType::cuda, int8_t(runtime->current_device())});
  PG_CHECK(target.is_cuda(), "cuda(): Invalid device, must be cuda device, not ", target);
  return to_device(self, target);
}
PG_OP(cuda, "(Tensor self, device? device=None, bool non_blocking=False) -> Tensor",
      R"(The tensor in the memory of the CUDA device.

Example:
    >>> x = pygrad.ones(2)
    >>> x.cuda().is_cuda if pygrad.cuda.is_available() else True
    True
)")
.in("Tensor").method().composed();

Tensor pin_memory(const Tensor& self) { return self; }
PG_OP(pin_memory, "(Tensor self) -> Tensor",
      R"(The tensor itself: transfers need no pinned memory here.

Example:
    >>> pygrad.ones(2).pin_memory()
    tensor([1., 1.])
)")
.in("Tensor").method().composed();

// ------------------------------------------------------------------------- writing into a tensor

Tensor copy_(const Tensor& self, const Tensor& src) {
  const Shape sizes = broadcast_shapes("copy_", self.sizes(), src.sizes());
  PG_CHECK(sizes == self.sizes(), "copy_(): src of shape ", src.sizes(),
           " does not fit into shape ", self.sizes(), " (output with shape ", self.sizes(),
           " doesn't match the broadcast shape ", sizes, ")");
  return inplace("copy_", self, [&] {
    Tensor out = make_output(self, self.sizes(), self.dtype(), {src});
    copy_data(out, src);
    const Device from = src.device();
    return record("CopyBackwards", std::move(out), {self, src}, {},
                  [from](const Node& n, const Tensor& g) {
                    return Grads{n.needs(0) ? zeros_like(g) : Tensor(),
                                 n.needs(1) ? to_device(g, from) : Tensor()};
                  });
  });
}
Tensor copy_op(const Tensor& self, const Tensor& src, bool) { return copy_(self, src); }
PG_OP_NAMED("copy_", &copy_op, "(Tensor self, Tensor src, bool non_blocking=False) -> Tensor",
            R"(Overwrites the tensor with src, which is broadcast, cast and moved as needed.

Args:
    src: a tensor that broadcasts to this one.
    non_blocking: accepted; transfers are ordered with the device's work.

Example:
    >>> pygrad.zeros(2).copy_(pygrad.tensor([1, 2]))
    tensor([1., 2.])
)")
    .in("Tensor")
    .method();
PG_OP_NAMED(
    "copy_", +[](const Tensor& self, Scalar src, bool) { return fill_(self, src); },
    "(Tensor self, Scalar src, bool non_blocking=False) -> Tensor",
    R"(Overwrites the tensor with a number.)")
    .in("Tensor")
    .method()
    .composed();

Tensor fill_(const Tensor& self, Scalar value) {
  check_convertible("fill_", value, self.dtype());
  return inplace("fill_", self, [&] {
    Tensor out = make_output(self, self.sizes(), self.dtype(), {});
    kernels::fill(self.device_type())(out.view(), value);
    return record("fill:2", std::move(out), {self}, {},
                  [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
  });
}
Tensor fill_op(const Tensor& self, const Operand& value) {
  if (!value.is_tensor()) return fill_(self, value.scalar);
  PG_CHECK(value.tensor.dim() == 0,
           "fill_(): fill_ only supports 0-dimension value tensor but got tensor with ",
           value.tensor.dim(), " dimensions");
  return inplace("fill_", self, [&] {
    Tensor out = make_output(self, self.sizes(), self.dtype(), {value.tensor});
    copy_data(out, value.tensor);
    const Device from = value.tensor.device();
    return record("fill:3", std::move(out), {self, value.tensor}, {},
                  [from](const Node& n, const Tensor& g) {
                    return Grads{n.needs(0) ? zeros_like(g) : Tensor(),
                                 n.needs(1) ? to_device(sum(g, {}, false), from) : Tensor()};
                  });
  });
}
PG_OP_NAMED("fill_", &fill_op, "(Tensor self, Tensor|Scalar value) -> Tensor",
            R"(Overwrites every element with a number or a 0-d tensor.

Example:
    >>> pygrad.zeros(2).fill_(3)
    tensor([3., 3.])
)")
    .method();

Tensor zero_(const Tensor& self) {
  return inplace("zero_", self, [&] {
    Tensor out = make_output(self, self.sizes(), self.dtype(), {});
    kernels::fill(self.device_type())(out.view(), Scalar(0));
    return record("zero", std::move(out), {self}, {},
                  [](const Node&, const Tensor& g) { return Grads{zeros_like(g)}; });
  });
}
PG_OP(zero_, "(Tensor self) -> Tensor", R"(Overwrites every element with zero.

Example:
    >>> pygrad.ones(2).zero_()
    tensor([0., 0.])
)")
.method();

}  // namespace pygrad
