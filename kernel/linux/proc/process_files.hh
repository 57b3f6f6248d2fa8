// The files of /proc/PID and /proc/PID/task/TID.
#pragma once

#include <span>
#include <string_view>

#include "linux/proc/subject.hh"
#include "linux/proc/text_buffer.hh"

namespace plumbline::linux_abi {

struct ProcessFile {
  std::string_view name;
  Status (*generate)(const Subject& subject, TextBuffer& text);
  // Null: it cannot be written.
  Status (*store)(const Subject& subject, std::string_view text) = nullptr;
  std::uint32_t permissions = 0444;
};
std::span<const ProcessFile> process_files();

// Symbolic links: what the link shows, and where it leads.
struct ProcessLink {
  std::string_view name;
  Ref<Vnode> (*target)(const Subject& subject);
};
std::span<const ProcessLink> process_links();

// /proc/PID/maps and smaps.
Status print_maps(const Subject& subject, TextBuffer& text);
Status print_smaps(const Subject& subject, TextBuffer& text);
Status print_smaps_rollup(const Subject& subject, TextBuffer& text);
// What is mounted: /proc/mounts, and /proc/PID/mountinfo.
void print_mounts(TextBuffer& text);
void print_mount_information(TextBuffer& text);

}  // namespace plumbline::linux_abi
