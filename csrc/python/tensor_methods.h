// The parts of the Tensor type that stand in files of their own: methods, attributes and operators
// that are not ops.
#pragma once

#include "csrc/python/python.h"

namespace pygrad::python {

#define PG_TYPE_SLOT(id, f) {id, reinterpret_cast<void*>(f)}
extern PyType_Slot operator_slots[];  // ends with {0, nullptr}
extern PyMethodDef tensor_methods[];
extern PyGetSetDef tensor_attributes[];
void track_object(
    PyObject* self);  // lets the garbage collector see a tensor that may be part of a cycle

}  // namespace pygrad::python
