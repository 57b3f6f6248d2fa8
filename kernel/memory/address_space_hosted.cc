// Hosted tests have no mappings.
#include "memory/address_space.hh"

namespace plumbline::address_space {

void forget_object_pages(MemoryObject&, std::uint64_t, std::uint64_t, PrivateCopies,
                         void (*free_pages)(void*), void* context) {
  if (free_pages != nullptr) free_pages(context);
}

}  // namespace plumbline::address_space
