// AF_UNIX sockets against what Linux does.
#include "linux/sockets/control_buffer.hh"
#include "linux/sockets/unix_test.hh"

namespace plumbline::linux_abi {
namespace {

using namespace test;

// Ancillary data with one header and descriptors behind it.
std::string rights(std::initializer_list<int> descriptors) {
  std::string control(kControlHeader + descriptors.size() * 4, '\0');
  store_unaligned(control.data(), std::uint64_t{control.size()});
  store_unaligned(control.data() + 8, kLevelSocket);
  store_unaligned(control.data() + 12, kControlRights);
  std::size_t at = kControlHeader;
  for (const int descriptor : descriptors) {
    store_unaligned(control.data() + at, descriptor);
    at += 4;
  }
  return control;
}
Status parse(SendControl& control, const std::string& bytes) {
  return parse_control(control, kFamilyUnix, std::as_bytes(std::span(bytes.data(), bytes.size())));
}

TEST_CASE("which sockets there are") {
  const Program program;
  CHECK(error_of(make_socket(kFamilyUnix, 4, 0, 0)) == "ESOCKTNOSUPPORT");
  CHECK(error_of(make_socket(kFamilyUnix, 1, 1, 0)) == "ok");
  CHECK(error_of(make_socket(kFamilyUnix, 1, 2, 0)) == "EPROTONOSUPPORT");
  CHECK(error_of(make_socket(kFamilyUnix, 3, 0, 0)) == "ok");
  CHECK(error_of(make_socket(99, 1, 0, 0)) == "EAFNOSUPPORT");
  CHECK(error_of(make_socket(kFamilyInternet, 2, 6, 0)) == "EPROTONOSUPPORT");
  CHECK(error_of(make_socket(kFamilyInternet, 5, 0, 0)) == "ESOCKTNOSUPPORT");
  CHECK(error_of(make_socket(kFamilyInternet, 77, 0, 0)) == "EINVAL");
  CHECK(error_of(make_socket(kFamilyInternet6, 2, 0, 0)) == "EAFNOSUPPORT");
  CHECK(error_of(make_socket_pair(kFamilyInternet, 2, 0, 0)) == "EOPNOTSUPP");
}

TEST_CASE("descriptors travel, and close when nobody takes them") {
  const Program program;
  HostedProgram& hosted = HostedProgram::instance();
  auto [a, b] = make_pair(kStream);
  auto [passed, other] = make_pair(kStream);
  const int descriptor = *install_descriptor(passed, false);
  passed = nullptr;
  const auto send_rights = [&](std::string_view bytes) {
    SendControl control;
    REQUIRE(parse(control, rights({descriptor, descriptor})));
    SendRequest request;
    request.control = &control;
    REQUIRE(send(*a, bytes, request));
  };
  send_rights("one");
  send_rights("two");
  send_rights("three");
  hosted.descriptors.clear();
  std::array<std::byte, 64> control_bytes{};
  const auto control_at = reinterpret_cast<std::uint64_t>(control_bytes.data());
  {
    ControlWriter control(control_at, control_bytes.size());
    // A read stops at the end of the message that has descriptors.
    CHECK(receive(*b, 100, 0, &control).bytes == "one");
    CHECK(control.used() == kControlHeader + 8);
    CHECK(hosted.descriptors.size() == 2);
    CHECK(text(send(*Socket::of(*hosted.descriptors[0]), "through")) == "7");
    CHECK(take(*other) == "through");
  }
  {
    // Room for one of two.
    ControlWriter control(control_at, kControlHeader + 4);
    CHECK(receive(*b, 100, 0, &control).bytes == "two");
    CHECK(control.truncated());
    CHECK(hosted.descriptors.size() == 3);
  }
  hosted.descriptors.clear();
  CHECK((other->poll() & kPollHangup) == 0);
  b = nullptr;
  // What was on its way is closed with the socket it was on its way to.
  CHECK((other->poll() & kPollHangup) != 0);
}

TEST_CASE("a long chain of sockets inside sockets closes without depth") {
  const Program program;
  HostedProgram& hosted = HostedProgram::instance();
  auto [last, end] = make_pair(kStream);
  for (int i = 0; i < 20000; ++i) {
    auto [a, b] = make_pair(kStream);
    const int descriptor = *install_descriptor(std::move(last), false);
    SendControl control;
    REQUIRE(parse(control, rights({descriptor})));
    SendRequest request;
    request.control = &control;
    REQUIRE(send(*a, "x", request));
    hosted.descriptors.clear();
    last = std::move(b);
  }
  CHECK((end->poll() & kPollHangup) == 0);
  last = nullptr;
  CHECK((end->poll() & kPollHangup) != 0);
}

TEST_CASE("wrong ancillary data") {
  const Program program;
  SendControl control;
  CHECK(text(parse(control, rights({999}))) == "EBADF");
  std::string bytes = rights({});
  store_unaligned(bytes.data() + 12, 77);
  CHECK(text(parse(control, bytes)) == "EINVAL");
  store_unaligned(bytes.data() + 8, 77);
  CHECK(text(parse(control, bytes)) == "0");
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{17},
                                     ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    store_unaligned(bytes.data(), length);
    CHECK(text(parse(control, bytes)) == "EINVAL");
  }
  CHECK(text(parse(control, "short")) == "0");
}

TEST_CASE("credentials") {
  const Program program;
  auto [a, b] = make_pair(kStream);
  REQUIRE(set(*b, 1, 16, 1) == "0");
  HostedProgram::instance().credentials = {200, 5, 6};
  REQUIRE(send(*a, "first"));
  HostedProgram::instance().credentials = {201, 5, 6};
  REQUIRE(send(*a, "second"));
  alignas(8) std::array<std::byte, 64> bytes{};
  ControlWriter control(reinterpret_cast<std::uint64_t>(bytes.data()), bytes.size());
  // Bytes of two senders are not given in one piece.
  CHECK(receive(*b, 100, 0, &control).bytes == "first");
  CHECK(load_unaligned<ProcessCredentials>(bytes.data() + kControlHeader) ==
        ProcessCredentials{200, 5, 6});
  CHECK(control.used() == 32);
  CHECK(take(*b) == "second");
}

TEST_CASE("options") {
  const Program program;
  auto [a, b] = make_pair(kStream);
  CHECK(get(*a, 1, 8) == "212992");
  CHECK(set(*a, 1, 8, 1) == "0");
  CHECK(get(*a, 1, 8) == "2304");
  CHECK(set(*a, 1, 7, 1) == "0");
  CHECK(get(*a, 1, 7) == "4608");
  CHECK(set(*a, 1, 7, 1 << 28) == "0");
  CHECK(get(*a, 1, 7) == "425984");
  CHECK(set(*a, 6, 1, 1) == "EOPNOTSUPP");
  CHECK(get(*a, 6, 1) == "EOPNOTSUPP");
  CHECK(set(*a, 1, 999, 1) == "ENOPROTOOPT");
  CHECK(get(*a, 1, 999) == "ENOPROTOOPT");
  CHECK(set(*a, 1, 3, 1) == "ENOPROTOOPT");
  CHECK(get(*a, 1, 3) == "1");
  CHECK(get(*a, 1, 39) == "1");
  CHECK(get(*a, 1, 38) == "0");
  CHECK(get(*a, 1, 42) == "-1");
  CHECK(set(*a, 1, 2, std::array<char, 3>{}) == "EINVAL");
  CHECK(text(a->set_option(1, 2, 0, 4)) == "EFAULT");
  CHECK(text(a->get_option(1, 3, 0, 4)) == "EFAULT");
  CHECK(text(a->get_option(1, 3, 0, -1)) == "EINVAL");
  struct TimeValue {
    std::int64_t seconds, microseconds;
  };
  CHECK(set(*a, 1, 20, TimeValue{0, 1000001}) == "EDOM");
  CHECK(set(*a, 1, 20, 5000) == "EINVAL");
}

}  // namespace
}  // namespace plumbline::linux_abi
