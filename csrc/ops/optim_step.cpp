// Fused optimizer steps: parameters and state are updated in place, without a tape, one kernel call
// for all the parameters of a device and dtype. Complex parameters are updated as pairs of reals.
#include <initializer_list>

#include "csrc/autograd/record.h"
#include "csrc/ops/checks.h"
#include "csrc/ops/ops.h"
#include "csrc/ops/registry.h"

namespace pygrad {
namespace {

// One list of tensors of a step: the parameters, their gradients, or one kind of state.
struct Role {
  const char* name;
  const TensorList* list;
  bool written = true;
};

// The views of one group of parameters, role by role.
struct Group {
  std::vector<size_t> members;
  std::vector<std::vector<View>> views;
  ViewList list(size_t role) const {
    return role < views.size() ? ViewList{views[role].data(), int64_t(views[role].size())}
                               : ViewList{nullptr, 0};
  }
  // The entries of a per-parameter list that belong to this group.
  template <class T>
  std::vector<T> pick(const std::vector<double>& values) const {
    std::vector<T> out;
    for (size_t i : members) out.push_back(T(values[i]));
    return out;
  }
};

void check_role(const char* op, const Role& role, const TensorList& params) {
  PG_CHECK(role.list->size() == params.size(), op, "(): ", role.name, " has ", role.list->size(),
           " tensors; expected ", params.size(), ", one per parameter");
  for (size_t i = 0; i < params.size(); ++i) {
    const Tensor &t = (*role.list)[i], &p = params[i];
    check_same_device(op, p, t, "parameter", role.name);
    PG_CHECK(Shape::same(t.sizes(), p.sizes()), op, "(): ", role.name, "[", i, "] has shape ",
             t.sizes(), "; its parameter has ", p.sizes());
    PG_CHECK(is_complex(t.dtype()) == is_complex(p.dtype()), op, "(): ", role.name, "[", i,
             "] has dtype ", t.dtype(), "; its parameter has ", p.dtype());
    if (!role.written) continue;
    PG_CHECK(!t.storage().read_only, op, "(): the memory of ", role.name, "[", i,
             "] is read-only. Use clone() to get a writable copy");
    PG_CHECK(is_non_overlapping(t), op, "(): more than one element of ", role.name, "[", i,
             "] refers to a single memory location (size ", t.sizes(), ", stride ", t.strides(),
             "). Use clone() to get one of its own");
    PG_CHECK_KIND(NotImplemented, is_floating(t.dtype()) || is_complex(t.dtype()), op,
                  "(): ", role.name, "[", i, "] has dtype ", t.dtype(),
                  "; expected a floating or complex dtype");
  }
}

void check_length(const char* op, const char* name, const std::vector<double>& values,
                  const TensorList& params) {
  PG_CHECK(values.size() == params.size(), op, "(): ", name, " has ", values.size(),
           " entries; expected ", params.size(), ", one per parameter");
}

// Calls f(group) for each (device, dtype) among the parameters; roles[0] are the parameters, empty
// lists are left out by the caller. Versions advance afterwards.
template <class F>
void for_each_group(const char* op, std::initializer_list<Role> roles, F f) {
  GradGuard off(false);
  const TensorList& params = *roles.begin()->list;
  for (const Role& role : roles) check_role(op, role, params);
  std::vector<bool> done(params.size(), false);
  TensorList kept;  // what the views of complex or converted tensors point to
  for (size_t first = 0; first < params.size(); ++first) {
    if (done[first]) continue;
    Group group;
    group.views.resize(roles.size());
    for (size_t i = first; i < params.size(); ++i) {
      if (done[i] || params[i].dtype() != params[first].dtype() ||
          params[i].device() != params[first].device())
        continue;
      done[i] = true;
      if (params[i].numel() == 0) continue;
      group.members.push_back(i);
      size_t r = 0;
      for (const Role& role : roles) {
        Tensor t = (*role.list)[i];
        if (!role.written && t.dtype() != params[i].dtype())
          kept.push_back(t = to(t, params[i].dtype()));
        if (is_complex(t.dtype())) kept.push_back(t = view_as_real(t));
        group.views[r++].push_back(t.view());
      }
    }
    if (!group.members.empty()) f(params[first].device_type(), group);
  }
  for (const Role& role : roles)
    if (role.written)
      for (const Tensor& t : *role.list) t.bump_version();
}

}  // namespace

void sgd_step(const TensorList& params, const TensorList& grads, const TensorList& momentum_buffers,
              double lr, double momentum, double dampening, double weight_decay, bool nesterov,
              bool maximize, const std::vector<double>& first) {
  const SgdParams p{lr, momentum, dampening, weight_decay, nesterov, maximize};
  if (momentum == 0) {
    for_each_group("sgd_step", {{"params", &params}, {"grads", &grads, false}},
                   [&](DeviceType device, const Group& g) {
                     kernels::sgd_step(device)(g.list(0), g.list(1), ViewList{nullptr, 0}, nullptr,
                                               p);
                   });
    return;
  }
  if (!first.empty()) check_length("sgd_step", "first", first, params);
  for_each_group(
      "sgd_step",
      {{"params", &params}, {"grads", &grads, false}, {"momentum_buffers", &momentum_buffers}},
      [&](DeviceType device, const Group& g) {
        const std::vector<int64_t> fresh =
            first.empty() ? std::vector<int64_t>() : g.pick<int64_t>(first);
        kernels::sgd_step(device)(g.list(0), g.list(1), g.list(2),
                                  first.empty() ? nullptr : fresh.data(), p);
      });
}
PG_OP(sgd_step,
      "(Tensor[] params, Tensor[] grads, Tensor[] momentum_buffers, float lr, float momentum=0.0, "
      "float dampening=0.0, "
      "float weight_decay=0.0, bool nesterov=False, bool maximize=False, float[] first=[]) -> ()",
      R"(One step of stochastic gradient descent, in place.

Args:
    momentum_buffers: one per parameter, or none when momentum is 0.
    first: 1 where a momentum buffer is to be started with the gradient; none at all by default.
)")
.in("_internal").nondifferentiable();

void adam_step(const TensorList& params, const TensorList& grads, const TensorList& exp_avgs,
               const TensorList& exp_avg_sqs, const TensorList& max_exp_avg_sqs,
               const std::vector<double>& steps, double lr, double beta1, double beta2, double eps,
               double weight_decay, bool amsgrad, bool maximize, bool decoupled) {
  const AdamParams p{lr, beta1, beta2, eps, weight_decay, amsgrad, maximize, decoupled};
  check_length("adam_step", "steps", steps, params);
  const auto run = [&](DeviceType device, const Group& g) {
    const std::vector<double> counts = g.pick<double>(steps);
    kernels::adam_step(device)(g.list(0), g.list(1), g.list(2), g.list(3), g.list(4), counts.data(),
                               p);
  };
  const Role a{"params", &params}, b{"grads", &grads, false}, c{"exp_avgs", &exp_avgs},
      d{"exp_avg_sqs", &exp_avg_sqs};
  if (amsgrad)
    for_each_group("adam_step", {a, b, c, d, {"max_exp_avg_sqs", &max_exp_avg_sqs}}, run);
  else
    for_each_group("adam_step", {a, b, c, d}, run);
}
PG_OP(adam_step,
      "(Tensor[] params, Tensor[] grads, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] "
      "max_exp_avg_sqs, float[] steps, float lr, "
      "float beta1=0.9, float beta2=0.999, float eps=1e-8, float weight_decay=0.0, bool "
      "amsgrad=False, bool maximize=False, "
      "bool decoupled=False) -> ()",
      R"(One step of Adam, in place; decoupled weight decay makes it AdamW.

Args:
    max_exp_avg_sqs: one per parameter with amsgrad, else none.
    steps: how many steps each parameter has taken, this one included.
)")
.in("_internal").nondifferentiable();

void rmsprop_step(const TensorList& params, const TensorList& grads, const TensorList& square_avgs,
                  const TensorList& momentum_buffers, const TensorList& grad_avgs, double lr,
                  double alpha, double eps, double weight_decay, double momentum, bool centered,
                  bool maximize) {
  const RmspropParams p{lr, alpha, eps, weight_decay, momentum, centered, maximize};
  const bool moving = momentum > 0;
  const auto run = [&](DeviceType device, const Group& g) {
    kernels::rmsprop_step(device)(g.list(0), g.list(1), g.list(2),
                                  moving ? g.list(3) : ViewList{nullptr, 0},
                                  centered ? g.list(moving ? 4 : 3) : ViewList{nullptr, 0}, p);
  };
  const Role a{"params", &params}, b{"grads", &grads, false}, c{"square_avgs", &square_avgs};
  const Role d{"momentum_buffers", &momentum_buffers}, e{"grad_avgs", &grad_avgs};
  if (moving && centered)
    for_each_group("rmsprop_step", {a, b, c, d, e}, run);
  else if (moving)
    for_each_group("rmsprop_step", {a, b, c, d}, run);
  else if (centered)
    for_each_group("rmsprop_step", {a, b, c, e}, run);
  else
    for_each_group("rmsprop_step", {a, b, c}, run);
}
PG_OP(rmsprop_step,
      "(Tensor[] params, Tensor[] grads, Tensor[] square_avgs, Tensor[] momentum_buffers, Tensor[] "
      "grad_avgs, float lr, "
      "float alpha=0.99, float eps=1e-8, float weight_decay=0.0, float momentum=0.0, bool "
      "centered=False, bool maximize=False) -> ()",
      R"(One step of RMSprop, in place.

Args:
    momentum_buffers: one per parameter when momentum is positive, else none.
    grad_avgs: one per parameter when centered, else none.
)")
.in("_internal").nondifferentiable();

void adagrad_step(const TensorList& params, const TensorList& grads, const TensorList& state_sums,
                  const std::vector<double>& steps, double lr, double lr_decay, double weight_decay,
                  double eps, bool maximize) {
  const AdagradParams p{lr, lr_decay, weight_decay, eps, maximize};
  check_length("adagrad_step", "steps", steps, params);
  for_each_group("adagrad_step",
                 {{"params", &params}, {"grads", &grads, false}, {"state_sums", &state_sums}},
                 [&](DeviceType device, const Group& g) {
                   const std::vector<double> counts = g.pick<double>(steps);
                   kernels::adagrad_step(device)(g.list(0), g.list(1), g.list(2), counts.data(), p);
                 });
}
PG_OP(adagrad_step,
      "(Tensor[] params, Tensor[] grads, Tensor[] state_sums, float[] steps, float lr, float "
      "lr_decay=0.0, float weight_decay=0.0, "
      "float eps=1e-10, bool maximize=False) -> ()",
      R"(One step of Adagrad, in place.

Args:
    steps: how many steps each parameter has taken, this one included.
)")
.in("_internal").nondifferentiable();

}  // namespace pygrad
