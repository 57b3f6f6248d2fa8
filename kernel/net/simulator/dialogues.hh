// What the suite's applications do, by name.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "net/simulator/application.hh"
#include "net/simulator/random.hh"

namespace plumbline::net::simulator {

// One connection.
struct Dialogue {
  Script client{};
  Script server{};
  Nanoseconds start{};
  bool client_no_delay = false;  // TCP_NODELAY
  bool server_no_delay = false;
  // A reader whose peer may vanish must ask; a RST that is lost is not sent again.
  bool server_keepalive = false;
};

struct DialogueKind {
  std::string_view name;
  std::string_view text;  // for --list
  // `bytes`: about as many are sent in all.
  std::vector<Dialogue> (*make)(Random& random, uint64_t bytes);
};

std::span<const DialogueKind> dialogue_kinds();

}  // namespace plumbline::net::simulator
