// Sets every key of a keyspace, reliably: each set is repeated until its STORED has come.
#pragma once

#include <cstdint>

#include "session/command.hh"
#include "session/context.hh"

namespace plumbline::generator {

struct Population {
  uint64_t keys = 0;
  uint64_t value_bytes = 0;
  uint64_t retries = 0;
  uint64_t duration_ns = 0;
};

// Throws CommandError: time-out, stopped, or refused with the server's words.
Population populate(Context& context, const PopulateCommand& command);

}  // namespace plumbline::generator
