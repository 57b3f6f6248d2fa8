#include "linux/memory/mapping_hook.hh"

namespace plumbline::linux_abi {

constinit const MappingHook* mapping_hook = nullptr;

}  // namespace plumbline::linux_abi
