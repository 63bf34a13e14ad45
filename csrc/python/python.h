// The extension module's own types and helpers, shared by the files of this folder.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <structmember.h>

#include <string>

#include "csrc/autograd/meta.h"
#include "csrc/core/generator.h"
#include "csrc/core/tensor.h"
#include "csrc/ops/registry.h"

namespace pygrad::python {

namespace py = pybind11;

// --- tensor_type.cpp: the native Tensor type -----------------------------------------------------

struct PyTensor {
  PyObject_HEAD TensorImpl*
      impl;        // owned, except while `impl->owns_object` (then the header owns this object)
  PyObject* dict;  // attributes set from Python; made on first use
  PyObject* weakrefs;
};
extern PyTypeObject* tensor_type;

inline bool is_tensor(PyObject* o) {
  return Py_TYPE(o) == tensor_type || PyType_IsSubtype(Py_TYPE(o), tensor_type);
}
inline Tensor tensor_of(PyObject* o) { return Tensor::share(reinterpret_cast<PyTensor*>(o)->impl); }
inline TensorImpl* impl_of(PyObject* o) { return reinterpret_cast<PyTensor*>(o)->impl; }
// A tensor for the length of a call, without touching its reference count: the caller's Python
// reference keeps it alive.
class Borrowed {
 public:
  explicit Borrowed(PyObject* o)
      : tensor_(Intrusive<TensorImpl>::adopt(reinterpret_cast<PyTensor*>(o)->impl)) {}
  ~Borrowed() { tensor_.release(); }
  Borrowed(const Borrowed&) = delete;
  const Tensor& operator*() const { return tensor_; }

 private:
  Tensor tensor_;
};
// The same for the second operand of an operator, which may be a number.
class BorrowedOperand {
 public:
  explicit BorrowedOperand(PyObject* o);
  ~BorrowedOperand() { operand_.tensor.release(); }
  BorrowedOperand(const BorrowedOperand&) = delete;
  const Operand& operator*() const { return operand_; }

 private:
  Operand operand_;
};
// The one Python object of a tensor; a new reference. None for an undefined tensor.
PyObject* wrap(Tensor tensor);
// A new object of `type` (a subclass of Tensor) over an alias of `tensor`, without history.
PyObject* wrap_as(PyTypeObject* type, Tensor tensor);
void init_tensor_type(PyObject* module);

// --- types.cpp: dtype, Size and the small constants
// --------------------------------------------------

PyObject* wrap_dtype(DType dtype);  // new reference to the singleton
bool is_dtype(PyObject* o);         // a dtype object, or one of Python's bool, int, float, complex
DType dtype_of_object(PyObject* o);
PyObject* wrap_size(Sizes sizes);  // torch.Size
PyObject* wrap_device(Device device);
bool is_device(PyObject* o);
Device parse_device(PyObject* o);  // a device, a string such as "cuda:1", or an index
PyObject* wrap_generator(Generator* generator);
void init_types(PyObject* module);

// --- convert.cpp: Python values <-> Value
// ---------------------------------------------------------

bool is_number(PyObject* o);    // bool, int, float, complex or a NumPy scalar
Scalar scalar_of(PyObject* o);  // precondition: is_number
PyObject* wrap_scalar(Scalar s);
// Converts `o` for one parameter. False when its type does not fit; throws for values that cannot
// be right.
bool convert(const Param& param, PyObject* o, Value& out);
bool convert_int_list(PyObject* o, Shape& out);  // a list or tuple of ints
bool convert_ints(PyObject* const* items, size_t n, Shape& out);
PyObject* wrap_value(const OpDef& op, Value& value);
PyObject* kind_name(const Param& param);  // for messages: "Tensor", "int", "tuple of ints"

// --- call.cpp: one entry for every op
// ---------------------------------------------------------------

// How an op is called: pygrad.add(x, y), x.add(y), or the in-place x.add_(y). A function may have
// overloads that the method lacks, and the other way round.
enum class CallForm : uint8_t { function, method, inplace };
PyObject* call_op(OpDef* op, CallForm form, PyObject* const* args, size_t nargs, PyObject* kwnames);
void init_call(PyObject* module);

// --- other parts of the module
// -------------------------------------------------------------------------

void init_autograd(
    py::module_& module);  // autograd.cpp: nodes, hooks, run_backward, custom functions, grad modes
void init_gradients(py::module_& module);  // gradients.cpp: of a list of parameters
void init_factory(
    py::module_& module);               // factory.cpp: tensor(), as_tensor(), from nested sequences
void init_dlpack(py::module_& module);  // dlpack.cpp
void init_module_type(py::module_& module);  // module_type.cpp: the base of nn.Module
void init_storage(py::module_& module);      // storage.cpp: storages, copying, pickling
void init_runtime(
    py::module_& module);  // runtime.cpp: threads, ISA, memory, CUDA, build information, generators

// indexing.cpp
PyObject* get_item(PyObject* self, PyObject* index);
int set_item(PyObject* self, PyObject* index, PyObject* value);

// factory.cpp
// A tensor from numbers, nested sequences, NumPy arrays and scalars, or anything with the buffer
// protocol or DLPack.
Tensor tensor_from_object(PyObject* data, std::optional<DType> dtype, Device device,
                          bool share_memory);
PyObject* to_list(const Tensor& tensor);

// sequence.cpp
bool is_nested(PyObject* o);             // a sequence that is neither text, tensor nor number
void check_fits(Scalar s, DType dtype);  // refuses a number that the dtype cannot hold
Tensor tensor_from_sequence(PyObject* data, std::optional<DType> dtype);

// interop.cpp
PyObject* to_numpy(const Tensor& tensor, PyObject* self, bool force);
int get_buffer(PyObject* self, Py_buffer* view, int flags);
void release_buffer(PyObject* self, Py_buffer* view);

// autograd.cpp
PyObject* wrap_node(const NodePtr& node);  // the grad_fn object; None for null
PyObject* register_tensor_hook(PyObject* self, PyObject* callable);
PyObject* register_post_accumulate_hook(PyObject* self, PyObject* callable);
void retain_grad(PyObject* self);
int traverse_hooks(TensorImpl* impl, visitproc visit, void* arg);
void clear_hooks(TensorImpl* impl);

// Methods of Tensor that are easier said with pybind11: functions bind to instances like any Python
// function.
template <class F, class... Extra>
void add_method(const char* name, F&& f, const Extra&... extra) {
  py::object type = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(tensor_type));
  type.attr(name) =
      py::cpp_function(std::forward<F>(f), py::name(name), py::is_method(type), extra...);
}

// Turns the exception being handled into a Python one.
void set_python_error();
// Runs f, which returns PyObject* or int; on an exception sets the Python error and returns null or
// -1.
template <class F>
auto guarded(F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (...) {
    set_python_error();
    if constexpr (std::is_pointer_v<decltype(f())>)
      return nullptr;
    else
      return -1;
  }
}

// Takes the GIL in a destructor, from any thread. False after the interpreter ended: then Python
// objects must be left alone.
class DestructorGil {
 public:
  DestructorGil() : held_(Py_IsInitialized()) {
    if (held_) state_ = PyGILState_Ensure();
  }
  ~DestructorGil() {
    if (held_) PyGILState_Release(state_);
  }
  DestructorGil(const DestructorGil&) = delete;
  explicit operator bool() const { return held_; }

 private:
  bool held_;
  PyGILState_STATE state_{};
};

// Elements from which an op is worth another thread's turn.
constexpr int64_t kReleaseGilElements = 65536;

// Gives the GIL up, and takes it back; between the two, other threads may run beside this one.
inline PyThreadState* release_gil() {
  begin_beside_others();
  return PyEval_SaveThread();
}
inline void retake_gil(PyThreadState* state) {
  PyEval_RestoreThread(state);
  end_beside_others();
}

// Releases the GIL for a scope when there is enough work to pay for it.
class ReleaseGil {
 public:
  explicit ReleaseGil(bool release) : state_(release ? release_gil() : nullptr) {}
  ~ReleaseGil() {
    if (state_) retake_gil(state_);
  }
  ReleaseGil(const ReleaseGil&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace pygrad::python

// Lets pybind11 functions take and return Tensor.
namespace pybind11::detail {
template <>
struct type_caster<pygrad::Tensor> {
  PYBIND11_TYPE_CASTER(pygrad::Tensor, const_name("Tensor"));
  bool load(handle src, bool) {
    if (src.is_none()) return true;
    if (!pygrad::python::is_tensor(src.ptr())) return false;
    value = pygrad::python::tensor_of(src.ptr());
    return true;
  }
  static handle cast(const pygrad::Tensor& t, return_value_policy, handle) {
    return pygrad::python::wrap(t);
  }
};
}  // namespace pybind11::detail
