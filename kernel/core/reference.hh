// Objects that live as long as somebody refers to them.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "core/assert.hh"

namespace plumbline {

// Base of objects with a count of references; a new object has one, which adopt() takes over. Any
// CPU may take and drop references; the one that drops the last destroys the object.
class ReferenceCounted {
 public:
  ReferenceCounted() = default;
  ReferenceCounted(const ReferenceCounted&) = delete;
  ReferenceCounted& operator=(const ReferenceCounted&) = delete;

  // Relaxed: who takes a reference has one already, or a lock under which it is valid.
  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    // Release: what this holder did comes before the destruction; acquire: so does what all others
    // did.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  std::uint32_t reference_count() const { return references_.load(std::memory_order_relaxed); }
  // Takes a reference unless the last one is gone: for tables that do not own what they list.
  bool try_retain() {
    std::uint32_t count = references_.load(std::memory_order_relaxed);
    while (count != 0) {
      if (references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
        return true;
    }
    return false;
  }

 protected:
  virtual ~ReferenceCounted() = default;
  virtual void destroy() { delete this; }

 private:
  std::atomic<std::uint32_t> references_{1};
};

// A reference to a T, or none.
template <typename T>
class Ref {
 public:
  constexpr Ref() = default;
  constexpr Ref(std::nullptr_t) {}
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
  Ref(Ref<U> other) : object_(other.leak()) {}
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  // Takes over the reference that the caller holds (that of a new object).
  static Ref adopt(T* object) {
    Ref reference;
    reference.object_ = object;
    return reference;
  }
  // A further reference to an object that somebody holds.
  static Ref share(T* object) {
    if (object != nullptr) object->retain();
    return adopt(object);
  }
  // Gives the reference to the caller.
  T* leak() { return std::exchange(object_, nullptr); }

  T* get() const { return object_; }
  T* operator->() const {
    ASSERT(object_ != nullptr);
    return object_;
  }
  T& operator*() const {
    ASSERT(object_ != nullptr);
    return *object_;
  }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref&) const = default;

 private:
  T* object_ = nullptr;
};

}  // namespace plumbline
