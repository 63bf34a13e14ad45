// Dropout: the mask is not stored; backward draws it again from the same place of the stream.
#include "csrc/autograd/inplace.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/random.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

struct Stream {
  double p;
  uint64_t seed, offset;
};

// Linear in its input, so its gradient is itself on the gradient, and so is the gradient of that.
Tensor masked_by(const Stream& s, const Tensor& input) {
  Tensor out = make_output(input, input.sizes(), input.dtype(), {input});
  kernels::dropout(input.device_type())(out.view(), input.view(), s.p, s.seed, s.offset);
  return record("mul", out, {input}, {},
                [s](const Node&, const Tensor& g) { return Grads{masked_by(s, g)}; });
}

}  // namespace

Tensor dropout(const Tensor& input, double p, bool training) {
  PG_CHECK(p >= 0 && p <= 1, "dropout(): dropout probability has to be between 0 and 1, but got ",
           p);
  if (!training || p == 0 || input.numel() == 0) return input;
  PG_CHECK(!is_integral(input.dtype()), "dropout(): result type Float can't be cast to ",
           input.dtype(), "; expected a floating input");
  if (p == 1) return mul(input, Scalar(0));
  if (is_complex(input.dtype())) {
    // One decision for both parts.
    const Tensor keep =
        dropout(full(input.sizes(), Scalar(1), real_dtype(input.dtype()), input.device()), p, true);
    return mul(input, keep);
  }
  const Generator::Draw d = generator_or_default(nullptr, input.device()).reserve(input.numel());
  return masked_by({p, d.seed, d.offset}, input);
}
PG_OP(
    dropout, "(Tensor input, float p=0.5, bool training=True) -> Tensor",
    R"(Zeroes each element with probability p and divides the others by 1 - p; the input itself when not training.

Args:
    input: any shape, floating.
    p: probability of zero.
    training: whether to drop anything.

Raises:
    RuntimeError: when p is outside [0, 1].

Example:
    >>> pygrad.dropout(pygrad.ones(2), 0.5, False)
    tensor([1., 1.])
)")
.also_in("nn.functional").inplace(false);

}  // namespace pygrad
