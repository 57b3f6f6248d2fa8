// The store with this build's lock.
#pragma once

#include "apps/memcached/store.hh"

#if defined(PLUMBLINE_KERNEL)
#include "sync/spinlock.hh"
namespace plumbline::memcached {
using ServerStore = Store<Spinlock>;
}
#else
#include <mutex>
namespace plumbline::memcached {
using ServerStore = Store<std::mutex>;
}
#endif
