// The binder: one vectorcall entry for every op, driven by its schema.
//
// A function and a method are two small callables over the same OpDef. Overloads are tried in
// registration order; the first whose arguments all convert is called. The message of a failed call
// names the argument when there is one overload, and lists the signatures when there are several.
#include <algorithm>
#include <bit>
#include <cstring>

#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

constexpr size_t kMaxParams = 24;

// NumPy's spellings, accepted as PyTorch does.
bool is_alias(const char* given, const char* name) {
  if (!std::strcmp(given, "axis")) return !std::strcmp(name, "dim");
  if (!std::strcmp(given, "keepdims")) return !std::strcmp(name, "keepdim");
  if (!std::strcmp(given, "x") || !std::strcmp(given, "a") || !std::strcmp(given, "x1"))
    return !std::strcmp(name, "input");
  if (!std::strcmp(given, "x2")) return !std::strcmp(name, "other");
  if (!std::strcmp(given, "self")) return !std::strcmp(name, "input");
  return false;
}

struct ParseError {
  std::string text;
};

// Keywords that no schema names: where the result goes, and options that only some formats of
// PyTorch's know.
struct CommonArguments {
  PyObject* out = nullptr;
  PyObject* memory_format = nullptr;
};

// layout and pin_memory have one possible meaning here, so they are accepted and dropped.
bool take_common(const OpDef& op, const char* name, PyObject* value, CommonArguments& common) {
  if (!std::strcmp(name, "out") && !op.inplace_only &&
      (op.returns == ReturnKind::Tensor || op.returns == ReturnKind::Tuple)) {
    common.out = value == Py_None ? nullptr : value;
    return true;
  }
  if (!std::strcmp(name, "memory_format")) {
    common.memory_format = value == Py_None ? nullptr : value;
    return true;
  }
  return !std::strcmp(name, "layout") || !std::strcmp(name, "pin_memory");
}

bool in_form(const OpDef& op, CallForm form) {
  switch (form) {
    case CallForm::inplace:
      return op.has_inplace;
    case CallForm::method:
      return op.is_method;
    case CallForm::function:
      return op.is_function;
  }
  return true;
}

// The values of one call, made one after the other. Tensors are borrowed from the caller's Python
// references, which outlive the call: a small op would spend much of its time on counting them.
class Arguments {
 public:
  Arguments() = default;
  ~Arguments() { clear(); }
  Arguments(const Arguments&) = delete;

  Value* data() { return reinterpret_cast<Value*>(memory_); }
  // Without parentheses, which would first fill the memory with zeros.
  Value& push() { return *new (data() + count_++) Value; }
  void push_default(const Value& value) {
    if (const auto* number = std::get_if<Scalar>(&value))
      push().emplace<Scalar>(*number);
    else if (value.index() == 0)
      push();
    else
      new (data() + count_++) Value(value);
  }
  void push_borrowed(PyObject* tensor) {
    borrowed_ |= 1u << count_;
    push().emplace<Tensor>(Intrusive<TensorImpl>::adopt(impl_of(tensor)));
  }
  // References of its own, for a call that exchanges its arguments.
  void own() {
    for (; borrowed_; borrowed_ &= borrowed_ - 1) {
      Tensor& t = std::get<Tensor>(data()[std::countr_zero(borrowed_)]);
      Tensor(t).release();
    }
  }
  void clear() {
    for (; borrowed_; borrowed_ &= borrowed_ - 1)
      std::get<Tensor>(data()[std::countr_zero(borrowed_)]).release();
    for (; count_; --count_) {
      Value& v = data()[count_ - 1];
      // Numbers and shapes, the usual case, leave nothing to destroy.
      if (!std::holds_alternative<Scalar>(v) && !std::holds_alternative<Shape>(v)) v.~Value();
    }
  }

 private:
  alignas(Value) unsigned char memory_[kMaxParams * sizeof(Value)];
  uint32_t borrowed_ = 0;
  uint32_t count_ = 0;
  static_assert(kMaxParams <= 32 && std::is_trivially_destructible_v<Scalar> &&
                std::is_trivially_destructible_v<Shape>);
};

std::string to_string(PyObject* owned) {
  py::object o = py::reinterpret_steal<py::object>(owned);
  return o ? py::cast<std::string>(o) : std::string();
}

std::string type_error(const OpDef& op, const Param& p, PyObject* got) {
  const bool list = PyTuple_Check(got) || PyList_Check(got);
  if (p.kind == ArgKind::IntList && list && PySequence_Fast_GET_SIZE(got) > kMaxDims)
    raise(ErrorKind::Runtime, op.name, "(): tensors have at most ", kMaxDims,
          " dimensions; argument '", p.name, "' has ", PySequence_Fast_GET_SIZE(got));
  return std::string(op.name) + "(): argument '" + p.name + "' must be " + to_string(kind_name(p)) +
         ", not " + (got == Py_None ? "NoneType" : Py_TYPE(got)->tp_name);
}

// x.view(2, 3), block_diag(a, b): positional arguments that are together one list.
bool convert_varargs(const OpDef& op, const Param& p, PyObject* const* args, size_t n, Value& out,
                     ParseError* error) {
  if (p.kind == ArgKind::TensorList) {
    TensorList list;
    for (size_t k = 0; k < n; ++k) {
      if (!is_tensor(args[k])) {
        if (error) error->text = type_error(op, p, args[k]);
        return false;
      }
      list.push_back(tensor_of(args[k]));
    }
    out = std::move(list);
    return true;
  }
  if (convert_ints(args, n, out.emplace<Shape>())) return true;
  if (error) {
    py::tuple all(n);
    for (size_t k = 0; k < n; ++k) all[k] = py::reinterpret_borrow<py::object>(args[k]);
    error->text = type_error(op, p, n > size_t(kMaxDims) ? all.ptr() : args[0]);
    for (size_t k = 0; k < n && n <= size_t(kMaxDims); ++k)
      if (!PyLong_Check(args[k])) error->text = type_error(op, p, args[k]);
  }
  return false;
}

// Fills `values` (one per parameter). `error`, when given, receives why the arguments do not fit.
bool parse(const OpDef& op, PyObject* const* args, size_t nargs, PyObject* kwnames,
           Arguments& values, CommonArguments& common, ParseError* error) {
  const size_t n = op.params.size();
  const size_t nkw = kwnames ? size_t(PyTuple_GET_SIZE(kwnames)) : 0;
  PyObject* given[kMaxParams];
  size_t used = 0, positional = 0;
  size_t vararg = n, vararg_count = 0;  // the parameter that takes several arguments, if one does
  for (; positional < n && used < nargs; ++positional) {
    const Param& p = op.params[positional];
    if (p.keyword_only) break;
    given[positional] = args[used];
    if (p.varargs &&
        !(used + 1 == nargs && (PyTuple_Check(args[used]) || PyList_Check(args[used])))) {
      vararg = positional;
      vararg_count = nargs - used;
      used = nargs;
    } else {
      ++used;
    }
  }
  for (size_t i = positional; i < n; ++i) given[i] = nullptr;
  if (used < nargs) {
    if (error)
      error->text = std::string(op.name) + "() takes " + std::to_string(n) +
                    " positional argument" + (n == 1 ? "" : "s") + " but " + std::to_string(nargs) +
                    " were given";
    return false;
  }
  for (size_t k = 0; k < nkw; ++k) {
    PyObject* key = PyTuple_GET_ITEM(kwnames, Py_ssize_t(k));
    const char* name = PyUnicode_AsUTF8(key);
    size_t i = 0;
    while (i < n && op.params[i].name != name) ++i;
    if (i == n)
      for (i = 0; i < n && !is_alias(name, op.params[i].name.c_str());) ++i;
    if (i == n) {
      if (take_common(op, name, args[nargs + k], common)) continue;
      if (error)
        error->text = std::string(op.name) + "() got an unexpected keyword argument '" + name + "'";
      return false;
    }
    if (given[i]) {
      if (error)
        error->text = std::string(op.name) + "() got multiple values for argument '" + name + "'";
      return false;
    }
    given[i] = args[nargs + k];
  }
  for (size_t i = 0; i < n; ++i) {
    const Param& p = op.params[i];
    PyObject* o = given[i];
    if (!o) {
      if (!p.has_default) {
        if (error) {
          error->text = std::string(op.name) + "() missing 1 required positional argument: \"" +
                        p.name + "\"";
        }
        return false;
      }
      values.push_default(p.default_value);
    } else if ((p.kind == ArgKind::Tensor || p.kind == ArgKind::TensorOrScalar) && is_tensor(o)) {
      values.push_borrowed(o);
    } else if (o == Py_None && p.has_default && p.default_value.index() == 0) {
      values.push();
    } else if (i == vararg) {
      if (!convert_varargs(op, p, args + i, vararg_count, values.push(), error)) return false;
    } else if (!convert(p, o, values.push())) {
      if (error) error->text = type_error(op, p, o);
      return false;
    }
  }
  return true;
}

[[noreturn]] void raise_no_match(OpDef* first, CallForm form, PyObject* const* args, size_t nargs,
                                 PyObject* kwnames) {
  std::vector<std::pair<OpDef*, std::string>> tried;
  for (OpDef* op = first; op; op = op->next_overload) {
    if (!in_form(*op, form)) continue;
    Arguments values;
    CommonArguments common;
    ParseError error;
    parse(*op, args, nargs, kwnames, values, common, &error);
    tried.push_back({op, error.text});
  }
  if (tried.size() == 1) raise(ErrorKind::Type, tried[0].second);
  std::string text =
      std::string(first->name) + "() received an invalid combination of arguments - got (";
  for (size_t i = 0; i < nargs; ++i) text += std::string(i ? ", " : "") + Py_TYPE(args[i])->tp_name;
  const size_t nkw = kwnames ? size_t(PyTuple_GET_SIZE(kwnames)) : 0;
  for (size_t k = 0; k < nkw; ++k)
    text += std::string(nargs + k ? ", " : "") +
            PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, Py_ssize_t(k))) + "=" +
            Py_TYPE(args[nargs + k])->tp_name;
  text += "), but expected one of:";
  for (const auto& [op, why] : tried) text += std::string("\n * ") + op->schema + "\n      " + why;
  raise(ErrorKind::Type, text);
}

int64_t work_of(const OpDef& op, const Value* values) {
  int64_t n = 0;
  for (size_t i = 0; i < op.params.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&values[i])) n += t->defined() ? t->numel() : 0;
    if (const auto* l = std::get_if<TensorList>(&values[i]))
      for (const Tensor& t : *l) n += t.numel();
    if (const auto* s = std::get_if<Shape>(&values[i])) {  // creation: the size itself
      int64_t size = 1;
      for (int64_t d : *s) size = __builtin_mul_overflow(size, d, &size) ? 0 : size;
      n += size > 0 ? size : 0;
    }
  }
  return n;
}

Value invoke(const OpDef& op, Value* values) {
  // A product reads its operands many times, so this many elements of any op are worth another
  // thread's turn.
  const ReleaseGil gil(work_of(op, values) >= kReleaseGilElements);
  return op.fn(values);
}

// Tensors made in inference mode are marked; what shares memory with an argument stays what the
// argument is.
void mark_inference(const OpDef& op, const Value* values, Value& result) {
  auto mark = [&](Tensor& t) {
    if (!t.defined()) return;
    for (size_t i = 0; i < op.params.size(); ++i) {
      const auto* in = std::get_if<Tensor>(&values[i]);
      if (in && in->defined() && in->impl()->storage == t.impl()->storage) return;
    }
    t.impl()->inference = true;
  };
  if (auto* t = std::get_if<Tensor>(&result)) mark(*t);
  if (auto* l = std::get_if<TensorList>(&result))
    for (Tensor& t : *l) mark(t);
}

// out=: the result is written into a tensor the caller gave, resized if it has the wrong shape.
void write_out(const OpDef& op, const Tensor& result, PyObject* out) {
  PG_CHECK_TYPE(is_tensor(out), op.name, "(): argument 'out' must be Tensor, not ",
                Py_TYPE(out)->tp_name);
  const Tensor t = tensor_of(out);
  PG_CHECK(!grad_enabled() || (!result.requires_grad() && !t.requires_grad()), op.name,
           "(): functions with out=... arguments don't support automatic differentiation, but one "
           "of the arguments requires grad");
  PG_CHECK(can_cast(result.dtype(), t.dtype()), op.name, "(): result type ", result.dtype(),
           " can't be cast to the desired output type ", t.dtype());
  PG_CHECK(result.device() == t.device(), op.name, "(): expected out tensor to be on ",
           result.device(), ", but it is on ", t.device());
  if (!Shape::same(t.sizes(), result.sizes())) {
    const Tensor fresh = empty(result.sizes(), t.dtype(), t.device());
    TensorImpl* p = t.impl();
    p->storage = fresh.impl()->storage;
    p->offset = 0;
    p->ndim = fresh.impl()->ndim;
    p->numel = fresh.impl()->numel;
    p->contiguous = true;
    for (int i = 0; i < p->ndim; ++i) {
      p->sizes[i] = fresh.impl()->sizes[i];
      p->strides[i] = fresh.impl()->strides[i];
    }
  }
  copy_data(t, to(result, t.dtype()));
  t.bump_version();
}

bool any_requires_grad(const OpDef& op, const Value* values) {
  const auto wants = [](const Tensor& t) { return t.defined() && t.requires_grad(); };
  for (int i = 0; i < op.arity; ++i) {
    if (auto* t = std::get_if<Tensor>(&values[i]); t && wants(*t)) return true;
    if (auto* l = std::get_if<TensorList>(&values[i]))
      if (std::any_of(l->begin(), l->end(), wants)) return true;
  }
  return false;
}

PyObject* run_inplace(OpDef& op, Arguments& arguments) {
  Value* values = arguments.data();
  const Borrowed borrowed(static_cast<PyObject*>(std::get<Tensor>(values[0]).impl()->object));
  const Tensor& self = *borrowed;  // values[0] may be exchanged below
  const bool recording = grad_enabled() && any_requires_grad(op, values);
  auto compute = [&] {
    if (!op.inplace_direct && recording) {
      // The op may save its input for backward, and that memory is overwritten when it is done.
      arguments.own();
      const Tensor old = clone(self);
      for (int i = 0; i < op.arity; ++i)
        if (auto* t = std::get_if<Tensor>(&values[i]); t && t->is(self)) *t = old;
    }
    return std::get<Tensor>(invoke(op, values));
  };
  inplace(op.inplace_name.c_str(), self, compute, op.inplace_direct, recording);
  return Py_NewRef(static_cast<PyObject*>(self.impl()->object));
}

}  // namespace

namespace {

// channels_last: the dims stay in order, the channels lie closest together in memory.
Tensor with_memory_format(Tensor t, PyObject* format) {
  const std::string name = py::str(py::handle(format));
  if (name.find("channels_last") == std::string::npos) return t;
  const int64_t dims = name.find("3d") == std::string::npos ? 4 : 5;
  PG_CHECK(t.dim() == dims, "required rank ", dims, " tensor to use ", name, " format, got rank ",
           t.dim());
  Shape last{0}, first{0, dims - 1};
  for (int64_t d = 2; d < dims; ++d) last.push_back(d);
  last.push_back(1);
  for (int64_t d = 1; d < dims - 1; ++d) first.push_back(d);
  return permute(contiguous(permute(t, last)), first);
}

PyObject* finish_call(OpDef& op, const Value* values, Value&& result, const CommonArguments& common,
                      PyObject* const* args) {
  if (grad_state.inference) mark_inference(op, values, result);
  if (common.memory_format && op.returns == ReturnKind::Tensor)
    result = with_memory_format(std::get<Tensor>(result), common.memory_format);
  PyObject* out = common.out;
  if (out && op.returns == ReturnKind::Tuple) {
    auto& list = std::get<TensorList>(result);
    PG_CHECK_TYPE(PyTuple_Check(out) || PyList_Check(out), op.name,
                  "(): argument 'out' must be tuple of Tensors, not ", Py_TYPE(out)->tp_name);
    PG_CHECK_TYPE(size_t(PySequence_Fast_GET_SIZE(out)) == list.size(), op.name,
                  "(): 'out' must hold ", list.size(), " tensors");
    for (size_t i = 0; i < list.size(); ++i)
      write_out(op, list[i], PySequence_Fast_GET_ITEM(out, Py_ssize_t(i)));
    for (size_t i = 0; i < list.size(); ++i)
      list[i] = tensor_of(PySequence_Fast_GET_ITEM(out, Py_ssize_t(i)));
    return wrap_value(op, result);
  }
  if (out) {
    write_out(op, std::get<Tensor>(result), out);
    return Py_NewRef(out);
  }
  // x.fill_(1) is x.
  if (op.inplace_only && op.returns == ReturnKind::Tensor && op.params[0].kind == ArgKind::Tensor)
    return Py_NewRef(args[0]);
  return wrap_value(op, result);
}

}  // namespace

PyObject* call_op(OpDef* first, CallForm form, PyObject* const* args, size_t nargs,
                  PyObject* kwnames) {
  Arguments values;
  for (OpDef* op = first; op; op = op->next_overload) {
    if (!in_form(*op, form)) continue;
    CommonArguments common;
    values.clear();
    if (!parse(*op, args, nargs, kwnames, values, common, nullptr)) continue;
    if (form == CallForm::inplace) return run_inplace(*op, values);
    return finish_call(*op, values.data(), invoke(*op, values.data()), common, args);
  }
  raise_no_match(first, form, args, nargs, kwnames);
}

}  // namespace pygrad::python
