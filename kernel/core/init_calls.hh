// How drivers and applications hook into the boot without the core knowing them.
#pragma once

#include <cstdint>

namespace plumbline {

// When an init call runs. All run on CPU 0 in the main thread, with interrupts, timers and the
// scheduler working; within a level the order is unspecified.
enum class InitLevel : std::uint8_t {
  kBus,      // buses: PCI, virtio-mmio; they find devices
  kDevice,   // device drivers
  kNetwork,  // protocol stacks over the devices
  kService,  // whatever needs all of these
};

struct InitCall {
  InitLevel level;
  const char* name;
  void (*function)();
};

// A program of the native API, started by the boot option run=NAME in the main thread on CPU 0.
// When it returns, the guest ends with ExitCode::kOk.
struct Application {
  const char* name;
  void (*main)();
};

}  // namespace plumbline

// The linker makes a table of these: the explicit alignment keeps the compiler from giving an
// object of 16 bytes and more an alignment of 16, which would leave gaps between the entries.

// INIT_CALL(InitLevel::kDevice, find_network_devices) at namespace scope.
#define INIT_CALL(level_, function_)                                         \
  [[gnu::section("init_calls"), gnu::used, gnu::aligned(8),                  \
    gnu::retain]] static const ::plumbline::InitCall init_call_##function_ { \
    level_, #function_, function_                                            \
  }

// APPLICATION("echo", echo_main) at namespace scope.
#define APPLICATION(name_, function_)                                             \
  [[gnu::section("applications"), gnu::used, gnu::aligned(8),                     \
    gnu::retain]] static const ::plumbline::Application application_##function_ { \
    name_, function_                                                              \
  }
