#include "port/offload_vhost_port.hh"
#include "port/packet_port.hh"
#include "port/port.hh"
#include "port/raw_packet_port.hh"
#include "port/vhost_port.hh"

namespace plumbline::generator {

std::unique_ptr<Port> open_port(const DeviceDescription& device, int core) {
  if (device.kind == DeviceKind::kVhost)
    return std::make_unique<VhostPort>(device.path, device.queues, core);
  return std::make_unique<PacketPort>(device.path, core);
}

std::unique_ptr<OffloadPort> open_offload_port(const DeviceDescription& device, int core) {
  if (device.kind == DeviceKind::kVhost)
    return std::make_unique<OffloadVhostPort>(device.path, device.queues, core);
  return std::make_unique<RawPacketPort>(device.path, core);
}

}  // namespace plumbline::generator
