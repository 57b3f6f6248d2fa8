// Arrays for the length of a call: a few elements on the stack, more from the heap.
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <span>

namespace plumbline::linux_abi {

template <typename T, std::size_t kHere>
class ScratchArray {
 public:
  explicit ScratchArray(std::size_t size) : size_(size) {
    if (size > kHere) heap_ = new (std::nothrow) T[size];
  }
  ~ScratchArray() { delete[] heap_; }
  ScratchArray(const ScratchArray&) = delete;
  ScratchArray& operator=(const ScratchArray&) = delete;

  // False: there was no memory, and the array must not be used.
  explicit operator bool() const { return size_ <= kHere || heap_ != nullptr; }
  std::span<T> get() { return {size_ <= kHere ? here_.data() : heap_, size_}; }

 private:
  const std::size_t size_;
  std::array<T, kHere> here_;
  T* heap_ = nullptr;
};

}  // namespace plumbline::linux_abi
