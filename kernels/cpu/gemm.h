// The GEMM engine seen from other kernels: C = act(alpha A B + beta C + bias), with A and B behind
// packing functions.
//
// The engine never looks at A and B themselves: it asks for panels. A panel holds some lines (rows
// of A or columns of B) over a stretch of the depth k, stored panel[d * width + l], so the same
// function serves both sides, a transposed problem, a conversion from 16-bit floats and the gathers
// of a convolution.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/dtype.h"

namespace pygrad::cpu::PG_ISA_NS {

// Multiply-adds below which a second thread does not pay.
constexpr int64_t kSerialMacs = int64_t(1) << 18;

// The depth is worked off in blocks of at most so much: a packing function is never asked for more.
constexpr int64_t kDepthBlock = 384;

template <class T>
struct Packer {
  // Writes lines [line, line + lines) x depth [p, p + depth); lanes from `lines` up to `width`
  // become 0.
  void (*pack)(const void* source, T* panel, int64_t line, int64_t lines, int64_t width, int64_t p,
               int64_t depth);
  const void* source;
  // Several panels may be asked for at once (lines > width; they follow one another): a source
  // whose lines lie side by side is read in longer pieces then.
  bool many = false;
};

// A strided matrix as a source of panels: element (line, p) at data[line * line_stride + p *
// depth_stride].
template <class In>
struct Lines {
  const In* data;
  int64_t line_stride, depth_stride;
};
// The packing function for Lines<In>, whose elements become T. Defined for float from float, Half
// and BFloat16, double from double.
template <class In, class T>
__attribute__((visibility("hidden"))) void pack_lines(const void* source, T* panel, int64_t line,
                                                      int64_t lines, int64_t width, int64_t p,
                                                      int64_t depth);

// Turns `lines` contiguous runs of `depth` elements, `stride` apart, into a panel.
void interleave(const float* runs, int64_t stride, float* panel, int64_t lines, int64_t width,
                int64_t depth);
void interleave(const double* runs, int64_t stride, double* panel, int64_t lines, int64_t width,
                int64_t depth);

template <class T>
struct Product {
  int64_t m, n, k;
  Packer<T> a, b;
  void* c;
  DType c_dtype;  // dtype of T, or a 16-bit float when T is float
  int64_t c_rs, c_cs;
  // Where A can be read instead of packed when there are few columns: contiguous along the depth,
  // in rows that do not collide in the cache.
  const T* a_in_place = nullptr;
  int64_t a_rs = 0;
  double alpha = 1, beta = 0;  // beta == 0: C is not read
  const T* bias = nullptr;     // added to element (i, j): bias[i * bias_rs + j * bias_cs]
  int64_t bias_rs = 0, bias_cs = 0;
  bool relu = false;
};
void multiply(const Product<float>& product);
void multiply(const Product<double>& product);

}  // namespace pygrad::cpu::PG_ISA_NS
