// What is asked of a server over TCP outside of runs: see single_request.hh and populate.hh for the
// same over UDP.
#pragma once

#include "session/command.hh"
#include "session/context.hh"
#include "session/populate.hh"
#include "session/single_request.hh"

namespace plumbline::generator {

// All throw CommandError: time-out, stopped; populate_over_tcp() also refused with the server's
// words, and link-down.
SingleAnswer wait_answer_over_tcp(Context& context, const WaitAnswerCommand& command);
SingleAnswer ask_over_tcp(Context& context, const AskCommand& command);
Population populate_over_tcp(Context& context, const PopulateCommand& command);

}  // namespace plumbline::generator
