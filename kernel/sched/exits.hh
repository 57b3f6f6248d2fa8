// Between a scheduler and the threads' joiners.
#pragma once

namespace plumbline {

class Thread;

// The thread has left its stack for ever; who joined it may free it, or what it named for its end
// does so. The caller does not touch it any more. Masked.
void announce_exit(Thread& thread);

}  // namespace plumbline
