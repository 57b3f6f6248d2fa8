// One request at a time, repeated until it is answered: for readiness, and for questions.
#pragma once

#include <cstdint>
#include <string>

#include "session/command.hh"
#include "session/context.hh"

namespace plumbline::generator {

struct SingleAnswer {
  std::string text;
  uint64_t at_ns = 0;     // CLOCK_MONOTONIC, when the answer was taken from the ring
  uint64_t attempts = 0;  // requests that the device took
};

// Both throw CommandError("time-out") or ("stopped").
SingleAnswer wait_answer(Context& context, const WaitAnswerCommand& command);
SingleAnswer ask(Context& context, const AskCommand& command);

}  // namespace plumbline::generator
