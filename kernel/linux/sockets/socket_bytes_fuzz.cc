// Ancillary data and addresses are bytes of a program, and may be any.
#include <cstdlib>
#include <cstring>

#include "linux/sockets/control_buffer.hh"
#include "linux/sockets/hosted_program.hh"
#include "linux/sockets/make_socket.hh"
#include "linux/sockets/unix_names.hh"

using namespace plumbline;
using namespace plumbline::linux_abi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  HostedProgram& program = HostedProgram::instance();
  static const bool ready = [&program] {
    program.reset();
    auto pair = make_socket_pair(kFamilyUnix, kStream, 0, kOpenNonblocking);
    if (!pair) std::abort();
    (void)install_descriptor(std::move(pair->first), false);
    (void)install_descriptor(std::move(pair->second), false);
    return true;
  }();
  (void)ready;
  const auto bytes = std::as_bytes(std::span(data, size));
  for (const int family : {int{kFamilyUnix}, int{kFamilyInternet}}) {
    SendControl control;
    (void)parse_control(control, family, bytes);
    if (control.files && control.files->files().size() > FileBundle::kMost) std::abort();
  }
  // The same bytes as an address of each kind of socket.
  SocketAddress address;
  address.length = std::min(size, SocketAddress::kMost);
  if (address.length != 0) std::memcpy(address.bytes, data, address.length);
  for (const int family : {int{kFamilyUnix}, int{kFamilyInternet}}) {
    const auto socket = make_socket(family, kDatagram, 0, kOpenNonblocking);
    if (!socket) std::abort();
    (void)(*socket)->connect(address);
    if ((*socket)->bind(address)) {
      SocketAddress name;
      if (!(*socket)->local_name(name) || name.length > SocketAddress::kMost) std::abort();
    }
  }
  return 0;
}
