#include "session/conversation.hh"

#include <cstring>

namespace plumbline::generator {

namespace {

HostConfiguration configure(const Context& context, Nanoseconds first_timeout) {
  HostConfiguration configuration;
  configuration.own = context.own;
  configuration.peer = context.peer;
  configuration.initial_timeout = first_timeout;
  configuration.syn_retries = 16;
  return configuration;
}

}  // namespace

Conversation::Conversation(Context& context, uint16_t port, Nanoseconds first_timeout)
    : host_(*context.offload, configure(context, first_timeout), context.scale,
            [&context](std::span<const uint8_t> frame) { context.handle_other(frame); }) {
  net::tcp::Owner::notify = notify;
  connection_ = host_.connect(0, port, *this);
  if (connection_ == nullptr) state_ = State::kEnded;
}

Conversation::~Conversation() {
  if (connection_ != nullptr) connection_->abort(host_.now());
}

void Conversation::notify(net::tcp::Owner& owner, net::tcp::Connection&, uint32_t events) {
  static_cast<Conversation&>(owner).events_ |= events;
}

void Conversation::poll() {
  using namespace net::tcp;
  host_.receive();
  const uint32_t events = events_;
  events_ = 0;
  if (connection_ != nullptr) {
    if ((events & kConnected) != 0) state_ = State::kOpen;
    connection_->read(connection_->readable(), host_.now(),
                      [this](std::span<const std::byte> from) {
                        received_.append(reinterpret_cast<const char*>(from.data()), from.size());
                        return from.size();
                      });
    if ((events & (kPeerClosed | kFailed | kClosed)) != 0) {
      state_ = State::kEnded;
    } else if (state_ == State::kOpen && !unsent_.empty()) {
      const char* from = unsent_.data();
      const uint32_t taken = connection_->send(static_cast<uint32_t>(unsent_.size()), false,
                                               host_.now(), [&](std::span<std::byte> to) {
                                                 std::memcpy(to.data(), from, to.size());
                                                 from += to.size();
                                                 return to.size();
                                               });
      unsent_.erase(0, taken);
    }
  }
  host_.flush();
}

}  // namespace plumbline::generator
