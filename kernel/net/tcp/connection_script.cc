#include "net/tcp/connection_script.hh"

#include <doctest/doctest.h>

#include <cstring>
#include <sstream>

namespace plumbline::net::tcp {

using namespace tcp_flags;

namespace {

constexpr size_t kBuffers = 2048;
constexpr uint32_t kRoom = 54;  // in front of TCP headers: Ethernet and IPv6

FlowKey script_key() {
  FlowKey key;
  key.local = IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
  key.remote = IpAddress::of(Ipv4Address::of(10, 9, 0, 1));
  key.local_port = 4000;
  key.remote_port = 80;
  return key;
}

// Byte `offset` of either direction's stream.
std::byte pattern(uint64_t offset) {
  return static_cast<std::byte>(offset * 7 + (offset >> 8) * 13 + 3);
}

uint32_t clock_of(Nanoseconds now) { return timestamp_clock(now) + 5000; }

void parse_options(const std::string& text, Segment::Options& options) {
  std::stringstream list(text);
  std::string item;
  while (std::getline(list, item, ',')) {
    std::stringstream words(item);
    std::string name, word;
    words >> name;
    if (name == "mss") {
      words >> options.mss;
    } else if (name == "wscale") {
      int shift = 0;
      words >> shift;
      options.window_scale = static_cast<int8_t>(shift);
    } else if (name == "sackOK") {
      options.sack_permitted = true;
    } else if (name == "TS") {
      options.has_timestamp = true;
      words >> word >> options.timestamp_value >> word >> options.timestamp_echo;
    } else if (name == "sack") {
      uint32_t begin = 0, end = 0;
      char colon = 0;
      while (words >> begin >> colon >> end)
        options.sack[options.sack_count++] = {{ConnectionScript::kInitialSend + begin},
                                              {ConnectionScript::kInitialSend + end}};
    } else {
      REQUIRE_MESSAGE(name == "nothing", "unknown option ", item);
    }
  }
}

}  // namespace

Settings ConnectionScript::plain() {
  Settings settings;
  settings.timestamps = settings.selective = settings.window_scaling = false;
  settings.ecn = EcnMode::kOff;
  return settings;
}

ConnectionScript::ConnectionScript(const Settings& settings)
    : buffers_(BufferPool::bytes_needed(kBuffers) + 4096), wheel_(now) {
  void* start = buffers_.data();
  size_t space = buffers_.size();
  std::align(4096, BufferPool::bytes_needed(kBuffers), start, space);
  pool_.init({static_cast<std::byte*>(start), BufferPool::bytes_needed(kBuffers)}, 0);
  memory_ = std::make_unique<QueueMemory>(pool_, source_.source(), 64 * kMiB);
  records_ = std::make_unique<SentSegmentPool>(source_.source(), 100000, 1);
  recovery_ =
      std::make_unique<RecoveryDomain>(RecoveryDomain{*records_, {}, milliseconds(200), {}});
  domain.settings = settings;
  domain.memory = memory_.get();
  domain.timers = &wheel_;
  domain.recovery = recovery_.get();
  domain.send = take;
  domain.ready = [](void* script) { return static_cast<ConnectionScript*>(script)->device_ready; };
  domain.below = this;
  domain.header_room = kRoom;
  domain.stack = this;
  domain.leave = [](void* self, Connection&, Nanoseconds) {
    auto& script = *static_cast<ConnectionScript*>(self);
    CHECK_FALSE(script.left);
    script.left = true;
  };
  domain.release = [](void* self, Connection&) {
    auto& script = *static_cast<ConnectionScript*>(self);
    script.released = true;
    script.connection.reset();
  };
  wheel_.set_handler(
      TimerKind::kConnection,
      [](void*, Timer& timer, Nanoseconds time) { Connection::of(timer).timeout(time); }, nullptr);
  owner_.notify = [](Owner& owner, Connection&, uint32_t events) {
    static_cast<Listener&>(owner).events |= events;
  };
  connection = std::make_unique<Connection>(domain, script_key());
  connection->set_owner(&owner_);
}

ConnectionScript::~ConnectionScript() {
  if (connection != nullptr) {
    connection->abort(now);
    flush();
  }
  connection.reset();
  CHECK(pool_.in_use() == 0);
  memory_.reset();
  records_.reset();
  CHECK(source_.bytes() == 0);
  CHECK(wheel_.empty());
}

void ConnectionScript::connect() { connection->connect({kInitialSend}, kTimestampOffset, now); }

void ConnectionScript::establish(const Peer& peer) {
  connect();
  expect("S 0:0(0)");
  receive(peer.flags + " 0:0(0) ack 1 win " + std::to_string(peer.window) + " <" + peer.options +
          ">");
  expect(". 1:1(0) ack 1");
  expect_nothing();
  CHECK(connection->state() == State::kEstablished);
  CHECK(events() == (kConnected | kWritable));
}

Handshake ConnectionScript::plain_handshake() {
  Handshake handshake;
  handshake.initial_send = {kInitialSend};
  handshake.initial_receive = {kInitialReceive};
  handshake.receive_window = 65535;
  handshake.send_window = 65535;
  handshake.peer_mss = 1000;
  return handshake;
}

void ConnectionScript::accept(const Handshake& handshake) {
  connection = std::make_unique<Connection>(domain, script_key(), handshake, now);
  connection->set_owner(&owner_);
}

Segment ConnectionScript::parse(const std::string& text) {
  Segment segment;
  std::stringstream words(text);
  std::string flags, word;
  uint32_t begin = 0, end = 0, length = 0;
  char colon = 0, open = 0, close = 0;
  words >> flags >> begin >> colon >> end >> open >> length >> close;
  REQUIRE_MESSAGE((colon == ':' && open == '(' && close == ')' && end - begin == length), text);
  for (const char flag : flags) {
    switch (flag) {
      case 'S':
        segment.flags |= kSyn;
        break;
      case 'F':
        segment.flags |= kFin;
        break;
      case 'R':
        segment.flags |= kRst;
        break;
      case 'P':
        segment.flags |= kPsh;
        break;
      case 'U':
        segment.flags |= kUrg;
        break;
      case 'E':
        segment.flags |= kEce;
        break;
      case 'W':
        segment.flags |= kCwr;
        break;
      case '.':
        segment.flags |= kAck;
        break;
      case 'C':
        segment.congestion_experienced = true;
        break;
      default:
        FAIL("unknown flag in ", text);
    }
  }
  segment.sequence = {kInitialReceive + begin};
  segment.length = length;
  segment.window = 65535;
  bool options = false;
  while (words >> word) {
    if (word == "ack") {
      uint32_t number = 0;
      words >> number;
      segment.acknowledgement = {kInitialSend + number};
    } else if (word == "win") {
      words >> segment.window;
    } else if (word == "x") {
      words >> segment.coalesced;
      segment.segment_size =
          static_cast<uint16_t>((segment.length + segment.coalesced - 1) / segment.coalesced);
    } else if (word == "of") {
      words >> segment.segment_size;
    } else {
      REQUIRE_MESSAGE(word.front() == '<', text);
      std::string rest;
      std::getline(words, rest);
      word += rest;
      parse_options(word.substr(1, word.find('>') - 1), segment.options);
      options = true;
    }
  }
  if (!options && connection->uses_timestamps() && !segment.has(kSyn)) {
    segment.options.has_timestamp = true;
    segment.options.timestamp_value = clock_of(now);
    segment.options.timestamp_echo = last_timestamp_;
  }
  return segment;
}

// The payload lies behind a header, in a chain when it is long.
PacketBuffer* ConnectionScript::make_frame(const Segment& segment) {
  const uint32_t offset = segment.sequence.value + segment.has(kSyn) - kInitialReceive - 1;
  PacketBuffer* first = nullptr;
  PacketBuffer** link = &first;
  uint32_t done = 0;
  do {
    PacketBuffer* const buffer = pool_.allocate();
    REQUIRE(buffer != nullptr);
    const uint32_t header = first == nullptr ? 60 : 0;
    const uint32_t here = std::min(segment.length - done, uint32_t{2000} - header);
    for (uint32_t i = 0; i < here; ++i) buffer->data[header + i] = pattern(offset + done + i);
    buffer->length = header + here;
    done += here;
    *link = buffer;
    link = &buffer->next;
  } while (done < segment.length);
  return first;
}

void ConnectionScript::receive_more(const std::string& text) {
  Segment segment = parse(text);
  segment.frame = make_frame(segment);
  segment.payload_offset = 60;
  REQUIRE(connection != nullptr);
  if (before_each != nullptr) before_each(*connection);
  connection->receive(segment, now);
  CHECK(segment.frame == nullptr);
}

void ConnectionScript::receive(const std::string& text) {
  CAPTURE(text);
  receive_more(text);
  flush();
}

bool ConnectionScript::take(void* self, PacketBuffer* frame, const FlowKey&,
                            const SegmentToSend& how) {
  auto& script = *static_cast<ConnectionScript*>(self);
  // The IP layer's room is there.
  CHECK(frame->data - frame->memory >= static_cast<ptrdiff_t>(kRoom));
  uint32_t length = 0;
  for (const PacketBuffer* part = frame; part != nullptr; part = part->next) length += part->length;
  CHECK(length == how.header + how.payload);
  Sent sent;
  sent.how = how;
  sent.at = script.now;
  FlowKey ports;
  REQUIRE(parse_segment(*frame, 0, length, sent.segment, ports));
  CHECK(ports.remote_port == 4000);  // of the sender
  CHECK(ports.local_port == 80);
  CHECK(sent.segment.length == how.payload);
  uint32_t skip = how.header;
  for (const PacketBuffer* part = frame; part != nullptr; part = part->next) {
    sent.payload.insert(sent.payload.end(), part->data + skip, part->data + part->length);
    skip = 0;
  }
  const uint32_t begin = sent.segment.sequence.value - kInitialSend - 1;
  for (uint32_t i = 0; i < sent.payload.size(); ++i)
    if (sent.payload[i] != pattern(begin + i)) FAIL("byte ", i, " of the payload is wrong");
  if (sent.segment.options.has_timestamp)
    script.last_timestamp_ = sent.segment.options.timestamp_value;
  sent.segment.frame = nullptr;
  release_chain(frame);
  script.sent_.push_back(std::move(sent));
  return !script.drop_frames;
}

std::string ConnectionScript::format(const Sent& sent, const std::string& like) const {
  const Segment& segment = sent.segment;
  std::stringstream out;
  const std::pair<uint8_t, char> names[] = {{kSyn, 'S'}, {kFin, 'F'}, {kRst, 'R'}, {kPsh, 'P'},
                                            {kUrg, 'U'}, {kEce, 'E'}, {kCwr, 'W'}, {kAck, '.'}};
  for (const auto& [flag, name] : names)
    if (segment.has(flag)) out << name;
  const uint32_t begin = segment.sequence.value - kInitialSend;
  out << ' ' << begin << ':' << begin + segment.length << '(' << segment.length << ')';
  if (like.find(" ack") != std::string::npos && segment.has(kAck))
    out << " ack " << segment.acknowledgement.value - kInitialReceive;
  if (like.find(" win") != std::string::npos) out << " win " << segment.window;
  if (like.find(" cut") != std::string::npos) out << " cut " << sent.how.segment_size;
  if (like.find(" ecn") != std::string::npos) out << " ecn " << int{sent.how.ecn};
  if (like.find('<') == std::string::npos) return out.str();
  const Segment::Options& options = segment.options;
  std::vector<std::string> list;
  if (options.mss != 0) list.push_back("mss " + std::to_string(options.mss));
  if (options.sack_permitted) list.push_back("sackOK");
  // TS alone: that there are timestamps, whatever they say.
  if (options.has_timestamp)
    list.push_back(like.find("TS val") == std::string::npos
                       ? "TS"
                       : "TS val " + std::to_string(options.timestamp_value) + " ecr " +
                             std::to_string(options.timestamp_echo));
  if (options.window_scale >= 0) list.push_back("wscale " + std::to_string(options.window_scale));
  if (options.sack_count != 0) {
    std::string blocks = "sack";
    for (unsigned i = 0; i < options.sack_count; ++i)
      blocks += ' ' + std::to_string(options.sack[i].begin.value - kInitialReceive) + ':' +
                std::to_string(options.sack[i].end.value - kInitialReceive);
    list.push_back(blocks);
  }
  out << " <";
  for (size_t i = 0; i < list.size(); ++i) out << (i == 0 ? "" : ", ") << list[i];
  out << (list.empty() ? "nothing>" : ">");
  return out.str();
}

void ConnectionScript::expect(const std::string& text) {
  REQUIRE_MESSAGE(!sent_.empty(), "nothing was sent, expected ", text);
  CHECK(format(sent_.front(), text) == text);
  sent_.pop_front();
}

void ConnectionScript::expect_nothing() {
  CHECK_MESSAGE(sent_.empty(), "sent ", sent_.empty() ? "" : format(sent_.front(), " ack win <"));
  sent_.clear();
}

std::optional<ConnectionScript::Sent> ConnectionScript::next() {
  if (sent_.empty()) return std::nullopt;
  Sent sent = std::move(sent_.front());
  sent_.pop_front();
  return sent;
}

uint32_t ConnectionScript::send(uint32_t bytes, bool more) {
  uint64_t at = sent_by_program_;
  if (before_each != nullptr) before_each(*connection);
  const uint32_t taken =
      connection->send(bytes, more, now, [&at](std::span<std::byte> to) -> size_t {
        for (std::byte& byte : to) byte = pattern(at++);
        return to.size();
      });
  sent_by_program_ += taken;
  return taken;
}

uint32_t ConnectionScript::read(uint32_t bytes) {
  uint64_t at = read_by_program_;
  const uint32_t taken =
      connection->read(bytes, now, [&at](std::span<const std::byte> from) -> size_t {
        for (const std::byte byte : from)
          if (byte != pattern(at++)) FAIL("byte ", at - 1, " is wrong");
        return from.size();
      });
  read_by_program_ += taken;
  return taken;
}

std::vector<PacketBuffer*> ConnectionScript::take_buffers() {
  std::vector<PacketBuffer*> taken;
  while (PacketBuffer* const buffer = pool_.allocate()) taken.push_back(buffer);
  return taken;
}

uint32_t ConnectionScript::events() {
  const uint32_t result = owner_.events;
  owner_.events = 0;
  return result;
}

void ConnectionScript::advance(Nanoseconds time) {
  const Nanoseconds end = now + time;
  while (const auto at = wheel_.next()) {
    if (*at > end) break;
    if (*at > now) now = *at;
    while (wheel_.run(now)) {
    }
    flush();
  }
  now = end;
}

}  // namespace plumbline::net::tcp
