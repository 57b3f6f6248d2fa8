// Failures on request, so that their reports can be tested.
#pragma once

namespace plumbline {

// Does what the boot option debug.provoke says; by default nothing.
void provoke_failure();

}  // namespace plumbline
