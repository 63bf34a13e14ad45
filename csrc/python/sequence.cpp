// Tensors from nested lists and tuples of numbers.
#include <cstring>

#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {

bool is_nested(PyObject* o) {
  return (PyList_Check(o) || PyTuple_Check(o) ||
          (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o) && !is_tensor(o))) &&
         !is_number(o);
}

void check_fits(Scalar s, DType dtype) {
  if (is_complex(dtype) || dtype == DType::Bool) return;
  PG_CHECK_TYPE(!s.is_complex(), "must be real number, not complex: cannot store ", s.d, " + ",
                s.im, "j as ", dtype);
  if (!is_integral(dtype)) return;
  if (!s.is_integral()) {
    PG_CHECK(s.d == s.d && s.d < 9.3e18 && s.d > -9.3e18, "value cannot be converted to type ",
             dtype, " without overflow: ", s.d);
    return;
  }
  const int bits = int(item_size(dtype)) * 8;
  if (bits == 64) return;
  const int64_t high = dtype == DType::UInt8 ? 255 : (int64_t(1) << (bits - 1)) - 1,
                low = dtype == DType::UInt8 ? -high : -high - 1;  // -1 becomes 255
  PG_CHECK(s.i >= low && s.i <= high, "value cannot be converted to type ", dtype,
           " without overflow: ", s.i);
}

namespace {

// What kind of numbers a nested sequence holds, and its shape.
struct Survey {
  Shape shape;
  int kind = -1;  // -1 nothing yet, 0 bool, 1 int, 2 float, 3 complex
  bool has_tensor = false;
  std::optional<DType> element;  // of NumPy scalars and tensors inside
};

void survey(PyObject* o, int64_t depth, Survey& s) {
  if (is_nested(o)) {
    const Py_ssize_t n = PySequence_Size(o);
    if (n < 0) throw py::error_already_set();
    if (depth == s.shape.size())
      s.shape.push_back(n);
    else
      PG_CHECK_VALUE(s.shape[depth] == n, "expected sequence of length ", s.shape[depth],
                     " at dim ", depth, " (got ", n, ")");
    if (n == 0) return;
    py::object first = py::reinterpret_steal<py::object>(PySequence_GetItem(o, 0));
    survey(first.ptr(), depth + 1, s);
    return;
  }
  if (is_tensor(o)) s.has_tensor = true;
}

int kind_of_number(PyObject* o) {
  if (PyBool_Check(o)) return 0;
  if (PyLong_Check(o)) return 1;
  if (PyFloat_Check(o)) return 2;
  if (PyComplex_Check(o)) return 3;
  const Scalar s = scalar_of(o);
  return int(s.kind);
}

// One pass over the leaves, in row-major order.
template <class F>
void each_leaf(PyObject* o, const Shape& shape, int64_t depth, F&& f) {
  if (depth == shape.size()) {
    PG_CHECK_VALUE(!is_nested(o),
                   "too many dimensions: a sequence where a number was expected, at depth ", depth);
    f(o);
    return;
  }
  PG_CHECK_VALUE(is_nested(o) || is_tensor(o), "expected a sequence of length ", shape[depth],
                 " at dim ", depth, ", got a ", Py_TYPE(o)->tp_name);
  if (is_tensor(o)) {
    py::object list = py::reinterpret_steal<py::object>(to_list(tensor_of(o)));
    each_leaf(list.ptr(), shape, depth, f);
    return;
  }
  py::object fast = py::reinterpret_steal<py::object>(PySequence_Fast(o, "expected a sequence"));
  if (!fast) throw py::error_already_set();
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.ptr());
  PG_CHECK_VALUE(n == shape[depth], "expected sequence of length ", shape[depth], " at dim ", depth,
                 " (got ", n, ")");
  for (Py_ssize_t i = 0; i < n; ++i)
    each_leaf(PySequence_Fast_GET_ITEM(fast.ptr(), i), shape, depth + 1, f);
}

Scalar leaf_scalar(PyObject* o) {
  if (is_tensor(o)) return item(tensor_of(o));
  if (PyFloat_Check(o)) return Scalar(PyFloat_AS_DOUBLE(o));
  PG_CHECK_TYPE(is_number(o), "must be real number, not ", Py_TYPE(o)->tp_name);
  return scalar_of(o);
}

void store(void* base, int64_t i, DType dtype, Scalar s) {
  switch (dtype) {
    // clang-format off
#define PG_STORE(D, T) case DType::D: static_cast<T*>(base)[i] = s.to<T>(); break;
    PG_STORE(Bool, bool) PG_STORE(UInt8, uint8_t) PG_STORE(Int8, int8_t)
    PG_STORE(Int16, int16_t) PG_STORE(Int32, int32_t) PG_STORE(Int64, int64_t)
    PG_STORE(Float16, Half) PG_STORE(BFloat16, BFloat16) PG_STORE(Float32, float)
    PG_STORE(Float64, double) PG_STORE(Complex64, Complex64) PG_STORE(Complex128, Complex128)
#undef PG_STORE
    // clang-format on
  }
}

// Lists and tuples of plain Python floats, or of plain ints, of one shape: the usual data, read
// without looking at each number several times. False when something else is inside.
template <class T, class Check, class Value>
bool read_plain(PyObject* o, Sizes shape, T*& out, Check check, Value value) {
  if (!(PyList_CheckExact(o) || PyTuple_CheckExact(o)) ||
      PySequence_Fast_GET_SIZE(o) != shape.front())
    return false;
  PyObject** items = PySequence_Fast_ITEMS(o);
  for (int64_t i = 0; i < shape.front(); ++i) {
    if (shape.size() > 1) {
      if (!read_plain(items[i], shape.subspan(1), out, check, value)) return false;
    } else {
      if (!check(items[i])) return false;
      *out++ = value(items[i]);
    }
  }
  return true;
}

// Undefined when the data is not so plain, or has mistakes to report.
Tensor plain_sequence(PyObject* data, std::optional<DType> dtype) {
  Shape shape;
  PyObject* first = data;
  while (PyList_CheckExact(first) || PyTuple_CheckExact(first)) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(first);
    if (n == 0 || shape.size() == kMaxDims) return {};
    shape.push_back(n);
    first = PySequence_Fast_GET_ITEM(first, 0);
  }
  const auto is_float = [](PyObject* o) { return PyFloat_CheckExact(o) != 0; };
  const auto is_small_int = [](PyObject* o) {
    int overflow = 0;
    return PyLong_CheckExact(o) && (PyLong_AsLongLongAndOverflow(o, &overflow), overflow == 0);
  };
  const bool floats = PyFloat_CheckExact(first), ints = PyLong_CheckExact(first);
  const DType d = dtype ? *dtype : floats ? default_dtype() : DType::Int64;
  Tensor t;
  bool read = false;
  if (floats && d == DType::Float32) {
    t = empty(shape, d);
    auto* out = t.data_as<float>();
    read = read_plain(data, shape, out, is_float,
                      [](PyObject* o) { return float(PyFloat_AS_DOUBLE(o)); });
  } else if (floats && d == DType::Float64) {
    t = empty(shape, d);
    auto* out = t.data_as<double>();
    read = read_plain(data, shape, out, is_float, [](PyObject* o) { return PyFloat_AS_DOUBLE(o); });
  } else if (ints && d == DType::Int64) {
    t = empty(shape, d);
    auto* out = t.data_as<int64_t>();
    read = read_plain(data, shape, out, is_small_int,
                      [](PyObject* o) { return int64_t(PyLong_AsLongLong(o)); });
  }
  return read ? t : Tensor();
}

}  // namespace

Tensor tensor_from_sequence(PyObject* data, std::optional<DType> dtype) {
  if (Tensor t = plain_sequence(data, dtype); t.defined()) return t;
  Survey s;
  survey(data, 0, s);
  const int64_t n = numel_of(s.shape);
  if (!dtype) {
    int kind = -1;
    std::optional<DType> typed;  // NumPy scalars and tensors bring their own dtype
    each_leaf(data, s.shape, 0, [&](PyObject* o) {
      if (is_tensor(o)) {
        const DType d = impl_of(o)->dtype;
        typed = typed ? promote_types(*typed, d) : d;
        return;
      }
      PG_CHECK_VALUE(!PyUnicode_Check(o), "too many dimensions 'str': expected numbers, got a str");
      PG_CHECK(is_number(o), "Could not infer dtype of ", Py_TYPE(o)->tp_name,
               "; expected numbers or nested sequences of them");
      if (std::strncmp(Py_TYPE(o)->tp_name, "numpy.", 6) == 0) {
        py::object scalar = py::reinterpret_borrow<py::object>(o);
        const std::string name = py::str(scalar.attr("dtype")).cast<std::string>();
        for (int i = 0; i < kNumDTypes; ++i)
          if (name == dtype_name(DType(i)))
            typed = typed ? promote_types(*typed, DType(i)) : DType(i);
        return;
      }
      const int k = kind_of_number(o);
      kind = k > kind ? k : kind;
    });
    DType d = kind < 0    ? default_dtype()
              : kind == 0 ? DType::Bool
              : kind == 1 ? DType::Int64
              : kind == 2 ? default_dtype()
                          : default_complex_dtype();
    if (typed) d = kind < 0 ? *typed : promote_types(*typed, d);
    dtype = d;
  }
  Tensor t = empty(s.shape, *dtype);
  int64_t i = 0;
  void* base = n ? t.data() : nullptr;
  const DType d = *dtype;
  each_leaf(data, s.shape, 0, [&](PyObject* o) {
    if (d == DType::Float32 && PyFloat_CheckExact(o)) {
      static_cast<float*>(base)[i++] = float(PyFloat_AS_DOUBLE(o));
      return;
    }
    const Scalar x = leaf_scalar(o);
    check_fits(x, d);
    store(base, i++, d, x);
  });
  return t;
}

}  // namespace pygrad::python
