// Whether threads take turns, so that one of them alone is in the engine.
//
// A locked instruction waits until the processor has written out all earlier stores: about 5 ns,
// and a small op would execute ten of them to count references; finding thread-local memory takes a
// call of the loader's. Neither is needed by a thread that is alone. Under Python threads mostly
// take turns, by the interpreter's lock: whoever runs the engine without that lock calls
// begin_beside_others() before giving it up and end_beside_others() after taking it again. So a
// thread that has the lock, and finds that nobody runs beside it, is alone until it gives the lock
// up itself.
#pragma once

#include <atomic>

#include "kernels/platform.h"

namespace pygrad {

// How many threads may run beside others, plus one until threads_take_turns() has promised what is
// said above.
inline std::atomic<int> beside_others{1};
inline void threads_take_turns() { beside_others.fetch_sub(1); }
inline bool is_alone() { return beside_others.load(std::memory_order_relaxed) == 0; }

void begin_beside_others();  // in allocator.cpp: whoever was alone takes its cache along
void end_beside_others();

// Adds to a counter of the engine; returns what it was.
template <class T>
PG_HOST_INLINE T add_to(std::atomic<T>& counter, T n) {
  if (!is_alone()) return counter.fetch_add(n, std::memory_order_acq_rel);
  const T old = counter.load(std::memory_order_relaxed);
  counter.store(T(old + n), std::memory_order_relaxed);
  return old;
}

}  // namespace pygrad
