#include "net/tcp/listener_table.hh"

#include <algorithm>
#include <new>

namespace plumbline::net::tcp {

ListenerTable::~ListenerTable() {
  for (const Group* group : buckets_) ASSERT(group == nullptr);
}

ListenerTable::Group* ListenerTable::find_group(const IpAddress& address, uint16_t port,
                                                uint32_t zone) const {
  Group* group = buckets_[bucket_of(port)];
  while (group != nullptr &&
         !(group->port == port && group->address == address && group->zone == zone))
    group = group->next;
  return group;
}

Status ListenerTable::add(ListenerQueue& queue) {
  const Listener::Configuration& wanted = queue.listener->configuration();
  Group* group = find_group(wanted.address, wanted.port, wanted.zone);
  if (group == nullptr) {
    void* const memory = source_.allocate(source_.context, kPageSize);
    if (memory == nullptr) return Errno::kENOBUFS;
    group = ::new (memory) Group;
    group->address = wanted.address;
    group->zone = wanted.zone;
    group->port = wanted.port;
    group->v6_only = wanted.v6_only;
    group->shared = wanted.reuse_port;
    Group*& bucket = buckets_[bucket_of(wanted.port)];
    group->next = bucket;
    bucket = group;
  } else {
    if (!group->shared || !wanted.reuse_port) return Errno::kEADDRINUSE;
    if (group->count == group->members.size()) return Errno::kENOBUFS;
  }
  group->members[group->count++] = &queue;
  if (queue.at_home) group->home = &queue;
  return {};
}

void ListenerTable::remove(ListenerQueue& queue) {
  const Listener::Configuration& known = queue.listener->configuration();
  Group* const group = find_group(known.address, known.port, known.zone);
  ASSERT(group != nullptr);
  const auto end = group->members.begin() + group->count;
  const auto member = std::find(group->members.begin(), end, &queue);
  ASSERT(member != end);
  // In order, so that connections by cookie of those in front still find the one they were sent by.
  std::copy(member + 1, end, member);
  --group->count;
  if (group->home == &queue) group->home = nullptr;
  if (group->count != 0) return;
  Group** link = &buckets_[bucket_of(known.port)];
  while (*link != group) link = &(*link)->next;
  *link = group->next;
  source_.release(source_.context, group, kPageSize);
}

bool ListenerTable::matches(const Group& group, const FlowKey& key) {
  if (group.port != key.local_port) return false;
  if (group.zone != 0 && group.zone != key.zone) return false;
  if (group.address == key.local) return true;
  if (!group.address.is_unspecified()) return false;
  // 0.0.0.0 takes IPv4 only; :: everything, unless it is told not to (RFC 3493, section 5.3).
  return key.local.is_v4() ? group.address.is_v4() || !group.v6_only : !group.address.is_v4();
}

ListenerQueue* ListenerTable::find(const FlowKey& key, uint32_t hash) const {
  const Group* best = nullptr;
  int best_score = -1;
  for (const Group* group = buckets_[bucket_of(key.local_port)]; group != nullptr;
       group = group->next) {
    if (!matches(*group, key)) continue;
    // The address itself before "all of this family" before "all".
    const int score = group->address == key.local                   ? 2
                      : group->address.is_v4() == key.local.is_v4() ? 1
                                                                    : 0;
    if (score > best_score) {
      best_score = score;
      best = group;
    }
  }
  if (best == nullptr) return nullptr;
  if (best->home != nullptr) return best->home;
  // The upper bits: the table of flows uses the lower ones.
  return best->members[(uint64_t{hash} * best->count) >> 32];
}

bool ListenerTable::listens(uint16_t port) const {
  const Group* group = buckets_[bucket_of(port)];
  while (group != nullptr && group->port != port) group = group->next;
  return group != nullptr;
}

}  // namespace plumbline::net::tcp
