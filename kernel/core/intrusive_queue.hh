// First come first served, with one link in each element: half of what a list's insertion and
// removal take.
#pragma once

#include "core/member_owner.hh"

namespace plumbline {

// The link of one element in one IntrusiveQueue.
struct QueueHook {
  QueueHook* next = nullptr;
};

// A queue through the member `Hook` of T; it owns nothing. An element is in at most one queue by
// the same hook, which is not checked. Not synchronised.
template <typename T, QueueHook T::*Hook>
class IntrusiveQueue {
 public:
  constexpr IntrusiveQueue() = default;
  IntrusiveQueue(const IntrusiveQueue&) = delete;
  IntrusiveQueue& operator=(const IntrusiveQueue&) = delete;

  bool empty() const { return head_.next == nullptr; }
  void push_back(T* element) {
    QueueHook* const hook = &(element->*Hook);
    hook->next = nullptr;
    last_->next = hook;
    last_ = hook;
  }
  // Takes out the first element; null when empty.
  T* pop_front() {
    QueueHook* const hook = head_.next;
    if (hook == nullptr) return nullptr;
    head_.next = hook->next;
    if (hook->next == nullptr) last_ = &head_;
    return member_owner<Hook>(hook);
  }

 private:
  QueueHook head_;
  // The last element's hook, or head_.
  QueueHook* last_ = &head_;
};

}  // namespace plumbline
