#include "net/tcp/sequence.hh"

#include <doctest/doctest.h>

namespace plumbline::net::tcp {
namespace {

TEST_CASE("numbers are compared around the end of their range") {
  const Sequence before{0xfffffff0}, behind{0x10};
  CHECK(before < behind);
  CHECK(before <= behind);
  CHECK(behind > before);
  CHECK(behind >= before);
  CHECK_FALSE(behind < before);
  CHECK(behind - before == 0x20);
  CHECK(before - behind == -0x20);
  CHECK(before + 0x20 == behind);
  CHECK(behind - 0x20U == before);
  CHECK(earlier(before, behind) == before);
  CHECK(later(before, behind) == behind);
  CHECK(before <= before);
  CHECK_FALSE(before < before);
}

TEST_CASE("a range across the end contains what lies on both sides") {
  const SequenceRange range{{0xfffffff0}, {0x10}};
  CHECK(range.length() == 0x20);
  CHECK(range.contains(Sequence{0xfffffff0}));
  CHECK(range.contains(Sequence{0}));
  CHECK(range.contains(Sequence{0xf}));
  CHECK_FALSE(range.contains(Sequence{0x10}));
  CHECK_FALSE(range.contains(Sequence{0xffffffef}));
  CHECK(range.contains(SequenceRange{{0xfffffff8}, {8}}));
  CHECK_FALSE(range.contains(SequenceRange{{0xfffffff8}, {0x11}}));
  CHECK_FALSE(SequenceRange{{5}, {5}}.contains(Sequence{5}));
}

}  // namespace
}  // namespace plumbline::net::tcp
