// What hosted tests can ask of the hosted page allocator.
#pragma once

#include <cstddef>

namespace plumbline {

// Allocations fail once so many pages are in use. ~0: never, which is the beginning.
void limit_hosted_pages(std::size_t pages);
// Pages that are in use.
std::size_t hosted_pages_in_use();

}  // namespace plumbline
