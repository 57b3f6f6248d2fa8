#include "net/simulator/dialogues.hh"

#include <algorithm>

namespace plumbline::net::simulator {
namespace {

using enum Script::Ending;

// Waits for the other's end.
Script listener(uint64_t total = 0) {
  Script script{.total = total};
  script.ending = kAfterPeer;
  return script;
}
Script ending(Script script, Script::Ending how, uint64_t bytes = 0) {
  script.ending = how;
  script.ending_bytes = bytes;
  return script;
}
// Requests of one size, responses of another, so often.
Dialogue exchange(uint64_t request, uint64_t response, uint64_t times) {
  Dialogue dialogue;
  dialogue.client = {.total = request * times, .first = request, .unit = response, .each = request};
  dialogue.server = {.total = response * times, .first = 0, .unit = request, .each = response};
  dialogue.server.ending = kAfterPeer;
  return dialogue;
}

constexpr DialogueKind kKinds[] = {
    {"upload", "the client sends, the server reads",
     [](Random&, uint64_t bytes) {
       return std::vector<Dialogue>{{.client = {.total = bytes}, .server = listener()}};
     }},
    {"download", "the server sends and closes, the client reads",
     [](Random&, uint64_t bytes) {
       return std::vector<Dialogue>{
           {.client = listener(), .server = ending({.total = bytes}, kWhenSent)}};
     }},
    {"both-ways", "both send at once and close when they have everything",
     [](Random&, uint64_t bytes) {
       return std::vector<Dialogue>{
           {.client = {.total = bytes / 2}, .server = {.total = bytes / 2}}};
     }},
    {"half-close", "the client sends and finishes, then the server answers",
     [](Random&, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes / 4}};
       dialogue.server = {
           .total = bytes * 3 / 4, .first = 0, .unit = bytes / 4, .each = bytes * 3 / 4};
       return std::vector<Dialogue>{dialogue};
     }},
    {"small-requests", "requests of 100 bytes, responses of 600",
     [](Random&, uint64_t bytes) {
       return std::vector<Dialogue>{exchange(100, 600, std::max<uint64_t>(bytes / 5000, 10))};
     }},
    {"large-requests", "requests of 3,000 bytes, responses of 50,000",
     [](Random&, uint64_t bytes) {
       return std::vector<Dialogue>{exchange(3000, 50'000, std::max<uint64_t>(bytes / 53'000, 3))};
     }},
    {"pipelined", "sixteen requests of 40 bytes at once, TCP_NODELAY",
     [](Random&, uint64_t bytes) {
       Dialogue dialogue = exchange(40, 100, std::max<uint64_t>(bytes / 2000, 32));
       dialogue.client.first = 16 * 40;
       dialogue.client.write_size = 40;
       dialogue.server.write_size = 100;
       dialogue.client_no_delay = dialogue.server_no_delay = true;
       return std::vector<Dialogue>{dialogue};
     }},
    {"trickle", "writes of 1 to 300 bytes with pauses, Nagle's algorithm",
     [](Random& random, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes / 20}, .server = listener()};
       dialogue.client.write_size = random.between(1, 300);
       dialogue.client.write_gap = microseconds(random.between(10, 20'000));
       return std::vector<Dialogue>{dialogue};
     }},
    {"trickle-no-delay", "the same with TCP_NODELAY",
     [](Random& random, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes / 20}, .server = listener()};
       dialogue.client.write_size = random.between(20, 300);
       dialogue.client.write_gap = microseconds(random.between(10, 20'000));
       dialogue.client_no_delay = true;
       return std::vector<Dialogue>{dialogue};
     }},
    {"slow-reader", "the reader takes 1 to 5 KB at a time and pauses",
     [](Random& random, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes / 2}, .server = listener()};
       dialogue.server.read_size = random.between(1000, 5000);
       dialogue.server.read_gap = microseconds(random.between(100, 10'000));
       return std::vector<Dialogue>{dialogue};
     }},
    {"tiny-reader", "the reader takes 50 bytes at a time: silly windows",
     [](Random&, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes}, .server = listener()};
       dialogue.server.read_from = seconds(1);
       dialogue.server.read_size = 50;
       dialogue.server.read_gap = microseconds(20);
       return std::vector<Dialogue>{dialogue};
     }},
    {"stall", "the reader stops for 20 s with a full window, then goes on",
     [](Random&, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes}, .server = listener()};
       dialogue.server.read_from = milliseconds(10);
       dialogue.server.stall_after = bytes / 4;
       dialogue.server.stall_time = seconds(20);
       return std::vector<Dialogue>{dialogue};
     }},
    {"pauses", "bulk, silence of 3 s, bulk again",
     [](Random&, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes}, .server = listener()};
       dialogue.client.write_size = bytes / 3 + 1;
       dialogue.client.write_gap = seconds(3);
       return std::vector<Dialogue>{dialogue};
     }},
    {"empty", "connections that carry nothing",
     [](Random& random, uint64_t) {
       std::vector<Dialogue> dialogues;
       for (int i = 0; i < 10; ++i)
         dialogues.push_back({.client = {},
                              .server = i % 2 == 0 ? listener() : Script{},
                              .start = microseconds(random.below(100'000))});
       return dialogues;
     }},
    {"one-byte", "one byte each way",
     [](Random& random, uint64_t) {
       std::vector<Dialogue> dialogues;
       for (int i = 0; i < 10; ++i) {
         dialogues.push_back(exchange(1, 1, 1));
         dialogues.back().start = microseconds(random.below(100'000));
       }
       return dialogues;
     }},
    {"many", "40 connections at once, of all sizes",
     [](Random& random, uint64_t bytes) {
       std::vector<Dialogue> dialogues;
       for (int i = 0; i < 40; ++i) {
         const uint64_t size = random.between(1, bytes / 20 + 1);
         dialogues.push_back(random.chance(0.5)
                                 ? exchange(random.between(1, 3000), size, random.between(1, 3))
                                 : Dialogue{.client = {.total = size}, .server = {.total = size}});
         dialogues.back().start = microseconds(random.below(200'000));
         dialogues.back().client_no_delay = random.chance(0.5);
       }
       return dialogues;
     }},
    {"abort-sender", "the sender resets in the middle",
     [](Random&, uint64_t bytes) {
       return std::vector<Dialogue>{{.client = ending({.total = bytes}, kAbortSent, bytes / 2),
                                     .server = listener(),
                                     .server_keepalive = true}};
     }},
    {"abort-reader", "the reader resets in the middle",
     [](Random&, uint64_t bytes) {
       return std::vector<Dialogue>{
           {.client = {.total = bytes}, .server = ending({}, kAbortRead, bytes / 2)}};
     }},
    {"close-unread", "the reader closes with data unread and more to come",
     [](Random&, uint64_t bytes) {
       Dialogue dialogue{.client = {.total = bytes}, .server = ending({}, kClosedRead, bytes / 2)};
       dialogue.server.read_size = 1000;
       dialogue.server.read_gap = microseconds(50);
       return std::vector<Dialogue>{dialogue};
     }},
};

}  // namespace

std::span<const DialogueKind> dialogue_kinds() { return kKinds; }

}  // namespace plumbline::net::simulator
