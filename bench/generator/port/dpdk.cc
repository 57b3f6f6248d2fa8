#include "port/dpdk.hh"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_version.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace plumbline::generator {

void start_dpdk(int core, const std::vector<std::string>& devices) {
  std::vector<std::string> arguments = {"plumbline-generator",
                                        "--lcores",
                                        "0@" + std::to_string(core),
                                        "--no-huge",
                                        "--no-shconf",
                                        "-m",
                                        "256",
                                        "--no-pci",
                                        "--no-telemetry",
                                        "--file-prefix",
                                        "plumbline-" + std::to_string(getpid()),
                                        "--log-level",
                                        "lib.*:warning",
                                        "--log-level",
                                        "pmd.*:warning"};
  for (const std::string& device : devices) {
    arguments.emplace_back("--vdev");
    arguments.push_back(device);
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  rte_openlog_stream(stderr);
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
    throw std::runtime_error(std::string("DPDK does not start: ") + rte_strerror(rte_errno));
  }
  // Without shared configuration, multi-process sockets and telemetry nothing is ever put there;
  // removed now, nothing stays behind even when this process is killed.
  std::error_code ignored;
  std::filesystem::remove(rte_eal_get_runtime_dir(), ignored);
}

void stop_dpdk() { rte_eal_cleanup(); }
std::string dpdk_version() { return rte_version(); }
double tsc_hz() { return static_cast<double>(rte_get_tsc_hz()); }

}  // namespace plumbline::generator
