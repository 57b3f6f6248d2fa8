// One case of the suite: two hosts, a path, a dialogue, a seed.
#pragma once

#include <cstdint>
#include <string>

#include "net/simulator/dialogues.hh"
#include "net/simulator/host.hh"
#include "net/simulator/impairments.hh"
#include "net/simulator/violations.hh"
#include "net/simulator/wire_judge.hh"

namespace plumbline::net::simulator {

struct SimulationOptions {
  Path path;
  std::vector<Dialogue> dialogues;
  HostOptions client;
  HostOptions server;
  uint64_t seed = 1;
  Nanoseconds deadline = seconds(1200);  // of virtual time, for everything that applications do
  std::string pcap;                      // file; empty: none
  bool trace = false;                    // every segment on standard output
};

struct SimulationResult {
  Violations violations;
  std::string trouble;  // not of the stack: the capture could not be written
  EndpointFigures client, server;
  LinkCounters forward, backward;
  tcp::Statistics client_statistics, server_statistics;
  Nanoseconds finished;   // the last application
  uint64_t received = 0;  // bytes by all applications
  uint64_t events = 0;
};

SimulationResult simulate(const SimulationOptions& options);

// Hosts that differ by seed: IPv4 or IPv6, segmentation by the card, bursts, buffer sizes,
// congestion control, and TCP options that one of them does without.
void choose_hosts(Random random, HostOptions& client, HostOptions& server);

}  // namespace plumbline::net::simulator
