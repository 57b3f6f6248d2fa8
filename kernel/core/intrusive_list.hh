// Lists whose links live in the elements: no allocation, O(1) removal.
#pragma once

#include <cstddef>

#include "core/assert.hh"
#include "core/member_owner.hh"

namespace plumbline {

// The links of one element in one IntrusiveList. An element may have several hooks.
struct ListHook {
  ListHook* next = nullptr;
  ListHook* previous = nullptr;
  // True while the element is in a list.
  bool linked() const { return next != nullptr; }
};

// A doubly linked list through the member `Hook` of T; it owns nothing. Not synchronised.
template <typename T, ListHook T::*Hook>
class IntrusiveList {
 public:
  constexpr IntrusiveList() { reset(); }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return head_.next == &head_; }
  // The same for a reader without the lock that protects the list; the answer may be out of date.
  bool empty_unlocked() const { return __atomic_load_n(&head_.next, __ATOMIC_RELAXED) == &head_; }
  T* front() { return empty() ? nullptr : member_owner<Hook>(head_.next); }
  T* back() { return empty() ? nullptr : member_owner<Hook>(head_.previous); }
  // The element after `element`, or null at the end.
  T* next(T* element) {
    ListHook* hook = (element->*Hook).next;
    return hook == &head_ ? nullptr : member_owner<Hook>(hook);
  }

  void push_front(T* element) { insert(head_.next, element); }
  void push_back(T* element) { insert(&head_, element); }
  // Inserts `element` before `position`, which is in the list.
  void insert_before(T* position, T* element) { insert(&(position->*Hook), element); }
  // Takes out the first element; null when empty.
  T* pop_front() {
    T* element = front();
    if (element != nullptr) remove(element);
    return element;
  }
  // Takes out the last element; null when empty.
  T* pop_back() {
    T* element = back();
    if (element != nullptr) remove(element);
    return element;
  }
  void remove(T* element) {
    ListHook* hook = &(element->*Hook);
    ASSERT(hook->linked());
    ListHook *const next = hook->next, *const previous = hook->previous;
    // In one piece for empty_unlocked(), which may look at the head meanwhile.
    __atomic_store_n(&previous->next, next, __ATOMIC_RELAXED);
    next->previous = previous;
    hook->next = hook->previous = nullptr;
  }

  class Iterator {
   public:
    explicit Iterator(ListHook* hook) : hook_(hook) {}
    T& operator*() const { return *member_owner<Hook>(hook_); }
    T* operator->() const { return member_owner<Hook>(hook_); }
    Iterator& operator++() {
      hook_ = hook_->next;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return hook_ != other.hook_; }

   private:
    ListHook* hook_;
  };
  Iterator begin() { return Iterator(head_.next); }
  Iterator end() { return Iterator(&head_); }

 private:
  constexpr void reset() { head_.next = head_.previous = &head_; }
  void insert(ListHook* position, T* element) {
    ListHook* hook = &(element->*Hook);
    ASSERT(!hook->linked());
    hook->next = position;
    hook->previous = position->previous;
    __atomic_store_n(&position->previous->next, hook, __ATOMIC_RELAXED);
    position->previous = hook;
  }

  ListHook head_;
};

}  // namespace plumbline
