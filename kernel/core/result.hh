// A value or an error number.
#pragma once

#include <cstdint>
#include <utility>

#include "core/assert.hh"
#include "core/errno.hh"

namespace plumbline {

// What a fallible operation returns; T has a default constructor. Reading the value of a failed
// result is an assertion failure.
template <typename T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(std::move(value)) {}
  constexpr Result(Errno error) : error_(error) { ASSERT(error != Errno::kNone); }

  constexpr explicit operator bool() const { return error_ == Errno::kNone; }
  constexpr Errno error() const { return error_; }
  constexpr T& operator*() {
    ASSERT(error_ == Errno::kNone);
    return value_;
  }
  constexpr const T& operator*() const {
    ASSERT(error_ == Errno::kNone);
    return value_;
  }
  constexpr T* operator->() { return &**this; }
  constexpr const T* operator->() const { return &**this; }

 private:
  T value_{};
  Errno error_ = Errno::kNone;
};

// Success or an error number.
template <>
class [[nodiscard]] Result<void> {
 public:
  constexpr Result() = default;
  constexpr Result(Errno error) : error_(error) {}
  constexpr explicit operator bool() const { return error_ == Errno::kNone; }
  constexpr Errno error() const { return error_; }

 private:
  Errno error_ = Errno::kNone;
};
using Status = Result<void>;

}  // namespace plumbline
