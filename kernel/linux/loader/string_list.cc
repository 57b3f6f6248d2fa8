#include "linux/loader/string_list.hh"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "core/assert.hh"

namespace plumbline::linux_abi {

StringList::~StringList() { delete[] bytes_; }

char* StringList::reserve(std::size_t length) {
  const std::size_t wanted = size_ + length + 1;
  if (wanted > capacity_) {
    const std::size_t capacity = std::max({wanted, 2 * capacity_, std::size_t{512}});
    auto* bytes = new (std::nothrow) char[capacity];
    if (bytes == nullptr) return nullptr;
    if (size_ != 0) std::memcpy(bytes, bytes_, size_);
    delete[] bytes_;
    bytes_ = bytes;
    capacity_ = capacity;
  }
  return bytes_ + size_;
}

void StringList::commit(std::size_t length) {
  ASSERT(size_ + length < capacity_);
  bytes_[size_ + length] = '\0';
  size_ += length + 1;
  ++count_;
}

Status StringList::add(std::string_view text) {
  char* room = reserve(text.size());
  if (room == nullptr) return Errno::kENOMEM;
  if (!text.empty()) std::memcpy(room, text.data(), text.size());
  commit(text.size());
  return {};
}

Status StringList::replace_first(const std::string_view* texts, std::size_t count) {
  StringList result;
  for (std::size_t i = 0; i < count; ++i) {
    if (const Status status = result.add(texts[i]); !status) return status.error();
  }
  const std::size_t skipped = count_ == 0 ? 0 : first().size() + 1;
  if (char* room = result.reserve(size_ - skipped); room != nullptr) {
    if (size_ != skipped) std::memcpy(room, bytes_ + skipped, size_ - skipped);
    result.size_ += size_ - skipped;
    result.count_ += count_ == 0 ? 0 : count_ - 1;
  } else {
    return Errno::kENOMEM;
  }
  std::swap(bytes_, result.bytes_);
  std::swap(size_, result.size_);
  std::swap(capacity_, result.capacity_);
  std::swap(count_, result.count_);
  return {};
}

char* StringList::leak() {
  size_ = capacity_ = count_ = 0;
  return std::exchange(bytes_, nullptr);
}

}  // namespace plumbline::linux_abi
