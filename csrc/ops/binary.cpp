// Addition, subtraction, multiplication and true division.
#include "csrc/ops/pointwise.h"

namespace pygrad {
namespace {

void check_alpha(const char* name, DType dtype, Scalar alpha) {
  PG_CHECK(alpha.kind != Scalar::Kind::Bool || dtype == DType::Bool, name,
           "(): Boolean alpha only supported for Boolean results, not for ", dtype);
  PG_CHECK(!is_integral(dtype) || alpha.is_integral(), name,
           "(): For integral input tensors, argument alpha must not be a floating point number");
  PG_CHECK(is_complex(dtype) || !alpha.is_complex(), name,
           "(): For non-complex input tensors, argument alpha must not be a complex number");
}

void check_sub(const Tensor& input, const Operand& other) {
  const DType b = other.is_tensor() ? other.tensor.dtype() : scalar_dtype(other.scalar);
  PG_CHECK(input.dtype() != DType::Bool || b != DType::Bool,
           "sub(): Subtraction, the `-` operator, with two bool tensors is not supported. Use the "
           "`^` or `logical_xor()` "
           "operator instead");
  PG_CHECK(input.dtype() != DType::Bool && b != DType::Bool,
           "sub(): Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
           "trying to invert a mask, "
           "use the `~` or `logical_not()` operator instead");
}

// a * factor for numbers, in the kind that keeps both exact.
Scalar times(Scalar a, Scalar factor) {
  if (a.is_complex() || factor.is_complex()) {
    const Complex128 x = a.to<Complex128>(), y = factor.to<Complex128>();
    return Scalar(Complex128(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re));
  }
  if (a.is_integral() && factor.is_integral())
    return Scalar(int64_t(uint64_t(a.i) * uint64_t(factor.i)));
  return Scalar(a.to_double() * factor.to_double());
}

// input + alpha * other for a tensor other, under the given tape name.
Tensor add_scaled(const char* name, const Tensor& input, const Tensor& other, Scalar alpha) {
  const DType dtype = result_type(input, other);
  BinaryCall call(name, input, other, dtype);
  if (is_one(alpha)) {
    call.run(BinaryOp::add);
  } else if (is_integral(dtype)) {
    const Tensor scaled = empty_like(call.b);
    kernels::binary_scalar(call.b.device_type())(BinaryOp::mul, scaled.view(), call.b.view(), alpha,
                                                 false);
    kernels::binary(call.a.device_type())(BinaryOp::add, call.out.view(),
                                          call.a.view_expanded(call.out.sizes()),
                                          scaled.view_expanded(call.out.sizes()));
  } else {
    // One pass: a + alpha * b * 1.
    const Tensor one = full(Shape{}, Scalar(1), dtype, call.a.device());
    run_ternary(TernaryOp::addcmul, call.out, call.a, call.b, one, alpha);
  }
  return record(name, std::move(call.out), {input, other}, {},
                [alpha](const Node& n, const Tensor& g) {
                  if (!n.needs(1) || is_one(alpha)) return Grads{g, g};
                  return Grads{g, mul(g, conj(alpha))};
                });
}

Tensor add_number(const char* name, const Tensor& input, Scalar other) {
  BinaryCall call(name, input, other, result_type(input, other));
  call.run(BinaryOp::add);
  return record(name, std::move(call.out), {input}, {},
                [](const Node&, const Tensor& g) { return Grads{g}; });
}

}  // namespace

Tensor add(const Tensor& input, const Operand& other) {
  return other.is_tensor() ? add_scaled("add", input, other.tensor, Scalar(1))
                           : add_number("add", input, other.scalar);
}
Tensor add(const Tensor& input, const Operand& other, Scalar alpha) {
  check_alpha("add", result_type(input, other), alpha);
  return other.is_tensor()
             ? add_scaled("add", input, other.tensor, alpha)
             : add_number("add", input, is_one(alpha) ? other.scalar : times(other.scalar, alpha));
}
PG_OP_NAMED("add", static_cast<Tensor (*)(const Tensor&, const Operand&, Scalar)>(&add),
            "(Tensor input, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
            R"(Sum: input + alpha * other, with broadcasting and type promotion.

Args:
    input: any shape.
    other: a tensor that broadcasts against input, or a number.
    alpha: multiplies other.

Raises:
    RuntimeError: when the shapes do not broadcast, or alpha is a float and the result an integer.

Example:
    >>> pygrad.add(pygrad.tensor([1., 2.]), 10, alpha=2)
    tensor([21., 22.])
)")
    .method()
    .inplace();
PG_OP_NAMED(
    "add",
    +[](Scalar input, const Tensor& other, Scalar alpha) {
      return add_number("add", is_one(alpha) ? other : mul(other, Operand(alpha)), input);
    },
    "(Scalar input, Tensor other, *, Scalar alpha=1) -> Tensor",
    R"(The sum with a number on the left.)")
    .composed();

Tensor sub(const Tensor& input, const Operand& other) {
  check_sub(input, other);
  if (other.is_tensor()) {
    BinaryCall call("sub", input, other, result_type(input, other.tensor));
    call.run(BinaryOp::sub);
    return record(
        "sub", std::move(call.out), {input, other.tensor}, {},
        [](const Node& n, const Tensor& g) { return Grads{g, n.needs(1) ? neg(g) : Tensor()}; });
  }
  BinaryCall call("sub", input, other, result_type(input, other.scalar));
  call.run(BinaryOp::sub);
  return record("sub", std::move(call.out), {input}, {},
                [](const Node&, const Tensor& g) { return Grads{g}; });
}

Tensor sub_alpha(const Tensor& input, const Operand& other, Scalar alpha) {
  if (is_one(alpha)) return sub(input, other);
  check_sub(input, other);
  check_alpha("sub", result_type(input, other), alpha);
  return other.is_tensor() ? add_scaled("sub", input, other.tensor, negated(alpha))
                           : add_number("sub", input, times(other.scalar, negated(alpha)));
}
PG_OP_NAMED("sub", &sub_alpha, "(Tensor input, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
            R"(Difference: input - alpha * other, with broadcasting and type promotion.

Args:
    input: any shape.
    other: a tensor that broadcasts against input, or a number.
    alpha: multiplies other.

Raises:
    RuntimeError: for bool tensors, or shapes that do not broadcast.

Example:
    >>> pygrad.sub(pygrad.tensor([1., 2.]), pygrad.tensor([1., 1.]))
    tensor([0., 1.])
)")
    .method()
    .inplace()
    .alias("subtract");

Tensor rsub(const Tensor& input, Scalar other) {
  check_sub(input, other);
  BinaryCall call("rsub", input, other, result_type(input, other));
  call.scalar_first = true;
  call.run(BinaryOp::sub);
  return record("rsub:1", std::move(call.out), {input}, {},
                [](const Node&, const Tensor& g) { return Grads{neg(g)}; });
}
Tensor rsub_alpha(const Tensor& input, const Operand& other, Scalar alpha) {
  if (!other.is_tensor() && is_one(alpha)) return rsub(input, other.scalar);
  check_sub(input, other);
  const Tensor right = is_one(alpha) ? input : mul(input, alpha);
  return other.is_tensor() ? sub(other.tensor, right) : rsub(right, other.scalar);
}
PG_OP_NAMED("rsub", &rsub_alpha, "(Tensor input, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
            R"(Reversed difference: other - alpha * input.

Example:
    >>> pygrad.rsub(pygrad.tensor([1., 2.]), 3)
    tensor([2., 1.])
)")
    .composed();
PG_OP_NAMED(
    "sub",
    +[](Scalar input, const Tensor& other, Scalar alpha) {
      return rsub_alpha(other, input, alpha);
    },
    "(Scalar input, Tensor other, *, Scalar alpha=1) -> Tensor",
    R"(The difference with a number on the left.)")
    .composed()
    .alias("subtract");

Tensor mul(const Tensor& input, const Operand& other) {
  const DType dtype = result_type(input, other);
  BinaryCall call("mul", input, other, dtype);
  if (!other.is_tensor()) {
    call.run(BinaryOp::mul);
    const Scalar s = other.scalar;
    return record("mul", std::move(call.out), {input}, {},
                  [s](const Node&, const Tensor& g) { return Grads{mul(g, conj(s))}; });
  }
  const Tensor& right = other.tensor;
  const Tensor a = keep(input, call.out, right.requires_grad()),
               b = keep(right, call.out, input.requires_grad());
  call.run(BinaryOp::mul);
  return record("mul", std::move(call.out), {input, right}, saved(a, b),
                [](const Node& n, const Tensor& g) {
                  return Grads{n.needs(0) ? mul(g, conj(n.saved(1))) : Tensor(),
                               n.needs(1) ? mul(g, conj(n.saved(0))) : Tensor()};
                });
}
PG_OP(mul, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Product of the elements, with broadcasting and type promotion.

Args:
    input: any shape.
    other: a tensor that broadcasts against input, or a number.

Example:
    >>> pygrad.mul(pygrad.tensor([1., 2.]), pygrad.tensor([[3.], [4.]]))
    tensor([[3., 6.],
            [4., 8.]])
)")
.method().inplace().alias("multiply");
PG_OP_NAMED(
    "mul", +[](Scalar input, const Tensor& other) { return mul(other, Operand(input)); },
    "(Scalar input, Tensor other) -> Tensor", R"(The product with a number on the left.)")
    .composed()
    .alias("multiply");

namespace {

// The dtype of a true quotient: integers give the default floating dtype.
DType quotient_type(const Tensor& a, const Operand& b) {
  const DType dtype = result_type(a, b);
  return is_integral(dtype) ? default_dtype() : dtype;
}

}  // namespace

Tensor div(const Tensor& input, const Operand& other) {
  BinaryCall call("div", input, other, quotient_type(input, other));
  if (!other.is_tensor()) {
    call.run(BinaryOp::div);
    const Scalar s = other.scalar;
    return record("div", std::move(call.out), {input}, {},
                  [s](const Node&, const Tensor& g) { return Grads{div(g, conj(s))}; });
  }
  const Tensor& right = other.tensor;
  const bool wanted = right.requires_grad();
  const Tensor a = keep(input, call.out, wanted),
               b = keep(right, call.out, wanted || input.requires_grad());
  call.run(BinaryOp::div);
  return record(
      "div", std::move(call.out), {input, right}, saved(a, b), [](const Node& n, const Tensor& g) {
        const Tensor y = n.saved(1);
        return Grads{n.needs(0) ? div(g, conj(y)) : Tensor(),
                     n.needs(1) ? mul(neg(g), conj(div(div(n.saved(0), y), y))) : Tensor()};
      });
}

Tensor rdiv(Scalar other, const Tensor& input) { return mul(reciprocal(input), other); }

PG_OP(div, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(Quotient; integers give the default floating dtype.

Args:
    input: any shape.
    other: a tensor that broadcasts against input, or a number.

Example:
    >>> pygrad.div(pygrad.tensor([1, 2]), 2)
    tensor([0.5000, 1.0000])
)")
.method().inplace().alias("divide").alias("true_divide");
PG_OP_NAMED(
    "div", +[](Scalar input, const Tensor& other) { return rdiv(input, other); },
    "(Scalar input, Tensor other) -> Tensor", R"(The quotient with a number on the left.)")
    .composed()
    .alias("divide")
    .alias("true_divide");

Tensor add_inplace(const Tensor& self, const Tensor& other) {
  return inplace("add_", self, [&] { return add(self, other); });
}

}  // namespace pygrad
