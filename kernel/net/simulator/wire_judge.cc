#include "net/simulator/wire_judge.hh"

namespace plumbline::net::simulator {

void WireJudge::expect(uint16_t client_port, const EndpointRules& client,
                       const EndpointRules& server) {
  const std::string name = std::to_string(client_port);
  auto pair = std::make_unique<Pair>(Pair{
      EndpointChecker("client " + name, BytePattern(seed_, client_port, true), client, violations_),
      EndpointChecker("server of " + name, BytePattern(seed_, client_port, false), server,
                      violations_)});
  pair->client.set_peer(&pair->server);
  pair->server.set_peer(&pair->client);
  pairs_[client_port] = std::move(pair);
}

WireJudge::Pair* WireJudge::find(Side sender, const ObservedSegment& segment) {
  const uint16_t port = sender == Side::kClient ? segment.source.port : segment.destination.port;
  const auto found = pairs_.find(port);
  return found == pairs_.end() ? nullptr : found->second.get();
}

void WireJudge::sent(Side side, std::span<const std::byte> frame, Nanoseconds now) {
  ObservedSegment segment;
  if (const std::string error = ObservedSegment::parse(frame, segment); !error.empty()) {
    violations_.add(now, "a host sent a bad frame: " + error);
    return;
  }
  Pair* const pair = find(side, segment);
  if (pair == nullptr) {
    violations_.add(now, "a segment of no connection: " + segment.describe());
    return;
  }
  pair->of(side).sent(segment, now);
}

bool WireJudge::received(Side side, std::span<const std::byte> frame, Nanoseconds now) {
  ObservedSegment segment;
  if (!ObservedSegment::parse(frame, segment).empty()) return false;
  Pair* const pair = find(other(side), segment);
  if (pair == nullptr) return true;
  EndpointChecker& checker = pair->of(side);
  checker.received(segment, now);
  touched_[static_cast<int>(side)].push_back(&checker);
  return true;
}

void WireJudge::idle(Side side, Nanoseconds now) {
  for (EndpointChecker* checker : touched_[static_cast<int>(side)]) checker->idle(now);
  touched_[static_cast<int>(side)].clear();
}

void WireJudge::written(Side side, uint16_t client_port, uint64_t bytes) {
  if (const auto found = pairs_.find(client_port); found != pairs_.end())
    found->second->of(side).written(bytes);
}

void WireJudge::packet_too_big(Side side, std::span<const std::byte> refused, uint32_t mtu,
                               Nanoseconds now) {
  ObservedSegment segment;
  if (!ObservedSegment::parse(refused, segment).empty()) return;
  if (Pair* const pair = find(side, segment)) pair->of(side).packet_too_big(mtu, now);
}

EndpointFigures WireJudge::figures(Side side) const {
  EndpointFigures sum;
  for (const auto& [port, pair] : pairs_) {
    const EndpointFigures& one = pair->of(side).figures();
    sum.segments += one.segments;
    sum.data_segments += one.data_segments;
    sum.data_bytes += one.data_bytes;
    sum.again_segments += one.again_segments;
    sum.again_bytes += one.again_bytes;
    sum.needless_bytes += one.needless_bytes;
    sum.by_evidence += one.by_evidence;
    sum.by_probe += one.by_probe;
    sum.by_timeout += one.by_timeout;
    sum.acknowledgements += one.acknowledgements;
    sum.window_probes += one.window_probes;
  }
  return sum;
}

}  // namespace plumbline::net::simulator
