// For tests: two ports of one wire, hosts on them, and a server whose behaviour the test says.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/frame_bytes.hh"
#include "tcp/host.hh"
#include "vring/net_header.hh"

namespace plumbline::generator {

// What is sent on one is received on the other, cut into bursts; `damage` may lose frames.
class WirePort : public OffloadPort {
 public:
  WirePort() : OffloadPort(1) {}
  void connect(WirePort& other) { other_ = &other; }

  // Called before frames are received: who else has to work for that.
  std::function<void()> before_receiving;
  // True: this frame of ours is lost.
  std::function<bool(const net::PacketBuffer&)> loses;
  bool offloads = true;
  uint16_t most_sent = 64;  // frames that one call takes

  Received receive_frames(std::span<net::PacketBuffer*, kMaximumBurst> to) override {
    if (before_receiving) before_receiving();
    uint16_t count = 0;
    while (!arrived_.empty() && count < kMaximumBurst) {
      const auto& [header, bytes] = arrived_.front();
      net::PacketBuffer* const frame = memory().allocate(static_cast<uint32_t>(bytes.size()));
      if (frame == nullptr) std::abort();
      std::memcpy(frame->data, bytes.data(), bytes.size());
      describe(*frame, header);
      to[count++] = frame;
      arrived_.pop_front();
    }
    return {count, count != 0};
  }
  uint16_t send_frames(std::span<net::PacketBuffer* const> frames, uint16_t) override {
    uint16_t count = 0;
    for (const net::PacketBuffer* frame :
         frames.first(std::min<size_t>(frames.size(), most_sent))) {
      ++count;
      if (loses && loses(*frame)) continue;
      std::vector<std::byte> bytes;
      for (const net::PacketBuffer* piece = frame; piece != nullptr; piece = piece->next)
        bytes.insert(bytes.end(), piece->data, piece->data + piece->length);
      other_->arrived_.emplace_back(header_for(*frame), std::move(bytes));
    }
    return count;
  }
  void inject(std::vector<std::byte> bytes) {
    arrived_.emplace_back(NetHeader{}, std::move(bytes));
  }
  bool completes_checksums() const override { return offloads; }
  bool segments() const override { return offloads; }
  bool link_up() const override { return true; }

 private:
  WirePort* other_ = nullptr;
  std::deque<std::pair<NetHeader, std::vector<std::byte>>> arrived_;
};

inline const Endpoint kTestClient{{0x52, 0x54, 0, 0x99, 0x99, 1}, {10, 9, 0, 1}};
inline const Endpoint kTestServer{{0x52, 0x54, 0, 0x12, 0x34, 0x56}, {10, 9, 0, 2}};
// One tick of the clock is a nanosecond near enough for tests of what happens, not when.
inline const TickScale kTestScale{2e9};

// Listens on a port and answers as it is told.
class TestServer {
 public:
  struct Session : net::tcp::Owner {
    net::tcp::Connection* connection = nullptr;
    uint32_t events = 0;
    std::string received;  // and not consumed
    std::string unsent;
    bool ends = false;    // closes once all is sent
    bool resets = false;  // at once
  };
  // Looks at what was received, and says what to do by the fields above.
  using Answer = std::function<void(Session&)>;

  TestServer(WirePort& port, uint16_t number, Answer answer)
      : answer_(std::move(answer)),
        host_(port, {.own = kTestServer, .peer = kTestClient}, kTestScale,
              [](std::span<const uint8_t>) {}) {
    net::tcp::Listener::Configuration configuration;
    configuration.port = number;
    configuration.address = net::IpAddress::any_v4();
    listener_ = std::make_unique<net::tcp::Listener>(configuration, queues_, 1024);
    if (!host_.stack().listen(*listener_)) std::abort();
  }
  ~TestServer() {
    for (Session& each : sessions_)
      if (each.connection != nullptr) each.connection->abort(host_.now());
    host_.stack().unlisten(*listener_, host_.now());
  }

  void poll() {
    host_.receive();
    while (net::tcp::Connection* accepted = host_.stack().accept(*listener_)) {
      Session& each = sessions_.emplace_back();
      each.notify = [](net::tcp::Owner& owner, net::tcp::Connection&, uint32_t events) {
        static_cast<Session&>(owner).events |= events;
      };
      each.connection = accepted;
      accepted->set_owner(&each);
      accepted->set_no_delay(true, host_.now());
      ++accepted_;
    }
    for (Session& each : sessions_)
      if (each.connection != nullptr) serve(each);
    sessions_.remove_if([](const Session& each) { return each.connection == nullptr; });
    host_.flush();
  }
  uint32_t accepted() const { return accepted_; }
  size_t open() const { return sessions_.size(); }
  Host& host() { return host_; }

 private:
  void serve(Session& each) {
    net::tcp::Connection& connection = *each.connection;
    connection.read(connection.readable(), host_.now(), [&](std::span<const std::byte> from) {
      each.received.append(reinterpret_cast<const char*>(from.data()), from.size());
      return from.size();
    });
    answer_(each);
    if (each.resets) {
      connection.abort(host_.now());
      each.connection = nullptr;
      return;
    }
    if (!each.unsent.empty()) {
      const char* from = each.unsent.data();
      const uint32_t taken = connection.send(static_cast<uint32_t>(each.unsent.size()), false,
                                             host_.now(), [&](std::span<std::byte> to) {
                                               std::memcpy(to.data(), from, to.size());
                                               from += to.size();
                                               return to.size();
                                             });
      each.unsent.erase(0, taken);
    }
    const bool peer_ended = connection.peer_closed() && connection.readable() == 0;
    const bool failed = (each.events & (net::tcp::kFailed | net::tcp::kClosed)) != 0;
    if (failed || (each.unsent.empty() && (peer_ended || each.ends))) {
      connection.close(host_.now());
      each.connection = nullptr;
    }
  }

  Answer answer_;
  Host host_;
  std::vector<net::tcp::ListenerQueue> queues_{1};
  std::unique_ptr<net::tcp::Listener> listener_;
  std::list<Session> sessions_;
  uint32_t accepted_ = 0;
};

}  // namespace plumbline::generator
