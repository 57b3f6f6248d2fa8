// Carries out commands one after the other; in between it keeps the network answered.
#pragma once

#include "arguments.hh"
#include "session/command_reader.hh"
#include "session/context.hh"

namespace plumbline::generator {

class Session {
 public:
  Session(Context& context, CommandReader& reader) : context_(context), reader_(reader) {}

  // Emits `ready` and `listening`, then serves until quit.
  void serve(const Arguments& arguments);

 private:
  void execute(const Command& command);
  void idle();

  Context& context_;
  CommandReader& reader_;
};

}  // namespace plumbline::generator
