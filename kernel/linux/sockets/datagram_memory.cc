#include "linux/sockets/datagram_memory.hh"

namespace plumbline::linux_abi::datagram_memory {

constinit std::array<Kept, kMaxCpus> kept{};

}  // namespace plumbline::linux_abi::datagram_memory
