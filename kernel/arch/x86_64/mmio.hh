// Device registers. Each access is an exit to the VMM unless the hypervisor's kernel part answers
// it.
#pragma once

#include <concepts>
#include <cstdint>

#include "memory/address.hh"

namespace plumbline {

// Reads a device register of 1, 2, 4 or 8 bytes. Volatile keeps the compiler from merging or moving
// accesses, and x86 keeps uncached accesses in order; neither orders ordinary memory around it,
// which a driver does with fences.
template <std::unsigned_integral T>
inline T mmio_read(VirtualAddress address) {
  return *reinterpret_cast<const volatile T*>(address.value);
}

template <std::unsigned_integral T>
inline void mmio_write(VirtualAddress address, T value) {
  *reinterpret_cast<volatile T*>(address.value) = value;
}

// Reads a port of 1, 2 or 4 bytes: `port_in<std::uint8_t>(0x3f8)`.
template <std::unsigned_integral T>
inline T port_in(std::uint16_t port) {
  T value;
  static_assert(sizeof(T) <= 4);
  if constexpr (sizeof(T) == 1) {
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  } else if constexpr (sizeof(T) == 2) {
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  } else {
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  }
  return value;
}

template <std::unsigned_integral T>
inline void port_out(std::uint16_t port, T value) {
  static_assert(sizeof(T) <= 4);
  if constexpr (sizeof(T) == 1) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
  } else if constexpr (sizeof(T) == 2) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
  } else {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
  }
}

}  // namespace plumbline
