/*
 * A library to preload on Linux: it replaces the system calls of the program's own libraries by
 * jumps, as our kernel does, by the site lists in the folder SITES. What runs afterwards as before
 * shows that the windows were chosen well.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct site {
  uint32_t window;
  uint8_t length;
  uint8_t offset;
  uint16_t zero;
};

static unsigned replaced;

static void write_jump(unsigned char* at, const unsigned char* target) {
  int32_t distance = (int32_t)(target - (at + 5));
  at[0] = 0xe9;
  memcpy(at + 1, &distance, sizeof distance);
}

/* Finds the object's build id; its file name in hexadecimal. */
static int find_build_id(struct dl_phdr_info* info, char* name) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type != PT_NOTE) continue;
    const unsigned char* at = (const unsigned char*)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    const unsigned char* end = at + info->dlpi_phdr[i].p_memsz;
    while (at + sizeof(Elf64_Nhdr) <= end) {
      const Elf64_Nhdr* note = (const Elf64_Nhdr*)at;
      const unsigned char* description = at + sizeof *note + ((note->n_namesz + 3) & ~3u);
      if (note->n_type == NT_GNU_BUILD_ID) {
        for (unsigned n = 0; n < note->n_descsz; n++) sprintf(name + 2 * n, "%02x", description[n]);
        return 1;
      }
      at = description + ((note->n_descsz + 3) & ~3u);
    }
  }
  return 0;
}

static void die(const char* what) {
  fprintf(stderr, "replace_calls: %s\n", what);
  _exit(99);
}

static int replace(struct dl_phdr_info* info, size_t size, void* data) {
  (void)size;
  char path[4096];
  size_t folder = (size_t)snprintf(path, sizeof path, "%s/", (const char*)data);
  if (!find_build_id(info, path + folder)) return 0;
  int file = open(path, O_RDONLY);
  if (file < 0) return 0;
  static unsigned char bytes[1 << 20];
  ssize_t length = read(file, bytes, sizeof bytes);
  close(file);
  uint32_t count;
  if (length < 12 || memcmp(bytes, "PLSITES1", 8) != 0) die("not a site list");
  memcpy(&count, bytes + 8, 4);
  if ((size_t)length != 12 + 8 * (size_t)count) die("a site list of another length");
  /* Stubs in the nearest free place below the object. */
  size_t room = (32 * (size_t)count + 4095) & ~4095ul;
  unsigned char* stubs = MAP_FAILED;
  for (uintptr_t below = 0x10000; stubs == MAP_FAILED && below < 0x40000000; below += 0x10000)
    stubs = mmap((char*)info->dlpi_addr - room - below, room, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (stubs == MAP_FAILED) die("no room for stubs");
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* load = &info->dlpi_phdr[i];
    if (load->p_type != PT_LOAD || !(load->p_flags & PF_X)) continue;
    char* start = (char*)info->dlpi_addr + (load->p_vaddr & ~4095ul);
    size_t span = (load->p_memsz + (load->p_vaddr & 4095) + 4095) & ~4095ul;
    if (mprotect(start, span, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
      die("the code cannot be changed");
  }
  for (uint32_t i = 0; i < count; i++) {
    struct site site;
    memcpy(&site, bytes + 12 + 8 * i, sizeof site);
    unsigned char* window = (unsigned char*)info->dlpi_addr + site.window;
    if (window[site.offset] != 0x0f || window[site.offset + 1] != 0x05) die("no syscall at a site");
    memcpy(stubs, window, site.length);
    write_jump(stubs + site.length, window + site.length);
    write_jump(window, stubs);
    memset(window + 5, 0xcc, site.length - 5u);
    stubs += 32;
    replaced++;
  }
  return 0;
}

__attribute__((constructor)) static void replace_all(void) {
  const char* folder = getenv("SITES");
  if (folder == NULL) die("SITES names no folder");
  dl_iterate_phdr(replace, (void*)folder);
  char text[32];
  snprintf(text, sizeof text, "%u", replaced);
  setenv("REPLACED", text, 1);
}
