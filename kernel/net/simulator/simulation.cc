#include "net/simulator/simulation.hh"

#include <algorithm>
#include <cstdio>

#include "net/simulator/pcap_file.hh"
#include "net/wire/ethernet.hh"

namespace plumbline::net::simulator {
namespace {

constexpr uint16_t kPort = 80;

std::string describe(const Frame& frame) {
  ObservedSegment segment;
  const std::string error = ObservedSegment::parse(frame, segment);
  return error.empty() ? segment.describe() : error;
}

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        random_(options.seed),
        judge_(options.seed, result_.violations),
        forward_(options.path.forward, random_.fork(1)),
        backward_(options.path.backward, random_.fork(2)),
        client_("client", Side::kClient, queue_, judge_, result_.violations, options.client,
                random_.fork(3),
                [this](Frame frame) { transmit(Side::kClient, std::move(frame)); }),
        server_("server", Side::kServer, queue_, judge_, result_.violations, options.server,
                random_.fork(4),
                [this](Frame frame) { transmit(Side::kServer, std::move(frame)); }) {}

  SimulationResult run();

 private:
  struct Conversation {
    std::unique_ptr<Application> client, server;
  };

  void transmit(Side from, Frame frame);
  void open(size_t number);
  bool all_finished() const;
  void settle_accounts();

  const SimulationOptions& options_;
  SimulationResult result_;
  EventQueue queue_;
  Random random_;
  PcapFile pcap_;
  WireJudge judge_;
  Link forward_, backward_;
  Host client_, server_;
  std::map<uint16_t, Conversation> conversations_;
  std::map<uint16_t, StreamOptions> conversation_options_;
  size_t opened_ = 0;
};

void Simulation::transmit(Side from, Frame frame) {
  const bool client = from == Side::kClient;
  Link& link = client ? forward_ : backward_;
  pcap_.write(queue_.now(), frame);
  std::vector<Delivery> deliveries;
  const uint32_t mtu = link.conditions().mtu;
  const auto trace = [&, described = options_.trace ? describe(frame)
                                                    : std::string{}](const std::string& fate) {
    if (options_.trace)
      std::printf("%.6f %s: %s%s\n", static_cast<double>(queue_.now().count) / 1e9,
                  client ? "client" : "server", described.c_str(), fate.c_str());
  };
  if (mtu != 0 && frame.size() > EthernetHeader::kSize + mtu) {
    link.transmit(queue_.now(), frame, deliveries);
    trace("  TOO BIG");
    if (link.conditions().black_hole) return;
    // The router that refused it is half of the way off.
    queue_.after(link.conditions().delay, [this, client, mtu, refused = std::move(frame)] {
      (client ? client_ : server_).packet_too_big(refused, mtu);
    });
    return;
  }
  link.transmit(queue_.now(), std::move(frame), deliveries);
  if (deliveries.empty()) trace("  LOST");
  for (const Delivery& delivery : deliveries)
    trace("  > " + std::to_string(static_cast<double>(delivery.at.count) / 1e9) +
          (delivery.damaged ? " DAMAGED" : ""));
  for (Delivery& delivery : deliveries)
    queue_.at(delivery.at, [this, client, arriving = std::move(delivery.frame)]() mutable {
      (client ? server_ : client_).arrive(std::move(arriving));
    });
}

void Simulation::open(size_t number) {
  const Dialogue& dialogue = options_.dialogues[number];
  ++opened_;
  const auto rules = [&](const HostOptions& host, bool no_delay) {
    return EndpointRules{.mtu = host.mtu,
                         .nagle = !no_delay,
                         .no_retransmissions = options_.path.perfect(),
                         .may_drop = host.buffers < 1024};
  };
  Conversation* conversation = nullptr;
  TcpStream* const stream = client_.connect(
      options_.server.address, kPort, {.no_delay = dialogue.client_no_delay}, [&](uint16_t port) {
        judge_.expect(port, rules(options_.client, dialogue.client_no_delay),
                      rules(options_.server, dialogue.server_no_delay));
        const BytePattern up(options_.seed, port, true), down(options_.seed, port, false);
        conversation = &conversations_[port];
        conversation->client = std::make_unique<Application>(
            "client " + std::to_string(port), queue_, result_.violations, dialogue.client, up,
            Application::Peer{dialogue.server, down});
        conversation->server = std::make_unique<Application>(
            "server of " + std::to_string(port), queue_, result_.violations, dialogue.server, down,
            Application::Peer{dialogue.client, up});
        // accept() finds its options by the port.
        conversation_options_[port] = {.no_delay = dialogue.server_no_delay,
                                       .keepalive = dialogue.server_keepalive};
      });
  if (stream != nullptr) conversation->client->start(*stream);
}

bool Simulation::all_finished() const {
  return opened_ == options_.dialogues.size() &&
         std::ranges::all_of(conversations_, [](const auto& entry) {
           return entry.second.client->finished() && entry.second.server->finished();
         });
}

SimulationResult Simulation::run() {
  if (!options_.pcap.empty()) result_.trouble = pcap_.open(options_.pcap);
  server_.listen(kPort, 128, [this](TcpStream& stream, uint16_t port) {
    const auto found = conversations_.find(port);
    if (found == conversations_.end() || found->second.server->started()) {
      result_.violations.add(queue_.now(), "a connection that nobody opened was accepted");
      stream.abort();
      return;
    }
    stream.set(conversation_options_[port]);
    found->second.server->start(stream);
  });
  for (size_t i = 0; i < options_.dialogues.size(); ++i)
    queue_.at(options_.dialogues[i].start, [this, i] { open(i); });

  while (!all_finished() && queue_.run_one(options_.deadline)) {
  }
  for (const auto& [port, conversation] : conversations_) {
    for (const Application* end : {conversation.client.get(), conversation.server.get()}) {
      result_.finished = std::max(result_.finished, end->finished_at());
      result_.received += end->received();
      if (!end->finished())
        result_.violations.add(queue_.now(), "no end before the deadline: " + end->describe());
    }
  }
  // Both ends reach CLOSED: the last FINs and the 60 s of TIME-WAIT, or the retries of those whose
  // peer is gone.
  const Nanoseconds limit = queue_.now() + seconds(1000);
  while (!(client_.quiet() && server_.quiet()) && queue_.run_one(limit)) {
  }
  settle_accounts();
  client_.finish();
  server_.finish();
  return std::move(result_);
}

void Simulation::settle_accounts() {
  result_.client = judge_.figures(Side::kClient);
  result_.server = judge_.figures(Side::kServer);
  result_.forward = forward_.counters();
  result_.backward = backward_.counters();
  result_.client_statistics = client_.stack().domain().statistics;
  result_.server_statistics = server_.stack().domain().statistics;
  result_.events = queue_.executed();
  if (const std::string error = pcap_.close(); !error.empty()) result_.trouble = error;
}

}  // namespace

SimulationResult simulate(const SimulationOptions& options) { return Simulation(options).run(); }

void choose_hosts(Random random, HostOptions& client, HostOptions& server) {
  const bool v4 = random.chance(0.7);
  client.address =
      v4 ? IpAddress::of(Ipv4Address::of(10, 9, 0, 1)) : IpAddress::of_v6(0x2001'0db8'0000'0000, 1);
  server.address =
      v4 ? IpAddress::of(Ipv4Address::of(10, 9, 0, 2)) : IpAddress::of_v6(0x2001'0db8'0000'0000, 2);
  for (HostOptions* host : {&client, &server}) {
    host->segmentation = random.chance(0.5) ? 61440 : 0;
    host->interrupt_delay =
        random.chance(0.5) ? microseconds(random.between(1, 100)) : Nanoseconds{};
    if (random.chance(0.15)) host->congestion = tcp::CongestionAlgorithm::kReno;
    if (random.chance(0.15)) host->settings.timestamps = false;
    if (random.chance(0.1)) host->settings.selective = false;
    if (random.chance(0.1)) host->settings.window_scaling = false;
    if (random.chance(0.3)) host->settings.ecn = tcp::EcnMode::kAsk;
    if (random.chance(0.2)) {
      host->settings.receive_buffer = static_cast<uint32_t>(random.between(8, 64)) << 10;
      host->settings.receive_buffer_maximum = host->settings.receive_buffer;
    }
    if (random.chance(0.2)) {
      host->settings.send_buffer = static_cast<uint32_t>(random.between(8, 64)) << 10;
      host->settings.send_buffer_maximum = host->settings.send_buffer;
    }
    if (random.chance(0.1)) host->buffers = 256;
  }
}

}  // namespace plumbline::net::simulator
