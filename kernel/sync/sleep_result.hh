// What WaitQueue::sleep_unless has done.
#pragma once

#include <cstdint>

namespace plumbline {

enum class SleepResult : std::uint8_t {
  kSlept,        // and been woken, perhaps without a cause
  kNotNeeded,    // the condition held
  kInterrupted,  // a signal asks the thread not to wait
};

}  // namespace plumbline
