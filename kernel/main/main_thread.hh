// The first thread: init calls, then the application.
#pragma once

namespace plumbline {

void main_thread(void*);

}  // namespace plumbline
