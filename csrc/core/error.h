// Exceptions that reach Python, and the macros that raise them. Message text is built out of line,
// only on failure.
#pragma once

#include <exception>
#include <span>
#include <sstream>
#include <string>

#include "csrc/core/device.h"
#include "csrc/core/shape.h"
#include "kernels/dtype.h"

namespace pygrad {

enum class ErrorKind { Runtime, Type, Index, Value, NotImplemented, OutOfMemory };

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
  std::string message_;
};

// How values print in messages: shapes as Python tuples, dtypes and devices by name.
std::ostream& operator<<(std::ostream& out, std::span<const int64_t> sizes);
std::ostream& operator<<(std::ostream& out, const Shape& shape);
std::ostream& operator<<(std::ostream& out, DType dtype);
std::ostream& operator<<(std::ostream& out, Device device);

template <class... Parts>
[[noreturn, gnu::noinline, gnu::cold]] void raise(ErrorKind kind, const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(kind, text.str());
}

#define PG_CHECK_KIND(kind, condition, ...)                    \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::pygrad::raise(::pygrad::ErrorKind::kind, __VA_ARGS__); \
  } while (0)
#define PG_CHECK(condition, ...) PG_CHECK_KIND(Runtime, condition, __VA_ARGS__)
#define PG_CHECK_TYPE(condition, ...) PG_CHECK_KIND(Type, condition, __VA_ARGS__)
#define PG_CHECK_INDEX(condition, ...) PG_CHECK_KIND(Index, condition, __VA_ARGS__)
#define PG_CHECK_VALUE(condition, ...) PG_CHECK_KIND(Value, condition, __VA_ARGS__)
// An invariant of our own: a failure is a bug of pygrad's, reported as such; nothing aborts.
#define PG_ASSERT(condition)                                                               \
  PG_CHECK_KIND(Runtime, condition, "internal error, please report: ", #condition, " at ", \
                __FILE__, ":", __LINE__)

}  // namespace pygrad
