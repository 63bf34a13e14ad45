// Python values to Value and back.
#include <cstring>
#include <unordered_map>

#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

// NumPy is never imported here: its scalars are recognised by their type's module name.
bool is_numpy_scalar(PyObject* o) {
  const char* name = Py_TYPE(o)->tp_name;
  if (std::strncmp(name, "numpy.", 6) != 0) return false;
  return std::strcmp(name, "numpy.ndarray") != 0 && PyObject_HasAttrString(o, "item") &&
         PyObject_HasAttrString(o, "dtype");
}

bool is_int_like(PyObject* o) {
  if (PyLong_CheckExact(o)) return true;
  if (PyLong_Check(o)) return !PyBool_Check(o);
  if (is_tensor(o)) return impl_of(o)->numel == 1 && is_integral(impl_of(o)->dtype, false);
  return !PyFloat_Check(o) && !PyUnicode_Check(o) && PyIndex_Check(o) && !PyBool_Check(o) &&
         is_numpy_scalar(o);
}

int64_t int_of(PyObject* o) {
  if (PyLong_Check(o)) {
    const int64_t v = PyLong_AsLongLong(o);
    if (v == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      raise(ErrorKind::Value, "Overflow when unpacking long long: the integer ",
            py::str(py::handle(o)).cast<std::string>(), " does not fit 64 bits");
    }
    return v;
  }
  py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(o));
  if (!index) throw py::error_already_set();
  return int_of(index.ptr());
}

}  // namespace

bool is_number(PyObject* o) {
  return PyFloat_Check(o) || PyLong_Check(o) || PyComplex_Check(o) || is_numpy_scalar(o);
}

Scalar scalar_of(PyObject* o) {
  if (PyBool_Check(o)) return Scalar(o == Py_True);
  if (PyLong_Check(o)) {
    int overflow = 0;
    const int64_t v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (!overflow) return Scalar(v);
    raise(ErrorKind::Value, "Overflow when unpacking long long: the integer ",
          py::str(py::handle(o)).cast<std::string>(), " does not fit 64 bits");
  }
  if (PyFloat_Check(o)) return Scalar(PyFloat_AS_DOUBLE(o));
  if (PyComplex_Check(o))
    return Scalar(Complex128(PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)));
  py::object item = py::reinterpret_borrow<py::object>(o).attr("item")();
  if (item.ptr() == o ||
      !(PyLong_Check(item.ptr()) || PyFloat_Check(item.ptr()) || PyComplex_Check(item.ptr())))
    raise(ErrorKind::Type, "cannot use a ", Py_TYPE(o)->tp_name, " as a number");
  return scalar_of(item.ptr());
}

PyObject* wrap_scalar(Scalar s) {
  switch (s.kind) {
    case Scalar::Kind::Bool:
      return PyBool_FromLong(s.i != 0);
    case Scalar::Kind::Int:
      return PyLong_FromLongLong(s.i);
    case Scalar::Kind::Float:
      return PyFloat_FromDouble(s.d);
    case Scalar::Kind::Complex:
      return PyComplex_FromDoubles(s.d, s.im);
  }
  Py_RETURN_NONE;
}

namespace {

Scalar item_of(PyObject* o) { return item(tensor_of(o)); }

}  // namespace

bool convert_ints(PyObject* const* items, size_t n, Shape& out) {
  if (n > size_t(kMaxDims)) return false;
  out.clear();
  for (size_t i = 0; i < n; ++i) {
    if (!is_int_like(items[i])) return false;
    out.push_back(int_of(items[i]));
  }
  return true;
}

bool convert_int_list(PyObject* o, Shape& out) {
  return (PyTuple_Check(o) || PyList_Check(o)) &&
         convert_ints(PySequence_Fast_ITEMS(o), size_t(PySequence_Fast_GET_SIZE(o)), out);
}

bool convert(const Param& param, PyObject* o, Value& out) {
  if (o == Py_None) {
    if (!param.optional) return false;
    out = std::monostate{};
    return true;
  }
  switch (param.kind) {
    case ArgKind::Tensor:
      if (!is_tensor(o)) return false;
      out = tensor_of(o);
      return true;
    case ArgKind::TensorOrScalar:
      if (is_tensor(o)) {
        out = tensor_of(o);
        return true;
      }
      [[fallthrough]];
    case ArgKind::Scalar:
      if (is_number(o)) {
        out.emplace<Scalar>(scalar_of(o));
        return true;
      }
      // A 0-d tensor is a number where no gradient would be lost.
      if (param.kind == ArgKind::Scalar && is_tensor(o) && impl_of(o)->ndim == 0 &&
          !tensor_of(o).requires_grad()) {
        out.emplace<Scalar>(item_of(o));
        return true;
      }
      return false;
    case ArgKind::TensorList: {
      if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
      TensorList list;
      const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
      list.reserve(size_t(n));
      for (Py_ssize_t i = 0; i < n; ++i) {
        PyObject* x = PySequence_Fast_GET_ITEM(o, i);
        if (!is_tensor(x)) return false;
        list.push_back(tensor_of(x));
      }
      out = std::move(list);
      return true;
    }
    case ArgKind::Int:
      if (!is_int_like(o)) return false;
      out.emplace<Scalar>(int_of(o));
      return true;
    case ArgKind::Float:
      if (PyFloat_Check(o)) {
        out.emplace<Scalar>(PyFloat_AS_DOUBLE(o));
        return true;
      }
      if (is_number(o) && !PyComplex_Check(o)) {
        out.emplace<Scalar>(scalar_of(o).to_double());
        return true;
      }
      if (is_tensor(o) && impl_of(o)->numel == 1 && !is_complex(impl_of(o)->dtype)) {
        out.emplace<Scalar>(item_of(o).to_double());
        return true;
      }
      return false;
    case ArgKind::Bool:
      if (PyBool_Check(o)) {
        if (param.literal >= 0 && (o == Py_True) != (param.literal == 1)) return false;
        out.emplace<Scalar>(o == Py_True);
        return true;
      }
      if (is_numpy_scalar(o) && std::strncmp(Py_TYPE(o)->tp_name, "numpy.bool", 10) == 0) {
        out.emplace<Scalar>(PyObject_IsTrue(o) == 1);
        return true;
      }
      return false;
    case ArgKind::Str:
      if (!PyUnicode_Check(o)) return false;
      out = std::string(PyUnicode_AsUTF8(o));
      return true;
    case ArgKind::IntList: {
      auto& s = out.emplace<Shape>();
      if (!is_int_like(o)) return convert_int_list(o, s);
      s.push_back(int_of(o));
      return true;
    }
    case ArgKind::LongIntList: {
      if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
      std::vector<int64_t> list;
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
        PyObject* x = PySequence_Fast_GET_ITEM(o, i);
        if (!is_int_like(x)) return false;
        list.push_back(int_of(x));
      }
      out = std::move(list);
      return true;
    }
    case ArgKind::FloatList: {
      if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
      std::vector<double> list;
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
        PyObject* x = PySequence_Fast_GET_ITEM(o, i);
        if (is_number(x))
          list.push_back(scalar_of(x).to_double());
        else if (is_tensor(x) && impl_of(x)->numel == 1)
          list.push_back(item_of(x).to_double());
        else
          return false;
      }
      out = std::move(list);
      return true;
    }
    case ArgKind::DType:
      if (!is_dtype(o)) return false;
      out = dtype_of_object(o);
      return true;
    case ArgKind::Device:
      if (!is_device(o) && !(PyLong_Check(o) && !PyBool_Check(o))) return false;
      out = parse_device(o);
      return true;
    case ArgKind::Generator:
      if (!py::isinstance<Generator>(o)) return false;
      out = py::cast<Generator*>(py::handle(o));
      return true;
  }
  return false;
}

PyObject* kind_name(const Param& param) {
  const char* name = "";
  switch (param.kind) {
    case ArgKind::Tensor:
      name = "Tensor";
      break;
    case ArgKind::TensorList:
      name = "tuple of Tensors";
      break;
    case ArgKind::TensorOrScalar:
      name = "Tensor or Number";
      break;
    case ArgKind::Scalar:
      name = "Number";
      break;
    case ArgKind::Int:
      name = "int";
      break;
    case ArgKind::Float:
      name = "float";
      break;
    case ArgKind::Bool:
      name = "bool";
      break;
    case ArgKind::Str:
      name = "str";
      break;
    case ArgKind::IntList:
      name = "tuple of ints";
      break;
    case ArgKind::LongIntList:
      name = "tuple of ints";
      break;
    case ArgKind::FloatList:
      name = "tuple of floats";
      break;
    case ArgKind::DType:
      name = "torch.dtype";
      break;
    case ArgKind::Device:
      name = "torch.device";
      break;
    case ArgKind::Generator:
      name = "torch.Generator";
      break;
  }
  return PyUnicode_FromFormat("%s%s", name, param.optional ? " or None" : "");
}

namespace {

PyObject* wrap_list(TensorList& list) {
  PyObject* tuple = PyTuple_New(Py_ssize_t(list.size()));
  if (!tuple) return nullptr;
  for (size_t i = 0; i < list.size(); ++i)
    PyTuple_SET_ITEM(tuple, Py_ssize_t(i), wrap(std::move(list[i])));
  return tuple;
}

// One field a line, as PyTorch prints them.
PyObject* named_repr(PyObject* self) {
  py::object tuple = py::reinterpret_borrow<py::object>(self);
  std::string text = std::string(Py_TYPE(self)->tp_name) + "(";
  const py::object fields = tuple.attr("__match_args__");
  for (py::ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i)
    text += (i ? ",\n" : "\n") + py::str(fields[py::int_(i)]).cast<std::string>() + "=" +
            py::repr(PyTuple_GET_ITEM(self, i)).cast<std::string>();
  return PyUnicode_FromString((text + ")").c_str());
}

// torch.return_types.max and the like: a named tuple type per op, made on first use.
PyObject* wrap_named(const OpDef& op, TensorList& list) {
  static auto* types = new std::unordered_map<std::string, PyTypeObject*>;
  PyTypeObject*& type = (*types)[op.name];
  if (!type) {
    auto* fields = new PyStructSequence_Field[list.size() + 1];
    for (size_t i = 0; i < list.size(); ++i) fields[i] = {op.return_names[i].c_str(), ""};
    fields[list.size()] = {nullptr, nullptr};
    auto* name = new std::string(std::string("torch.return_types.") + op.name);
    PyStructSequence_Desc desc{name->c_str(), "The results of an op, by name.", fields,
                               int(list.size())};
    type = PyStructSequence_NewType(&desc);
    if (!type) return nullptr;
    type->tp_repr = [](PyObject* self) { return guarded([&] { return named_repr(self); }); };
  }
  PyObject* tuple = PyStructSequence_New(type);
  if (!tuple) return nullptr;
  for (size_t i = 0; i < list.size(); ++i)
    PyStructSequence_SetItem(tuple, Py_ssize_t(i), wrap(std::move(list[i])));
  return tuple;
}

}  // namespace

PyObject* wrap_value(const OpDef& op, Value& value) {
  switch (op.returns) {
    case ReturnKind::None:
      Py_RETURN_NONE;
    case ReturnKind::Tensor:
      return wrap(std::move(std::get<Tensor>(value)));
    case ReturnKind::TensorList:
      return wrap_list(std::get<TensorList>(value));
    case ReturnKind::Tuple: {
      auto& list = std::get<TensorList>(value);
      return op.return_names[0].empty() ? wrap_list(list) : wrap_named(op, list);
    }
    case ReturnKind::IntList:
      return wrap_size(std::get<Shape>(value));
    default:
      return wrap_scalar(std::get<Scalar>(value));
  }
}

}  // namespace pygrad::python
