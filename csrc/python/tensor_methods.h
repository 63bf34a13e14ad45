// The attributes and methods of Tensor that are not ops.
#pragma once

#include "csrc/python/python.h"

namespace pygrad::python {

extern PyMethodDef tensor_methods[];
extern PyGetSetDef tensor_attributes[];
void track_object(PyObject* self);  // lets the garbage collector see a tensor that may be part of a cycle

}  // namespace pygrad::python
