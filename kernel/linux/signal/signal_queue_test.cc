#include "linux/signal/signal_queue.hh"

#include <doctest/doctest.h>

#include <string_view>

#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint64_t kMost = 8;

SignalInformation queued(unsigned signal, std::uint64_t value) {
  return sent_signal(signal, kCodeQueue, 1, 0, value);
}

}  // namespace

TEST_CASE("a signal below 32 waits once, real-time signals as often as sent, in order") {
  PendingSignals pending;
  CHECK(queue_signal(pending, queued(kSIGUSR1, 1), kMost));
  CHECK(queue_signal(pending, queued(kSIGUSR1, 2), kMost));
  CHECK(queue_signal(pending, queued(40, 3), kMost));
  CHECK(queue_signal(pending, queued(40, 4), kMost));
  CHECK(pending.mask == signal_bits(kSIGUSR1, 40));
  SignalInformation information;
  CHECK(take_queued(pending, kSIGUSR1, information) == nullptr);
  CHECK(information.fields[1] == 1);
  CHECK(pending.mask == signal_bits(40));
  take_queued(pending, 40, information);
  CHECK(information.fields[1] == 3);
  CHECK(pending.mask == signal_bits(40));
  take_queued(pending, 40, information);
  CHECK(information.fields[1] == 4);
  CHECK(pending.mask == 0);
  CHECK(queued_signals() == 0);
}

TEST_CASE("real-time signals are bounded; kill still arrives, without its sender") {
  PendingSignals pending;
  for (unsigned i = 0; i < kMost; ++i) CHECK(queue_signal(pending, queued(50, i), kMost));
  CHECK(queue_signal(pending, queued(50, 99), kMost).error() == Errno::kEAGAIN);
  CHECK(queue_signal(pending, sent_signal(51, kCodeUser, 7, 0), kMost));
  CHECK(queue_signal(pending, sent_signal(kSIGTERM, kCodeUser, 7, 0), kMost));
  CHECK(pending.mask == signal_bits(50, 51, kSIGTERM));
  SignalInformation information;
  take_queued(pending, 51, information);
  CHECK(information.signal == 51);
  CHECK(information.fields[0] == 0);
  take_queued(pending, kSIGTERM, information);
  CHECK(information.fields[0] == 7);
  flush_signals(pending, ~SignalMask{0});
  CHECK(pending.mask == 0);
  CHECK(queued_signals() == 0);
}

TEST_CASE("what the running instruction caused comes first, then the lowest number") {
  CHECK(next_signal(0) == 0);
  CHECK(next_signal(signal_bits(kSIGHUP, kSIGSEGV)) == kSIGSEGV);
  CHECK(next_signal(signal_bits(kSIGHUP, kSIGSEGV, kSIGBUS)) == kSIGBUS);
  CHECK(next_signal(signal_bits(64, 34, kSIGTERM)) == kSIGTERM);
  CHECK(next_signal(signal_bits(64, 34)) == 34);
}

TEST_CASE("a timer's own entry is queued, taken, taken back, and never freed") {
  PendingSignals pending;
  QueuedSignal entry;
  entry.information = queued(kSIGALRM, 5);
  entry.timer = reinterpret_cast<PosixTimer*>(&entry);
  queue_timer_signal(pending, entry);
  CHECK(pending.mask == signal_bits(kSIGALRM));
  SignalInformation information;
  CHECK(take_queued(pending, kSIGALRM, information) == entry.timer);
  CHECK(information.fields[1] == 5);
  CHECK(!entry.hook.linked());
  CHECK(queue_signal(pending, queued(kSIGALRM, 6), kMost));
  queue_timer_signal(pending, entry);
  recall_queued(pending, entry);
  CHECK(pending.mask == signal_bits(kSIGALRM));
  queue_timer_signal(pending, entry);
  flush_signals(pending, signal_bits(kSIGALRM));
  CHECK(!entry.hook.linked());
  CHECK(pending.mask == 0);
  CHECK(queued_signals() == 0);
}

TEST_CASE("flushing leaves the other signals") {
  PendingSignals pending;
  CHECK(queue_signal(pending, queued(kSIGTSTP, 1), kMost));
  CHECK(queue_signal(pending, queued(kSIGTERM, 2), kMost));
  flush_signals(pending, kStopSignals);
  CHECK(pending.mask == signal_bits(kSIGTERM));
  SignalInformation information;
  take_queued(pending, kSIGTERM, information);
  CHECK(information.fields[1] == 2);
}

TEST_CASE("names") {
  CHECK(std::string_view(signal_name(kSIGSEGV)) == "SIGSEGV");
  CHECK(std::string_view(signal_name(kSIGSYS)) == "SIGSYS");
  CHECK(std::string_view(signal_name(64)) == "SIGRT");
}

}  // namespace plumbline::linux_abi
