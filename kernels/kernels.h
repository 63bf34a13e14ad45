// Every kernel's signature: the only header of kernels/ that csrc/ includes.
//
// Conventions, unless a line says otherwise:
// - The caller has checked shapes, dtypes and index ranges; a kernel checks nothing but its dtype
// (see `unsupported`).
// - Outputs come first. Inputs of pointwise kernels have been expanded to the output's sizes
// (stride 0 where broadcast), and
//   cast to one dtype. Views may have any strides, and any size may be 0. Outputs never overlap
//   themselves.
// - An output may be the very same view as an input (in-place); no other overlap.
// - 16-bit floats are computed in float and rounded once at the end.
// - Work is divided by shape alone and partial results combine in a fixed order: the same bits for
// any thread count.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/chain.h"
#include "kernels/op_lists.h"
#include "kernels/view.h"

namespace pygrad {

// One matrix product per batch entry: C = alpha * A B + beta * C, then + bias, then the activation.
// Element (i, j) of A lies at a[i * a_rs + j * a_cs]; any strides, so a transpose is never
// materialised.
struct GemmArgs {
  DType dtype;  // every dtype but bool; 16-bit floats accumulate in float, integers wrap
  int64_t batch, m, n, k;
  const void* a;
  int64_t a_rs, a_cs, a_bs;  // row, column and batch stride, in elements
  const void* b;
  int64_t b_rs, b_cs, b_bs;
  void* c;
  int64_t c_rs, c_cs, c_bs;
  double alpha = 1, beta = 0;  // beta == 0: C is not read, so NaN in it does not matter
  const void* bias = nullptr;  // n values added to each row, or null
  int64_t bias_stride = 1;
  enum class Activation : uint8_t { none, relu } activation = Activation::none;
};

// Convolution geometry; 1-D and 2-D problems are passed as 3-D ones with leading 1s.
// input (n, c, d, h, w), weight (o, c / groups, kd, kh, kw), output (n, o, od, oh, ow).
struct ConvParams {
  int64_t stride[3], padding[3], dilation[3];
  int64_t groups;
};

// Windows over the last three dimensions of a (n, c, d, h, w) view.
struct PoolParams {
  int64_t kernel[3], stride[3], padding[3], dilation[3];
  bool count_include_pad;    // average pooling: divide by the window with its padding
  int64_t divisor_override;  // average pooling: 0 = none
};

// softmax(scale Q K^T + mask) V, a head per position of the leading dimensions.
struct AttentionParams {
  double scale;
  bool causal;       // row i sees keys 0..i only
  double dropout_p;  // of the weights; their choice as by `dropout` on a (..., rows, keys) tensor
  uint64_t seed, offset;
};

// One layer of a recurrent network, in one direction, over sequences sorted by falling length.
// Matrices are row-major without gaps; sequence b at step t has row starts[t] + b * row_step.
enum class RecurrentMode : uint8_t { tanh, relu, lstm, gru };
struct RecurrentArgs {
  DType dtype;  // float or double
  RecurrentMode mode;
  bool reverse;
  int64_t steps, batch, hidden, width;  // width: of the output, `hidden` unless it is projected
  const int64_t *sizes, *starts;        // per step: sequences that are still going, and first row
  int64_t row_step;
  const void* weight;      // (gates * hidden, width)
  const void* bias;        // (gates * hidden), or null
  const void* projection;  // lstm: (width, hidden), or null
  const void *h0, *c0;     // (batch, width) and, lstm only, (batch, hidden)
  void* gates;             // (rows, gates * hidden): projected input, which becomes the gates
  void* extra;             // (rows, hidden): lstm the cells, gru W_hn h + b_hn, else null
  void* unprojected;       // (rows, hidden) where there is a projection
  void* out;               // (rows, width); tanh and relu: the gates themselves
  void *h_last, *c_last;   // like h0 and c0; null when not wanted
};
// Gradients of the same; the arguments hold what the forward pass left.
struct RecurrentGrads {
  const void* out;              // (rows, width), or null
  const void *h_last, *c_last;  // null for none
  void* gates;                  // of the projected input
  void* extra;                  // gru: of W_hn h + b_hn
  void* projected;              // (rows, width), with a projection: of its results
  void *h0, *c0;
};

struct SgdParams {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
};
struct AdamParams {
  double lr, beta1, beta2, eps, weight_decay;
  bool amsgrad, maximize, decoupled;  // decoupled: AdamW's weight decay
};
struct RmspropParams {
  double lr, alpha, eps, weight_decay, momentum;
  bool centered, maximize;
};
struct AdagradParams {
  double lr, lr_decay, weight_decay, eps;
  bool maximize;
};

// `const View*` marks an optional operand: null when absent.
// clang-format off
#define PG_KERNELS(X)                                                                              \
  /* creation and copies */                                                                        \
  X(fill, (const View& out, Scalar value))                                                         \
  X(copy, (const View& out, const View& in)) /* any dtypes; C casts, complex to real drops im */   \
  X(cat, (const View& out, ViewList parts, int64_t dim)) /* any dtypes; side by side along dim */  \
  X(arange, (const View& out, Scalar start, Scalar step)) /* out[i] = start + i step, 1-D */       \
  X(linspace, (const View& out, double start, double end)) /* 1-D, symmetric about the middle */   \
  X(tri, (const View& out, const View& in, int64_t diagonal, bool upper)) /* last two dims */      \
  /* pointwise */                                                                                  \
  X(unary, (UnaryOp op, const View& out, const View& in))                                          \
  X(predicate, (PredicateOp op, const View& out, const View& in))                                  \
  X(complex_to_real, (ComplexToRealOp op, const View& out, const View& in))                        \
  X(activation, (ActivationOp op, const View& out, const View& in, double a, double b, double c))  \
  X(activation_backward, (ActivationOp op, const View& grad_in, const View& grad, const View& in,  \
                          double a, double b, double c))                                           \
  X(relu_backward, (const View& grad_in, const View& grad, const View& out)) /* out > 0 ? g : 0 */ \
  X(sigmoid_backward, (const View& grad_in, const View& grad, const View& out)) /* g y (1 - y) */  \
  X(tanh_backward, (const View& grad_in, const View& grad, const View& out)) /* g (1 - y y) */     \
  X(binary, (BinaryOp op, const View& out, const View& a, const View& b))                          \
  X(binary_scalar, (BinaryOp op, const View& out, const View& a, Scalar b, bool scalar_first))     \
  X(compare, (CompareOp op, const View& out, const View& a, const View& b))                        \
  X(compare_scalar, (CompareOp op, const View& out, const View& a, Scalar b))                      \
  X(ternary, (TernaryOp op, const View& out, const View& a, const View& b, const View& c,          \
              Scalar s))                                                                           \
  X(where, (const View& out, const View& condition, const View& a, const View& b)) /* cond bool */ \
  X(clamp, (const View& out, const View& in, Scalar low, bool has_low, Scalar high,                \
            bool has_high)) /* NaN stays NaN; low > high gives high */                             \
  /* reductions: `out` has the input's dims, size 1 where reduced */                               \
  X(reduce, (ReduceOp op, const View& out, const View& in))                                        \
  X(arg_reduce, (bool max, const View* values, const View& indices, const View& in,                \
                 int64_t dim)) /* first of equals; a NaN wins; indices int64 */                    \
  X(var_mean, (const View& var, const View* mean, const View& in, double correction))              \
  X(scan, (ScanOp op, const View& out, const View* indices, const View& in, int64_t dim))          \
  X(sort, (const View& values, const View& indices, const View& in, int64_t dim,                   \
           bool descending)) /* stable; NaN counts as largest */                                   \
  X(topk, (const View& values, const View& indices, const View& in, int64_t dim, bool largest))    \
  X(searchsorted, (const View& out, const View& sorted, const View& values, bool right))           \
  X(bincount, (const View& out, const View& in, const View* weights)) /* out zeroed by caller */   \
  /* indexing: int64 indices, already wrapped to be non-negative */                                \
  X(wrap_index, (const View& out, const View& in, int64_t size)) /* i < 0 ? i + size : i */        \
  X(nonzero, (const View& out, const View& in)) /* out (count, ndim) int64, row-major order */     \
  X(index_get, (const View& out, const View& in, ViewList indices, const int64_t* strides))        \
  /* ^ in: strided like out but 0 at indexed dims; element += sum_k indices[k] * strides[k] */     \
  X(index_put, (const View& out, const View& values, ViewList indices, const int64_t* strides))    \
  X(index_select, (const View& out, const View& in, const View& index, int64_t dim))               \
  X(index_add, (const View& out, const View& index, const View& src, int64_t dim, Scalar alpha))   \
  X(gather, (const View& out, const View& in, const View& index, int64_t dim))                     \
  X(scatter, (ScatterOp op, const View& out, const View& index, const View& src, int64_t dim))     \
  /* matrix products and convolution */                                                            \
  X(gemm, (const GemmArgs& args))                                                                  \
  X(int_mm, (const View& out, const View& a, const View& b)) /* int32 = (u)int8 int8, matrices */  \
  X(conv, (const View& out, const View& in, const View& weight, const View* bias,                  \
           const ConvParams& p))                                                                   \
  X(conv_backward_data, (const View& grad_in, const View& grad, const View& weight,                \
                         const ConvParams& p))                                                     \
  X(conv_backward_weight, (const View& grad_weight, const View& grad, const View& in,              \
                           const ConvParams& p))                                                   \
  X(max_pool, (const View& out, const View& indices, const View& in, const PoolParams& p))         \
  X(max_pool_backward, (const View& grad_in, const View& grad, const View& indices))               \
  /* ^ indices into the flattened (d, h, w) plane; grad_in zeroed by the kernel */                 \
  X(avg_pool, (const View& out, const View& in, const PoolParams& p))                              \
  X(avg_pool_backward, (const View& grad_in, const View& grad, const PoolParams& p))               \
  X(adaptive_avg_pool, (const View& out, const View& in))                                          \
  X(adaptive_avg_pool_backward, (const View& grad_in, const View& grad))                           \
  X(adaptive_max_pool, (const View& out, const View& indices, const View& in))                     \
  /* rows */                                                                                       \
  X(softmax, (const View& out, const View& in, int64_t dim, bool log))                             \
  X(softmax_backward, (const View& grad_in, const View& grad, const View& out, int64_t dim,        \
                       bool log))                                                                  \
  X(layer_norm, (const View& out, const View& mean, const View& rstd, const View& in,              \
                 const View* weight, const View* bias, double eps))                                \
  /* ^ in (rows, cols) contiguous; mean and rstd (rows) in float, double for double */             \
  X(layer_norm_backward, (const View* grad_in, const View* grad_weight, const View* grad_bias,     \
                          const View& grad, const View& in, const View& mean, const View& rstd,    \
                          const View* weight))                                                     \
  X(rms_norm, (const View& out, const View& rstd, const View& in, const View* weight, double eps)) \
  X(rms_norm_backward, (const View* grad_in, const View* grad_weight, const View& grad,            \
                        const View& in, const View& rstd, const View* weight))                     \
  X(batch_norm, (const View& out, const View& mean, const View& rstd, const View& in,              \
                 const View* weight, const View* bias, const View* running_mean,                   \
                 const View* running_var, bool training, double momentum, double eps))             \
  /* ^ in (n, c, l); mean and rstd (c): written when training, else made from the running ones */  \
  X(batch_norm_backward, (const View* grad_in, const View* grad_weight, const View* grad_bias,     \
                          const View& grad, const View& in, const View* weight, const View& mean,  \
                          const View& rstd, bool training))                                        \
  X(cross_entropy, (const View& loss, const View& lse, const View& logits, const View& target,     \
                    const View* weight, int64_t ignore_index, double label_smoothing))             \
  /* ^ logits (n, c); target (n) int64; loss (n): 0 at ignored rows; lse (n) log-sum-exp */        \
  X(cross_entropy_backward, (const View& grad_in, const View& grad_loss, const View& logits,       \
                             const View& lse, const View& target, const View* weight,              \
                             int64_t ignore_index, double label_smoothing))                        \
  X(attention, (const View& out, const View& lse, const View& query, const View& key,              \
                const View& value, const View* mask, const AttentionParams& p))                    \
  /* ^ (..., rows, e), (..., keys, e), (..., keys, v), mask (..., rows, keys) bool or additive; */ \
  /*   lse (..., rows) contiguous, in float or double; the log-sum-exp, +inf for a masked row */   \
  X(attention_backward, (const View& grad_query, const View& grad_key, const View& grad_value,     \
                         const View& grad, const View& out, const View& lse, const View& query,    \
                         const View& key, const View& value, const View* mask,                     \
                         const AttentionParams& p))                                                \
  X(recurrent, (const RecurrentArgs& args))                                                        \
  X(recurrent_backward, (const RecurrentArgs& args, const RecurrentGrads& grads))                  \
  /* random numbers: element i of the contiguous draw depends on (seed, offset, i) alone */        \
  X(random, (RandomOp op, const View& out, uint64_t seed, uint64_t offset, Scalar a, Scalar b))    \
  X(dropout, (const View& out, const View& in, double p, uint64_t seed, uint64_t offset))          \
  /* optimizer steps, many tensors in one call; all of a tensor's operands share sizes */          \
  X(sgd_step, (ViewList params, ViewList grads, ViewList momentum_buffers, const int64_t* first,   \
               const SgdParams& p))                                                                \
  X(adam_step, (ViewList params, ViewList grads, ViewList exp_avgs, ViewList exp_avg_sqs,          \
                ViewList max_exp_avg_sqs, const double* steps, const AdamParams& p))               \
  X(rmsprop_step, (ViewList params, ViewList grads, ViewList square_avgs,                          \
                   ViewList momentum_buffers, ViewList grad_avgs, const RmspropParams& p))         \
  X(adagrad_step, (ViewList params, ViewList grads, ViewList state_sums, const double* steps,      \
                   const AdagradParams& p))
// clang-format on

struct KernelTable {
#define PG_TABLE_ENTRY(name, args) void(*name) args;
  PG_KERNELS(PG_TABLE_ENTRY)
#undef PG_TABLE_ENTRY
  // These two answer a question, so they return a value.
  // Position of the first element of `index` (int64, any strides) outside [low, high), in row-major
  // order, or -1.
  int64_t (*find_out_of_range)(const View& index, int64_t low, int64_t high);
  // Number of elements that are not zero (any dtype).
  int64_t (*count_nonzero_total)(const View& in);
};

// Thrown text for a dtype a kernel has no instance for; never returns. csrc installs the handler
// that throws NotImplementedError, so that kernel files need no exceptions of their own.
[[noreturn]] void unsupported_on(const char* device, const char* kernel, DType dtype);
#ifndef PG_KERNEL_DEVICE
#define PG_KERNEL_DEVICE "cpu"  // kernels/cuda/common.cuh says "cuda"
#endif
[[noreturn]] PG_HOST_INLINE void unsupported(const char* kernel, DType dtype) {
  unsupported_on(PG_KERNEL_DEVICE, kernel, dtype);
}
using UnsupportedHandler = void (*)(const char* kernel, const char* device, DType dtype);
void set_unsupported_handler(UnsupportedHandler handler);

// --- devices -----------------------------------------------------------------------------------

enum class DeviceType : uint8_t { cpu, cuda };

const KernelTable& cpu_kernels();  // the table of the instruction set in force
namespace kernels {
extern const KernelTable* tables[2];  // by DeviceType; the CUDA slot is null in a build without it
#define PG_ACCESSOR(name, args) \
  inline auto name(DeviceType device) { return tables[int(device)]->name; }
PG_KERNELS(PG_ACCESSOR)
PG_ACCESSOR(find_out_of_range, )
PG_ACCESSOR(count_nonzero_total, )
#undef PG_ACCESSOR
}  // namespace kernels

// The instruction sets compiled in: "baseline", "avx2", "avx512". PYGRAD_ISA forces one at start.
const char* isa_name();
bool set_isa(const char* name);  // false when this processor or build lacks it
int available_isas(const char** names, int capacity);

// Units for dot products (kernels/cpu/common/tile_choice.h): "amx", "avx512", "emulated" or "none".
// They multiply bfloat16 and int8, and float32 as far as the settings below allow it.
// PYGRAD_TILE_UNIT names one at start.
const char* tile_unit();               // the one that bfloat16 products run on
bool set_tile_unit(const char* name);  // also "auto"; false when this processor lacks it
// How exact a float32 product must be: as float32; as sums of two bfloat16; as one bfloat16.
enum class Float32Precision : uint8_t { highest, high, medium };
Float32Precision float32_precision();
void set_float32_precision(Float32Precision precision);
// Whether float32 products may be computed from bfloat16 parts (PYGRAD_FLOAT32_SPLIT=0 forbids it).
bool float32_split_allowed();
void set_float32_split_allowed(bool allowed);
// Whether 3 x 3 convolutions may use Winograd's algorithm on the CPU; PYGRAD_WINOGRAD=0 forbids it
// at start.
bool winograd_allowed();
void set_winograd_allowed(bool allowed);

// The thread pool (kernels/cpu/parallel.h). The default is min(affinity, cgroup quota).
int num_threads();
void set_num_threads(int n);

// Flops a second (a fused multiply-add is two) that the threads reach on registers alone, with the
// instruction set in force, for float or double: the best seen in `seconds`.
double fma_peak(DType dtype, double seconds);

// Memory and transfers of the CUDA device; null functions when the build has none. All may be
// called with no driver present, in which case device_count() is 0.
struct CudaRuntime {
  int (*device_count)();
  bool (*is_emulated)();
  const char* (*why)();  // what was looked for and found, for `pygrad.cuda.why()`
  bool (*device_name)(int device, char* out, size_t capacity);
  void* (*allocate)(size_t bytes, int device);  // null on failure
  void (*deallocate)(void* p, size_t bytes, int device);
  bool (*copy)(void* dst, const void* src, size_t bytes,
               int kind);  // 0 host to device, 1 device to host, 2 on device
  bool (*synchronize)();
  const char* (*last_error)();  // text of the last failure, cleared by the call; null when none
  bool (*memory_info)(size_t* free, size_t* total);
  int (*current_device)();
  bool (*set_device)(int device);
};
const CudaRuntime* cuda_runtime();  // null in a build without CUDA

}  // namespace pygrad
