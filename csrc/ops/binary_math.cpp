// Other functions of two tensors: extremes, angles and lengths, stable logarithms.
#include <cmath>

#include "csrc/ops/pointwise.h"

namespace pygrad {

Tensor log1p(const Tensor& input);

namespace {

// Extremes share one gradient rule: all to the winner. Equal ones get half each when `share`, else
// the first gets all.
template <class Wins>
Tensor extreme(const char* name, BinaryOp op, const Tensor& input, const Tensor& other, bool share,
               Wins wins) {
  const DType dtype = result_type(input, other);
  PG_CHECK(!is_complex(dtype), name, "(): ", name,
           " not implemented for complex tensors. Compare abs() instead");
  BinaryCall call(name, input, other, dtype);
  const bool any = input.requires_grad() || other.requires_grad();
  const Tensor a = keep(input, call.out, any), b = keep(other, call.out, any);
  // For bools the larger is "or", the smaller "and".
  const bool larger = op == BinaryOp::maximum || op == BinaryOp::fmax;
  call.run(dtype != DType::Bool ? op : larger ? BinaryOp::add : BinaryOp::mul);
  return record(
      name, call.out, {input, other}, saved(a, b), [wins, share](const Node& n, const Tensor& g) {
        const Tensor x = n.saved(0), y = n.saved(1);
        const Tensor first = wins(x, y);  // x is the result, or as large
        if (!share)
          return Grads{n.needs(0) ? where(first, g, Scalar(0.0)) : Tensor(),
                       n.needs(1) ? where(first, Scalar(0.0), g) : Tensor()};
        const Tensor shared = where(eq(x, y), mul(g, Scalar(0.5)), g);
        return Grads{n.needs(0) ? where(first, shared, Scalar(0.0)) : Tensor(),
                     n.needs(1) ? where(logical_and(first, Operand(ne(x, y))), Scalar(0.0), shared)
                                : Tensor()};
      });
}

// The operand of an op that takes tensors only, made of a number.
// A number takes the precision of the tensor beside it: log(2.0) for a double is not log(2.0f).
Tensor as_tensor(const Operand& other, const Tensor& like) {
  if (other.is_tensor()) return other.tensor;
  const DType dtype = result_type(like, other);
  // Beside small integers it keeps its own value: 300 is no uint8. The op's own promotion lets the
  // tensor decide the dtype.
  return scalar_tensor(other.scalar, is_integral(dtype) ? scalar_dtype(other.scalar) : dtype,
                       like.device());
}

}  // namespace

Tensor maximum(const Tensor& input, const Tensor& other) {
  return extreme("maximum", BinaryOp::maximum, input, other, true,
                 [](const Tensor& x, const Tensor& y) { return ge(x, y); });
}
PG_OP(maximum, "(Tensor input, Tensor other) -> Tensor",
      R"(The larger of two elements; NaN if either is.

Example:
    >>> pygrad.maximum(pygrad.tensor([1., 5.]), pygrad.tensor([3., 2.]))
    tensor([3., 5.])
)")
.method();
PG_OP_NAMED("max", &maximum, "(Tensor input, Tensor other) -> Tensor",
            R"(The larger of two elements; NaN if either is.)")
    .method();

Tensor minimum(const Tensor& input, const Tensor& other) {
  return extreme("minimum", BinaryOp::minimum, input, other, true,
                 [](const Tensor& x, const Tensor& y) { return le(x, y); });
}
PG_OP(minimum, "(Tensor input, Tensor other) -> Tensor",
      R"(The smaller of two elements; NaN if either is.

Example:
    >>> pygrad.minimum(pygrad.tensor([1., 5.]), pygrad.tensor([3., 2.]))
    tensor([1., 2.])
)")
.method();
PG_OP_NAMED("min", &minimum, "(Tensor input, Tensor other) -> Tensor",
            R"(The smaller of two elements; NaN if either is.)")
    .method();

Tensor fmax(const Tensor& input, const Tensor& other) {
  return extreme("fmax", BinaryOp::fmax, input, other, false, [](const Tensor& x, const Tensor& y) {
    return logical_or(ge(x, y), Operand(isnan(y)));
  });
}
PG_OP(fmax, "(Tensor input, Tensor other) -> Tensor", R"(The larger of two elements, ignoring NaN.

Example:
    >>> pygrad.fmax(pygrad.tensor([1., float('nan')]), pygrad.tensor([3., 2.]))
    tensor([3., 2.])
)")
.method();

Tensor fmin(const Tensor& input, const Tensor& other) {
  return extreme("fmin", BinaryOp::fmin, input, other, false, [](const Tensor& x, const Tensor& y) {
    return logical_or(le(x, y), Operand(isnan(y)));
  });
}
PG_OP(fmin, "(Tensor input, Tensor other) -> Tensor", R"(The smaller of two elements, ignoring NaN.

Example:
    >>> pygrad.fmin(pygrad.tensor([1., float('nan')]), pygrad.tensor([3., 2.]))
    tensor([1., 2.])
)")
.method();

namespace {

// An op on floats whose backward needs both operands; integers are promoted where `promote` says
// so.
template <class F>
Tensor float_binary(const char* name, const char* node, BinaryOp op, const Tensor& input,
                    const Tensor& other, bool promote, const F& backward) {
  DType dtype = result_type(input, other);
  if (promote && is_integral(dtype)) dtype = default_dtype();
  require_floating(name, dtype);
  BinaryCall call(name, input, other, dtype);
  const bool any = input.requires_grad() || other.requires_grad();
  const Tensor a = keep(input, call.out, any), b = keep(other, call.out, any);
  call.run(op);
  return record(node, call.out, {input, other}, saved(a, b, call.out), backward);
}

}  // namespace

Tensor atan2(const Tensor& input, const Tensor& other) {
  return float_binary("atan2", "atan2", BinaryOp::atan2, input, other, true,
                      [](const Node& n, const Tensor& g) {
                        const Tensor y = n.saved(0), x = n.saved(1), r = add(square(y), square(x));
                        const Tensor share = masked_fill(div(g, r), eq(r, Scalar(0)), Scalar(0));
                        return Grads{n.needs(0) ? mul(share, x) : Tensor(),
                                     n.needs(1) ? mul(share, neg(y)) : Tensor()};
                      });
}
PG_OP(atan2, "(Tensor input, Tensor other) -> Tensor",
      R"(The angle of the point (other, input), in (-pi, pi].

Example:
    >>> pygrad.atan2(pygrad.tensor([1.]), pygrad.tensor([-1.]))
    tensor([2.3562])
)")
.method().inplace().alias("arctan2");

Tensor hypot(const Tensor& input, const Tensor& other) {
  return float_binary("hypot", "hypot", BinaryOp::hypot, input, other, false,
                      [](const Node& n, const Tensor& g) {
                        const Tensor share = div(g, n.saved(2));
                        return Grads{n.needs(0) ? mul(share, n.saved(0)) : Tensor(),
                                     n.needs(1) ? mul(share, n.saved(1)) : Tensor()};
                      });
}
PG_OP(hypot, "(Tensor input, Tensor other) -> Tensor", R"(sqrt(input^2 + other^2) without overflow.

Example:
    >>> pygrad.hypot(pygrad.tensor([3.]), pygrad.tensor([4.]))
    tensor([5.])
)")
.method().inplace();

Tensor copysign(const Tensor& input, const Operand& other) {
  const Tensor right = as_tensor(other, input);
  return float_binary(
      "copysign", "copysign", BinaryOp::copysign, input, right, true,
      [](const Node& n, const Tensor& g) {
        // The result is the input or its negative: their ratio is the slope, 0 at 0.
        const Tensor x = n.saved(0),
                     slope = masked_fill(div(n.saved(2), x), eq(x, Scalar(0)), Scalar(0));
        return Grads{n.needs(0) ? mul(g, slope) : Tensor(), n.needs(1) ? zeros_like(g) : Tensor()};
      });
}
PG_OP(copysign, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(The magnitude of input with the sign of other.

Example:
    >>> pygrad.copysign(pygrad.tensor([1., 2.]), -0.5)
    tensor([-1., -2.])
)")
.method().inplace(false);

Tensor nextafter(const Tensor& input, const Tensor& other) {
  return float_binary("nextafter", "nextafter", BinaryOp::nextafter, input, other, false,
                      [](const Node& n, const Tensor& g) {
                        const Tensor same = eq(n.saved(0), n.saved(1));
                        return Grads{n.needs(0) ? where(same, Scalar(0.0), g) : Tensor(),
                                     n.needs(1) ? zeros_like(g) : Tensor()};
                      });
}
PG_OP(nextafter, "(Tensor input, Tensor other) -> Tensor",
      R"(The next floating-point number after input towards other.

Example:
    >>> pygrad.nextafter(pygrad.tensor([1.]), pygrad.tensor([2.])) > 1
    tensor([True])
)")
.method().inplace();

Tensor logaddexp(const Tensor& input, const Tensor& other) {
  return float_binary("logaddexp", "logaddexp", BinaryOp::logaddexp, input, other, false,
                      [](const Node& n, const Tensor& g) {
                        const Tensor y = n.saved(2);
                        return Grads{n.needs(0) ? mul(g, exp(sub(n.saved(0), y))) : Tensor(),
                                     n.needs(1) ? mul(g, exp(sub(n.saved(1), y))) : Tensor()};
                      });
}
PG_OP(logaddexp, "(Tensor input, Tensor other) -> Tensor",
      R"(log(e^input + e^other) without overflow.

Example:
    >>> pygrad.logaddexp(pygrad.tensor([0.]), pygrad.tensor([0.]))
    tensor([0.6931])
)")
.method();

Tensor logaddexp2(const Tensor& input, const Tensor& other) {
  constexpr double kLn2 = 0.693147180559945309417;
  const DType dtype = result_type(input, other);
  require_floating("logaddexp2", dtype);
  if (item_size(dtype) == 2)  // three roundings to a short dtype would show
    return to(logaddexp2(to(input, DType::Float32), to(other, DType::Float32)), dtype);
  return div(logaddexp(mul(input, Scalar(kLn2)), mul(other, Scalar(kLn2))), Scalar(kLn2));
}
PG_OP(logaddexp2, "(Tensor input, Tensor other) -> Tensor",
      R"(log2(2^input + 2^other) without overflow.

Example:
    >>> pygrad.logaddexp2(pygrad.tensor([1.]), pygrad.tensor([1.]))
    tensor([2.])
)")
.method().composed();

Tensor xlogy(const Tensor& input, const Operand& other) {
  return float_binary("xlogy", "xlogy", BinaryOp::xlogy, input, as_tensor(other, input), true,
                      [](const Node& n, const Tensor& g) {
                        const Tensor x = n.saved(0), y = n.saved(1);
                        Tensor to_x;
                        if (n.needs(0)) {
                          const Tensor still =
                              logical_and(eq(x, Scalar(0)), Operand(le(y, Scalar(0))));
                          to_x = where(still, Scalar(0.0), mul(g, log(y)));
                        }
                        return Grads{to_x, n.needs(1) ? div(mul(g, x), y) : Tensor()};
                      });
}
PG_OP(xlogy, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(input * log(other), 0 where input is 0.

Example:
    >>> pygrad.xlogy(pygrad.tensor([0., 1.]), pygrad.tensor([0., 2.]))
    tensor([0.0000, 0.6931])
)")
.method().inplace(false).also_in("special");

Tensor rxlogy(Scalar self, const Tensor& other) { return xlogy(wrapped(self, other), other); }
PG_OP_NAMED("xlogy", &rxlogy, "(Scalar self, Tensor other) -> Tensor",
            R"(A number times the logarithm of each element, 0 where the number is 0.)")
    .also_in("special")
    .composed();

Tensor xlog1py(const Tensor& input, const Operand& other) {
  const Tensor y = as_tensor(other, input);
  const Tensor product = mul(input, log1p(y));
  return where(logical_and(eq(input, Scalar(0)), Operand(logical_not(isnan(y)))),
               zeros_like(product), product);
}
PG_OP(xlog1py, "(Tensor input, Tensor|Scalar other) -> Tensor",
      R"(input * log1p(other), 0 where input is 0.

Example:
    >>> pygrad.special.xlog1py(pygrad.tensor([0., 1.]), pygrad.tensor([2., 0.]))
    tensor([0., 0.])
)")
.in("special").composed();

Tensor ldexp(const Tensor& input, const Operand& other) {
  const Tensor y = as_tensor(other, input);
  if (!is_floating(input.dtype()) || !is_integral(y.dtype()))
    return mul(input, rpow(Scalar(2.0), y));
  // The power may leave the range of a short dtype although the product does not.
  const DType compute = input.dtype() == DType::Float64 ? DType::Float64 : DType::Float32;
  return to(mul(to(input, compute), rpow(Scalar(2.0), to(y, compute))), input.dtype());
}
PG_OP(ldexp, "(Tensor input, Tensor|Scalar other) -> Tensor", R"(input * 2^other.

Example:
    >>> pygrad.ldexp(pygrad.tensor([1.]), pygrad.tensor([3]))
    tensor([8.])
)")
.method().inplace(false).composed();

Tensor heaviside(const Tensor& input, const Tensor& values) {
  PG_CHECK(!is_complex(input.dtype()) && !is_complex(values.dtype()),
           "heaviside(): heaviside is not yet implemented for complex tensors");
  PG_CHECK(input.dtype() == values.dtype(),
           "heaviside(): heaviside is not yet implemented for tensors with different dtypes: ",
           input.dtype(), " and ", values.dtype());
  GradGuard off(false);
  return where(eq(input, Scalar(0)), values, to(gt(input, Scalar(0)), input.dtype()));
}
PG_OP(heaviside, "(Tensor input, Tensor values) -> Tensor",
      R"(Step function: 0 below zero, 1 above, values at zero.

Example:
    >>> pygrad.heaviside(pygrad.tensor([-1., 0., 2.]), pygrad.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
)")
.method().inplace(false).nondifferentiable();

}  // namespace pygrad
