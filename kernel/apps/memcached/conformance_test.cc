// The same requests to this server and to the real memcached, over UDP on the loopback interface:
// answers must be equal byte for byte, but for the differences named in README.md.
//
// The real one comes from Debian's package, unpacked under build/ (the workbench fetches it for its
// Linux subjects); PLUMBLINE_MEMCACHED names another. Without one the test fails and says so.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "apps/memcached/test_server.hh"

namespace plumbline::memcached {
namespace {

std::string find_memcached() {
  if (const char* given = std::getenv("PLUMBLINE_MEMCACHED")) return given;
  // The test runs somewhere below build/.
  for (auto at = std::filesystem::current_path(); at.has_relative_path(); at = at.parent_path()) {
    if (at.filename() != "build") continue;
    const auto options = std::filesystem::directory_options::skip_permission_denied;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(at, options))
      // Not the package's start script of the same name.
      if (entry.path().string().ends_with("/usr/bin/memcached") && entry.is_regular_file() &&
          access(entry.path().c_str(), X_OK) == 0)
        return entry.path();
    break;
  }
  return access("/usr/bin/memcached", X_OK) == 0 ? "/usr/bin/memcached" : "";
}

// A memcached on a free UDP port of the loopback interface, ended with this object.
class RealMemcached {
 public:
  explicit RealMemcached(const std::string& program) {
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A port that was free a moment ago.
    const int probe = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof address;
    bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address);
    getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length);
    close(probe);
    const std::string port = std::to_string(ntohs(address.sin_port));
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execl(program.c_str(), "memcached", "-u", "nobody", "-U", port.c_str(), "-p", "0", "-l",
            "127.0.0.1", "-t", "1", "-m", "64", static_cast<char*>(nullptr));
      _exit(127);
    }
    connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    // Ready when it answers; 5 s at most.
    for (int i = 0; i < 50 && !ready_; ++i) ready_ = !ask("version\r\n", 100).empty();
  }
  ~RealMemcached() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    close(socket_);
  }
  RealMemcached(const RealMemcached&) = delete;
  RealMemcached& operator=(const RealMemcached&) = delete;

  bool ready() const { return ready_; }
  // The answers' texts put together. A `version` behind the request marks the end of its answer.
  std::string ask(const std::string& commands, int wait_ms = 3000) {
    const uint16_t id = ++id_;
    const uint16_t end_id = ++id_;
    for (const auto& [text, number] : {std::pair{commands, id}, {std::string("mn\r\n"), end_id}}) {
      const std::string datagram = TestServer::framed(text, number);
      if (send(socket_, datagram.data(), datagram.size(), 0) < 0) {
        usleep(static_cast<useconds_t>(wait_ms) * 1000);
        return "";
      }
    }
    std::string answer;
    std::array<char, 65536> buffer;
    pollfd waiting{socket_, POLLIN, 0};
    while (poll(&waiting, 1, wait_ms) > 0) {
      const ssize_t length = recv(socket_, buffer.data(), buffer.size(), 0);
      if (length < 0) {
        usleep(static_cast<useconds_t>(wait_ms) * 1000);
        return "";
      }
      const auto got = load_be16(reinterpret_cast<const std::byte*>(buffer.data()));
      if (got == end_id) return answer.empty() ? "(nothing)" : answer;
      if (got == id) answer.append(buffer.data() + 8, static_cast<size_t>(length) - 8);
    }
    return answer;
  }

 private:
  int socket_ = -1;
  pid_t child_ = -1;
  bool ready_ = false;
  uint16_t id_ = 0;
};

TEST_CASE("answers are memcached's, byte for byte") {
  const std::string program = find_memcached();
  REQUIRE_MESSAGE(!program.empty(),
                  "no memcached to compare with: run the bench once (it unpacks Debian's under "
                  "build/), install memcached, or set PLUMBLINE_MEMCACHED");
  RealMemcached real(program);
  REQUIRE_MESSAGE(real.ready(), "memcached does not answer: ", program);
  TestServer ours(8 << 20);
  const std::string big(3000, 'b');
  const std::string key250(250, 'k');
  const std::string key251(251, 'k');
  const std::string requests[] = {
      "get a\r\n",
      "set a 1 0 3\r\nabc\r\n",
      "get a\r\n",
      "gets a\r\n",
      "get a\n",
      "get a b a\r\n",
      "get  a\r\n",
      " get a\r\n",
      "get a \r\n",
      "get\r\n",
      "gets\r\n",
      "GET a\r\n",
      "foo\r\n",
      "\r\n",
      "set a 1 0 3\r\nabcdefgh\r\n",
      "get a\r\n",
      "set a 1 0 -1\r\nabc\r\n",
      "set a x 0 3\r\nabc\r\n",
      "set a 1 x 3\r\nabc\r\n",
      "set a 1 0 x\r\nabc\r\n",
      "set a 1 0 3 noreply\r\nabX\r\n",
      "get a\r\n",
      "set a 1 0 3 foo\r\nabc\r\n",
      "set a 1 0\r\nabc\r\n",
      "set a 1 0 3 4 5\r\nabc\r\n",
      "set " + key250 + " 0 0 1\r\na\r\n",
      "get " + key250 + "\r\n",
      "set " + key251 + " 0 0 1\r\na\r\n",
      "get " + key251 + "\r\n",
      "delete " + key251 + "\r\n",
      "incr " + key251 + " 1\r\n",
      "touch " + key251 + " 1\r\n",
      "add a 0 0 1\r\nz\r\n",
      "add new 9 0 1\r\nz\r\n",
      "replace zz 0 0 1\r\nz\r\n",
      "append a 0 0 2\r\nZZ\r\n",
      "prepend a 9 0 2\r\nYY\r\n",
      "get a\r\n",
      "cas a 0 0 1 999999\r\nz\r\n",
      "cas nope 0 0 1 999\r\nz\r\n",
      "cas a 0 0 1\r\nz\r\n",
      "cas a 0 0 1 x\r\nz\r\n",
      "incr a 1\r\n",
      "set n 5 0 2\r\n10\r\n",
      "incr n 5\r\n",
      "decr n 6\r\n",
      "get n\r\n",
      "decr n 100\r\n",
      "get n\r\n",
      "incr n x\r\n",
      "incr n -1\r\n",
      "incr n 18446744073709551615\r\n",
      "get n\r\n",
      "incr n 1\r\n",
      "get n\r\n",
      "incr nope 1\r\n",
      "incr n\r\n",
      "incr n 1 noreply\r\n",
      "get n\r\n",
      "touch n 0\r\n",
      "touch nope 0\r\n",
      "touch n x\r\n",
      "touch n\r\n",
      "gat 0 n\r\n",
      "gat 100 n nope\r\n",
      "gat n\r\n",
      "gat x n\r\n",
      "gat 0\r\n",
      "gat\r\n",
      "delete n\r\n",
      "delete n\r\n",
      "delete n 0\r\n",
      "delete n 5\r\n",
      "delete n noreply\r\n",
      "delete\r\n",
      "delete a b c d\r\n",
      "set a 0 0 1\r\n1\r\nget a\r\n",
      "get a\r\nget a\r\n",
      "verbosity 1\r\n",
      "verbosity\r\n",
      "verbosity 1 noreply\r\n",
      "set e 0 -1 1\r\n1\r\n",
      "get e\r\n",
      "set e 4294967295 0 1\r\n1\r\n",
      "get e\r\n",
      "set e -1 0 1\r\n1\r\n",
      "set e 0 0 3000\r\n" + big + "\r\n",
      "get e\r\n",
      "append e 0 0 3000\r\n" + big + "\r\n",
      "get e\r\n",
      "set e 0 0 0\r\n\r\n",
      "get e\r\n",
      "set e 0 2592000 1\r\n1\r\n",
      "get e\r\n",
      "set e 0 2592001 1\r\n1\r\n",
      "get e\r\n",
      "foo noreply\r\n",
      "shutdown\r\n",
      "stats reset\r\n",
      "stats foo\r\n",
      "flush_all\r\n",
      "get a\r\n",
      "flush_all x\r\n",
      "flush_all 0 noreply\r\n",
      "flush_all 1 2 3\r\n",
      "flush_all 100\r\n",
  };
  for (const std::string& request : requests) {
    CAPTURE(request);
    std::string answer = ours.ask(request);
    if (answer.empty()) answer = "(nothing)";
    CHECK(answer == real.ask(request));
  }
}

}  // namespace
}  // namespace plumbline::memcached
