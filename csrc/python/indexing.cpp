// x[...] and x[...] = v: basic indexing by views, then advanced indexing by index() and
// index_put_().
#include <cstring>

#include "csrc/autograd/grad_mode.h"
#include "csrc/autograd/inplace.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/views.h"
#include "csrc/python/python.h"

namespace pygrad::python {
namespace {

// Items that select by position: ints, slices, None and Ellipsis give views; tensors, sequences and
// arrays collect in `indices`, aligned with the dims of `view`.
struct Indexed {
  Tensor view;
  TensorList indices;
  bool advanced = false;
};

bool is_bool_or_byte(const Tensor& t) {
  return t.dtype() == DType::Bool || t.dtype() == DType::UInt8;
}

int64_t slice_bound(PyObject* o, int64_t missing) {
  if (o == Py_None) return missing;
  py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(o));
  if (!index) throw py::error_already_set();
  const int64_t v = PyLong_AsLongLong(index.ptr());
  if (v == -1 && PyErr_Occurred()) throw py::error_already_set();
  return v;
}

// The dims an item consumes: a mask takes as many as it has, None and Ellipsis take none.
int64_t dims_taken(PyObject* item) {
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item)) {
    const TensorImpl* p = impl_of(item);
    return p->dtype == DType::Bool || p->dtype == DType::UInt8 ? p->ndim : 1;
  }
  return 1;
}

Tensor index_tensor(PyObject* item, Device device) {
  if (is_tensor(item)) return tensor_of(item);
  Tensor t = tensor_from_object(item, std::nullopt, Device{}, false);
  if (t.numel() == 0 && !is_integral(t.dtype())) t = to(t, DType::Int64);  // x[[]] selects nothing
  return to_device(t, device);
}

// Arrays have __index__ too, but index as tensors.
bool is_integer(PyObject* o) {
  return PyLong_Check(o) ||
         (PyIndex_Check(o) && std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") != 0);
}

// A list or tuple used as a whole: x[[0, 2]] is one index (but see is_tuple_like).
bool is_sequence(PyObject* o) {
  return PyList_Check(o) || PyTuple_Check(o) || (PyObject_CheckBuffer(o) && !PyUnicode_Check(o));
}

Indexed apply_items(const Tensor& self, PyObject* const* items, Py_ssize_t n) {
  int64_t taken = 0;
  int ellipses = 0;
  // Sequences become tensors first: a list of bools is a mask.
  std::vector<py::object> held;
  std::vector<PyObject*> list(items, items + n);
  for (PyObject*& item : list) {
    if (item != Py_None && item != Py_Ellipsis && !PyBool_Check(item) && !is_tensor(item) &&
        !PySlice_Check(item) && !is_integer(item)) {
      PG_CHECK_INDEX(is_sequence(item) || (PySequence_Check(item) && !PyUnicode_Check(item)),
                     "only integers, slices (`:`), ellipsis (`...`), None and long or byte "
                     "Variables are valid indices (got ",
                     Py_TYPE(item)->tp_name, ")");
      held.push_back(py::reinterpret_steal<py::object>(wrap(index_tensor(item, self.device()))));
      item = held.back().ptr();
    }
    taken += dims_taken(item);
    ellipses += item == Py_Ellipsis;
  }
  PG_CHECK_INDEX(ellipses <= 1, "an index can only have a single ellipsis ('...')");
  PG_CHECK_INDEX(taken <= self.dim(), "too many indices for tensor of dimension ", self.dim(), ": ",
                 taken, " were given for shape ", self.sizes());
  Indexed r{self, {}, false};
  int64_t dim = 0;
  auto pad = [&](int64_t to_dim) {
    while (int64_t(r.indices.size()) < to_dim) r.indices.push_back({});
  };
  for (PyObject* item : list) {
    if (item == Py_None) {
      r.view = unsqueeze(r.view, dim);
      // Indices recorded so far belong to dims before this one, so they stay aligned.
      ++dim;
    } else if (item == Py_Ellipsis) {
      dim += self.dim() - taken;
    } else if (PyBool_Check(item)) {
      // x[True] adds a dimension of size 1, x[False] one of size 0.
      r.view = unsqueeze(r.view, dim);
      pad(dim);
      r.indices.push_back(item == Py_True ? zeros(Shape{1}, DType::Int64, self.device())
                                          : empty(Shape{0}, DType::Int64, self.device()));
      r.advanced = true;
      ++dim;
    } else if (PySlice_Check(item)) {
      auto* s = reinterpret_cast<PySliceObject*>(item);
      const int64_t step = slice_bound(s->step, 1);
      PG_CHECK_VALUE(step != 0, "slice step cannot be zero");
      PG_CHECK_VALUE(step > 0, "step must be greater than zero, got ", step,
                     ". Use torch.flip() to reverse");
      const int64_t start = slice_bound(s->start, 0), end = slice_bound(s->stop, INT64_MAX);
      if (s->start != Py_None || s->stop != Py_None || step != 1 || dim == 0)
        r.view = slice(r.view, dim, start, end, step);
      ++dim;
    } else if (is_tensor(item) &&
               !(impl_of(item)->ndim == 0 && is_integral(impl_of(item)->dtype, false) &&
                 impl_of(item)->dtype != DType::UInt8)) {
      const Tensor index = tensor_of(item);
      PG_CHECK_INDEX(is_integral(index.dtype()),
                     "tensors used as indices must be long, int, byte or bool tensors, not ",
                     index.dtype());
      pad(dim);
      r.indices.push_back(index);
      r.advanced = true;
      if (is_bool_or_byte(index)) {
        for (int64_t d = 0; d < index.dim(); ++d)
          PG_CHECK_INDEX(dim + d < r.view.dim() && index.size(d) == r.view.size(dim + d),
                         "The shape of the mask ", index.sizes(), " at index ", d,
                         " does not match the shape of the indexed tensor ", r.view.sizes(),
                         " at index ", dim + d);
        if (index.dim() == 0) r.view = unsqueeze(r.view, dim);
        dim += index.dim() ? index.dim() : 1;
      } else {
        ++dim;
      }
    } else {
      py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(item));
      if (!number) throw py::error_already_set();
      const int64_t i = PyLong_AsLongLong(number.ptr());
      if (i == -1 && PyErr_Occurred()) throw py::error_already_set();
      const int64_t size = r.view.size(dim);
      PG_CHECK_INDEX(i >= -size && i < size, "index ", i, " is out of bounds for dimension ", dim,
                     " with size ", size);
      r.view = select(r.view, dim, i);
    }
  }
  return r;
}

// Masks become one int64 index per dim they cover. `slots` counts dims of the view.
TensorList expand_masks(const TensorList& indices) {
  TensorList out;
  for (const Tensor& index : indices) {
    if (!index.defined() || !is_bool_or_byte(index)) {
      out.push_back(index);
      continue;
    }
    if (index.dim() == 0) {
      out.push_back(item(index).to<bool>() ? zeros(Shape{1}, DType::Int64, index.device())
                                           : empty(Shape{0}, DType::Int64, index.device()));
      continue;
    }
    const Tensor positions = nonzero(index);  // (count, dims)
    for (int64_t d = 0; d < index.dim(); ++d) out.push_back(select(positions, 1, d));
  }
  return out;
}

// A list that holds tensors with dimensions, slices, None or Ellipsis is no data: it stands for the
// tuple of them, as in x[list(mask.nonzero().t())]. Nested lists of numbers are one index.
bool is_tuple_like(PyObject* o) {
  if (!PyList_Check(o) || PyList_GET_SIZE(o) >= 32) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(o); ++i) {
    PyObject* item = PyList_GET_ITEM(o, i);
    if ((is_tensor(item) && impl_of(item)->ndim > 0) || PySlice_Check(item) || item == Py_None ||
        item == Py_Ellipsis)
      return true;
  }
  return false;
}

Indexed resolve(PyObject* self, PyObject* index) {
  const Tensor t = tensor_of(self);
  if (PyTuple_Check(index))
    return apply_items(t, &PyTuple_GET_ITEM(index, 0), PyTuple_GET_SIZE(index));
  if (is_tuple_like(index))
    return apply_items(t, &PyList_GET_ITEM(index, 0), PyList_GET_SIZE(index));
  return apply_items(t, &index, 1);
}

bool plain_int(PyObject* index) { return PyLong_CheckExact(index); }

// None, or an int that fits; anything else is for slice_bound() to convert or refuse.
bool plain_bound(PyObject* o, int64_t missing, int64_t& bound) {
  bound = missing;
  if (o == Py_None) return true;
  if (!PyLong_CheckExact(o)) return false;
  int overflow = 0;
  bound = PyLong_AsLongLongAndOverflow(o, &overflow);
  return !overflow;
}

// Ints and slices of a tensor without history: one view at once instead of one for each item.
// Undefined when the index holds something else, or a mistake that apply_items() will name.
Tensor plain_view(const Tensor& self, PyObject* const* items, Py_ssize_t n) {
  if (n > self.dim() || (grad_enabled() && self.requires_grad())) return {};
  Shape sizes, strides;
  int64_t offset = self.offset();
  for (int64_t d = 0; d < self.dim(); ++d) {
    const int64_t size = self.size(d), stride = self.stride(d);
    if (d >= n) {
      sizes.push_back(size);
      strides.push_back(stride);
    } else if (PyLong_CheckExact(items[d])) {
      int64_t i;
      if (!plain_bound(items[d], 0, i) || i < -size || i >= size) return {};
      offset += (i < 0 ? i + size : i) * stride;
    } else if (PySlice_Check(items[d])) {
      const auto* s = reinterpret_cast<const PySliceObject*>(items[d]);
      int64_t start, end, step;
      if (!plain_bound(s->start, 0, start) || !plain_bound(s->stop, INT64_MAX, end) ||
          !plain_bound(s->step, 1, step) || step <= 0)
        return {};
      const SliceRange range = slice_range(size, start, end, step);
      offset += range.start * stride;
      sizes.push_back(range.length);
      strides.push_back(stride * step);
    } else {
      return {};
    }
  }
  Tensor view = alias(self, sizes, strides, offset);
  track_view(view, self);
  return view;
}

}  // namespace

PyObject* get_item(PyObject* self, PyObject* index) {
  return guarded([&]() -> PyObject* {
    if (plain_int(index)) {
      const Borrowed borrowed(self);
      const Tensor& t = *borrowed;
      PG_CHECK_INDEX(t.dim() > 0,
                     "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a "
                     "0-dim tensor to a number");
      const int64_t i = PyLong_AsLongLong(index), size = t.size(0);
      if (i == -1 && PyErr_Occurred()) return nullptr;
      PG_CHECK_INDEX(i >= -size && i < size, "index ", i,
                     " is out of bounds for dimension 0 with size ", size);
      return wrap(select(t, 0, i));
    }
    const bool tuple = PyTuple_CheckExact(index);
    if (Tensor view = plain_view(*Borrowed(self), tuple ? &PyTuple_GET_ITEM(index, 0) : &index,
                                 tuple ? PyTuple_GET_SIZE(index) : 1);
        view.defined())
      return wrap(std::move(view));
    Indexed r = resolve(self, index);
    if (!r.advanced) {
      // x[...] and x[()] are views too, never the tensor itself.
      if (r.view.impl() == impl_of(self)) r.view = view(r.view, r.view.shape());
      return wrap(std::move(r.view));
    }
    return wrap(pygrad::index(r.view, expand_masks(r.indices)));
  });
}

int set_item(PyObject* self, PyObject* index, PyObject* value) {
  return guarded([&]() -> int {
    PG_CHECK_TYPE(value, "Tensor does not support deleting items");
    const Tensor t = tensor_of(self);
    PG_CHECK_TYPE(is_tensor(value) || is_number(value) || is_sequence(value), "can't assign a ",
                  Py_TYPE(value)->tp_name, " to a torch.", t.dtype(), " Tensor");
    Indexed r = resolve(self, index);
    if (!r.advanced && is_number(value)) {
      fill_(r.view, scalar_of(value));
      return 0;
    }
    Tensor source;
    if (is_tensor(value))
      source = tensor_of(value);
    else if (is_number(value))
      source = full(Shape{}, scalar_of(value), t.dtype(), t.device());
    else
      source = to_device(tensor_from_object(value, t.dtype(), Device{}, false), t.device());
    if (!r.advanced) {
      // Leading dimensions of size 1 are dropped, as NumPy does.
      while (source.dim() > r.view.dim() && source.size(0) == 1) source = squeeze(source, 0);
      copy_(r.view, source);
      return 0;
    }
    if (source.device() != t.device() && source.dim() == 0) source = to_device(source, t.device());
    index_put_(r.view, expand_masks(r.indices), source, false);
    return 0;
  });
}

}  // namespace pygrad::python
