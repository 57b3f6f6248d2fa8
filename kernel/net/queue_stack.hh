// TCP's stack on a queue of the device: what programs' and native applications' have in common.
// Kernel only.
#pragma once

#include "net/queue_loop.hh"
#include "net/stack_path.hh"

namespace plumbline::net {

// Whole pages of the kernel's memory.
tcp::MemorySource page_source();

// The secret that all stacks of one host share, drawn anew at each call.
tcp::SipHashKey draw_stack_secret();

// A stack that belongs to a queue's loop, one of `count`; what waits in its sockets may take its
// share of a quarter of the memory. nullptr: no memory.
StackPath* make_queue_stack(QueueLoop& loop, unsigned count, const tcp::SipHashKey& secret);
// The same on nothing but a loopback, with frames from `pool`.
StackPath* make_lone_stack(BufferPool& pool, const tcp::SipHashKey& secret);

}  // namespace plumbline::net

// What the stacks copied, by queue and CopyWay; a stack without a device counts as queue 0. The
// workbench reads it out of the guest's memory by this name, between two slices of load.
extern "C" plumbline::net::CopyCount plumbline_net_copies[plumbline::virtio::NetDevice::kMostPairs]
                                                         [plumbline::net::kCopyWays];
