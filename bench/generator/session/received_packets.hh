// A burst of received packets, given back at the end of its scope.
#pragma once

#include <cstdint>
#include <span>

#include "port/port.hh"

namespace plumbline::generator {

class ReceivedPackets {
 public:
  explicit ReceivedPackets(Port& port) : port_(port), burst_(port.receive()) {}
  ~ReceivedPackets() {
    if (!burst_.frames.empty()) port_.release();
  }
  ReceivedPackets(const ReceivedPackets&) = delete;
  ReceivedPackets& operator=(const ReceivedPackets&) = delete;

  // True when the port had work, with or without a packet to show for it.
  bool busy() const { return burst_.busy; }
  size_t count() const { return burst_.frames.size(); }
  auto begin() const { return burst_.frames.begin(); }
  auto end() const { return burst_.frames.end(); }

 private:
  Port& port_;
  Port::Burst burst_;
};

}  // namespace plumbline::generator
