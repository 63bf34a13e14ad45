// gemm: matrix products of any strides, on tiles in shared memory (gemm_tile.cuh).
//
// `route` chooses among tile shapes by shape and dtype alone. 16-bit floats become float on the way
// into shared memory; integers are multiplied as unsigned ones of at least 32 bits, which wraps.

#include "kernels/cuda/gemm_tile.cuh"

namespace pygrad::cuda {
namespace {

template <class T, class Acc>
struct MatrixOperand {
  static constexpr bool kGather = false;
  const T* data;
  int64_t line_stride, k_stride, batch_stride;
  bool k_fast;
  __device__ __forceinline__ MatrixOperand at_batch(int64_t z) const {
    MatrixOperand o = *this;
    o.data += z * batch_stride;
    return o;
  }
  __device__ __forceinline__ Acc at(int64_t line, int64_t k) const {
    return Acc(upcast(data[line * line_stride + k * k_stride]));
  }
};

PG_HOST_DEVICE float scaled(float x, double s) { return x * float(s); }
PG_HOST_DEVICE double scaled(double x, double s) { return x * s; }
PG_HOST_DEVICE uint32_t scaled(uint32_t x, double s) { return x * uint32_t(int64_t(s)); }
PG_HOST_DEVICE uint64_t scaled(uint64_t x, double s) { return x * uint64_t(int64_t(s)); }
template <class R>
PG_HOST_DEVICE Complex<R> scaled(Complex<R> x, double s) {
  return {x.re * R(s), x.im * R(s)};
}

// C = alpha * sum + beta * C, then + bias, then the activation.
template <class T, class Acc>
struct MatrixTarget {
  T* c;
  int64_t rs, cs, bs;
  double alpha, beta;
  const T* bias;
  int64_t bias_stride;
  bool relu, is_signed;

  struct Column {
    int64_t at, bias_at;
  };
  __device__ __forceinline__ MatrixTarget at_batch(int64_t z) const {
    MatrixTarget t = *this;
    t.c += z * bs;
    return t;
  }
  __device__ __forceinline__ Column column(int64_t j) const { return {j * cs, j * bias_stride}; }
  __device__ __forceinline__ void put(int64_t i, const Column& column, Acc sum) const {
    T& to = c[i * rs + column.at];
    Acc v = scaled(sum, alpha);
    if (beta != 0) v = v + scaled(Acc(upcast(to)), beta);
    if (bias) v = v + Acc(upcast(bias[column.bias_at]));
    if constexpr (std::is_integral_v<T>) {
      using Signed = std::make_signed_t<T>;
      if (relu && is_signed && Signed(T(v)) < 0) v = Acc(0);
      to = T(v);
    } else if constexpr (is_complex_v<T>) {
      to = v;
    } else {
      if (relu && v < Acc(0)) v = Acc(0);
      to = downcast<T>(v);
    }
  }
};

enum class Route { large, medium, small };

// Small tiles for narrow products, large ones where they fill the device.
Route route(const GemmArgs& g) {
  if (g.m <= 32 || g.n <= 32) return Route::small;
  const int64_t large_tiles = g.batch * ceil_div(g.m, LargeTile::kM) * ceil_div(g.n, LargeTile::kN);
  return large_tiles >= 96 ? Route::large : Route::medium;
}

template <class T, class Acc>
void product(const GemmArgs& g) {
  const auto fast = [](int64_t k_stride, int64_t line_stride) {
    return magnitude(k_stride) <= magnitude(line_stride);
  };
  const MatrixOperand<T, Acc> a{static_cast<const T*>(g.a), g.a_rs, g.a_cs, g.a_bs,
                                fast(g.a_cs, g.a_rs)};
  const MatrixOperand<T, Acc> b{static_cast<const T*>(g.b), g.b_cs, g.b_rs, g.b_bs,
                                fast(g.b_rs, g.b_cs)};
  const MatrixTarget<T, Acc> c{static_cast<T*>(g.c),
                               g.c_rs,
                               g.c_cs,
                               g.c_bs,
                               g.alpha,
                               g.beta,
                               static_cast<const T*>(g.bias),
                               g.bias_stride,
                               g.activation == GemmArgs::Activation::relu,
                               g.dtype != DType::UInt8};
  const auto launch = [&]<class Shape>(Shape*) {
    launch_tiles<Shape, Acc>(a, b, c, g.batch, g.m, g.n, g.k);
  };
  const Route way = route(g);
  if constexpr (std::is_same_v<Acc, float>) {
    if (way == Route::large) return launch(static_cast<LargeTile*>(nullptr));
  }
  if constexpr (std::is_floating_point_v<Acc>) {
    if (way != Route::small) return launch(static_cast<MediumTile*>(nullptr));
  }
  using Small = std::conditional_t<sizeof(Acc) == 16, WideTile, SmallTile>;
  launch(static_cast<Small*>(nullptr));
}

}  // namespace

void gemm(const GemmArgs& args) {
  GemmArgs g = args;
  if (g.batch == 0 || g.m == 0 || g.n == 0) return;
  if (g.batch > 1 && g.b_bs == 0 && g.a_bs == g.m * g.a_rs && g.c_bs == g.m * g.c_rs) {
    g.m *= g.batch;  // one B for a stack of A: a single tall product
    g.batch = 1;
  }
  switch (g.dtype) {
    case DType::UInt8:
    case DType::Int8:
      return product<uint8_t, uint32_t>(g);
    case DType::Int16:
      return product<uint16_t, uint32_t>(g);
    case DType::Int32:
      return product<uint32_t, uint32_t>(g);
    case DType::Int64:
      return product<uint64_t, uint64_t>(g);
    case DType::Float16:
      return product<Half, float>(g);
    case DType::BFloat16:
      return product<BFloat16, float>(g);
    case DType::Float32:
      return product<float, float>(g);
    case DType::Float64:
      return product<double, double>(g);
    case DType::Complex64:
      return product<Complex64, Complex64>(g);
    case DType::Complex128:
      return product<Complex128, Complex128>(g);
    case DType::Bool:
      break;
  }
  unsupported("gemm", g.dtype);
}

void int_mm(const View& out, const View& a, const View& b) {
  const auto run = [&]<class Left>(const Left* left) {
    const auto fast = [](int64_t k_stride, int64_t line_stride) {
      return magnitude(k_stride) <= magnitude(line_stride);
    };
    const MatrixOperand<Left, uint32_t> rows{left, a.strides[0], a.strides[1], 0,
                                             fast(a.strides[1], a.strides[0])};
    const MatrixOperand<int8_t, uint32_t> columns{static_cast<const int8_t*>(b.data), b.strides[1],
                                                  b.strides[0], 0,
                                                  fast(b.strides[0], b.strides[1])};
    MatrixTarget<uint32_t, uint32_t> target{};
    target.c = static_cast<uint32_t*>(out.data);
    target.rs = out.strides[0], target.cs = out.strides[1];
    target.alpha = 1;
    launch_tiles<SmallTile, uint32_t>(rows, columns, target, 1, out.sizes[0], out.sizes[1],
                                      a.sizes[1]);
  };
  if (out.sizes[0] == 0 || out.sizes[1] == 0) return;
  if (b.dtype == DType::Int8 && a.dtype == DType::Int8)
    return run(static_cast<const int8_t*>(a.data));
  if (b.dtype == DType::Int8 && a.dtype == DType::UInt8)
    return run(static_cast<const uint8_t*>(a.data));
  unsupported("int_mm", a.dtype);
}

}  // namespace pygrad::cuda
