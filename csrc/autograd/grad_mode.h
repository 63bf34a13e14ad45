// Per-thread switches of the tape.
#pragma once

namespace pygrad {

class RunningNode;

struct GradState {
  bool enabled = true;     // no_grad() and enable_grad()
  bool inference = false;  // inference_mode(): also no version counting for tensors made inside
  bool anomaly = false;    // detect_anomaly(): nodes remember where the forward op was called
  bool check_nan = true;   // and backward checks what each node returns
  const RunningNode* running = nullptr;  // what the engine runs now (autograd/grad_sum.h)
};
inline thread_local GradState grad_state;

inline bool grad_enabled() { return grad_state.enabled; }

// Sets the mode for a scope and restores it, also when an exception passes.
class GradGuard {
 public:
  explicit GradGuard(bool enabled) : previous_(grad_state.enabled) { grad_state.enabled = enabled; }
  ~GradGuard() { grad_state.enabled = previous_; }
  GradGuard(const GradGuard&) = delete;

 private:
  bool previous_;
};

}  // namespace pygrad
