#include "linux/signal/signal_queue.hh"

#include <atomic>
#include <bit>
#include <new>

#include "linux/signal/signal_numbers.hh"

namespace plumbline::linux_abi {
namespace {

// Entries from the heap. Relaxed: a bound, not a synchronisation.
std::atomic<std::uint64_t> queued{0};

unsigned number_of(const QueuedSignal& entry) {
  return static_cast<unsigned>(entry.information.signal);
}

void drop(PendingSignals& pending, QueuedSignal& entry) {
  pending.queue.remove(&entry);
  if (entry.timer != nullptr) return;
  queued.fetch_sub(1, std::memory_order_relaxed);
  delete &entry;
}

}  // namespace

Status queue_signal(PendingSignals& pending, const SignalInformation& information,
                    std::uint64_t most) {
  const auto signal = static_cast<unsigned>(information.signal);
  const SignalMask bit = signal_bit(signal);
  if (signal < kFirstRealTime && (pending.mask & bit) != 0) return {};
  QueuedSignal* entry = nullptr;
  // The kernel's own signals and kill's need no promise of room: there is at most one of each.
  if (signal < kFirstRealTime || queued.load(std::memory_order_relaxed) < most)
    entry = new (std::nothrow) QueuedSignal;
  if (entry == nullptr) {
    if (signal >= kFirstRealTime && information.code != kCodeUser) return Errno::kEAGAIN;
    pending.mask |= bit;
    return {};
  }
  queued.fetch_add(1, std::memory_order_relaxed);
  entry->information = information;
  pending.queue.push_back(entry);
  pending.mask |= bit;
  return {};
}

void queue_timer_signal(PendingSignals& pending, QueuedSignal& entry) {
  pending.queue.push_back(&entry);
  pending.mask |= signal_bit(number_of(entry));
}

unsigned next_signal(SignalMask mask) {
  if (mask == 0) return 0;
  const SignalMask first = (mask & kSynchronous) != 0 ? mask & kSynchronous : mask;
  return static_cast<unsigned>(std::countr_zero(first)) + 1;
}

PosixTimer* take_queued(PendingSignals& pending, unsigned signal, SignalInformation& information) {
  QueuedSignal* found = nullptr;
  bool more = false;
  for (QueuedSignal& entry : pending.queue) {
    if (number_of(entry) != signal) continue;
    if (found != nullptr) {
      more = true;
      break;
    }
    found = &entry;
  }
  if (!more) pending.mask &= ~signal_bit(signal);
  if (found == nullptr) {
    information = sent_signal(signal, kCodeUser, 0, 0);
    return nullptr;
  }
  information = found->information;
  PosixTimer* timer = found->timer;
  drop(pending, *found);
  return timer;
}

void recall_queued(PendingSignals& pending, QueuedSignal& entry) {
  pending.queue.remove(&entry);
  for (const QueuedSignal& other : pending.queue) {
    if (number_of(other) == number_of(entry)) return;
  }
  pending.mask &= ~signal_bit(number_of(entry));
}

void flush_signals(PendingSignals& pending, SignalMask mask) {
  pending.mask &= ~mask;
  for (QueuedSignal* entry = pending.queue.front(); entry != nullptr;) {
    QueuedSignal* next = pending.queue.next(entry);
    if ((signal_bit(number_of(*entry)) & mask) != 0) drop(pending, *entry);
    entry = next;
  }
}

std::uint64_t queued_signals() { return queued.load(std::memory_order_relaxed); }

}  // namespace plumbline::linux_abi
