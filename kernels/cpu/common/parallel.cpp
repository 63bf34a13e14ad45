// The thread pool behind parallel_for.
//
// Plan: a job is (body, context, chunk count) in one shared slot. Every thread has a share of
// consecutive chunks, the same one each time, so that it finds in its own cache what it read or
// wrote there in the job before; a thread that is through with its share goes on with those of the
// others, so uneven chunks balance themselves. Which thread runs a chunk never matters to the
// result. A worker spins for some tens
// of microseconds after its last job (the next kernel of a training step usually comes sooner),
// then sleeps in the kernel (std::atomic::wait, a futex on Linux).
//
// Threads beyond the processors never spin, and those beyond twice their number are not started:
// they would only wait for each other. Beside other processes a worker may be taken off its
// processor in the middle of a chunk; the caller, once it has spun, sleeps until the worker is
// done, so that the scheduler can move the worker to the processor that this leaves idle.
//
// A worker may also wake on the caller's own processor while another is idle, and wait there for
// its turn, job after job, because the caller never blocks. When it runs it moves away (leave()).
//
// Entering a job: a worker first announces itself in `inside`, then looks whether `open` is set.
// The caller first clears `open`, then waits until `inside` is zero. Both use sequential
// consistency, so either the worker sees the closed job and leaves, or the caller sees the worker
// and waits: nobody touches a job after its caller returned.
//
// One job at a time: a second Python thread that finds the pool taken runs its chunks itself. A
// nested call does the same. Threads do not survive fork, so a child forgets the parent's pool and
// builds its own when it first needs one.
#include "kernels/cpu/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "kernels/kernels.h"

namespace pygrad::cpu {
namespace {

constexpr int kMaxThreads = 1024;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::microseconds kSpin{30};

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until ready() or until `limit` has passed; the clock is read once in 32 rounds.
template <class Ready>
bool spin_until(std::chrono::microseconds limit, Ready&& ready) {
  if (ready()) return true;
  if (limit.count() == 0) return false;
  const auto end = Clock::now() + limit;
  for (unsigned round = 0;; ++round) {
    if (ready()) return true;
    pause_briefly();
    if (round % 32 == 31 && Clock::now() > end) return false;
  }
}

int this_processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Whether there are fewer runnable threads than processors, in the whole machine: then some
// processor waits for work.
bool some_processor_is_idle() {
  int running = 0;
  if (FILE* file = std::fopen("/proc/loadavg", "r")) {  // "0.20 0.18 0.12 1/80 11206"
    if (std::fscanf(file, "%*f %*f %*f %d/", &running) != 1) running = 0;
    std::fclose(file);
  }
  return running > 0 && running <= int(std::thread::hardware_concurrency());
}

// Moves the calling thread to another of its processors, if there is one; it may come back later.
void leave(int processor) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
#else
  (void)processor;
#endif
}

thread_local bool inside_job = false;  // a chunk is running on this thread

class Pool {
 public:
  Pool(int threads, int processors) : spin_(threads <= processors ? kSpin : kSpin.zero()) {
    const int workers = (threads < 2 * processors ? threads : 2 * processors) - 1;
    shares_ = std::make_unique<Share[]>(size_t(workers + 1));
    // Signals are for the threads that Python knows.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    threads_.reserve(size_t(workers));
    for (int i = 0; i < workers; ++i) {
      try {
        threads_.emplace_back([this, i] { work(i + 1); });
      } catch (const std::system_error&) {
        break;  // the system allows no more threads: fewer do
      }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~Pool() {
    stop_.store(true);
    generation_.fetch_add(1);
    generation_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) {
    body_ = body;
    context_ = context;
    const int64_t threads = int64_t(threads_.size()) + 1;
    share_count_ = int(chunks < threads ? chunks : threads);
    for (int64_t s = 0; s < share_count_; ++s) {
      shares_[size_t(s)].next.store(chunks * s / share_count_, std::memory_order_relaxed);
      shares_[size_t(s)].end = chunks * (s + 1) / share_count_;
    }
    caller_processor_.store(this_processor(), std::memory_order_relaxed);
    open_.store(true);
    generation_.fetch_add(1);
    const int64_t useful = chunks - 1;
    if (sleepers_.load() > 0) {
      if (useful >= int64_t(threads_.size())) {
        generation_.notify_all();
      } else {
        for (int64_t i = 0; i < useful; ++i) generation_.notify_one();
      }
    }
    draw_chunks(0);
    open_.store(false);
    if (!spin_until(spin_, [&] { return inside_.load() == 0; })) {
      for (int n; (n = inside_.load()) != 0;) inside_.wait(n);
    }
    if (failure_) {
      std::exception_ptr failure;
      std::swap(failure, failure_);
      std::rethrow_exception(failure);
    }
  }

 private:
  // The chunks of share `first`, then what is left of those after it, in a circle.
  void draw_chunks(int first) {
    inside_job = true;
    try {
      for (int k = 0; k < share_count_; ++k) {
        Share& share = shares_[size_t((first + k) % share_count_)];
        while (share.next.load(std::memory_order_relaxed) < share.end) {
          const int64_t c = share.next.fetch_add(1, std::memory_order_relaxed);
          if (c < share.end) body_(context_, c);
        }
      }
    } catch (...) {
      // Bodies do not throw by contract; running out of memory is the exception. The first one
      // reaches the caller.
      for (int s = 0; s < share_count_; ++s)
        shares_[size_t(s)].next.store(shares_[size_t(s)].end, std::memory_order_relaxed);
      std::lock_guard<std::mutex> lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    inside_job = false;
  }

  void work(int share) {
    uint32_t seen = 0;
    for (;;) {
      if (!spin_until(spin_, [&] { return generation_.load() != seen; })) {
        sleepers_.fetch_add(1);
        while (generation_.load() == seen) generation_.wait(seen);
        sleepers_.fetch_sub(1);
        const int caller = caller_processor_.load(std::memory_order_relaxed);
        if (spin_.count() && caller >= 0 && caller == this_processor() && some_processor_is_idle())
          leave(caller);
      }
      seen = generation_.load();
      if (stop_.load()) return;
      inside_.fetch_add(1);
      if (open_.load()) draw_chunks(share);
      if (inside_.fetch_sub(1) == 1) inside_.notify_all();
    }
  }

  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  alignas(64) std::atomic<uint32_t> generation_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  std::atomic<int> caller_processor_{-1};
  alignas(64) std::atomic<int> inside_{0};
  std::atomic<bool> open_{false};
  void (*body_)(void*, int64_t) = nullptr;
  void* context_ = nullptr;
  int share_count_ = 0;  // of the job: no more than it has chunks
  std::unique_ptr<Share[]> shares_;
  const std::chrono::microseconds spin_;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

// --- how many threads ---------------------------------------------------------------------------

// CPU time per period that a control group allows, in CPUs; 0 when the file tells no limit.
double read_quota_v2(const char* path) {
  double quota = 0, period = 0;
  if (FILE* file = std::fopen(path, "r")) {
    if (std::fscanf(file, "%lf %lf", &quota, &period) != 2) quota = 0;  // "max 100000": no limit
    std::fclose(file);
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

double read_quota_v1(const char* folder) {
  char path[2][4200];
  std::snprintf(path[0], sizeof path[0], "%s/cpu.cfs_quota_us", folder);
  std::snprintf(path[1], sizeof path[1], "%s/cpu.cfs_period_us", folder);
  double value[2] = {0, 0};
  for (int i = 0; i < 2; ++i) {
    if (FILE* file = std::fopen(path[i], "r")) {
      if (std::fscanf(file, "%lf", &value[i]) != 1) value[i] = 0;
      std::fclose(file);
    }
  }
  return value[0] > 0 && value[1] > 0 ? value[0] / value[1] : 0;
}

// The smallest quota of the process's control group and all groups above it; 0 when there is none.
double cgroup_quota() {
  double least = 0;
  const auto note = [&](double quota) {
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
  };
  FILE* file = std::fopen("/proc/self/cgroup", "r");
  if (!file) return 0;
  char line[2100];
  while (std::fgets(line, sizeof line, file)) {  // "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1)
    line[std::strcspn(line, "\n")] = '\0';
    char* controllers = std::strchr(line, ':');
    char* path = controllers ? std::strchr(controllers + 1, ':') : nullptr;
    if (!path) continue;
    *path++ = '\0';
    ++controllers;
    const bool v2 = *controllers == '\0';
    bool v1 = false;
    for (const char* p = controllers; !v2 && p;
         p = std::strchr(p, ',') ? std::strchr(p, ',') + 1 : nullptr) {
      v1 = v1 || (std::strncmp(p, "cpu", 3) == 0 && (p[3] == ',' || p[3] == '\0'));
    }
    if (!v2 && !v1) continue;
    for (;;) {  // the group itself, then each group above it
      char full[4150];
      if (v2) {
        std::snprintf(full, sizeof full, "/sys/fs/cgroup%s/cpu.max", path);
        note(read_quota_v2(full));
      } else {
        std::snprintf(full, sizeof full, "/sys/fs/cgroup/cpu%s", path);
        note(read_quota_v1(full));
      }
      char* slash = std::strrchr(path, '/');
      if (!slash || *path == '\0') break;
      *slash = '\0';
    }
  }
  std::fclose(file);
  return least;
}

int processors() {
  int n = int(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
#endif
  const double quota = cgroup_quota();
  if (quota > 0) {
    const int whole = int(quota) + (quota > int(quota));
    if (whole < n) n = whole;
  }
  return n < 1 ? 1 : n < kMaxThreads ? n : kMaxThreads;
}

int default_threads() {
  if (const char* text = std::getenv("PYGRAD_NUM_THREADS")) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && n >= 1) return int(n < kMaxThreads ? n : kMaxThreads);
  }
  return processors();
}

// --- the one pool -------------------------------------------------------------------------------

std::atomic<int> wanted_threads{0};   // 0: not asked for yet
std::atomic<bool> pool_taken{false};  // guards the two below
Pool* pool = nullptr;
int pool_threads = 0;  // the number `pool` was built for

void forget_pool_in_child() {
  // The parent's threads are not here; its Pool object is left as it is, since a thread may have
  // held its mutex.
  pool = nullptr;
  pool_threads = 0;
  inside_job = false;
  pool_taken.store(false);
}

// Joins the workers at exit, unless a kernel of another thread still runs then.
struct StopAtExit {
  StopAtExit() { pthread_atfork(nullptr, nullptr, forget_pool_in_child); }
  ~StopAtExit() {
    if (pool_taken.exchange(true)) return;
    delete pool;
    pool = nullptr;
  }
} stop_at_exit;

}  // namespace

void parallel_chunks(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context) {
  const int threads = chunks > 1 && !inside_job ? num_threads() : 1;
  if (threads == 1 || pool_taken.exchange(true)) {
    // Calls from within these chunks are nested ones like any other, so they are serial too.
    struct Mark {
      bool before = inside_job;
      ~Mark() { inside_job = before; }
    } mark;
    inside_job = inside_job || chunks > 1;
    for (int64_t c = 0; c < chunks; ++c) body(context, c);
    return;
  }
  struct Release {
    ~Release() { pool_taken.store(false); }
  } release;
  if (pool_threads != threads) {
    delete pool;
    pool = nullptr;
    pool = new Pool(threads, processors());
    pool_threads = threads;
  }
  pool->run(chunks, body, context);
}

}  // namespace pygrad::cpu

namespace pygrad {

int num_threads() {
  int n = cpu::wanted_threads.load(std::memory_order_relaxed);
  if (n == 0) {
    n = cpu::default_threads();
    cpu::wanted_threads.store(n, std::memory_order_relaxed);
  }
  return n;
}

// What the user asks for is taken at its word, even above the number of processors.
void set_num_threads(int n) {
  cpu::wanted_threads.store(n < 1 ? 1 : n < cpu::kMaxThreads ? n : cpu::kMaxThreads);
}

}  // namespace pygrad
