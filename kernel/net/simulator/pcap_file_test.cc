#include "net/simulator/pcap_file.hh"

#include <doctest/doctest.h>
#include <unistd.h>

#include <vector>

#include "core/byte_order.hh"

namespace plumbline::net::simulator {
namespace {

TEST_CASE("a capture has the format's header and a record a frame") {
  const std::string path = "pcap_file_test." + std::to_string(getpid()) + ".pcap";
  PcapFile pcap;
  pcap.write({}, {});  // not open: nothing happens
  REQUIRE(pcap.open(path).empty());
  const std::vector<std::byte> frame(60, std::byte{0x42});
  pcap.write(seconds(3) + nanoseconds(7), frame);
  pcap.write(seconds(4), frame);
  REQUIRE(pcap.close().empty());
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::vector<std::byte> bytes(1000);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  unlink(path.c_str());
  REQUIRE(bytes.size() == 24 + 2 * (16 + 60));
  CHECK(load_le32(bytes.data()) == 0xa1b23c4d);
  CHECK(load_le32(bytes.data() + 20) == 1);
  CHECK(load_le32(bytes.data() + 24) == 3);
  CHECK(load_le32(bytes.data() + 28) == 7);
  CHECK(load_le32(bytes.data() + 32) == 60);
  CHECK(load_le32(bytes.data() + 24 + 76) == 4);
}

TEST_CASE("what cannot be written is said") {
  PcapFile pcap;
  CHECK(pcap.open("/nonexistent/folder/file.pcap").find("cannot write") == 0);
  REQUIRE(pcap.open("/dev/full").empty());
  const std::vector<std::byte> frame(60);
  pcap.write({}, frame);
  CHECK(!pcap.close().empty());
}

}  // namespace
}  // namespace plumbline::net::simulator
