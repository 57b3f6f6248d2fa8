// A capture of the simulated wire, for Wireshark and tshark: the classic pcap format with
// nanoseconds (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html).
#pragma once

#include <cstdio>
#include <span>
#include <string>

#include "core/units.hh"

namespace plumbline::net::simulator {

class PcapFile {
 public:
  PcapFile() = default;
  ~PcapFile() { close(); }
  PcapFile(const PcapFile&) = delete;
  PcapFile& operator=(const PcapFile&) = delete;

  // Creates or empties the file. An error as text, or an empty string.
  std::string open(const std::string& path);
  // Appends one Ethernet frame; nothing when no file is open.
  void write(Nanoseconds time, std::span<const std::byte> frame);
  // Writes out what is buffered. An error of this or an earlier write as text, or an empty string.
  std::string close();

 private:
  void put(std::span<const std::byte> bytes);

  std::FILE* file_ = nullptr;
  std::string path_;
  bool failed_ = false;
};

}  // namespace plumbline::net::simulator
