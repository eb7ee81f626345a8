// Runs independent pieces of work on a few threads; the first exception reaches the caller.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

// Kernels marked so are compiled for plain x86-64 and for AVX2; the loader picks one. Contraction
// is off in the build, so both give the same bits.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define ROADSEG_CLONES __attribute__((target_clones("default", "avx2")))
#else
#define ROADSEG_CLONES
#endif

namespace roadseg {

// Call work(i) for every i in [0, count), on at most `threads` threads (the caller's included).
template <class Work>
void parallel_for(std::size_t count, unsigned threads, const Work& work) {
  if (threads < 2 || count < 2) {
    for (std::size_t i = 0; i < count; ++i) work(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_lock;
  const auto run = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard<std::mutex> guard(failure_lock);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> helpers;
  const std::size_t wanted = (threads < count ? threads : count) - 1;
  helpers.reserve(wanted);
  for (std::size_t i = 0; i < wanted; ++i) {
    try {
      helpers.emplace_back(run);
    } catch (const std::system_error&) {
      break;  // no more threads to be had: the work is done by those there are
    }
  }
  run();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace roadseg
