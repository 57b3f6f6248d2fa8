#include "fs/attributes.hh"

#include <atomic>

namespace plumbline {

std::uint64_t next_anonymous_inode() {
  static constinit std::atomic<std::uint64_t> last{1};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace plumbline
