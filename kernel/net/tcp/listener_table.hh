// Which listener of a stack a SYN is for.
#pragma once

#include <array>

#include "core/result.hh"
#include "net/tcp/listener.hh"
#include "net/tcp/memory_source.hh"

namespace plumbline::net::tcp {

// Listeners by address and port; those that share both (SO_REUSEPORT) are a group, of which a
// connection's hash chooses one. A search takes as long with many listeners as with few.
class ListenerTable {
 public:
  explicit ListenerTable(const MemorySource& source) : source_(source) {}
  // All must have been removed.
  ~ListenerTable();
  ListenerTable(const ListenerTable&) = delete;
  ListenerTable& operator=(const ListenerTable&) = delete;

  // kEADDRINUSE: there is one, and not all of them share; kENOBUFS: no memory, or too many share.
  Status add(ListenerQueue& queue);
  void remove(ListenerQueue& queue);

  // Who listens for connections to `key`'s local end: on that address rather than on all of them,
  // and of a group the member whose home is `stack`, else the one that `hash` says. nullptr:
  // nobody.
  ListenerQueue* find(const FlowKey& key, uint32_t hash) const;
  // Whether anybody listens on the port, at any address.
  bool listens(uint16_t port) const;

 private:
  // One page.
  struct Group {
    IpAddress address;
    uint32_t zone = 0;
    uint16_t port = 0;
    bool v6_only = false;
    bool shared = false;
    uint32_t count = 0;
    Group* next = nullptr;
    ListenerQueue* home = nullptr;  // the member that wants this stack's connections
    std::array<ListenerQueue*, 500> members;
  };
  static_assert(sizeof(Group) <= kPageSize);
  static constexpr size_t kBuckets = 64;

  // Ports of one program are often neighbours, which is as good as a hash.
  static size_t bucket_of(uint16_t port) { return (port ^ port >> 6) % kBuckets; }
  Group* find_group(const IpAddress& address, uint16_t port, uint32_t zone) const;
  static bool matches(const Group& group, const FlowKey& key);

  MemorySource source_;
  std::array<Group*, kBuckets> buckets_{};
};

}  // namespace plumbline::net::tcp
