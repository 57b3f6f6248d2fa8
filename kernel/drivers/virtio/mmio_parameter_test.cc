#include "drivers/virtio/mmio_parameter.hh"

#include <doctest/doctest.h>

using plumbline::virtio::parse_mmio_parameter;

TEST_CASE("what QEMU's microvm appends") {
  const auto parameter = parse_mmio_parameter("512@0xfeb00e00:12");
  REQUIRE(parameter);
  CHECK(parameter->size == 512);
  CHECK(parameter->base == 0xfeb00e00);
  CHECK(parameter->gsi == 12);
}

TEST_CASE("suffixes, an id, decimal and hexadecimal numbers") {
  CHECK(parse_mmio_parameter("4K@0xd0000000:5:7")->size == 4096);
  CHECK(parse_mmio_parameter("1M@0xd0000000:0x18")->gsi == 24);
  CHECK(parse_mmio_parameter("0x200@4273995776:0")->base == 4273995776);
}

TEST_CASE("anything else is refused") {
  for (const char* text : {"", "512", "512@", "512@0xfeb00000", "512@0xfeb00000:", "@0xfeb00000:5",
                           "512@0xfeb00000:5x", "512@0xfeb00000:5:", "512@0xfeb00002:5",
                           "0@0xfeb00000:5", "16@0xfeb00000:5", "512@0x1000:5", "512@0xffffff00:5",
                           "512@0x1feb00000:5", "512@0xfeb00000:99999", "2048K@0xd0000000:5",
                           "99999999999999999999@0xfeb00000:5", "-1@0xfeb00000:5"})
    CHECK_MESSAGE(!parse_mmio_parameter(text), text);
}
