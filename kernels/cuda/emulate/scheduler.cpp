// Fibers and their schedule (scheduler.h).
//
// A fiber is a stack; switching saves the callee-saved registers on it and loads another stack
// pointer. On x86-64 that is a dozen instructions, elsewhere ucontext (a system call or two per
// switch). Stacks are mapped once, each with a page in front that may not be touched, and reused by
// all launches; a stack overflow therefore ends in a segmentation fault at once.
#include <sys/mman.h>
#include <unistd.h>

#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "cuda_runtime.h"

#if defined(__SANITIZE_ADDRESS__)
#define PG_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PG_ASAN 1
#endif
#endif
#ifdef PG_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#define PG_TSAN 1
#include <sanitizer/tsan_interface.h>
#endif
// PYGRAD_EMULATE_UCONTEXT takes the portable way on x86-64 too, to test it.
#if defined(__x86_64__) && !defined(PYGRAD_EMULATE_UCONTEXT)
#define PG_FAST_SWITCH 1
#else
#include <ucontext.h>
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace pygrad::emulate {
namespace {

constexpr unsigned kMaxThreads = 1024, kMaxLanes = 32;
#ifdef PG_ASAN
constexpr size_t kStack = 256 * 1024;  // red zones make frames larger
#else
constexpr size_t kStack = 128 * 1024;
#endif

enum class State : uint8_t { ready, at_block, at_warp, done };

struct Fiber {
  char* stack = nullptr;  // its lowest usable byte
#ifdef PG_FAST_SWITCH
  void* sp = nullptr;
#else
  ucontext_t context;
#endif
#ifdef PG_ASAN
  void* fake_stack = nullptr;
#endif
#ifdef PG_TSAN
  void* tsan = nullptr;
#endif
  State state = State::done;
  uint3 index{};
  Site site{};
  // What a lane brings to a meeting and takes home.
  unsigned mask = 0, source = 0, votes = 0;
  bool predicate = false;
  uint64_t value = 0, result = 0;
};

// State of the launch in progress; guarded by `lock`.
std::mutex lock;
Fiber fibers[kMaxThreads];
Fiber scheduler;
const Launch* current = nullptr;
bool independent_launch = false;
unsigned running = 0;  // the fiber that runs
std::exception_ptr failure;
char* shared = nullptr;
uint64_t random_state = 0;
bool shuffled = true;

uint64_t next_random() {  // xorshift64*
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545F4914F6CDD1Dull;
}

// --- switching ----------------------------------------------------------------------------------

void fiber_main();

#ifdef PG_FAST_SWITCH
extern "C" void pg_emulate_switch(void** save_sp, void* load_sp);
asm(R"(
.text
.p2align 4
.globl pg_emulate_switch
.hidden pg_emulate_switch
.type pg_emulate_switch, @function
pg_emulate_switch:
  endbr64
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pg_emulate_switch, .-pg_emulate_switch
)");

void prepare(Fiber& f) {
  // As pg_emulate_switch would have left it: six registers, the address to go to, and a zero where
  // a caller's address would be, which also gives the alignment of a function's entry.
  void** top = reinterpret_cast<void**>(f.stack + kStack) - 8;
  for (int i = 0; i < 8; ++i) top[i] = nullptr;
  top[6] = reinterpret_cast<void*>(&fiber_main);
  f.sp = top;
}
void raw_switch(Fiber& from, Fiber& to) { pg_emulate_switch(&from.sp, to.sp); }
#else
void prepare(Fiber& f) {
  getcontext(&f.context);
  f.context.uc_stack.ss_sp = f.stack;
  f.context.uc_stack.ss_size = kStack;
  f.context.uc_link = nullptr;
  makecontext(&f.context, fiber_main, 0);
}
void raw_switch(Fiber& from, Fiber& to) { swapcontext(&from.context, &to.context); }
#endif

#ifdef PG_ASAN
const void* scheduler_stack;
size_t scheduler_stack_size;
#endif

// `last`: the fiber that switches away will not come back.
void switch_to_scheduler(bool last) {
  Fiber& self = fibers[running];
#ifdef PG_ASAN
  __sanitizer_start_switch_fiber(last ? nullptr : &self.fake_stack, scheduler_stack,
                                 scheduler_stack_size);
#endif
#ifdef PG_TSAN
  __tsan_switch_to_fiber(scheduler.tsan, 0);
#endif
  static_cast<void>(last);
  raw_switch(self, scheduler);
#ifdef PG_ASAN
  __sanitizer_finish_switch_fiber(self.fake_stack, &scheduler_stack, &scheduler_stack_size);
#endif
}

void switch_to_fiber(unsigned i) {
  running = i;
  threadIdx = fibers[i].index;
#ifdef PG_ASAN
  __sanitizer_start_switch_fiber(&scheduler.fake_stack, fibers[i].stack, kStack);
#endif
#ifdef PG_TSAN
  __tsan_switch_to_fiber(fibers[i].tsan, 0);
#endif
  raw_switch(scheduler, fibers[i]);
#ifdef PG_ASAN
  __sanitizer_finish_switch_fiber(scheduler.fake_stack, nullptr, nullptr);
#endif
}

void fiber_main() {
#ifdef PG_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_size);
#endif
  try {
    current->call(current->arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  fibers[running].state = State::done;
  switch_to_scheduler(true);
  __builtin_unreachable();
}

void start_fiber(unsigned i) {
  Fiber& f = fibers[i];
  if (!f.stack) {
    const size_t page = size_t(sysconf(_SC_PAGESIZE));
    void* p = mmap(nullptr, kStack + page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw Error("emulated CUDA: no memory for the stack of a thread");
    mprotect(p, page, PROT_NONE);
    f.stack = static_cast<char*>(p) + page;
#ifdef PG_TSAN
    f.tsan = __tsan_create_fiber(0);
#endif
  }
#ifdef PG_ASAN
  __asan_unpoison_memory_region(f.stack, kStack);  // an abandoned fiber leaves its red zones
#endif
  f.state = State::ready;
  f.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
  prepare(f);
}

// --- the schedule -------------------------------------------------------------------------------

std::string describe(const Site& site) {
  const char* file = site.file;
  for (const char* p = site.file; *p; ++p) {
    if (*p == '/') file = p + 1;
  }
  return std::string(site.what) + " (" + file + ":" + std::to_string(site.line) + ")";
}
std::string where_in_launch() {
  return std::string("emulated CUDA: kernel ") + current->kernel + ", block (" +
         std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " +
         std::to_string(blockIdx.z) + "): ";
}
bool same_site(const Site& a, const Site& b) {
  return a.line == b.line && (a.what == b.what || std::strcmp(a.what, b.what) == 0) &&
         (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

// Lets lanes that wait for each other go on: those that a mask names, all at one site with that
// mask. Lanes beyond a short last warp need not come; lanes that have returned must not be named
// (CUDA would let that pass, but their values are undefined). True if some could go on.
bool release_lanes(unsigned begin, unsigned end) {
  const unsigned lanes = end - begin;
  const unsigned existing = lanes == kMaxLanes ? ~0u : (1u << lanes) - 1;
  unsigned waiting = 0;
  for (unsigned l = 0; l < lanes; ++l) {
    if (fibers[begin + l].state == State::at_warp) waiting |= 1u << l;
  }
  bool released = false;
  for (unsigned left = waiting; left != 0; left &= left - 1) {
    const Fiber& leader = fibers[begin + unsigned(__builtin_ctz(left))];
    if (leader.state != State::at_warp) continue;  // released with an earlier leader
    const unsigned mask = leader.mask, wanted = mask & existing;
    unsigned met = 0, votes = 0;
    for (unsigned l = 0; l < lanes; ++l) {
      const Fiber& f = fibers[begin + l];
      if (f.state != State::at_warp || f.mask != mask || !same_site(f.site, leader.site)) continue;
      met |= 1u << l;
      if (f.predicate) votes |= 1u << l;
    }
    if ((met & wanted) != wanted) continue;
    for (unsigned l = 0; l < lanes; ++l) {
      if (!((wanted >> l) & 1u)) continue;
      Fiber& f = fibers[begin + l];
      const unsigned source = f.source % kMaxLanes;
      f.votes = votes;
      f.result = (wanted >> source) & 1u ? fibers[begin + source].value : 0xCDCDCDCDCDCDCDCDull;
      f.state = State::ready;
    }
    released = true;
  }
  return released;
}

// Why lane i of a warp, waiting for others, waits for ever.
[[noreturn]] void deadlock(unsigned begin, unsigned end, unsigned i) {
  std::string text = where_in_launch() + "lane " + std::to_string(i - begin) + " waits at " +
                     describe(fibers[i].site) + " for lanes that never come";
  for (unsigned j = begin; j < end; ++j) {
    const Fiber& f = fibers[j];
    if (!((fibers[i].mask >> (j - begin)) & 1u)) continue;
    if (f.state == State::done) {
      text += "; lane " + std::to_string(j - begin) + " has returned";
      break;
    }
    if (f.state == State::at_warp && same_site(f.site, fibers[i].site) &&
        f.mask == fibers[i].mask) {
      continue;
    }
    text += "; lane " + std::to_string(j - begin) + " is at " + describe(f.site);
    if (f.state == State::at_warp && f.mask != fibers[i].mask) text += " with another mask";
    break;
  }
  throw Error(text);
}

// Runs a warp until each of its lanes is done or at a block barrier.
void run_warp(unsigned begin, unsigned end) {
  const unsigned lanes = end - begin;
  for (;;) {
    // All lanes, in an order that changes: a random start and an odd step modulo 32.
    const uint64_t r = shuffled ? next_random() : 0;
    const unsigned start = unsigned(r >> 59), step = shuffled ? unsigned(r >> 40) | 1u : 1u;
    bool ran = false;
    for (unsigned k = 0; k < kMaxLanes; ++k) {
      const unsigned l = (start + k * step) % kMaxLanes;
      if (l >= lanes || fibers[begin + l].state != State::ready) continue;
      ran = true;
      switch_to_fiber(begin + l);
      if (failure) return;
    }
    if (release_lanes(begin, end)) continue;
    if (!ran) break;
  }
  for (unsigned i = begin; i < end; ++i) {
    if (fibers[i].state == State::at_warp) deadlock(begin, end, i);
  }
}

void run_block(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) start_fiber(i);
  const unsigned warps = (threads + kMaxLanes - 1) / kMaxLanes;
  unsigned order[kMaxThreads / kMaxLanes];
  for (unsigned w = 0; w < warps; ++w) order[w] = w;
  for (;;) {
    for (unsigned w = warps; shuffled && w > 1; --w) {
      std::swap(order[w - 1], order[next_random() % w]);
    }
    for (unsigned w = 0; w < warps; ++w) {
      const unsigned begin = order[w] * kMaxLanes, end = begin + kMaxLanes;
      run_warp(begin, end < threads ? end : threads);
      if (failure) std::rethrow_exception(failure);
    }
    const Fiber* barrier = nullptr;
    unsigned done = 0;
    for (unsigned i = 0; i < threads; ++i) {
      if (fibers[i].state == State::done) {
        ++done;
      } else if (!barrier) {
        barrier = &fibers[i];
      } else if (!same_site(barrier->site, fibers[i].site)) {
        throw Error(where_in_launch() + "threads of one block wait at " + describe(barrier->site) +
                    " and at " + describe(fibers[i].site));
      }
    }
    if (done == threads) return;
    if (done != 0) {
      throw Error(where_in_launch() + describe(barrier->site) + " is not reached by " +
                  std::to_string(done) + " of " + std::to_string(threads) + " threads");
    }
    for (unsigned i = 0; i < threads; ++i) fibers[i].state = State::ready;
  }
}

void run_threads_alone() {
  for (unsigned z = 0; z < blockDim.z; ++z) {
    for (unsigned y = 0; y < blockDim.y; ++y) {
      for (unsigned x = 0; x < blockDim.x; ++x) {
        threadIdx = {x, y, z};
        current->call(current->arguments);
      }
    }
  }
}

// Ends a launch, however it ends.
struct Cleanup {
  ~Cleanup() {
    std::free(shared);
    shared = nullptr;
    current = nullptr;
    failure = nullptr;
  }
};

void choose_order() {
  static const bool chosen = [] {
    const char* seed = std::getenv("PYGRAD_EMULATE_SEED");
    const uint64_t value = seed && *seed ? std::strtoull(seed, nullptr, 10) : 1;
    shuffled = value != 0;
    random_state = value * 0x9E3779B97F4A7C15ull + 1;
    return true;
  }();
  static_cast<void>(chosen);
}

[[noreturn]] void wrong_launch(const Site& site) {
  if (!current) throw Error("emulated CUDA: " + describe(site) + " called outside of a kernel");
  throw Error(where_in_launch() + describe(site) +
              " in a kernel launched with PG_LAUNCH_INDEPENDENT; use PG_LAUNCH");
}

}  // namespace

void refuse_launch();  // runtime.cpp: sets cudaErrorInvalidConfiguration

void run(const Launch& launch, bool independent) {
  const std::lock_guard<std::mutex> guard(lock);
  const uint64_t threads = uint64_t(launch.block.x) * launch.block.y * launch.block.z;
  const bool valid = threads >= 1 && threads <= kMaxThreads && launch.block.z <= 64 &&
                     launch.grid.x >= 1 && launch.grid.x <= 0x7fffffffu && launch.grid.y >= 1 &&
                     launch.grid.y <= 65535 && launch.grid.z >= 1 && launch.grid.z <= 65535 &&
                     launch.shared_bytes <= 227 * 1024;
  if (!valid) {
    refuse_launch();
    return;
  }
  choose_order();
  const Cleanup cleanup;
  current = &launch;
  independent_launch = independent;
  gridDim = launch.grid;
  blockDim = launch.block;
  // Of exactly the size asked for, so that AddressSanitizer sees what lies outside.
  if (launch.shared_bytes != 0 &&
      posix_memalign(reinterpret_cast<void**>(&shared), 128, launch.shared_bytes) != 0) {
    throw Error("emulated CUDA: no memory for shared memory");
  }
#ifdef PG_TSAN
  scheduler.tsan = __tsan_get_current_fiber();
#endif
  for (unsigned z = 0; z < gridDim.z; ++z) {
    for (unsigned y = 0; y < gridDim.y; ++y) {
      for (unsigned x = 0; x < gridDim.x; ++x) {
        blockIdx = {x, y, z};
        if (shared) std::memset(shared, 0xCD, launch.shared_bytes);
        if (independent) {
          run_threads_alone();
        } else {
          run_block(unsigned(threads));
        }
      }
    }
  }
}

void* dynamic_shared() { return shared; }

void wait_block(const Site& site) {
  if (!current || independent_launch) wrong_launch(site);
  Fiber& f = fibers[running];
  f.site = site;
  f.state = State::at_block;
  switch_to_scheduler(false);
}

namespace {
Fiber& meet(unsigned mask, const Site& site) {
  if (!current || independent_launch) wrong_launch(site);
  Fiber& f = fibers[running];
  if (!((mask >> (running % kMaxLanes)) & 1u)) {
    throw Error(where_in_launch() + "lane " + std::to_string(running % kMaxLanes) + " calls " +
                describe(site) + " with a mask that leaves it out");
  }
  f.site = site;
  f.mask = mask;
  f.state = State::at_warp;
  switch_to_scheduler(false);
  return f;
}
}  // namespace

uint64_t exchange(unsigned mask, uint64_t value, unsigned source, const Site& site) {
  Fiber& f = fibers[running];
  f.value = value;
  f.source = source;
  f.predicate = false;
  return meet(mask, site).result;
}

unsigned vote(unsigned mask, bool predicate, const Site& site) {
  fibers[running].predicate = predicate;
  fibers[running].source = 0;
  return meet(mask, site).votes;
}

unsigned lane() { return running % kMaxLanes; }

}  // namespace pygrad::emulate
