// The extension module pygrad._C.
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

PyObject* out_of_memory_error;

PyObject* exception_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Runtime:
      return PyExc_RuntimeError;
    case ErrorKind::Type:
      return PyExc_TypeError;
    case ErrorKind::Index:
      return PyExc_IndexError;
    case ErrorKind::Value:
      return PyExc_ValueError;
    case ErrorKind::NotImplemented:
      return PyExc_NotImplementedError;
    case ErrorKind::OutOfMemory:
      return out_of_memory_error;
  }
  return PyExc_RuntimeError;
}

[[noreturn]] void unsupported_handler(const char* kernel, const char* device, DType dtype) {
  raise(ErrorKind::NotImplemented, kernel, "(): no ", device, " kernel for ", dtype, " (\"", kernel,
        "\" not implemented for '", dtype, "'). Convert with .to()");
}

}  // namespace

void set_python_error() {
  try {
    throw;
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const Error& e) {
    PyErr_SetString(exception_type(e.kind()), e.what());
  } catch (const py::builtin_exception& e) {
    e.set_error();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
}

}  // namespace pygrad::python

PYBIND11_MODULE(_C, m) {
  using namespace pygrad;
  using namespace pygrad::python;
  m.doc() = "pygrad's compiled core.";
#ifndef Py_GIL_DISABLED
  [[maybe_unused]] static const bool once = (threads_take_turns(), true);
#endif
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const Error& e) {
      PyErr_SetString(exception_type(e.kind()), e.what());
    }
  });
  out_of_memory_error = PyErr_NewExceptionWithDoc("torch.OutOfMemoryError",
                                                  "Raised when memory for a tensor cannot be had.",
                                                  PyExc_RuntimeError, nullptr);
  m.attr("OutOfMemoryError") = py::handle(out_of_memory_error);
  set_unsupported_handler([](const char* kernel, const char* device, DType dtype) {
    unsupported_handler(kernel, device, dtype);
  });
  finish_registration();
  init_types(m.ptr());
  init_tensor_type(m.ptr());
  init_call(m.ptr());
  init_module_type(m);
  init_autograd(m);
  init_gradients(m);
  init_factory(m);
  init_dlpack(m);
  init_storage(m);
  init_runtime(m);
}
