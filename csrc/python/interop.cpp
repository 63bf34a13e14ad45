// NumPy and the buffer protocol.
#include "csrc/ops/ops.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

const char* buffer_format(DType d) {
  switch (d) {
    case DType::Bool:
      return "?";
    case DType::UInt8:
      return "B";
    case DType::Int8:
      return "b";
    case DType::Int16:
      return "h";
    case DType::Int32:
      return "i";
    case DType::Int64:
      return sizeof(long) == 8 ? "l" : "q";  // NumPy's int64 is the first of these with 8 bytes
    case DType::Float16:
      return "e";
    case DType::Float32:
      return "f";
    case DType::Float64:
      return "d";
    case DType::Complex64:
      return "Zf";
    case DType::Complex128:
      return "Zd";
    case DType::BFloat16:
      return nullptr;
  }
  return nullptr;
}

}  // namespace

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  return guarded([&]() -> int {
    view->obj = nullptr;
    const Tensor t = tensor_of(self);
    auto refuse = [](const char* why) {
      PyErr_SetString(PyExc_BufferError, why);
      return -1;
    };
    if (t.device().is_cuda()) return refuse("a CUDA tensor has no host memory; use .cpu() first");
    const char* format = buffer_format(t.dtype());
    // NumPy would silently drop the history.
    if (t.requires_grad())
      return refuse(
          "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
    if (!format) return refuse("bfloat16 has no buffer format; use .float() first");
    const bool read_only = t.storage().read_only;
    if ((flags & PyBUF_WRITABLE) && read_only)
      return refuse("this tensor's memory is read-only; use .clone()");
    if (!(flags & PyBUF_STRIDES) && !t.is_contiguous())
      return refuse("the tensor is not contiguous; use .contiguous() first");
    const int n = int(t.dim());
    auto* dims = static_cast<Py_ssize_t*>(PyMem_Malloc(sizeof(Py_ssize_t) * size_t(2 * n + 1)));
    for (int i = 0; i < n; ++i) {
      dims[i] = t.size(i);
      dims[n + i] = t.stride(i) * Py_ssize_t(item_size(t.dtype()));
    }
    static char nothing[16];
    t.storage().expose();  // whoever holds the buffer may write it at any time
    view->buf = t.numel() ? t.data() : nothing;
    view->obj = Py_NewRef(self);
    view->len = t.numel() * Py_ssize_t(item_size(t.dtype()));
    view->itemsize = Py_ssize_t(item_size(t.dtype()));
    view->readonly = read_only;
    view->ndim = n;
    view->format = (flags & PyBUF_FORMAT) ? const_cast<char*>(format) : nullptr;
    view->shape = (flags & PyBUF_ND) ? dims : nullptr;
    view->strides = (flags & PyBUF_STRIDES) ? dims + n : nullptr;
    view->suboffsets = nullptr;
    view->internal = dims;
    return 0;
  });
}

void release_buffer(PyObject*, Py_buffer* view) { PyMem_Free(view->internal); }

PyObject* to_numpy(const Tensor& tensor, PyObject*, bool force) {
  Tensor t = tensor;
  if (force) {
    t = to_device(detach(t), Device{});
  } else {
    PG_CHECK_TYPE(
        !t.device().is_cuda(), "can't convert ", t.device(),
        " device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.");
    PG_CHECK(
        !t.requires_grad(),
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
  }
  PG_CHECK_TYPE(t.dtype() != DType::BFloat16,
                "Got unsupported ScalarType BFloat16: NumPy has no such type. Use .float() first");
  py::object holder = py::cast(detach(t));  // never requires grad, so its buffer may be written
  py::object view = py::reinterpret_steal<py::object>(PyMemoryView_FromObject(holder.ptr()));
  if (!view) throw py::error_already_set();
  return py::module_::import("numpy").attr("asarray")(view).release().ptr();
}

}  // namespace pygrad::python
