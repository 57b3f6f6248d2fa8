// From a path to what is loaded: scripts are followed, headers parsed, the interpreter found.
#pragma once

#include "core/reference.hh"
#include "fs/file.hh"
#include "fs/path_walk.hh"
#include "linux/loader/elf.hh"
#include "linux/loader/string_list.hh"

namespace plumbline::linux_abi {

struct LoadableFile {
  Ref<Vnode> vnode;
  Ref<File> file;
  ElfImage image;
};

struct ProgramFile {
  LoadableFile program;
  LoadableFile interpreter;  // without a file: none is needed

  // What went wrong, for the log: the file that is to blame, and why. Set with every error.
  char blamed[128] = "";
  const char* reason = "";
};

// Finds the program that `vnode`, reached by `path`, starts. For a script, `arguments` get its
// interpreter in front (execve(2)), as often as interpreters are scripts (up to five, then kELOOP).
// kEACCES: no file, or it may not be executed; kENOEXEC, kEINVAL, kELIBBAD (the interpreter is
// none), kENOENT (or has not been found), kENOMEM.
Status find_program(Ref<Vnode> vnode, std::string_view path, const Ref<Vnode>& directory,
                    const Credentials& who, StringList& arguments, ProgramFile& result);

// What an error number of the loader means, in words.
const char* describe_load_error(Errno error);

}  // namespace plumbline::linux_abi
