#include "net/simulator/observed_segment.hh"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/byte_order.hh"

namespace plumbline::net::simulator {
namespace {

// The one's complement sum of RFC 1071, in the plainest way.
uint32_t sum_words(std::span<const std::byte> bytes, uint32_t sum) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto value = static_cast<uint32_t>(bytes[i]);
    sum += i % 2 == 0 ? value << 8 : value;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}
bool sums_to_ones(uint32_t sum) { return ((sum & 0xffff) + (sum >> 16)) == 0xffff; }

std::string parse_option(std::span<const std::byte> option, ObservedSegment& to) {
  const auto kind = static_cast<unsigned>(option[0]);
  const std::byte* const at = option.data();
  const auto wrong = [&] {
    return "option " + std::to_string(kind) + " of " + std::to_string(option.size()) + " bytes";
  };
  switch (kind) {
    case 2:
      if (option.size() != 4 || !to.has(ObservedSegment::kSyn)) return wrong();
      to.mss = load_be16(at + 2);
      return {};
    case 3:
      if (option.size() != 3 || !to.has(ObservedSegment::kSyn)) return wrong();
      to.window_scale = static_cast<int>(at[2]);
      return to.window_scale > 14 ? "window scale above 14" : "";
    case 4:
      if (option.size() != 2 || !to.has(ObservedSegment::kSyn)) return wrong();
      to.sack_permitted = true;
      return {};
    case 5:
      if (option.size() % 8 != 2 || option.size() < 10 || option.size() > 34) return wrong();
      to.sack_count = static_cast<unsigned>(option.size() / 8);
      for (unsigned i = 0; i < to.sack_count; ++i)
        to.sack[i] = {load_be32(at + 2 + i * 8), load_be32(at + 6 + i * 8)};
      return {};
    case 8:
      if (option.size() != 10) return wrong();
      to.has_timestamp = true;
      to.timestamp_value = load_be32(at + 2);
      to.timestamp_echo = load_be32(at + 6);
      return {};
    default:
      return wrong();
  }
}

std::string parse_tcp(std::span<const std::byte> segment, uint32_t pseudo, ObservedSegment& to) {
  if (segment.size() < 20) return "TCP header cut off";
  if (!sums_to_ones(sum_words(segment, pseudo))) return "TCP checksum is wrong";
  const std::byte* const at = segment.data();
  to.source.port = load_be16(at);
  to.destination.port = load_be16(at + 2);
  to.sequence = load_be32(at + 4);
  to.acknowledgement = load_be32(at + 8);
  to.header_bytes = (static_cast<uint32_t>(at[12]) >> 4) * 4;
  to.flags = static_cast<uint8_t>(at[13]);
  to.window = load_be16(at + 14);
  if (to.header_bytes < 20 || to.header_bytes > segment.size()) return "TCP data offset is wrong";
  to.payload = segment.subspan(to.header_bytes);
  for (size_t i = 20; i < to.header_bytes;) {
    const auto kind = static_cast<unsigned>(at[i]);
    if (kind == 0) break;
    if (kind == 1) {
      ++i;
      continue;
    }
    if (i + 2 > to.header_bytes) return "TCP option cut off";
    const auto length = static_cast<size_t>(at[i + 1]);
    if (length < 2 || i + length > to.header_bytes) return "TCP option too long";
    if (std::string error = parse_option(segment.subspan(i, length), to); !error.empty())
      return error;
    i += length;
  }
  return {};
}

}  // namespace

std::string ObservedSegment::parse(std::span<const std::byte> frame, ObservedSegment& to) {
  to = {};
  if (frame.size() < 14 + 20) return "frame cut off";
  const uint16_t type = load_be16(frame.data() + 12);
  std::span<const std::byte> ip = frame.subspan(14);
  if (type == 0x0800) {
    const size_t header = (static_cast<size_t>(ip[0]) & 15) * 4;
    const size_t total = load_be16(ip.data() + 2);
    if (static_cast<unsigned>(ip[0]) >> 4 != 4 || header < 20 || total < header ||
        total > ip.size())
      return "IPv4 header is wrong";
    if (!sums_to_ones(sum_words(ip.first(header), 0))) return "IPv4 checksum is wrong";
    if (ip[9] != std::byte{6}) return "not TCP";
    if ((load_be16(ip.data() + 6) & 0x3fff) != 0) return "a fragment";
    to.ip_length = static_cast<uint32_t>(total);
    to.ecn = static_cast<uint8_t>(ip[1] & std::byte{3});
    for (auto [end, from] : {std::pair{&to.source, 12}, std::pair{&to.destination, 16}}) {
      end->address[10] = end->address[11] = std::byte{0xff};
      std::memcpy(end->address.data() + 12, ip.data() + from, 4);
    }
    const auto length = static_cast<uint32_t>(total - header);
    return parse_tcp(ip.subspan(header, length), sum_words(ip.subspan(12, 8), 6 + length), to);
  }
  if (type == 0x86dd) {
    if (ip.size() < 40 || static_cast<unsigned>(ip[0]) >> 4 != 6) return "IPv6 header is wrong";
    const uint32_t length = load_be16(ip.data() + 4);
    if (length > ip.size() - 40) return "IPv6 payload cut off";
    if (ip[6] != std::byte{6}) return "not TCP";
    to.ip_length = 40 + length;
    to.ecn = static_cast<uint8_t>(static_cast<unsigned>(ip[1]) >> 4 & 3);
    std::memcpy(to.source.address.data(), ip.data() + 8, 16);
    std::memcpy(to.destination.address.data(), ip.data() + 24, 16);
    return parse_tcp(ip.subspan(40, length), sum_words(ip.subspan(8, 32), 6 + length), to);
  }
  return "not TCP";
}

std::string ObservedSegment::describe() const {
  std::string flag_text;
  for (int bit = 0; bit < 8; ++bit)
    if ((flags >> bit & 1) != 0) flag_text += "FSRPAUEC"[bit];
  char text[256];
  std::snprintf(text, sizeof text, "%u > %u %s %u:%u ack %u win %u", source.port, destination.port,
                flag_text.c_str(), sequence, sequence + static_cast<uint32_t>(payload.size()),
                acknowledgement, window);
  std::string result = text;
  for (unsigned i = 0; i < sack_count; ++i)
    result += (i == 0 ? " sack " : ",") + std::to_string(sack[i].begin) + ":" +
              std::to_string(sack[i].end);
  if (has_timestamp)
    result += " ts " + std::to_string(timestamp_value) + "/" + std::to_string(timestamp_echo);
  return result;
}

}  // namespace plumbline::net::simulator
