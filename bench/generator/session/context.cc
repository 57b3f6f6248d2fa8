#include "session/context.hh"

#include <nlohmann/json.hpp>

#include "session/event.hh"

namespace plumbline::generator {

bool Context::check_link() {
  const bool up = port.link_up();
  if (up != link_was_up) {
    link_was_up = up;
    if (up) ++link_ups;
    emit({{"event", "link"}, {"up", up}, {"atNs", monotonic_ns()}});
  }
  return up;
}

}  // namespace plumbline::generator
