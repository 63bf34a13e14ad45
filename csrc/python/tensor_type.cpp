// The native Tensor type: object identity, construction and destruction.
//
// One Python object per live tensor. The object owns its header; when the last Python reference
// goes while C++ still holds the tensor and the object carries something worth keeping (a subclass,
// attributes, weak references), ownership flips: the object stays alive and the header owns it,
// until Python asks for it again or the header dies.
#include <cstring>

#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"
#include "csrc/python/tensor_methods.h"

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
    if (type == tensor_type && PyObject_GC_IsTracked(reinterpret_cast<PyObject*>(self)))
      PyObject_GC_UnTrack(self);
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

// Keeps the object of a tensor that C++ still holds, when the object carries something: from now on
// the header owns it.
bool resurrect(PyObject* self) {
  PyTensor* t = as_object(self);
  TensorImpl* impl = t->impl;
  if (!impl || impl->object != self || impl->owns_object || impl->refs.load() == 1) return false;
  if (Py_TYPE(self) == tensor_type && !t->dict && !t->weakrefs) return false;
  Py_SET_REFCNT(self, 1);
  impl->owns_object = true;
  if (impl->refs.drop())
    destroy(impl);  // C++ let go meanwhile: the header takes the object with it
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
  if (type->tp_finalize && PyObject_CallFinalizerFromDealloc(self) < 0)
    return;  // __del__ kept the object
  if (PyObject_GC_IsTracked(self)) PyObject_GC_UnTrack(self);
  if (as_object(self)->weakrefs) PyObject_ClearWeakRefs(self);
  if (type->tp_clear) type->tp_clear(self);  // __slots__ of the subclass
  dealloc(self);
}

PyObject* init_subclass(PyObject* cls, PyObject*) {
  reinterpret_cast<PyTypeObject*>(cls)->tp_dealloc = subclass_dealloc;
  Py_RETURN_NONE;
}
PyMethodDef init_subclass_method = {"__init_subclass__", init_subclass, METH_CLASS | METH_NOARGS,
                                    nullptr};

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  PyTensor* t = as_object(self);
  Py_VISIT(t->dict);
  // What the header holds is part of this object's references only while nobody else holds the
  // header.
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
      PG_CHECK_TYPE(
          given && PyDict_Size(kwargs) == 1,
          "Tensor() takes no keyword arguments but device; use torch.tensor(data, dtype=...)");
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
        PG_CHECK_TYPE(!PyFloat_Check(PyTuple_GET_ITEM(args, 0)) &&
                          !PyComplex_Check(PyTuple_GET_ITEM(args, 0)),
                      "new(): data must be a sequence (got ",
                      Py_TYPE(PyTuple_GET_ITEM(args, 0))->tp_name, ")");
        t = tensor_from_object(PyTuple_GET_ITEM(args, 0), default_dtype(), Device{}, false);
      }
    }
    if (t.device() != device && !(n == 1 && is_tensor(PyTuple_GET_ITEM(args, 0))))
      t = to_device(t, device);
    return wrap_as(type, std::move(t));
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

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyType_Slot slots[] = {
    PG_TYPE_SLOT(Py_tp_new, tensor_new),
    PG_TYPE_SLOT(Py_tp_dealloc, dealloc),
    PG_TYPE_SLOT(Py_tp_traverse, traverse),
    PG_TYPE_SLOT(Py_tp_clear, clear),
    PG_TYPE_SLOT(Py_tp_setattro, set_attribute),
    PG_TYPE_SLOT(Py_tp_repr, representation),
    PG_TYPE_SLOT(Py_tp_hash, hash_by_identity),
    PG_TYPE_SLOT(Py_tp_members, members),
    {Py_tp_methods, tensor_methods},
    {Py_tp_getset, tensor_attributes},
    {Py_tp_doc, const_cast<char*>("An n-dimensional array with automatic differentiation. Make one "
                                  "with torch.tensor(data).")},
    PG_TYPE_SLOT(Py_mp_subscript, get_item),
    PG_TYPE_SLOT(Py_mp_ass_subscript, set_item),
    PG_TYPE_SLOT(Py_bf_getbuffer, get_buffer),
    PG_TYPE_SLOT(Py_bf_releasebuffer, release_buffer)};

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
  std::vector<PyType_Slot> all(std::begin(slots), std::end(slots));
  for (const PyType_Slot* s = operator_slots; s->slot; ++s) all.push_back(*s);
  all.push_back({0, nullptr});
  PyType_Spec spec = {"pygrad.Tensor", sizeof(PyTensor), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, all.data()};
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
