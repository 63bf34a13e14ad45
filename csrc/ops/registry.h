// The registry: every operation's name, schema, documentation and boxed function, filled by static
// registration.
//
//   PG_OP(softmax, "(Tensor input, int dim, *, dtype? dtype=None) -> Tensor",
//   R"(...)").method().in("nn.functional");
//
// From the schema come argument parsing, methods, in-place forms, `out=`, the type stub,
// documentation and the generic tests.
//
// Schema types and the C++ parameter each one needs (checked when the module is loaded):
//   Tensor, Tensor?    const Tensor&  (undefined when None)     Tensor[]        const TensorList&
//   Tensor|Scalar      const Operand&                           Scalar, Scalar? Scalar, const
//   std::optional<Scalar>& int, int?          int64_t, std::optional<int64_t>          float,
//   float?   double, std::optional<double> bool, bool?        bool, std::optional<bool> str, str?
//   const std::string&, const std::optional<std::string>& int[], int[]?      const Shape&, const
//   std::optional<Shape>&  (a single int is accepted) int[*]             const
//   std::vector<int64_t>&  (of any length; int[] holds at most kMaxDims) bool(True)         bool,
//   and only that literal: tells overloads apart int[...]           const Shape&  (as int[], and
//   also given as separate positional arguments: x.view(2, 3)) Tensor[...]        const TensorList&
//   (also as separate positional arguments) dtype, dtype?      DType, std::optional<DType> device?
//   std::optional<Device> float[]            const std::vector<double>&               Generator?
//   Generator*  (null when None)
// Returns: Tensor, Tensor[] (a tuple in Python), (Tensor values, Tensor indices) (a named tuple),
// bool, int, float, Scalar,
//   int[], and () for nothing; C++: Tensor, TensorList, std::tuple<Tensor, ...>, bool, int64_t,
//   double, Scalar, Shape, void.
// Defaults: None, True, False, numbers, 'text', [] and [1, 1]. `*` starts the keyword-only part.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "csrc/core/generator.h"
#include "csrc/core/promote.h"
#include "csrc/core/tensor.h"

namespace pygrad {

using Value = std::variant<std::monostate, Tensor, TensorList, Scalar, Shape, DType, Device,
                           Generator*, std::string, std::vector<double>, std::vector<int64_t>>;
using Boxed = Value (*)(Value* args);

enum class ArgKind : uint8_t {
  Tensor,
  TensorList,
  TensorOrScalar,
  Scalar,
  Int,
  Float,
  Bool,
  Str,
  IntList,
  LongIntList,
  FloatList,
  DType,
  Device,
  Generator,
};
enum class ReturnKind : uint8_t {
  None,
  Tensor,
  TensorList,
  Tuple,
  Bool,
  Int,
  Float,
  Scalar,
  IntList
};

struct Param {
  std::string name;
  ArgKind kind;
  bool optional = false;  // `?`: None is accepted
  bool has_default = false;
  bool keyword_only = false;
  bool varargs = false;  // `[...]`
  int literal = -1;      // 0 or 1: only this bool is accepted
  Value default_value;
};

struct OpDef {
  const char* name;
  const char* schema;
  const char* doc;
  Boxed fn;
  int arity;
  const ArgKind* kinds;  // of the C++ parameters, for the check against the schema
  ReturnKind returns;

  std::vector<Param> params{};  // parsed from the schema
  std::vector<std::string> return_names{};
  std::vector<const char*> namespaces{"torch"};
  bool is_function = true;  // has another namespace than "Tensor"
  bool is_method = false;
  bool has_inplace = false;     // `name_` exists as a method (and as a function in torch)
  std::string inplace_name{};   // `name_`
  bool inplace_direct = false;  // the op writes through make_output()
  bool inplace_only = false;    // registered under a name ending in "_" itself; never gets `out=`
  bool non_differentiable = false;
  bool is_composed = false;  // differentiable because it calls differentiable ops
  OpDef* next_overload = nullptr;
};

// First overload of a name, or null. All names in registration order.
OpDef* find_op(const std::string& name);
const std::vector<OpDef*>& all_ops();
// Parses every schema and checks it against the C++ signature; called once when the module is
// loaded.
void finish_registration();

namespace detail {

template <class T>
struct Unbox;
#define PG_UNBOX(CPP, VARIANT, KIND)                                  \
  template <>                                                         \
  struct Unbox<CPP> {                                                 \
    static constexpr ArgKind kind = ArgKind::KIND;                    \
    static const CPP& from(Value& v) { return std::get<VARIANT>(v); } \
  };
PG_UNBOX(TensorList, TensorList, TensorList)
PG_UNBOX(Scalar, Scalar, Scalar)
PG_UNBOX(Shape, Shape, IntList)
PG_UNBOX(DType, DType, DType)
PG_UNBOX(Device, Device, Device)
PG_UNBOX(std::string, std::string, Str)
PG_UNBOX(std::vector<double>, std::vector<double>, FloatList)
PG_UNBOX(std::vector<int64_t>, std::vector<int64_t>, LongIntList)
#undef PG_UNBOX
template <>
struct Unbox<Tensor> {
  static constexpr ArgKind kind = ArgKind::Tensor;
  static const Tensor& from(Value& v) {
    static const Tensor undefined;
    return v.index() == 0 ? undefined : std::get<Tensor>(v);
  }
};
template <>
struct Unbox<Operand> {
  static constexpr ArgKind kind = ArgKind::TensorOrScalar;
  static Operand from(Value& v) {
    return v.index() == 1 ? Operand(std::get<Tensor>(v)) : Operand(std::get<Scalar>(v));
  }
};
template <>
struct Unbox<int64_t> {
  static constexpr ArgKind kind = ArgKind::Int;
  static int64_t from(Value& v) { return std::get<Scalar>(v).i; }
};
template <>
struct Unbox<double> {
  static constexpr ArgKind kind = ArgKind::Float;
  static double from(Value& v) { return std::get<Scalar>(v).to_double(); }
};
template <>
struct Unbox<bool> {
  static constexpr ArgKind kind = ArgKind::Bool;
  static bool from(Value& v) { return std::get<Scalar>(v).i != 0; }
};
template <>
struct Unbox<Generator*> {
  static constexpr ArgKind kind = ArgKind::Generator;
  static Generator* from(Value& v) { return v.index() == 0 ? nullptr : std::get<Generator*>(v); }
};
template <class T>
struct Unbox<std::optional<T>> {
  static constexpr ArgKind kind = Unbox<T>::kind;
  static std::optional<T> from(Value& v) {
    if (v.index() == 0) return std::nullopt;
    return Unbox<T>::from(v);
  }
};

template <class R>
struct BoxReturn;
#define PG_BOX_RETURN(CPP, KIND, EXPR)                   \
  template <>                                            \
  struct BoxReturn<CPP> {                                \
    static constexpr ReturnKind kind = ReturnKind::KIND; \
    static Value box(CPP r) { return Value(EXPR); }      \
  };
PG_BOX_RETURN(Tensor, Tensor, std::move(r))
PG_BOX_RETURN(TensorList, TensorList, std::move(r))
PG_BOX_RETURN(bool, Bool, Scalar(r))
PG_BOX_RETURN(int64_t, Int, Scalar(r))
PG_BOX_RETURN(double, Float, Scalar(r))
PG_BOX_RETURN(Scalar, Scalar, r)
PG_BOX_RETURN(Shape, IntList, r)
#undef PG_BOX_RETURN
template <class... T>
struct BoxReturn<std::tuple<T...>> {
  static_assert((std::is_same_v<T, Tensor> && ...));
  static constexpr ReturnKind kind = ReturnKind::Tuple;
  static Value box(std::tuple<T...> r) {
    return std::apply([](auto&... t) { return Value(TensorList{std::move(t)...}); }, r);
  }
};
template <>
struct BoxReturn<void> {
  static constexpr ReturnKind kind = ReturnKind::None;
};

template <auto F>
struct Box;
template <class R, class... A, R (*F)(A...)>
struct Box<F> {
  static constexpr int arity = sizeof...(A);
  static constexpr ArgKind kinds[sizeof...(A) + 1] = {Unbox<std::decay_t<A>>::kind...,
                                                      ArgKind::Tensor};
  static constexpr ReturnKind returns = BoxReturn<R>::kind;
  template <size_t... I>
  static Value call(Value* v, std::index_sequence<I...>) {
    (void)v;
    if constexpr (std::is_void_v<R>) {
      F(Unbox<std::decay_t<A>>::from(v[I])...);
      return {};
    } else {
      return BoxReturn<R>::box(F(Unbox<std::decay_t<A>>::from(v[I])...));
    }
  }
  static Value fn(Value* v) { return call(v, std::index_sequence_for<A...>{}); }
};

}  // namespace detail

// What PG_OP returns: refine the registration by chaining.
class Registration {
 public:
  Registration(const char* name, const char* schema, const char* doc, Boxed fn, int arity,
               const ArgKind* kinds, ReturnKind returns);
  // Also a method of Tensor; the first Tensor parameter is `self`.
  Registration&& method() &&;
  // Also `name_`. direct: the op takes its result's memory from make_output() (autograd/inplace.h).
  Registration&& inplace(bool direct = true) &&;
  // Where the function appears instead of "torch": "torch", "nn.functional", "Tensor" (method
  // only), "_internal", "linalg", "special".
  Registration&& in(const char* ns) &&;       // replaces the default
  Registration&& also_in(const char* ns) &&;  // adds one
  // Its result never requires grad: it does not record, on purpose.
  Registration&& nondifferentiable() &&;
  // It records nothing itself because every op it calls does.
  Registration&& composed() &&;
  // Another public name for the same function; last in the chain, since it copies what was said so
  // far.
  Registration&& alias(const char* name) &&;

 private:
  OpDef* def_;
};

#define PG_CONCAT_(a, b) a##b
#define PG_CONCAT(a, b) PG_CONCAT_(a, b)
#define PG_OP_NAMED(name, function, schema, doc)                                         \
  [[maybe_unused]] static ::pygrad::Registration PG_CONCAT(registration_, __COUNTER__) = \
      ::pygrad::Registration(name, schema, doc, &::pygrad::detail::Box<function>::fn,    \
                             ::pygrad::detail::Box<function>::arity,                     \
                             ::pygrad::detail::Box<function>::kinds,                     \
                             ::pygrad::detail::Box<function>::returns)
// The C++ function and the Python name agree; several statements for one name make overloads, tried
// in order. For overloads of one C++ name write PG_OP_NAMED("max", max_dim, ...).
#define PG_OP(name, schema, doc) PG_OP_NAMED(#name, &name, schema, doc)

}  // namespace pygrad
