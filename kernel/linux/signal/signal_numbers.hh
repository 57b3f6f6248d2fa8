// The signals' numbers, codes, flags, and what happens by default.
#pragma once

#include "linux/signal/signal_state.hh"

namespace plumbline::linux_abi {

// Values: Linux, arch/x86/include/uapi/asm/signal.h. The names carry a `k` since <csignal> defines
// the plain ones as macros.
inline constexpr unsigned kSIGHUP = 1, kSIGINT = 2, kSIGQUIT = 3, kSIGILL = 4, kSIGTRAP = 5,
                          kSIGABRT = 6, kSIGBUS = 7, kSIGFPE = 8, kSIGKILL = 9, kSIGUSR1 = 10,
                          kSIGSEGV = 11, kSIGUSR2 = 12, kSIGPIPE = 13, kSIGALRM = 14, kSIGTERM = 15,
                          kSIGSTKFLT = 16, kSIGCHLD = 17, kSIGCONT = 18, kSIGSTOP = 19,
                          kSIGTSTP = 20, kSIGTTIN = 21, kSIGTTOU = 22, kSIGURG = 23, kSIGXCPU = 24,
                          kSIGXFSZ = 25, kSIGVTALRM = 26, kSIGPROF = 27, kSIGWINCH = 28,
                          kSIGIO = 29, kSIGPWR = 30, kSIGSYS = 31, kFirstRealTime = 32;

// si_code (include/uapi/asm-generic/siginfo.h).
inline constexpr int kCodeUser = 0, kCodeKernel = 0x80, kCodeQueue = -1, kCodeTimer = -2,
                     kCodeTaskKill = -6;

// sa_flags and the special handlers.
inline constexpr std::uint64_t kHandlerDefault = 0, kHandlerIgnore = 1;
inline constexpr std::uint64_t kActionNoChildStop = 1, kActionNoChildWait = 2,
                               kActionInformation = 4, kActionRestorer = 0x04000000,
                               kActionOnStack = 0x08000000, kActionRestart = 0x10000000,
                               kActionNoDefer = 0x40000000, kActionResetHandler = 0x80000000;

template <typename... Numbers>
constexpr SignalMask signal_bits(Numbers... numbers) {
  return (signal_bit(static_cast<unsigned>(numbers)) | ...);
}
inline constexpr SignalMask kUnblockable = signal_bits(kSIGKILL, kSIGSTOP);
inline constexpr SignalMask kStopSignals = signal_bits(kSIGSTOP, kSIGTSTP, kSIGTTIN, kSIGTTOU);
inline constexpr SignalMask kIgnoredByDefault = signal_bits(kSIGCONT, kSIGCHLD, kSIGWINCH, kSIGURG);
// Caused by the running instruction; they go before all others, so that the handler finds the state
// of that instruction.
inline constexpr SignalMask kSynchronous =
    signal_bits(kSIGSEGV, kSIGBUS, kSIGILL, kSIGTRAP, kSIGFPE, kSIGSYS);

constexpr bool is_signal(std::uint64_t number) { return number >= 1 && number <= kSignals; }

constexpr bool is_ignored(const SignalAction& action, unsigned signal) {
  return action.handler == kHandlerIgnore ||
         (action.handler == kHandlerDefault && (kIgnoredByDefault & signal_bit(signal)) != 0);
}

// What kill, tgkill and rt_sigqueueinfo put into siginfo_t's union.
constexpr SignalInformation sent_signal(unsigned signal, int code, std::uint32_t process,
                                        std::uint32_t user, std::uint64_t value = 0) {
  SignalInformation information{};
  information.signal = static_cast<std::int32_t>(signal);
  information.code = code;
  information.fields[0] = process | (static_cast<std::uint64_t>(user) << 32);
  information.fields[1] = value;
  return information;
}

}  // namespace plumbline::linux_abi
