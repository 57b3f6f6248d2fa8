# The kernel build: what the folders contribute is linked into two images, plumbline.elf and, with the in-guest
# tests, plumbline-tests.elf.
add_library(plumbline-objects OBJECT)
target_include_directories(plumbline-objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(plumbline-objects PUBLIC PLUMBLINE_KERNEL=1)
target_compile_options(plumbline-objects PUBLIC
  ${PLUMBLINE_WARNINGS} -O2 -g
  # No vector registers: interrupts and switches then save general registers only.
  -mgeneral-regs-only -mno-red-zone -mcmodel=kernel -fno-pic -fno-pie
  -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
  # Frame pointers are what the panic backtrace walks.
  -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer
  -ffunction-sections -fdata-sections
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit>)

add_library(plumbline-test-objects OBJECT)
target_link_libraries(plumbline-test-objects PUBLIC plumbline-objects)

function(plumbline_image name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE plumbline-objects)
  target_link_options(${name} PRIVATE
    -nostdlib -nodefaultlibs -static -no-pie -Wl,--build-id=sha1 -Wl,--gc-sections -Wl,-z,noexecstack
    -Wl,-z,max-page-size=4096 -Wl,-T,${CMAKE_CURRENT_SOURCE_DIR}/arch/x86_64/kernel.ld)
  target_link_libraries(${name} PRIVATE gcc)
  set_target_properties(${name} PROPERTIES SUFFIX .elf
    LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/arch/x86_64/kernel.ld)
endfunction()
plumbline_image(plumbline $<TARGET_OBJECTS:plumbline-objects>)
plumbline_image(plumbline-tests $<TARGET_OBJECTS:plumbline-objects> $<TARGET_OBJECTS:plumbline-test-objects>)

function(plumbline_sources target)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_sources(${target} PRIVATE ${ARGN})
endfunction()
function(plumbline_portable)
  plumbline_sources(plumbline-objects ${ARGN})
endfunction()
function(plumbline_kernel)
  plumbline_sources(plumbline-objects ${ARGN})
endfunction()
function(plumbline_guest_test)
  plumbline_sources(plumbline-test-objects ${ARGN})
endfunction()
function(plumbline_hosted)
endfunction()
function(plumbline_hosted_test)
endfunction()
function(plumbline_fuzz_target)
endfunction()
