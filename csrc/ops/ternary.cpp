// Choices and combinations of three operands: where, masked_fill, lerp, addcmul, addcdiv.
#include "csrc/ops/creation.h"
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

DType choice_type(const Operand& a, const Operand& b) {
  if (a.is_tensor()) return result_type(a.tensor, b);
  if (b.is_tensor()) return result_type(b.tensor, a);
  return promote_types(scalar_dtype(a.scalar), scalar_dtype(b.scalar));
}

// The operand in the result's dtype; a number becomes 0-d.
Tensor choice(const Operand& o, DType dtype, Device device) {
  if (o.is_tensor()) return to(o.tensor, dtype);
  if (is_integral(dtype))
    check_convertible("where", o.scalar, dtype);  // a number too large for a float is infinite
  return full(Shape{}, o.scalar, dtype, device);
}

// A mask of dtype bool; uint8 is accepted for old scripts.
Tensor check_mask(const char* name, const Tensor& mask, const char* text) {
  PG_CHECK(mask.dtype() == DType::Bool || mask.dtype() == DType::UInt8, name, "(): ", text,
           mask.dtype());
  return to(mask, DType::Bool);
}

}  // namespace

Tensor where(const Tensor& condition, const Operand& input, const Operand& other) {
  const Tensor given =
      check_mask("where", condition,
                 "where expected condition to be a boolean tensor, but got a tensor with dtype ");
  const DType dtype = choice_type(input, other);
  const Device device = input.is_tensor() && input.tensor.dim()   ? input.tensor.device()
                        : other.is_tensor() && other.tensor.dim() ? other.tensor.device()
                                                                  : condition.device();
  Tensor mask = given, a = choice(input, dtype, device), b = choice(other, dtype, device);
  align_devices("where", mask, a);
  align_devices("where", mask, b);
  align_devices("where", a, b);
  const Shape pair = broadcast_shapes("where", a.sizes(), b.sizes());
  const Shape sizes = broadcast_shapes("where", mask.sizes(), pair);
  const Tensor& like = sizes == a.sizes() ? a : sizes == b.sizes() ? b : mask;
  Tensor out = make_output(like, sizes, dtype, {mask, a, b});
  kernels::where(out.device_type())(out.view(), mask.view_expanded(sizes), a.view_expanded(sizes),
                                    b.view_expanded(sizes));
  const Tensor none;
  return record("where", out,
                {input.is_tensor() ? input.tensor : none, other.is_tensor() ? other.tensor : none},
                saved(mask), [](const Node& n, const Tensor& g) {
                  const Tensor m = n.saved(0);
                  return Grads{n.needs(0) ? where(m, g, Scalar(0)) : Tensor(),
                               n.needs(1) ? where(m, Scalar(0), g) : Tensor()};
                });
}
PG_OP(where, "(Tensor condition, Tensor|Scalar input, Tensor|Scalar other) -> Tensor",
      R"(input where condition is true, other elsewhere; all three broadcast.

Args:
    condition: a bool tensor.
    input: a tensor or a number.
    other: a tensor or a number.

Example:
    >>> pygrad.where(pygrad.tensor([True, False]), pygrad.tensor([1., 2.]), 0.)
    tensor([1., 0.])
)");

TensorList where_indices(const Tensor& condition) {
  const Tensor at = condition.dim() ? nonzero(condition) : nonzero(unsqueeze(condition, 0));
  return unbind(at, 1);
}
PG_OP_NAMED("where", &where_indices, "(Tensor condition) -> Tensor[]",
            R"(The indices of the true elements: one tensor per dimension.

Example:
    >>> pygrad.where(pygrad.tensor([0, 5, 7]))
    (tensor([1, 2]),)
)")
    .nondifferentiable();

Tensor where_method(const Tensor& self, const Tensor& condition, const Operand& other) {
  return where(condition, self, other);
}
PG_OP_NAMED("where", &where_method,
            "(Tensor self, Tensor condition, Tensor|Scalar other) -> Tensor",
            R"(The tensor where condition is true, other elsewhere.)")
    .in("Tensor")
    .method()
    .composed();

Tensor masked_fill(const Tensor& input, const Tensor& mask, const Operand& value) {
  const Tensor given = check_mask(
      "masked_fill", mask, "masked_fill_ only supports boolean masks, but got mask with dtype ");
  const DType value_type = value.is_tensor() ? value.tensor.dtype() : scalar_dtype(value.scalar);
  PG_CHECK(is_complex(input.dtype()) || !is_complex(value_type),
           "masked_fill(): a complex value cannot be converted to type ", input.dtype(),
           " without overflow");
  if (!value.is_tensor()) check_convertible("masked_fill", value.scalar, input.dtype());
  if (value.is_tensor())
    PG_CHECK(value.tensor.dim() == 0,
             "masked_fill(): masked_fill_ only supports a 0-dimensional value tensor, but got "
             "tensor with ",
             value.tensor.dim(), " dimension(s)");
  Tensor m = given, x = input, v = choice(value, input.dtype(), input.device());
  align_devices("masked_fill", x, m);
  align_devices("masked_fill", x, v);
  const Shape sizes = broadcast_shapes("masked_fill", x.sizes(), m.sizes());
  Tensor out = make_output(x, sizes, x.dtype(), {x, m, v});
  kernels::where(out.device_type())(out.view(), m.view_expanded(sizes), v.view_expanded(sizes),
                                    x.view_expanded(sizes));
  if (!value.is_tensor())
    return record("masked_fill", out, {input}, saved(m), [](const Node& n, const Tensor& g) {
      return Grads{masked_fill(g, n.saved(0), Scalar(0))};
    });
  return record("masked_fill:1", out, {input, value.tensor}, saved(m),
                [](const Node& n, const Tensor& g) {
                  const Tensor mask_ = n.saved(0);
                  return Grads{n.needs(0) ? masked_fill(g, mask_, Scalar(0)) : Tensor(),
                               n.needs(1) ? where(mask_, g, Scalar(0)) : Tensor()};
                });
}
PG_OP(masked_fill, "(Tensor input, Tensor mask, Tensor|Scalar value) -> Tensor",
      R"(input with value where mask is true.

Args:
    input: any shape.
    mask: a bool tensor that broadcasts against input.
    value: a number or a 0-d tensor.

Example:
    >>> pygrad.masked_fill(pygrad.tensor([1., 2.]), pygrad.tensor([True, False]), 0.)
    tensor([0., 2.])
)")
.method().inplace();

namespace {

struct TernaryCall {
  Tensor a, b, c, out;
  TernaryCall(const char* name, const Tensor& x, const Tensor& y, const Tensor& z, DType dtype)
      : a(to(x, dtype)), b(to(y, dtype)), c(to(z, dtype)) {
    align_devices(name, a, b);
    align_devices(name, a, c);
    align_devices(name, b, c);
    const Shape sizes =
        broadcast_shapes(name, a.sizes(), broadcast_shapes(name, b.sizes(), c.sizes()));
    out = make_output(a, sizes, dtype, {a, b, c});
  }
  void run(TernaryOp op, Scalar s) const { run_ternary(op, out, a, b, c, s); }
};

DType three_types(const Tensor& a, const Tensor& b, const Tensor& c) {
  return result_type(TensorList{a, b, c});
}

}  // namespace

Tensor addcmul(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Scalar value) {
  const DType dtype = three_types(input, tensor1, tensor2);
  TernaryCall call("addcmul", input, tensor1, tensor2, dtype);
  if (is_integral(
          dtype)) {  // no kernel of its own: the product is scaled by the whole part of value
    const Sizes sizes = call.out.sizes();
    const DeviceType device = call.out.device_type();
    const Tensor product = empty(sizes, dtype, call.out.device());
    kernels::binary(device)(BinaryOp::mul, product.view(), call.b.view_expanded(sizes),
                            call.c.view_expanded(sizes));
    kernels::binary_scalar(device)(BinaryOp::mul, product.view(), product.view(),
                                   Scalar(value.to_int()), false);
    kernels::binary(device)(BinaryOp::add, call.out.view(), call.a.view_expanded(sizes),
                            product.view());
    return call.out;
  }
  const Tensor b = keep(tensor1, call.out, tensor2.requires_grad()),
               c = keep(tensor2, call.out, tensor1.requires_grad());
  call.run(TernaryOp::addcmul, value);
  return record("addcmul", call.out, {input, tensor1, tensor2}, saved(b, c),
                [value](const Node& n, const Tensor& g) {
                  return Grads{g, n.needs(1) ? mul(g, conj(mul(n.saved(1), value))) : Tensor(),
                               n.needs(2) ? mul(g, conj(mul(n.saved(0), value))) : Tensor()};
                });
}
PG_OP(addcmul, "(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
      R"(input + value * tensor1 * tensor2, with broadcasting.

Example:
    >>> pygrad.addcmul(pygrad.tensor([1.]), pygrad.tensor([2.]), pygrad.tensor([3.]), value=0.5)
    tensor([4.])
)")
.method().inplace();

Tensor addcdiv(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Scalar value) {
  PG_CHECK(!is_integral(tensor1.dtype()) || !is_integral(tensor2.dtype()),
           "addcdiv(): Integer division with addcdiv is no longer supported: tensor1 is ",
           tensor1.dtype(), ", tensor2 ", tensor2.dtype(),
           ". Use (input + value * trunc(tensor1 / tensor2)), or convert one with .float()");
  const DType dtype = three_types(input, tensor1, tensor2);
  TernaryCall call("addcdiv", input, tensor1, tensor2, dtype);
  const bool any = tensor1.requires_grad() || tensor2.requires_grad();
  const Tensor b = keep(tensor1, call.out, tensor2.requires_grad()),
               c = keep(tensor2, call.out, any);
  call.run(TernaryOp::addcdiv, value);
  return record("addcdiv", call.out, {input, tensor1, tensor2}, saved(b, c),
                [value](const Node& n, const Tensor& g) {
                  Tensor to_1, to_2;
                  if (n.needs(1) || n.needs(2)) {
                    const Tensor z = n.saved(1);
                    if (n.needs(1)) to_1 = mul(g, conj(div(Tensor(full_like(z, value)), z)));
                    if (n.needs(2))
                      to_2 = mul(neg(g), conj(div(mul(n.saved(0), value), mul(z, z))));
                  }
                  return Grads{g, to_1, to_2};
                });
}
PG_OP(addcdiv, "(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
      R"(input + value * tensor1 / tensor2, with broadcasting.

Example:
    >>> pygrad.addcdiv(pygrad.tensor([1.]), pygrad.tensor([2.]), pygrad.tensor([4.]))
    tensor([1.5000])
)")
.method().inplace();

Tensor lerp_tensor(const Tensor& input, const Tensor& end, const Tensor& weight) {
  check_same_dtype("lerp", input, end, "input", "`end`");
  check_same_dtype("lerp", input, weight, "input", "`weight`");
  PG_CHECK_KIND(NotImplemented, !is_integral(input.dtype()), "lerp(): not implemented for dtype ",
                input.dtype(), "; expected a floating or complex dtype");
  TernaryCall call("lerp", input, end, weight, input.dtype());
  const bool any = input.requires_grad() || end.requires_grad() || weight.requires_grad();
  const Tensor a = keep(input, call.out, weight.requires_grad()),
               b = keep(end, call.out, weight.requires_grad()), c = keep(weight, call.out, any);
  call.run(TernaryOp::lerp, Scalar(1));
  return record("lerp:1", call.out, {input, end, weight}, saved(a, b, c),
                [](const Node& n, const Tensor& g) {
                  const Tensor w = n.saved(2);
                  return Grads{n.needs(0) ? mul(g, conj(rsub(w, Scalar(1)))) : Tensor(),
                               n.needs(1) ? mul(g, conj(w)) : Tensor(),
                               n.needs(2) ? mul(g, conj(sub(n.saved(1), n.saved(0)))) : Tensor()};
                });
}

Tensor lerp(const Tensor& input, const Tensor& end, const Operand& weight) {
  if (weight.is_tensor()) return lerp_tensor(input, end, weight.tensor);
  check_same_dtype("lerp", input, end, "input", "`end`");
  PG_CHECK_KIND(NotImplemented, !is_integral(input.dtype()), "lerp(): not implemented for dtype ",
                input.dtype(), "; expected a floating or complex dtype");
  const Scalar w = weight.scalar;
  TernaryCall call("lerp", input, end, full(Shape{}, w, input.dtype(), input.device()),
                   input.dtype());
  call.run(TernaryOp::lerp, Scalar(1));
  return record("lerp", call.out, {input, end}, {}, [w](const Node& n, const Tensor& g) {
    const Scalar rest =
        w.is_complex() ? Scalar(Complex128(1 - w.d, w.im)) : Scalar(1 - w.to_double());
    return Grads{n.needs(0) ? mul(g, rest) : Tensor(), n.needs(1) ? mul(g, conj(w)) : Tensor()};
  });
}
PG_OP(lerp, "(Tensor input, Tensor end, Tensor|Scalar weight) -> Tensor",
      R"(Linear interpolation: input + weight * (end - input).

Example:
    >>> pygrad.lerp(pygrad.tensor([0., 10.]), pygrad.tensor([10., 20.]), 0.25)
    tensor([ 2.5000, 12.5000])
)")
.method().inplace();

}  // namespace pygrad
