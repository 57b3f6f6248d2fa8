#include "tcp/host.hh"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "net/frame_bytes.hh"
#include "net/wire/ethernet.hh"
#include "net/wire/ipv4.hh"
#include "net/wire/tcp.hh"

namespace plumbline::generator {

namespace {

using net::EthernetHeader;
using net::Ipv4Header;
using net::PacketBuffer;
using net::store_native16;
using net::TcpHeader;

constexpr uint32_t kIpAt = EthernetHeader::kSize;
constexpr uint32_t kTcpAt = kIpAt + Ipv4Header::kSize;
// What all connections together may queue: a window of a million short requests, or the buffers of
// a few hundred streams.
constexpr size_t kMostQueued = size_t{1} << 30;
// A frame of TSO: 45 segments of 1,448 bytes, the most that an IP packet holds.
constexpr uint32_t kMostInFrame = 45 * 1448;
// Frames that wait for room in the peer's ring; beyond, they are lost as in any full queue.
constexpr size_t kMostWaiting = 4096;
// The wheel's own steps are as long.
constexpr Nanoseconds kTimerInterval = microseconds(50);

void* allocate_pages(void* context, size_t bytes) {
  void* const memory = std::aligned_alloc(std::min<size_t>(bytes, 65536), bytes);
  if (memory != nullptr) *static_cast<size_t*>(context) += bytes;
  return memory;
}
void release_pages(void* context, void* memory, size_t bytes) {
  *static_cast<size_t*>(context) -= bytes;
  std::free(memory);
}

net::MacAddress mac_of(const MacAddress& address) {
  net::MacAddress mac;
  std::copy(address.begin(), address.end(), reinterpret_cast<uint8_t*>(mac.octets.data()));
  return mac;
}

net::tcp::SipHashKey random_key() {
  net::tcp::SipHashKey key;
  if (getrandom(&key, sizeof key, 0) != sizeof key)
    throw std::runtime_error("the system gives no random numbers");
  return key;
}

}  // namespace

Host::Host(OffloadPort& port, const HostConfiguration& configuration, TickScale scale, Other other)
    : port_(port),
      configuration_(configuration),
      scale_(scale),
      other_(std::move(other)),
      own_(configuration.own.ip, configuration.addresses, configuration.peer.ip),
      peer_address_(number_of(configuration.peer.ip)),
      completes_checksums_(port.completes_checksums()),
      memory_(port.memory().small(),
              net::tcp::MemorySource{allocate_pages, release_pages, &pages_out_}, kMostQueued) {
  read_clock();
  net::tcp::StackConfiguration stack;
  stack.settings.initial_timeout = configuration.initial_timeout;
  stack.settings.syn_retries = configuration.syn_retries;
  // Windows are never the limit of what is measured.
  stack.settings.receive_buffer = 1 << 20;
  stack.settings.send_buffer = 1 << 20;
  stack.secret = random_key();
  stack.queues = &memory_;
  stack.memory = {allocate_pages, release_pages, &pages_out_};
  stack.send = send;
  stack.below = this;
  stack.header_room = kTcpAt;
  stack.maximum_payload.v4 = port.segments() ? kMostInFrame : 0;
  stack.ready = ready;
  stack.maximum_connections = 1 << 21;
  stack.maximum_sent_segments = 1 << 20;
  // Both ends are in one machine, and no packet outlives its connection by long: ports come free
  // again before they run out.
  stack.time_wait = milliseconds(500);
  stack.maximum_time_wait = 1 << 19;
  stack.ports.first = 10000;
  stack.ports.last = 65535;
  stack_ = std::make_unique<net::tcp::Stack>(stack, now_);
}

Host::~Host() {
  read_clock();
  // Owners have let go of theirs; these linger.
  std::vector<net::tcp::Connection*> left;
  stack_->for_each_connection([&](net::tcp::Connection& each) { left.push_back(&each); });
  for (net::tcp::Connection* connection : left) connection->abort(now_);
  stack_->flush(now_);
  // A peer that takes frames slowly gets its resets all the same, unless it is gone.
  const uint64_t end = monotonic_ns() + 20'000'000;
  for (transmit(); !sent_all() && monotonic_ns() < end; transmit()) {
  }
  stack_->end(now_);
  for (size_t i = waiting_begin_; i < waiting_.size(); ++i) net::release_chain(waiting_[i]);
  stack_.reset();
}

OffloadPort::Received Host::receive() {
  const OffloadPort::Received received = port_.receive_frames(received_);
  read_clock();
  if (received.count == 0) return received;
  for (uint16_t i = 0; i < received.count; ++i) {
    if (deliver(received_[i])) continue;
    PacketBuffer* const frame = received_[i];
    other_({reinterpret_cast<const uint8_t*>(frame->data), frame->length});
    net::release(frame);
  }
  return received;
}

// False: not a segment of TCP from the peer for one of our addresses.
bool Host::deliver(PacketBuffer* frame) {
  if (frame->length < kTcpAt + TcpHeader::kSize) return false;
  const std::byte* const at = frame->data;
  if (load_be16(at + 12) != EthernetHeader::kIpv4) return false;
  const auto ip = Ipv4Header::parse({at + kIpAt, frame->length - kIpAt});
  if (!ip || ip->protocol != Ipv4Header::kTcp || ip->is_fragment()) return false;
  if (!own_.contains(ip->destination.value)) return false;
  net::tcp::FlowKey key;
  key.local = net::IpAddress::of(ip->destination);
  key.remote = net::IpAddress::of(ip->source);
  const bool congested = (at[kIpAt + 1] & std::byte{3}) == std::byte{3};
  stack_->receive(frame, kIpAt + ip->header_length, static_cast<uint32_t>(ip->payload_length()),
                  key, congested, now_);
  return true;
}

void Host::flush() {
  if (now_ - timers_looked_at_ >= kTimerInterval) {
    timers_looked_at_ = now_;
    const auto next = stack_->next_timer();
    if (next && *next <= now_) {
      while (stack_->run_timers(now_)) {
      }
    }
  }
  stack_->flush(now_);
  if (!waiting_.empty()) transmit();
}

bool Host::send(void* self, PacketBuffer* frame, const net::tcp::FlowKey& key,
                const net::tcp::SegmentToSend& segment) {
  Host& host = *static_cast<Host*>(self);
  if (host.waiting_.size() - host.waiting_begin_ >= kMostWaiting) {
    net::release_chain(frame);
    return false;
  }
  host.write_headers(*frame, key, segment);
  host.waiting_.push_back(frame);
  host.queue_of_.push_back(static_cast<uint16_t>(key.local_port % host.port_.queues()));
  return true;
}

bool Host::ready(void* self) {
  const Host& host = *static_cast<Host*>(self);
  return host.waiting_.size() - host.waiting_begin_ < kMostWaiting / 2;
}

void Host::write_headers(PacketBuffer& frame, const net::tcp::FlowKey& key,
                         const net::tcp::SegmentToSend& segment) {
  std::byte* const tcp = frame.data;
  std::byte* const at = frame.data -= kTcpAt;
  frame.length += kTcpAt;
  EthernetHeader{mac_of(configuration_.peer.mac), mac_of(configuration_.own.mac),
                 EthernetHeader::kIpv4}
      .emit(at);
  const uint32_t transport = segment.header + segment.payload;
  Ipv4Header ip;
  ip.total_length = static_cast<uint16_t>(Ipv4Header::kSize + transport);
  ip.identification = identification_++;
  ip.dont_fragment = true;
  ip.protocol = Ipv4Header::kTcp;
  ip.source = key.local.v4();
  ip.destination = key.remote.v4();
  ip.emit(at + kIpAt);
  const uint64_t pseudo = net::tcp_pseudo_sum(key.local, key.remote, transport);
  frame.segment_size = segment.segment_size;
  if (completes_checksums_) {
    store_native16(tcp + TcpHeader::kChecksumOffset, net::fold_sum(pseudo));
    frame.checksum = segment.segment_size != 0 ? net::ChecksumState::kSegmentsIpv4
                                               : net::ChecksumState::kPartial;
    return;
  }
  frame.checksum = net::ChecksumState::kUnknown;
  store_native16(tcp + TcpHeader::kChecksumOffset, 0);
  if (const auto sum = net::sum_frame(frame, kTcpAt, transport, pseudo))
    store_native16(tcp + TcpHeader::kChecksumOffset, net::finish_checksum(*sum));
}

void Host::transmit() {
  while (waiting_begin_ < waiting_.size()) {
    // A run of frames for one queue; with one queue, all of them.
    const uint16_t queue = queue_of_[waiting_begin_];
    size_t end = waiting_begin_ + 1;
    while (end < waiting_.size() && queue_of_[end] == queue) ++end;
    const size_t count = end - waiting_begin_;
    const uint16_t sent = port_.send_frames({waiting_.data() + waiting_begin_, count}, queue);
    for (uint16_t i = 0; i < sent; ++i) net::release_chain(waiting_[waiting_begin_ + i]);
    waiting_begin_ += sent;
    if (sent < count) break;
  }
  if (sent_all()) {
    waiting_.clear();
    queue_of_.clear();
    waiting_begin_ = 0;
  } else if (waiting_begin_ >= kMostWaiting) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(waiting_begin_));
    queue_of_.erase(queue_of_.begin(), queue_of_.begin() + static_cast<ptrdiff_t>(waiting_begin_));
    waiting_begin_ = 0;
  }
}

net::tcp::Connection* Host::connect(uint32_t address, uint16_t port, net::tcp::Owner& owner) {
  net::tcp::FlowKey key;
  key.local = net::IpAddress::of(net::Ipv4Address{own_.at(address)});
  key.remote = net::IpAddress::of(net::Ipv4Address{peer_address_});
  key.remote_port = port;
  const auto opening = stack_->open(key, now_);
  if (!opening) return nullptr;
  net::tcp::Connection& connection = *opening->connection;
  connection.set_owner(&owner);
  connection.set_no_delay(true, now_);
  connection.connect(opening->initial, opening->timestamp_offset, now_);
  return &connection;
}

}  // namespace plumbline::generator
