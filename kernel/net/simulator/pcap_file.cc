#include "net/simulator/pcap_file.hh"

#include <cerrno>
#include <cstring>

#include "core/byte_order.hh"

namespace plumbline::net::simulator {

void PcapFile::put(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) failed_ = true;
}

std::string PcapFile::open(const std::string& path) {
  close();
  path_ = path;
  failed_ = false;
  file_ = std::fopen(path.c_str(), "wb");
  if (file_ == nullptr) return "cannot write " + path + ": " + std::strerror(errno);
  std::byte header[24]{};
  store_le32(header, 0xa1b23c4d);   // times in nanoseconds
  store_le16(header + 4, 2);        // version 2.4
  store_le16(header + 6, 4);        //
  store_le32(header + 16, 262144);  // longest frame kept
  store_le32(header + 20, 1);       // LINKTYPE_ETHERNET
  put(header);
  return {};
}

void PcapFile::write(Nanoseconds time, std::span<const std::byte> frame) {
  if (file_ == nullptr) return;
  std::byte header[16];
  store_le32(header, static_cast<uint32_t>(time.count / 1'000'000'000));
  store_le32(header + 4, static_cast<uint32_t>(time.count % 1'000'000'000));
  store_le32(header + 8, static_cast<uint32_t>(frame.size()));
  store_le32(header + 12, static_cast<uint32_t>(frame.size()));
  put(header);
  put(frame);
}

std::string PcapFile::close() {
  if (file_ == nullptr) return {};
  if (std::fclose(file_) != 0) failed_ = true;
  file_ = nullptr;
  return failed_ ? "cannot write " + path_ + ": the file is not complete" : std::string{};
}

}  // namespace plumbline::net::simulator
