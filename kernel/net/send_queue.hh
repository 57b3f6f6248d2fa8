// A stream's bytes on their way out, in the variant that PLUMBLINE_NET chose: net/copy or
// net/zerocopy. Both have the same class with the same meaning; they differ in where bytes are
// copied.
#pragma once

#if PLUMBLINE_NET_COPY
#include "net/copy/send_queue.hh"
namespace plumbline::net {
using copy::SendQueue;
}  // namespace plumbline::net
#else
#include "net/zerocopy/send_queue.hh"
namespace plumbline::net {
using zerocopy::SendQueue;
}  // namespace plumbline::net
#endif
