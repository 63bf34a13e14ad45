#include "csrc/core/error.h"

namespace pygrad {

std::ostream& operator<<(std::ostream& out, std::span<const int64_t> sizes) {
  out << '(';
  for (size_t i = 0; i < sizes.size(); ++i) out << (i ? ", " : "") << sizes[i];
  return out << (sizes.size() == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << std::span<const int64_t>(shape);
}

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << dtype_name(dtype); }

std::ostream& operator<<(std::ostream& out, Device device) {
  if (device.type == DeviceType::cpu) return out << "cpu";
  return out << "cuda:" << int(device.index);
}

}  // namespace pygrad
