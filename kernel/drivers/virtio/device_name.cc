#include "drivers/virtio/device_name.hh"

#include <string_view>

namespace plumbline::virtio {
namespace {

// Appends to a name; what does not fit is left out. Always terminated.
class Writer {
 public:
  explicit Writer(std::span<char, 32> name) : name_(name) { name_[0] = 0; }
  Writer& text(std::string_view text) {
    for (const char character : text) put(character);
    return *this;
  }
  Writer& hexadecimal(uint64_t value, unsigned least_digits) {
    unsigned digits = 16;
    while (digits > least_digits && (value >> (digits - 1) * 4) == 0) --digits;
    while (digits-- != 0) put("0123456789abcdef"[value >> digits * 4 & 15]);
    return *this;
  }

 private:
  void put(char character) {
    if (length_ + 1 >= name_.size()) return;
    name_[length_++] = character;
    name_[length_] = 0;
  }
  std::span<char, 32> name_;
  size_t length_ = 0;
};

}  // namespace

void name_mmio_device(std::span<char, 32> name, uint64_t base) {
  Writer(name).text("virtio-mmio 0x").hexadecimal(base, 1);
}

void name_pci_device(std::span<char, 32> name, unsigned slot, unsigned function) {
  Writer(name).text("virtio-pci 00:").hexadecimal(slot, 2).text(".").hexadecimal(function, 1);
}

}  // namespace plumbline::virtio
