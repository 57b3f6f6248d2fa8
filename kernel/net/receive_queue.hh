// A stream's received bytes, in the variant that PLUMBLINE_NET chose: net/copy or net/zerocopy.
// Both have the same class with the same meaning; they differ in where bytes are copied.
#pragma once

#if PLUMBLINE_NET_COPY
#include "net/copy/receive_queue.hh"
namespace plumbline::net {
using copy::ReceiveQueue;
}  // namespace plumbline::net
#else
#include "net/zerocopy/receive_queue.hh"
namespace plumbline::net {
using zerocopy::ReceiveQueue;
}  // namespace plumbline::net
#endif
