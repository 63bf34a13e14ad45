// Python's operators on tensors: the number, comparison and sequence protocols. They call the C++
// functions directly, without the binder's parsing.
#include <cstring>

#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"
#include "csrc/python/tensor_methods.h"

namespace pygrad::python {

BorrowedOperand::BorrowedOperand(PyObject* o) {
  if (is_tensor(o))
    operand_.tensor = Tensor(Intrusive<TensorImpl>::adopt(impl_of(o)));
  else
    operand_.scalar = scalar_of(o);
}

namespace {

// --- number protocol
// ---------------------------------------------------------------------------------------

PyObject* not_implemented() { Py_RETURN_NOTIMPLEMENTED; }

bool is_array(PyObject* o) { return std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") == 0; }

// array op tensor: NumPy leaves it to us. It is computed as NumPy computes tensor op array, with
// the same promotion, and is a tensor.
PyObject* array_left(PyObject* array, PyObject* tensor, binaryfunc operation) {
  py::object right = py::reinterpret_borrow<py::object>(tensor).attr("numpy")();
  py::object result = py::reinterpret_steal<py::object>(operation(array, right.ptr()));
  if (!result) throw py::error_already_set();
  return wrap(tensor_from_object(result.ptr(), std::nullopt, Device{}, true));
}

// The caller's stack keeps the operands alive while another thread runs.
template <class F>
Tensor without_gil(const Tensor& operand, F&& f) {
  const ReleaseGil gil(operand.numel() >= kReleaseGilElements);
  return f();
}

// f(tensor, operand) when the left side is a tensor, r(number, tensor) when only the right one is.
template <class F, class R>
PyObject* binary_slot(binaryfunc operation, PyObject* a, PyObject* b, F&& f, R&& r) {
  return guarded([&]() -> PyObject* {
    if (is_tensor(a)) {
      if (!is_tensor(b) && !is_number(b)) return not_implemented();
      const Borrowed x(a);
      const BorrowedOperand y(b);
      return wrap(without_gil(*x, [&] { return f(*x, *y); }));
    }
    if (is_number(a)) return wrap(r(scalar_of(a), *Borrowed(b)));
    if (is_array(a)) return array_left(a, b, operation);
    return not_implemented();
  });
}

// Ops that only the registry knows: by name, with plain arguments.
PyObject* registry_slot(const char* name, bool inplace, PyObject* a, PyObject* b) {
  return guarded([&]() -> PyObject* {
    if (!is_tensor(a) && !(is_number(a) && is_tensor(b))) return not_implemented();
    if (!is_tensor(b) && !is_number(b)) return not_implemented();
    OpDef* op = find_op(name);
    if (!is_tensor(a)) {  // number op tensor: as a 0-d tensor of the number's own dtype
      PyObject* left = wrap(wrapped(Operand(scalar_of(a)), tensor_of(b)));
      PyObject* pair[2] = {left, b};
      PyObject* result = nullptr;
      try {
        result = call_op(op, CallForm::function, pair, 2, nullptr);
      } catch (...) {
        Py_DECREF(left);
        throw;
      }
      Py_DECREF(left);
      return result;
    }
    PyObject* args[2] = {a, b};
    return call_op(op, inplace ? CallForm::inplace : CallForm::function, args, 2, nullptr);
  });
}

#define PG_SLOT(slot, operation, f, r)                                        \
  PyObject* slot(PyObject* a, PyObject* b) {                                  \
    return binary_slot(                                                       \
        operation, a, b, [](const Tensor& x, const Operand& y) { return f; }, \
        [](Scalar x, const Tensor& y) { return r; });                         \
  }
PG_SLOT(slot_add, PyNumber_Add, add(x, y), add(y, Operand(x)))
PG_SLOT(slot_sub, PyNumber_Subtract, sub(x, y), rsub(y, x))
PG_SLOT(slot_mul, PyNumber_Multiply, mul(x, y), mul(y, Operand(x)))
PG_SLOT(slot_div, PyNumber_TrueDivide, div(x, y), rdiv(x, y))
PG_SLOT(slot_floor_divide, PyNumber_FloorDivide, floor_divide(x, y),
        floor_divide(wrapped(Operand(x), y), Operand(y)))
PG_SLOT(slot_remainder, PyNumber_Remainder, remainder(x, y),
        remainder(wrapped(Operand(x), y), Operand(y)))
#undef PG_SLOT

PyObject* slot_pow(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) return not_implemented();
  return binary_slot([](PyObject* x, PyObject* y) { return PyNumber_Power(x, y, Py_None); }, a, b,
                     [](const Tensor& x, const Operand& y) { return pow(x, y); },
                     [](Scalar x, const Tensor& y) { return rpow(x, y); });
}
PyObject* slot_matmul(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b)) return not_implemented();
  return guarded([&] {
    const Borrowed x(a), y(b);
    return wrap(without_gil(*x, [&] { return matmul(*x, *y); }));
  });
}
#define PG_REGISTRY_SLOT(slot, name) \
  PyObject* slot(PyObject* a, PyObject* b) { return registry_slot(name, false, a, b); }
PG_REGISTRY_SLOT(slot_and, "bitwise_and")
PG_REGISTRY_SLOT(slot_or, "bitwise_or")
PG_REGISTRY_SLOT(slot_xor, "bitwise_xor")
PG_REGISTRY_SLOT(slot_lshift, "bitwise_left_shift")
PG_REGISTRY_SLOT(slot_rshift, "bitwise_right_shift")
#undef PG_REGISTRY_SLOT
#define PG_INPLACE_SLOT(slot, name) \
  PyObject* slot(PyObject* a, PyObject* b) { return registry_slot(name, true, a, b); }
PG_INPLACE_SLOT(slot_iadd, "add")
PG_INPLACE_SLOT(slot_isub, "sub")
PG_INPLACE_SLOT(slot_imul, "mul")
PG_INPLACE_SLOT(slot_idiv, "div")
PG_INPLACE_SLOT(slot_ifloordiv, "floor_divide")
PG_INPLACE_SLOT(slot_iremainder, "remainder")
PG_INPLACE_SLOT(slot_iand, "bitwise_and")
PG_INPLACE_SLOT(slot_ior, "bitwise_or")
PG_INPLACE_SLOT(slot_ixor, "bitwise_xor")
PG_INPLACE_SLOT(slot_ilshift, "bitwise_left_shift")
PG_INPLACE_SLOT(slot_irshift, "bitwise_right_shift")
#undef PG_INPLACE_SLOT
PyObject* slot_ipow(PyObject* a, PyObject* b, PyObject*) {
  return registry_slot("pow", true, a, b);
}

PyObject* call_unary(const char* name, PyObject* self) {
  return guarded([&] { return call_op(find_op(name), CallForm::method, &self, 1, nullptr); });
}
PyObject* slot_neg(PyObject* self) {
  return guarded([&] { return wrap(neg(tensor_of(self))); });
}
PyObject* slot_pos(PyObject* self) {
  Py_INCREF(self);
  return self;
}
PyObject* slot_abs(PyObject* self) { return call_unary("abs", self); }
PyObject* slot_invert(PyObject* self) {
  return guarded([&]() -> PyObject* {
    PG_CHECK_TYPE(
        is_integral(impl_of(self)->dtype),
        "~ (operator.invert) is only implemented on integer and Boolean-type tensors, not ",
        impl_of(self)->dtype);
    return call_op(find_op("bitwise_not"), CallForm::method, &self, 1, nullptr);
  });
}

int slot_bool(PyObject* self) {
  return guarded([&]() -> int {
    const Tensor t = tensor_of(self);
    PG_CHECK(t.numel() != 0, "Boolean value of Tensor with no values is ambiguous");
    PG_CHECK(t.numel() == 1,
             "Boolean value of Tensor with more than one value is ambiguous: it has shape ",
             t.sizes(), ". Use .any() or .all()");
    return item(t).to<bool>();
  });
}
void check_one_element(PyObject* self) {
  PG_CHECK_VALUE(impl_of(self)->numel == 1,
                 "only one element tensors can be converted to Python scalars; this one has shape ",
                 tensor_of(self).sizes());
}
PyObject* slot_float(PyObject* self) {
  return guarded([&]() -> PyObject* {
    check_one_element(self);
    const Scalar s = item(tensor_of(self));
    PG_CHECK(!s.is_complex() || s.im == 0,
             "value cannot be converted to type double without overflow: it is complex");
    return PyFloat_FromDouble(s.to_double());
  });
}
PyObject* slot_int(PyObject* self) {
  return guarded([&]() -> PyObject* {
    check_one_element(self);
    const Scalar s = item(tensor_of(self));
    if (s.is_integral()) return PyLong_FromLongLong(s.i);
    return PyLong_FromDouble(s.to_double());
  });
}
PyObject* slot_index(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Tensor t = tensor_of(self);
    PG_CHECK_TYPE(t.numel() == 1 && is_integral(t.dtype()),
                  "only integer tensors of a single element can be converted to an index; this one "
                  "has dtype ",
                  t.dtype(), " and shape ", t.sizes());
    return PyLong_FromLongLong(item(t).i);
  });
}

PyObject* rich_compare(PyObject* a, PyObject* b, int op) {
  return guarded([&]() -> PyObject* {
    if (is_array(b)) {
      // What compares has no gradient.
      py::object left = py::reinterpret_borrow<py::object>(a).attr("detach")().attr("numpy")();
      py::object result =
          py::reinterpret_steal<py::object>(PyObject_RichCompare(left.ptr(), b, op));
      if (!result) throw py::error_already_set();
      return wrap(tensor_from_object(result.ptr(), std::nullopt, Device{}, true));
    }
    if (!is_tensor(b) && !is_number(b)) return not_implemented();
    const Borrowed left(a);
    const BorrowedOperand right(b);
    const Tensor& x = *left;
    const Operand& y = *right;
    switch (op) {
      case Py_EQ:
        return wrap(eq(x, y));
      case Py_NE:
        return wrap(ne(x, y));
      case Py_LT:
        return wrap(lt(x, y));
      case Py_LE:
        return wrap(le(x, y));
      case Py_GT:
        return wrap(gt(x, y));
      default:
        return wrap(ge(x, y));
    }
  });
}

// --- sequence and mapping
// -----------------------------------------------------------------------------------

Py_ssize_t length(PyObject* self) {
  const TensorImpl* p = impl_of(self);
  if (p->ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return Py_ssize_t(p->sizes[0]);
}

PyObject* sequence_item(PyObject* self, Py_ssize_t i) {
  return guarded([&]() -> PyObject* {
    const Tensor t = tensor_of(self);
    PG_CHECK_TYPE(t.dim() > 0, "iteration over a 0-d tensor");
    return wrap(select(t, 0, i));
  });
}

PyObject* iterate(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Tensor t = tensor_of(self);
    PG_CHECK_TYPE(t.dim() > 0, "iteration over a 0-d tensor");
    TensorList parts = unbind(t, 0);
    PyObject* tuple = PyTuple_New(Py_ssize_t(parts.size()));
    for (size_t i = 0; i < parts.size(); ++i)
      PyTuple_SET_ITEM(tuple, Py_ssize_t(i), wrap(std::move(parts[i])));
    PyObject* it = PyObject_GetIter(tuple);
    Py_DECREF(tuple);
    return it;
  });
}

}  // namespace

PyType_Slot operator_slots[] = {PG_TYPE_SLOT(Py_tp_richcompare, rich_compare),
                                PG_TYPE_SLOT(Py_tp_iter, iterate),
                                PG_TYPE_SLOT(Py_nb_add, slot_add),
                                PG_TYPE_SLOT(Py_nb_subtract, slot_sub),
                                PG_TYPE_SLOT(Py_nb_multiply, slot_mul),
                                PG_TYPE_SLOT(Py_nb_true_divide, slot_div),
                                PG_TYPE_SLOT(Py_nb_floor_divide, slot_floor_divide),
                                PG_TYPE_SLOT(Py_nb_remainder, slot_remainder),
                                PG_TYPE_SLOT(Py_nb_power, slot_pow),
                                PG_TYPE_SLOT(Py_nb_matrix_multiply, slot_matmul),
                                PG_TYPE_SLOT(Py_nb_and, slot_and),
                                PG_TYPE_SLOT(Py_nb_or, slot_or),
                                PG_TYPE_SLOT(Py_nb_xor, slot_xor),
                                PG_TYPE_SLOT(Py_nb_lshift, slot_lshift),
                                PG_TYPE_SLOT(Py_nb_rshift, slot_rshift),
                                PG_TYPE_SLOT(Py_nb_inplace_add, slot_iadd),
                                PG_TYPE_SLOT(Py_nb_inplace_subtract, slot_isub),
                                PG_TYPE_SLOT(Py_nb_inplace_multiply, slot_imul),
                                PG_TYPE_SLOT(Py_nb_inplace_true_divide, slot_idiv),
                                PG_TYPE_SLOT(Py_nb_inplace_floor_divide, slot_ifloordiv),
                                PG_TYPE_SLOT(Py_nb_inplace_remainder, slot_iremainder),
                                PG_TYPE_SLOT(Py_nb_inplace_power, slot_ipow),
                                PG_TYPE_SLOT(Py_nb_inplace_and, slot_iand),
                                PG_TYPE_SLOT(Py_nb_inplace_or, slot_ior),
                                PG_TYPE_SLOT(Py_nb_inplace_xor, slot_ixor),
                                PG_TYPE_SLOT(Py_nb_inplace_lshift, slot_ilshift),
                                PG_TYPE_SLOT(Py_nb_inplace_rshift, slot_irshift),
                                PG_TYPE_SLOT(Py_nb_negative, slot_neg),
                                PG_TYPE_SLOT(Py_nb_positive, slot_pos),
                                PG_TYPE_SLOT(Py_nb_absolute, slot_abs),
                                PG_TYPE_SLOT(Py_nb_invert, slot_invert),
                                PG_TYPE_SLOT(Py_nb_bool, slot_bool),
                                PG_TYPE_SLOT(Py_nb_float, slot_float),
                                PG_TYPE_SLOT(Py_nb_int, slot_int),
                                PG_TYPE_SLOT(Py_nb_index, slot_index),
                                PG_TYPE_SLOT(Py_sq_length, length),
                                PG_TYPE_SLOT(Py_sq_item, sequence_item),
                                PG_TYPE_SLOT(Py_mp_length, length),
                                {0, nullptr}};

}  // namespace pygrad::python
