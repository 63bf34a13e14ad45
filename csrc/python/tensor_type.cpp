// The native Tensor type: object identity, the number, sequence and mapping protocols.
//
// One Python object per live tensor. The object owns its header; when the last Python reference goes while C++ still holds
// the tensor and the object carries something worth keeping (a subclass, attributes, weak references), ownership flips: the
// object stays alive and the header owns it, until Python asks for it again or the header dies.
#include <cstring>

#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"
#include "csrc/python/tensor_methods.h"

#include <structmember.h>

namespace pygrad {
extern void (*release_python_object)(void* object);
}

namespace pygrad::python {

PyTypeObject* tensor_type;

namespace {

PyTensor* as_object(PyObject* o) { return reinterpret_cast<PyTensor*>(o); }

// Dead objects of the exact Tensor type, for reuse.
constexpr int kFreeObjects = 256;
PyTensor* free_objects[kFreeObjects];
int free_count = 0;

PyObject* new_object(PyTypeObject* type, TensorImpl* impl) {
  PyTensor* self;
  if (type == tensor_type && free_count) {
    self = free_objects[--free_count];
    PyObject_Init(reinterpret_cast<PyObject*>(self), type);
  } else {
    self = reinterpret_cast<PyTensor*>(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    // Plain tensors join the garbage collector only when they could be part of a cycle.
    if (type == tensor_type && PyObject_GC_IsTracked(reinterpret_cast<PyObject*>(self))) PyObject_GC_UnTrack(self);
  }
  self->impl = impl;
  self->dict = nullptr;
  self->weakrefs = nullptr;
  impl->object = self;
  return reinterpret_cast<PyObject*>(self);
}

void track(PyObject* self) {
  if (!PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
}

// Keeps the object of a tensor that C++ still holds, when the object carries something: from now on the header owns it.
bool resurrect(PyObject* self) {
  PyTensor* t = as_object(self);
  TensorImpl* impl = t->impl;
  if (!impl || impl->object != self || impl->owns_object || impl->refs.load() == 1) return false;
  if (Py_TYPE(self) == tensor_type && !t->dict && !t->weakrefs) return false;
  Py_SET_REFCNT(self, 1);
  impl->owns_object = true;
  if (impl->refs.fetch_sub(1) == 1) destroy(impl);  // C++ let go meanwhile: the header takes the object with it
  return true;
}

void dealloc(PyObject* self) {
  PyTensor* t = as_object(self);
  TensorImpl* impl = t->impl;
  if (Py_TYPE(self) == tensor_type && resurrect(self)) return;
  PyTypeObject* type = Py_TYPE(self);
  if (PyObject_GC_IsTracked(self)) PyObject_GC_UnTrack(self);
  if (t->weakrefs) PyObject_ClearWeakRefs(self);
  Py_CLEAR(t->dict);
  t->impl = nullptr;
  if (impl) {
    if (impl->object == self) impl->object = nullptr;
    // A header that owned this object is being destroyed right now and needs no release.
    if (!impl->owns_object) Tensor(Intrusive<TensorImpl>::adopt(impl));
  }
  if (type == tensor_type && free_count < kFreeObjects) {
    free_objects[free_count++] = t;
    Py_DECREF(type);
    return;
  }
  type->tp_free(self);
  Py_DECREF(type);
}

// Python subclasses would get the interpreter's own deallocator, which cannot resurrect.
void subclass_dealloc(PyObject* self) {
  if (resurrect(self)) return;
  PyTypeObject* type = Py_TYPE(self);
  if (type->tp_finalize && PyObject_CallFinalizerFromDealloc(self) < 0) return;  // __del__ kept the object
  if (PyObject_GC_IsTracked(self)) PyObject_GC_UnTrack(self);
  if (as_object(self)->weakrefs) PyObject_ClearWeakRefs(self);
  if (type->tp_clear) type->tp_clear(self);  // __slots__ of the subclass
  dealloc(self);
}

PyObject* init_subclass(PyObject* cls, PyObject*) {
  reinterpret_cast<PyTypeObject*>(cls)->tp_dealloc = subclass_dealloc;
  Py_RETURN_NONE;
}
PyMethodDef init_subclass_method = {"__init_subclass__", init_subclass, METH_CLASS | METH_NOARGS, nullptr};

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  PyTensor* t = as_object(self);
  Py_VISIT(t->dict);
  // What the header holds is part of this object's references only while nobody else holds the header.
  if (t->impl && t->impl->refs.load() == 1) return traverse_hooks(t->impl, visit, arg);
  return 0;
}

int clear(PyObject* self) {
  PyTensor* t = as_object(self);
  Py_CLEAR(t->dict);
  if (t->impl) clear_hooks(t->impl);
  return 0;
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  const int r = PyObject_GenericSetAttr(self, name, value);
  if (r == 0 && as_object(self)->dict) track(self);
  return r;
}

// The header dies and owned its object.
void release_object(void* object) {
  const DestructorGil gil;
  if (!gil) return;
  as_object(static_cast<PyObject*>(object))->impl = nullptr;
  Py_DECREF(static_cast<PyObject*>(object));
}

// Tensor(2, 3), Tensor([1., 2.]), Tensor(): the legacy constructor, always of the default dtype.
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    Device device;
    if (kwargs && PyDict_Size(kwargs) != 0 && type == tensor_type) {
      PyObject* given = PyDict_GetItemString(kwargs, "device");
      PG_CHECK_TYPE(given && PyDict_Size(kwargs) == 1, "Tensor() takes no keyword arguments but device; use torch.tensor(data, dtype=...)");
      if (given != Py_None) device = parse_device(given);
    }
    const Py_ssize_t n = PyTuple_GET_SIZE(args);
    Tensor t;
    if (n == 0) {
      t = empty(Shape{0}, default_dtype());
    } else if (n == 1 && is_tensor(PyTuple_GET_ITEM(args, 0))) {
      t = alias(tensor_of(PyTuple_GET_ITEM(args, 0)));
    } else {
      Shape size;
      bool sizes = true;
      for (Py_ssize_t i = 0; i < n && sizes; ++i) sizes = PyLong_Check(PyTuple_GET_ITEM(args, i));
      if (sizes) {
        convert_int_list(args, size);
        t = empty(size, default_dtype());
      } else if (n == 1 && PyTuple_CheckExact(PyTuple_GET_ITEM(args, 0)) == 0 &&
                 std::string(Py_TYPE(PyTuple_GET_ITEM(args, 0))->tp_name) == "pygrad.Size") {
        convert_int_list(PyTuple_GET_ITEM(args, 0), size);
        t = empty(size, default_dtype());
      } else {
        PG_CHECK_TYPE(n == 1, "new(): expected sizes, or one sequence of data");
        PG_CHECK_TYPE(!PyFloat_Check(PyTuple_GET_ITEM(args, 0)) && !PyComplex_Check(PyTuple_GET_ITEM(args, 0)),
                      "new(): data must be a sequence (got ", Py_TYPE(PyTuple_GET_ITEM(args, 0))->tp_name, ")");
        t = tensor_from_object(PyTuple_GET_ITEM(args, 0), default_dtype(), Device{}, false);
      }
    }
    if (t.device() != device && !(n == 1 && is_tensor(PyTuple_GET_ITEM(args, 0)))) t = to_device(t, device);
    return wrap_as(type, std::move(t));
  });
}

}  // namespace

BorrowedOperand::BorrowedOperand(PyObject* o) {
  if (is_tensor(o))
    operand_.tensor = Tensor(Intrusive<TensorImpl>::adopt(impl_of(o)));
  else
    operand_.scalar = scalar_of(o);
}

namespace {

// --- number protocol ---------------------------------------------------------------------------------------

PyObject* not_implemented() { Py_RETURN_NOTIMPLEMENTED; }

bool is_array(PyObject* o) { return std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") == 0; }

// array op tensor: NumPy leaves it to us. It is computed as NumPy computes tensor op array, with the same promotion, and is a tensor.
PyObject* array_left(PyObject* array, PyObject* tensor, binaryfunc operation) {
  py::object right = py::reinterpret_borrow<py::object>(tensor).attr("numpy")();
  py::object result = py::reinterpret_steal<py::object>(operation(array, right.ptr()));
  if (!result) throw py::error_already_set();
  return wrap(tensor_from_object(result.ptr(), std::nullopt, Device{}, true));
}

// f(tensor, operand) when the left side is a tensor, r(number, tensor) when only the right one is.
template <class F, class R>
PyObject* binary_slot(binaryfunc operation, PyObject* a, PyObject* b, F&& f, R&& r) {
  return guarded([&]() -> PyObject* {
    if (is_tensor(a)) {
      if (!is_tensor(b) && !is_number(b)) return not_implemented();
      return wrap(f(*Borrowed(a), *BorrowedOperand(b)));
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

#define PG_SLOT(slot, operation, f, r)                            \
  PyObject* slot(PyObject* a, PyObject* b) {                      \
    return binary_slot(                                           \
        operation, a, b, [](const Tensor& x, const Operand& y) { return f; }, \
        [](Scalar x, const Tensor& y) { return r; });             \
  }
PG_SLOT(slot_add, PyNumber_Add, add(x, y), add(y, Operand(x)))
PG_SLOT(slot_sub, PyNumber_Subtract, sub(x, y), rsub(y, x))
PG_SLOT(slot_mul, PyNumber_Multiply, mul(x, y), mul(y, Operand(x)))
PG_SLOT(slot_div, PyNumber_TrueDivide, div(x, y), rdiv(x, y))
PG_SLOT(slot_floor_divide, PyNumber_FloorDivide, floor_divide(x, y), floor_divide(wrapped(Operand(x), y), Operand(y)))
PG_SLOT(slot_remainder, PyNumber_Remainder, remainder(x, y), remainder(wrapped(Operand(x), y), Operand(y)))
#undef PG_SLOT

PyObject* slot_pow(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) return not_implemented();
  return binary_slot(
      [](PyObject* x, PyObject* y) { return PyNumber_Power(x, y, Py_None); }, a, b,
      [](const Tensor& x, const Operand& y) { return pow(x, y); },
      [](Scalar x, const Tensor& y) { return rpow(x, y); });
}
PyObject* slot_matmul(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b)) return not_implemented();
  return guarded([&] { return wrap(matmul(*Borrowed(a), *Borrowed(b))); });
}
#define PG_REGISTRY_SLOT(slot, name) \
  PyObject* slot(PyObject* a, PyObject* b) { return registry_slot(name, false, a, b); }
PG_REGISTRY_SLOT(slot_and, "bitwise_and")
PG_REGISTRY_SLOT(slot_or, "bitwise_or")
PG_REGISTRY_SLOT(slot_xor, "bitwise_xor")
PG_REGISTRY_SLOT(slot_lshift, "bitwise_left_shift")
PG_REGISTRY_SLOT(slot_rshift, "bitwise_right_shift")
#undef PG_REGISTRY_SLOT
#define PG_INPLACE_SLOT(slot, name)                        \
  PyObject* slot(PyObject* a, PyObject* b) {               \
    return registry_slot(name, true, a, b);                \
  }
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
PyObject* slot_ipow(PyObject* a, PyObject* b, PyObject*) { return registry_slot("pow", true, a, b); }

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
    PG_CHECK_TYPE(is_integral(impl_of(self)->dtype), "~ (operator.invert) is only implemented on integer and Boolean-type tensors, not ",
                  impl_of(self)->dtype);
    return call_op(find_op("bitwise_not"), CallForm::method, &self, 1, nullptr);
  });
}

int slot_bool(PyObject* self) {
  return guarded([&]() -> int {
    const Tensor t = tensor_of(self);
    PG_CHECK(t.numel() != 0, "Boolean value of Tensor with no values is ambiguous");
    PG_CHECK(t.numel() == 1, "Boolean value of Tensor with more than one value is ambiguous: it has shape ", t.sizes(),
             ". Use .any() or .all()");
    return item(t).to<bool>();
  });
}
void check_one_element(PyObject* self) {
  PG_CHECK_VALUE(impl_of(self)->numel == 1, "only one element tensors can be converted to Python scalars; this one has shape ",
                 tensor_of(self).sizes());
}
PyObject* slot_float(PyObject* self) {
  return guarded([&]() -> PyObject* {
    check_one_element(self);
    const Scalar s = item(tensor_of(self));
    PG_CHECK(!s.is_complex() || s.im == 0, "value cannot be converted to type double without overflow: it is complex");
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
                  "only integer tensors of a single element can be converted to an index; this one has dtype ", t.dtype(), " and shape ", t.sizes());
    return PyLong_FromLongLong(item(t).i);
  });
}

PyObject* rich_compare(PyObject* a, PyObject* b, int op) {
  return guarded([&]() -> PyObject* {
    if (is_array(b)) {
      py::object left = py::reinterpret_borrow<py::object>(a).attr("numpy")();
      py::object result = py::reinterpret_steal<py::object>(PyObject_RichCompare(left.ptr(), b, op));
      if (!result) throw py::error_already_set();
      return wrap(tensor_from_object(result.ptr(), std::nullopt, Device{}, true));
    }
    if (!is_tensor(b) && !is_number(b)) return not_implemented();
    const Borrowed left(a);
    const BorrowedOperand right(b);
    const Tensor& x = *left;
    const Operand& y = *right;
    switch (op) {
      case Py_EQ: return wrap(eq(x, y));
      case Py_NE: return wrap(ne(x, y));
      case Py_LT: return wrap(lt(x, y));
      case Py_LE: return wrap(le(x, y));
      case Py_GT: return wrap(gt(x, y));
      default: return wrap(ge(x, y));
    }
  });
}

// --- sequence and mapping -----------------------------------------------------------------------------------

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
    for (size_t i = 0; i < parts.size(); ++i) PyTuple_SET_ITEM(tuple, Py_ssize_t(i), wrap(std::move(parts[i])));
    PyObject* it = PyObject_GetIter(tuple);
    Py_DECREF(tuple);
    return it;
  });
}

PyObject* representation(PyObject* self) {
  static PyObject* function = nullptr;
  if (!function) {
    PyObject* m = PyImport_ImportModule("pygrad._tensor_str");
    if (!m) return nullptr;
    function = PyObject_GetAttrString(m, "_str");
    Py_DECREF(m);
    if (!function) return nullptr;
  }
  return PyObject_CallOneArg(function, self);
}

// Tensors are dictionary keys by identity, while == compares elements.
// hash(x) == id(x), as scripts rely on.
Py_hash_t hash_by_identity(PyObject* self) { return reinterpret_cast<Py_hash_t>(self); }

PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
                         {nullptr, 0, 0, 0, nullptr}};

#define PG_TYPE_SLOT(id, f) {id, reinterpret_cast<void*>(f)}
PyType_Slot slots[] = {
    PG_TYPE_SLOT(Py_tp_new, tensor_new),
    PG_TYPE_SLOT(Py_tp_dealloc, dealloc),
    PG_TYPE_SLOT(Py_tp_traverse, traverse),
    PG_TYPE_SLOT(Py_tp_clear, clear),
    PG_TYPE_SLOT(Py_tp_setattro, set_attribute),
    PG_TYPE_SLOT(Py_tp_repr, representation),
    PG_TYPE_SLOT(Py_tp_hash, hash_by_identity),
    PG_TYPE_SLOT(Py_tp_richcompare, rich_compare),
    PG_TYPE_SLOT(Py_tp_iter, iterate),
    PG_TYPE_SLOT(Py_tp_members, members),
    {Py_tp_methods, tensor_methods},
    {Py_tp_getset, tensor_attributes},
    {Py_tp_doc, const_cast<char*>("An n-dimensional array with automatic differentiation. Make one with torch.tensor(data).")},
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
    PG_TYPE_SLOT(Py_mp_subscript, get_item),
    PG_TYPE_SLOT(Py_mp_ass_subscript, set_item),
    PG_TYPE_SLOT(Py_bf_getbuffer, get_buffer),
    PG_TYPE_SLOT(Py_bf_releasebuffer, release_buffer),
    {0, nullptr}};
#undef PG_TYPE_SLOT

}  // namespace

PyObject* wrap(Tensor tensor) {
  if (!tensor.defined()) Py_RETURN_NONE;
  TensorImpl* impl = tensor.impl();
  if (impl->object) {
    PyObject* o = static_cast<PyObject*>(impl->object);
    if (impl->owns_object) {  // Python holds the object again, and through it the header
      impl->owns_object = false;
      tensor.release();
      return o;
    }
    Py_INCREF(o);
    return o;
  }
  return new_object(tensor_type, tensor.release());
}

PyObject* wrap_as(PyTypeObject* type, Tensor tensor) {
  if (tensor.impl()->object) tensor = alias(tensor);
  return new_object(type, tensor.release());
}

void track_object(PyObject* self) { track(self); }

void init_tensor_type(PyObject* module) {
  PyType_Spec spec = {"pygrad.Tensor", sizeof(PyTensor), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!tensor_type) throw py::error_already_set();
  release_python_object = release_object;
  py::handle type(reinterpret_cast<PyObject*>(tensor_type));
  type.attr("__init_subclass__") =
      py::reinterpret_steal<py::object>(PyDescr_NewClassMethod(tensor_type, &init_subclass_method));
  Py_INCREF(tensor_type);
  PyModule_AddObject(module, "Tensor", reinterpret_cast<PyObject*>(tensor_type));
}

}  // namespace pygrad::python
