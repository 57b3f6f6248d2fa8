// The judges of all connections between two hosts: shows each what its end sends and gets.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "net/simulator/endpoint_checker.hh"

namespace plumbline::net::simulator {

enum class Side : uint8_t { kClient, kServer };
constexpr Side other(Side side) { return side == Side::kClient ? Side::kServer : Side::kClient; }

class WireJudge {
 public:
  // `seed`: of the byte patterns. All connections go from the client's host to one port.
  WireJudge(uint64_t seed, Violations& violations) : seed_(seed), violations_(violations) {}

  // A connection from this port of the client is about to be opened.
  void expect(uint16_t client_port, const EndpointRules& client, const EndpointRules& server);

  // A frame leaves a host.
  void sent(Side side, std::span<const std::byte> frame, Nanoseconds now);
  // A frame arrived and the host is about to look at it. False: it is damaged.
  bool received(Side side, std::span<const std::byte> frame, Nanoseconds now);
  // The host has dealt with everything that arrived.
  void idle(Side side, Nanoseconds now);
  // See EndpointChecker.
  void written(Side side, uint16_t client_port, uint64_t bytes);
  void packet_too_big(Side side, std::span<const std::byte> refused, uint32_t mtu, Nanoseconds now);

  // Sums over all connections.
  EndpointFigures figures(Side side) const;

 private:
  struct Pair {
    EndpointChecker client, server;
    EndpointChecker& of(Side side) { return side == Side::kClient ? client : server; }
  };

  Pair* find(Side sender, const ObservedSegment& segment);

  uint64_t seed_;
  Violations& violations_;
  std::map<uint16_t, std::unique_ptr<Pair>> pairs_;
  std::vector<EndpointChecker*> touched_[2];
};

}  // namespace plumbline::net::simulator
