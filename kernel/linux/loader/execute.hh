// A process gets a new program.
#pragma once

#include "arch/x86_64/application.hh"
#include "core/result.hh"
#include "fs/path_walk.hh"
#include "linux/loader/program_file.hh"
#include "linux/loader/string_list.hh"

namespace plumbline::linux_abi {

// What execve was asked for; large, so it lives on the heap.
struct ExecuteRequest {
  Ref<Vnode> vnode;
  char path[4096];  // as the program gave it: AT_EXECFN
  StringList arguments, environment;
  ProgramFile file;
};

// Replaces the running task's program. Its process has no other tasks when this returns the
// registers to enter the new program with. After an error the old program is as it was: those of
// find_program, kE2BIG, kENOMEM, kRestart (the process is ending).
Result<ApplicationRegisters> execute(ExecuteRequest& request);

}  // namespace plumbline::linux_abi
