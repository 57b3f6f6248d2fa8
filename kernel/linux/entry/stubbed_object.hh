// A file with call sites as mappings of its code see it: some pages are changed copies, and below
// it lie the stubs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/units.hh"
#include "linux/entry/object_layout.hh"
#include "linux/entry/stub_code.hh"
#include "linux/entry/stub_places.hh"
#include "memory/anonymous_object.hh"
#include "memory/heap.hh"
#include "memory/memory_object.hh"
#include "memory/page_store.hh"

namespace plumbline::linux_abi {

inline constexpr std::size_t kMostIdLength = 32;

struct BuildId {
  std::array<std::byte, kMostIdLength> bytes{};
  std::size_t length = 0;
  bool operator==(const BuildId&) const = default;
};

// A file as mappings of its code see it.
class StubbedObject final : public MemoryObject, public CodePages {
 public:
  StubbedObject(Ref<MemoryObject> base, const ObjectLayout& object_layout, const BuildId& build_id)
      : layout(object_layout), id(build_id), base_(std::move(base)) {}

  ~StubbedObject() override { heap_free(const_cast<StubPlace*>(places.data())); }

  Result<PhysicalAddress> page(std::uint64_t index, bool for_writing) override {
    if (void* patched = pages_.find(index); patched != nullptr) return to_physical(patched);
    return base_->page(index, for_writing);
  }
  PhysicalAddress present_page(std::uint64_t index, bool for_writing) override {
    if (void* patched = pages_.find(index); patched != nullptr) return to_physical(patched);
    return base_->present_page(index, for_writing);
  }
  std::uint64_t size() const override { return base_->size(); }
  std::size_t describe(std::span<char> text) const override { return base_->describe(text); }
  std::uint64_t inode() const override { return base_->inode(); }

  // Only while it is being made.
  std::byte* page(std::uint64_t index) override {
    if (void* patched = pages_.find(index); patched != nullptr)
      return static_cast<std::byte*>(patched);
    const Result<PhysicalAddress> original = base_->page(index, false);
    if (!original) return nullptr;
    void* copy = pages_.find_or_create(index);
    if (copy != nullptr) std::memcpy(copy, to_virtual(*original).as<>(), kPageSize);
    return static_cast<std::byte*>(copy);
  }

  bool is_of(const MemoryObject& object) const { return base_.get() == &object; }

  const ObjectLayout layout;
  const BuildId id;
  Ref<AnonymousObject> stubs;
  std::uint64_t stubs_length = 0;
  // From the heap, its own.
  std::span<const StubPlace> places;
  StubbedObject* next = nullptr;

 private:
  Ref<MemoryObject> base_;
  // The changed pages; only read once the object is in use.
  PageStore pages_;
};

}  // namespace plumbline::linux_abi
