// One run: warm-up, slices with the placement probed between them, the result.
#pragma once

#include "session/command.hh"
#include "session/context.hh"
#include "session/event.hh"

namespace plumbline::generator {

// Emits a `slice` event after each slice. Throws CommandError; stopping on request is not an error.
RunOutcome run(Context& context, const RunCommand& command, uint64_t id);

}  // namespace plumbline::generator
