// run=echo: the limit of the network path, against which servers are measured.
#include "apps/echo/echo.hh"
#include "core/boot_options.hh"
#include "core/init_calls.hh"
#include "core/panic.hh"
#include "net/receive_loop.hh"

namespace plumbline::echo {
namespace {

// memcached's port, so that the same load can be put on both.
BOOT_OPTION(std::uint64_t, port_option, "echo.port", 11211, 1, 65535,
            "UDP port whose datagrams are returned");

void attach(void*, unsigned, net::Interface& interface) {
  if (!interface.bind(static_cast<uint16_t>(port_option.get()), kHandler))
    panic("echo can not bind its port");
}

void echo_main() { net::serve_network({"echo", attach, nullptr, nullptr}); }
APPLICATION("echo", echo_main);

}  // namespace
}  // namespace plumbline::echo
