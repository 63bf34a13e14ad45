#include "csrc/core/promote.h"

#include <algorithm>
#include <atomic>

namespace pygrad {
namespace {

std::atomic<DType> current_default{DType::Float32};

int kind_of(DType d) { return d == DType::Bool ? 0 : is_integral(d) ? 1 : is_floating(d) ? 2 : 3; }

}  // namespace

DType default_dtype() { return current_default.load(std::memory_order_relaxed); }

void set_default_dtype(DType dtype) {
  PG_CHECK_TYPE(is_floating(dtype), "set_default_dtype(): ", dtype,
                " is not a floating dtype; expected float16, bfloat16, float32 or float64");
  current_default.store(dtype, std::memory_order_relaxed);
}

DType default_complex_dtype() { return complex_dtype(default_dtype()); }

DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (kind_of(a) != kind_of(b)) {
    if (is_complex(a) || is_complex(b)) {
      // A double and a complex64 need complex128.
      const DType c = is_complex(a) ? a : b, r = is_complex(a) ? b : a;
      return r == DType::Float64 ? DType::Complex128 : c;
    }
    return kind_of(a) > kind_of(b) ? a : b;
  }
  if (a == DType::UInt8 || b == DType::UInt8) {  // against a signed integer
    const DType s = a == DType::UInt8 ? b : a;
    return s == DType::Int8 ? DType::Int16 : s;
  }
  if ((a == DType::Float16 && b == DType::BFloat16) ||
      (a == DType::BFloat16 && b == DType::Float16))
    return DType::Float32;
  return std::max(a, b);
}

DType scalar_dtype(Scalar s) {
  switch (s.kind) {
    case Scalar::Kind::Bool:
      return DType::Bool;
    case Scalar::Kind::Int:
      return DType::Int64;
    case Scalar::Kind::Float:
      return default_dtype();
    case Scalar::Kind::Complex:
      return default_complex_dtype();
  }
  return DType::Int64;
}

namespace {

// Accumulates the three ranks of operand and resolves them.
struct Promotion {
  bool seen[3] = {};
  DType rank[3] = {};
  void add(int r, DType d) {
    rank[r] = seen[r] ? promote_types(rank[r], d) : d;
    seen[r] = true;
  }
  DType result() const {
    // A lower rank matters only when its kind is higher.
    DType d{};
    bool have = false;
    for (int r = 0; r < 3; ++r) {
      if (!seen[r]) continue;
      if (!have)
        d = rank[r];
      else if (kind_of(rank[r]) > kind_of(d))
        // A complex number keeps the precision of real tensors with dimensions.
        d = is_complex(rank[r]) && is_floating(d) ? complex_dtype(d) : promote_types(d, rank[r]);
      have = true;
    }
    return d;
  }
};

}  // namespace

DType result_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return a.dtype();
  Promotion p;
  p.add(a.dim() == 0, a.dtype());
  p.add(b.dim() == 0, b.dtype());
  return p.result();
}

DType result_type(const Tensor& a, Scalar b) {
  const DType s = scalar_dtype(b);
  if (kind_of(s) <= kind_of(a.dtype())) return a.dtype();
  // A complex number keeps a real tensor's precision; float16 has no complex partner here and goes
  // to complex64.
  if (is_complex(s) && is_floating(a.dtype())) return complex_dtype(a.dtype());
  return s;
}

DType result_type(const Tensor& a, const Operand& b) {
  return b.is_tensor() ? result_type(a, b.tensor) : result_type(a, b.scalar);
}

DType result_type(const TensorList& tensors) {
  Promotion p;
  for (const Tensor& t : tensors) p.add(t.dim() == 0, t.dtype());
  return p.result();
}

bool can_cast(DType from, DType to) {
  if (is_complex(from) && !is_complex(to)) return false;
  if (is_floating(from) && is_integral(to)) return false;
  if (from != DType::Bool && to == DType::Bool) return false;
  return true;
}

}  // namespace pygrad
