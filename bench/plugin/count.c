/*
 * A QEMU TCG plugin that counts guest instructions by kind. With one vCPU every instruction adds to
 * its counter by code that QEMU generates inline, so counts are exact, also around exceptions in
 * the middle of a block. Version 1 of the interface has one such counter for all vCPUs, so with
 * several vCPUs a callback adds whole blocks to per-vCPU counters instead: a block that an
 * exception leaves early is counted whole.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "instruction.h"
#include "options.h"
#include "qemu_plugin_abi.h"
#include "server.h"

enum { kMaxVcpus = 64, kMaxMarks = 256 };

PLUGIN_EXPORT int qemu_plugin_version = kPluginApiVersion;

static struct options options;
static int vcpu_count;
static struct counters vcpus[kMaxVcpus];

/* The last readings at markers, a ring. */
static pthread_mutex_t marks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct counters (*marks)[kMaxVcpus];
static uint64_t mark_count;

/* Block totals travel in the callback's pointer itself: a block has at most 512 instructions. */
static void* pack_block(uint64_t user, uint64_t kernel, uint64_t idle) {
  return (void*)(uintptr_t)(user | kernel << 16 | idle << 32);
}

static void on_block(unsigned int vcpu, void* packed) {
  uint64_t counts = (uint64_t)(uintptr_t)packed;
  if (vcpu >= kMaxVcpus) return;
  counter_add(&vcpus[vcpu].user, counts & 0xffff);
  counter_add(&vcpus[vcpu].kernel, counts >> 16 & 0xffff);
  counter_add(&vcpus[vcpu].idle, counts >> 32);
}

/*
 * QEMU executes a rep instruction as a loop that jumps back to the instruction itself. It is the
 * same one going on when nothing but one execution of this very address lies between two calls.
 */
static void on_rep(unsigned int vcpu, void* address) {
  if (vcpu >= kMaxVcpus) return;
  struct counters* c = &vcpus[vcpu];
  uint64_t executed = counters_executed(c);
  bool continues =
      c->last_rep_address == (uintptr_t)address && executed == c->last_rep_executed + 1;
  c->last_rep_address = (uintptr_t)address;
  c->last_rep_executed = executed;
  counter_add(&c->rep_executions, 1);
  if (!continues) counter_add(&c->rep_instructions, 1);
}

static void on_halt(unsigned int vcpu, void* unused) {
  (void)unused;
  if (vcpu < kMaxVcpus) counter_add(&vcpus[vcpu].halts, 1);
}

static void on_marker(unsigned int vcpu, void* unused) {
  (void)unused;
  if (vcpu >= kMaxVcpus) return;
  counter_add(&vcpus[vcpu].markers, 1);
  pthread_mutex_lock(&marks_lock);
  memcpy(marks[mark_count++ % kMaxMarks], vcpus, sizeof vcpus);
  pthread_mutex_unlock(&marks_lock);
}

/* A run of instructions of a block that is counted at once: from its beginning or a marker to its
 * end or the next marker. */
struct run {
  struct qemu_plugin_insn* marker; /* NULL: the block's beginning */
  uint64_t user, kernel, idle;
};

static void count_run(struct qemu_plugin_tb* tb, const struct run* run) {
  void* packed = pack_block(run->user, run->kernel, run->idle);
  if (run->marker == NULL) {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, packed);
  } else {
    /* After on_marker, which was registered first, so that the marker's reading holds nothing
     * behind it. */
    qemu_plugin_register_vcpu_insn_exec_cb(run->marker, on_block, QEMU_PLUGIN_CB_NO_REGS, packed);
  }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  struct run run = {0};
  size_t count = qemu_plugin_tb_n_insns(tb);
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
    const uint8_t* bytes = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    if (is_marker(bytes, size)) {
      if (vcpu_count > 1) count_run(tb, &run);
      run = (struct run){.marker = insn};
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS, NULL);
      continue; /* not an instruction of the program: between two marks lies exactly what is between
                   them */
    }
    bool is_idle = is_within(&options.idle, address);
    bool is_kernel = address >> 63 != 0 || is_within(&options.kernel, address);
    if (is_idle) {
      run.idle++;
    } else if (is_kernel) {
      run.kernel++;
    } else {
      run.user++;
    }
    if (vcpu_count == 1) {
      uint64_t* counter = is_idle ? &vcpus[0].idle : is_kernel ? &vcpus[0].kernel : &vcpus[0].user;
      qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, counter, 1);
    }
    if (is_halt(bytes, size))
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_halt, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (!is_idle && is_rep_string(bytes, size)) {
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_rep, QEMU_PLUGIN_CB_NO_REGS,
                                             (void*)(uintptr_t)address);
    }
  }
  if (vcpu_count > 1) count_run(tb, &run);
}

/* A growing text that never overflows its buffer. */
struct text {
  char* data;
  size_t capacity;
  size_t used;
};

__attribute__((format(printf, 2, 3))) static void append(struct text* text, const char* format,
                                                         ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text->data + text->used, text->capacity - text->used, format, arguments);
  va_end(arguments);
  if (length > 0) text->used += (size_t)length;
  if (text->used >= text->capacity) text->used = text->capacity - 1;
}

static void append_counters(struct text* text, const struct counters* c) {
  append(text,
         "{\"user\":%lu,\"kernel\":%lu,\"idle\":%lu,\"repExecutions\":%lu,\"repInstructions\":%lu,"
         "\"halts\":%lu,"
         "\"markers\":%lu}",
         counter_load(&c->user), counter_load(&c->kernel), counter_load(&c->idle),
         counter_load(&c->rep_executions), counter_load(&c->rep_instructions),
         counter_load(&c->halts), counter_load(&c->markers));
}

static void append_reading(struct text* text, const struct counters* reading) {
  append(text, "{\"vcpus\":[");
  for (int i = 0; i < vcpu_count; i++) {
    if (i > 0) append(text, ",");
    append_counters(text, &reading[i]);
  }
  append(text, "]}");
}

static size_t answer(const char* request, char* buffer, size_t capacity) {
  struct text text = {.data = buffer, .capacity = capacity};
  if (strcmp(request, "read") == 0) {
    append_reading(&text, vcpus);
  } else if (strcmp(request, "marks") == 0) {
    append(&text, "[");
    pthread_mutex_lock(&marks_lock);
    for (uint64_t i = mark_count < kMaxMarks ? 0 : mark_count - kMaxMarks; i < mark_count; i++) {
      if (text.used > 1) append(&text, ",");
      append_reading(&text, marks[i % kMaxMarks]);
    }
    pthread_mutex_unlock(&marks_lock);
    append(&text, "]");
  } else {
    append(&text, "{\"error\":\"unknown request; allowed: read, marks\"}");
  }
  append(&text, "\n");
  return text.used;
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void* unused) {
  (void)id;
  (void)unused;
  server_remove_socket();
  if (options.final_path == NULL) return;
  static char buffer[kMaxVcpus * 256];
  struct text text = {.data = buffer, .capacity = sizeof buffer};
  append_reading(&text, vcpus);
  append(&text, "\n");
  FILE* file = fopen(options.final_path, "w");
  if (file == NULL || fwrite(buffer, 1, text.used, file) != text.used || fclose(file) != 0) {
    fprintf(stderr, "counting plugin: final=%s: cannot be written\n", options.final_path);
  }
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                      char** argv) {
  if (info->version.min > kPluginApiVersion || info->version.cur < kPluginApiVersion) {
    fprintf(stderr, "counting plugin: this QEMU serves plugin interfaces %d to %d, not %d\n",
            info->version.min, info->version.cur, kPluginApiVersion);
    return -1;
  }
  if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0) {
    fprintf(stderr, "counting plugin: only for qemu-system-x86_64, not %s\n", info->target_name);
    return -1;
  }
  vcpu_count = info->system.max_vcpus;
  if (vcpu_count < 1 || vcpu_count > kMaxVcpus) {
    fprintf(stderr, "counting plugin: %d vCPUs; at most %d\n", vcpu_count, kMaxVcpus);
    return -1;
  }
  marks = calloc(kMaxMarks, sizeof *marks);
  if (marks == NULL || !options_parse(&options, argc, argv) ||
      !server_start(options.socket_path, answer))
    return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
