// The boot, in order; kernel/README.md tells the story.
#include <array>
#include <cstring>
#include <new>
#include <string_view>

#include "arch/x86_64/apic.hh"
#include "arch/x86_64/application.hh"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/descriptors.hh"
#include "arch/x86_64/ioapic.hh"
#include "arch/x86_64/paging.hh"
#include "arch/x86_64/vectors.hh"
#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/cpu_table.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "main/main_thread.hh"
#include "main/processors.hh"
#include "memory/address_space.hh"
#include "memory/heap.hh"
#include "memory/pages.hh"
#include "platform/acpi.hh"
#include "platform/fw_cfg.hh"
#include "platform/memory_map.hh"
#include "platform/platform.hh"
#include "platform/pvh.hh"
#include "sched/scheduler.hh"
#include "sched/thread.hh"
#include "sched/thread_state.hh"

extern "C" {
extern char __image_end[];
extern char boot_stack[], boot_stack_end[];
extern plumbline::BootOptionBase* const __start_boot_options[];
extern plumbline::BootOptionBase* const __stop_boot_options[];
}

namespace plumbline {

std::span<BootOptionBase* const> boot_options() {
  return {__start_boot_options, __stop_boot_options};
}

namespace {

// Linux's remnant: QEMU's microvm adds these when ACPI is off; the virtio-mmio driver reads them
// too.
char command_line[2048];
acpi::Tables acpi_tables;
CpuPrivate first_cpu_private;
Thread first_idle_thread;

// Where PVH loaders put their structures: always in RAM below the device hole.
constexpr std::uint64_t kFirmwareLimit = 0xc000'0000;

std::array<std::span<std::byte>, 16> modules;
std::size_t module_count;

std::span<const std::byte> firmware_memory(std::uint64_t address, std::size_t size) {
  if (address == 0 || address >= kFirmwareLimit || size > kFirmwareLimit - address) return {};
  return {to_virtual(PhysicalAddress{address}).as<const std::byte>(), size};
}

PhysicalAddress page_for_table() {
  const PageBlock block = allocate_pages(0, Zeroed::kYes);
  return block ? block.physical() : PhysicalAddress{};
}

const pvh::StartInfo& start_info() {
  const auto bytes = firmware_memory(boot_record.start_info, sizeof(pvh::StartInfo));
  const auto* info = reinterpret_cast<const pvh::StartInfo*>(bytes.data());
  if (info == nullptr || info->magic != pvh::kMagic) {
    panic("no PVH start info at %#x", boot_record.start_info);
  }
  return *info;
}

void copy_command_line(const pvh::StartInfo& info) {
  const auto text = firmware_memory(info.command_line, sizeof command_line);
  if (text.empty()) return;
  const auto* from = reinterpret_cast<const char*>(text.data());
  const std::size_t length = strnlen(from, sizeof command_line);
  if (length == sizeof command_line) {
    log_error("the command line is longer than %zu bytes", sizeof command_line - 1);
    power_off(ExitCode::kBadOption);
  }
  std::memcpy(command_line, from, length);
}

[[noreturn]] void print_help() {
  for (const BootOptionBase* option : boot_options()) {
    char allowed[200];
    describe_allowed(*option, allowed);
    log_raw("%s=  %s: %s\n", option->name, option->help, allowed);
    log_flush();
  }
  power_off(ExitCode::kOk);
}

void parse_command_line() {
  const BootOptionResult result = parse_boot_options(command_line, boot_options());
  const auto name_length = static_cast<int>(result.name.size());
  switch (result.error) {
    case BootOptionError::kNone:
      return;
    case BootOptionError::kHelp:
      print_help();
    case BootOptionError::kUnknown:
      log_error("boot option '%.*s' is unknown; 'help' on the command line lists all", name_length,
                result.name.data());
      break;
    case BootOptionError::kBadValue: {
      char allowed[200];
      describe_allowed(*result.option, allowed);
      log_error("boot option '%.*s': '%.*s' is not allowed; it takes %s", name_length,
                result.name.data(), static_cast<int>(result.value.size()), result.value.data(),
                allowed);
      break;
    }
  }
  power_off(ExitCode::kBadOption);
}

// The loader's list is believed only as far as it names memory that is there: the addresses of all
// modules are checked before one is used.
void find_modules(const pvh::StartInfo& info) {
  if (info.module_count == 0) return;
  const auto list =
      firmware_memory(info.modules, std::size_t{info.module_count} * sizeof(pvh::ModuleEntry));
  const auto map =
      firmware_memory(info.memory_map, info.memory_map_entries * sizeof(pvh::MemoryMapEntry));
  if (list.empty()) panic("the PVH start info has a bad list of modules at %#lx", info.modules);
  const auto* ranges = reinterpret_cast<const pvh::MemoryMapEntry*>(map.data());
  const auto* entry = reinterpret_cast<const pvh::ModuleEntry*>(list.data());
  const std::uint64_t image = kMiB, image_end = to_physical(__image_end).value;
  for (std::uint32_t i = 0; i < info.module_count; ++i) {
    const std::uint64_t address = entry[i].address, size = entry[i].size;
    if (size == 0) continue;
    const auto bytes = firmware_memory(address, size);
    bool is_ram = false;
    for (std::uint32_t r = 0; r < info.memory_map_entries; ++r) {
      is_ram |= ranges[r].type == pvh::kMemoryRam && address >= ranges[r].address &&
                address - ranges[r].address <= ranges[r].size &&
                size <= ranges[r].size - (address - ranges[r].address);
    }
    if (bytes.empty() || !is_ram || (address < image_end && address + size > image))
      panic("boot module %u lies outside of memory, or in the kernel: %#lx, %lu bytes", i, address,
            size);
    if (module_count == modules.size())
      panic("%u boot modules, at most %zu are taken", info.module_count, modules.size());
    modules[module_count++] = {to_virtual(PhysicalAddress{address}).as<std::byte>(), size};
  }
}

void find_memory(const pvh::StartInfo& info, MemoryMap& map) {
  const auto entries =
      firmware_memory(info.memory_map, info.memory_map_entries * sizeof(pvh::MemoryMapEntry));
  if (info.version < 1 || entries.empty()) panic("the PVH start info has no memory map");
  const auto* entry = reinterpret_cast<const pvh::MemoryMapEntry*>(entries.data());
  for (std::uint32_t i = 0; i < info.memory_map_entries; ++i) {
    if (entry[i].type == pvh::kMemoryRam) map.add(entry[i].address, entry[i].size);
  }
  // Page zero stays unmapped after the boot; AP_PAGE is where the other CPUs start.
  map.reserve(0, kPageSize);
  map.reserve(AP_PAGE, kPageSize);
  const std::uint64_t image = kMiB;
  map.reserve(image, to_physical(__image_end).value - image);
  for (const auto table : acpi_tables.all()) {
    map.reserve(to_physical(table.data()).value, table.size());
  }
  for (const auto module : boot_modules()) {
    map.reserve(to_physical(module.data()).value, module.size());
  }
  // Nothing that a 512 GiB direct map cannot reach.
  map.reserve(kDirectMapSize, ~std::uint64_t{0} - kDirectMapSize);
}

// Memory above 4 GiB, which the static page tables do not cover.
void map_high_memory(std::span<const MemoryRange> ranges) {
  for (const MemoryRange& range : ranges) {
    for (std::uint64_t at = align_down(range.begin, kLargePageSize); at < range.end;
         at += kLargePageSize) {
      if (at < 4 * kGiB) continue;
      if (!paging::map_direct_large({at}, paging::Access::kReadWrite)) {
        panic("no memory for the page tables of the memory at %#lx", at);
      }
    }
  }
}

void report_ready(const MemoryMap& map) {
  log_info("plumbline on %s, %u cpu%s, %lu KiB free, tsc %lu kHz", platform().name, cpu_count(),
           cpu_count() == 1 ? "" : "s", map.total() / kKiB, tsc_khz());
}

}  // namespace

std::span<const std::byte> find_acpi_table(std::string_view signature) {
  return acpi_tables.table(signature);
}

std::span<const std::span<std::byte>> boot_modules() { return {modules.data(), module_count}; }

extern "C" [[noreturn]] void kernel_main() {
  PerCpu& here = boot_per_cpu;
  here.self = &here;
  here.arch = &first_cpu_private;
  here.masked_by_host = boot_record.is_kvm_pvm != 0;
  build_interrupt_table();
  load_descriptors(first_cpu_private);
  add_cpu(here);

  detect_platform();
  apic::detect(platform().x2apic, platform().tsc_deadline);
  here.apic_id = apic::initialise_cpu(kTimerVector);
  initialise_application_cpu();
  initialise_clock();

  const pvh::StartInfo& info = start_info();
  copy_command_line(info);
  parse_command_line();

  if (info.rsdp != 0) acpi_tables.find(info.rsdp, firmware_memory);
  acpi::Processors processors = acpi::read_madt(acpi_tables.table("APIC"));
  for (std::size_t i = 0; i < processors.ioapic_count; ++i) {
    ioapic::add(processors.ioapics[i].address, processors.ioapics[i].first_gsi);
  }
  if (acpi_tables.all().empty()) {
    // QEMU with ACPI switched off: its CPUs are numbered from 0, and its I/O APIC is where PCs have
    // it.
    const unsigned count = fw_cfg_cpu_count();
    for (unsigned i = 0; i < count && i < processors.apic_ids.size(); ++i) {
      processors.apic_ids[processors.count++] = i;
    }
    ioapic::add(0xfec00000, 0);
  }

  MemoryMap map;
  find_modules(info);
  find_memory(info, map);
  initialise_pages(map);
  paging::set_table_source(page_for_table);
  // Before memory above 4 GiB can be handed out, it must be mapped; tables come from below.
  map_high_memory(map.ranges());
  initialise_heap();
  address_space::initialise();

  first_idle_thread.name = "idle/0";
  first_idle_thread.stack = {reinterpret_cast<std::uint64_t>(boot_stack),
                             reinterpret_cast<std::uint64_t>(boot_stack_end), 0};
  scheduler::initialise_cpu(first_idle_thread);
  if (here.masked_by_host == 0) asm volatile("sti");

  start_processors({processors.apic_ids.data(), processors.count});
  paging::remove_boot_mappings(to_physical(__image_end));
  release_processors();
  report_ready(map);

  if (spawn({.name = "main", .cpu = 0, .stack_size = 32 * kKiB}, main_thread, nullptr) == nullptr) {
    panic("no memory for the main thread");
  }
  scheduler::idle_loop();
}

}  // namespace plumbline
