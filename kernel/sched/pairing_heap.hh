// A priority queue whose links live in the elements: a pairing heap (Fredman, Sedgewick, Sleator
// and Tarjan, Algorithmica 1, 1986). Insertion and looking at the first are O(1), removal of any
// element O(log n) amortised. Portable.
#pragma once

#include "core/assert.hh"

namespace plumbline {

template <typename T>
struct HeapHook {
  T* child = nullptr;
  T* next = nullptr;
  // The parent for a first child, else the sibling before.
  T* previous = nullptr;
  bool linked = false;
};

// Less(a, b): a comes before b.
template <typename T, HeapHook<T> T::*Hook, bool (*Less)(const T&, const T&)>
class PairingHeap {
 public:
  bool empty() const { return root_ == nullptr; }
  T* first() const { return root_; }

  void insert(T* element) {
    HeapHook<T>& hook = element->*Hook;
    ASSERT(!hook.linked);
    hook = {};
    hook.linked = true;
    root_ = root_ == nullptr ? element : merge(root_, element);
  }

  void remove(T* element) {
    HeapHook<T>& hook = element->*Hook;
    ASSERT(hook.linked);
    T* rest = merge_pairs(hook.child);
    if (element == root_) {
      root_ = rest;
    } else {
      T* previous = hook.previous;
      ((previous->*Hook).child == element ? (previous->*Hook).child : (previous->*Hook).next) =
          hook.next;
      if (hook.next != nullptr) (hook.next->*Hook).previous = previous;
      if (rest != nullptr) root_ = merge(root_, rest);
    }
    hook = {};
  }

 private:
  // Two trees into one; their roots have no siblings.
  static T* merge(T* a, T* b) {
    if (Less(*b, *a)) {
      T* other = a;
      a = b;
      b = other;
    }
    T* child = (a->*Hook).child;
    (b->*Hook).next = child;
    (b->*Hook).previous = a;
    if (child != nullptr) (child->*Hook).previous = b;
    (a->*Hook).child = b;
    return a;
  }

  // The siblings from `list` on into one tree: in pairs from the left, then all from the right.
  static T* merge_pairs(T* list) {
    T* pairs = nullptr;  // linked backwards through `next`
    while (list != nullptr) {
      T* a = list;
      T* b = (a->*Hook).next;
      list = b != nullptr ? (b->*Hook).next : nullptr;
      detach(a);
      if (b != nullptr) {
        detach(b);
        a = merge(a, b);
      }
      (a->*Hook).next = pairs;
      pairs = a;
    }
    T* result = nullptr;
    while (pairs != nullptr) {
      T* tree = pairs;
      pairs = (tree->*Hook).next;
      detach(tree);
      result = result == nullptr ? tree : merge(result, tree);
    }
    return result;
  }

  static void detach(T* element) {
    (element->*Hook).next = nullptr;
    (element->*Hook).previous = nullptr;
  }

  T* root_ = nullptr;
};

}  // namespace plumbline
