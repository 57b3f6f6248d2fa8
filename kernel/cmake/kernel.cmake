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
  # Assertions name files by their place in the source tree, wherever that is.
  -ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}=kernel
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit>)

add_library(plumbline-test-objects OBJECT)
target_link_libraries(plumbline-test-objects PUBLIC plumbline-objects)

# Host tool: turns the symbols of the first link into the table that the second link embeds for backtraces.
add_executable(embed-symbols tools/embed_symbols.cc)
target_include_directories(embed-symbols PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_options(embed-symbols PRIVATE ${PLUMBLINE_WARNINGS} -O1)

set(kernel_link_options
  -nostdlib -nodefaultlibs -static -no-pie -Wl,--build-id=sha1 -Wl,--gc-sections -Wl,-z,noexecstack
  -Wl,-z,max-page-size=4096 -Wl,-T,${CMAKE_CURRENT_SOURCE_DIR}/arch/x86_64/kernel.ld)

# Links an image from OBJECTS twice: the text is the same both times, so the first link's symbols are right.
function(plumbline_image name)
  set(first ${name}-unsymbolised)
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${name}-symbols.S)
  add_executable(${first} ${ARGN} core/symbol_table_empty.S)
  add_executable(${name} ${ARGN} ${table})
  add_custom_command(OUTPUT ${table}
    COMMAND ${CMAKE_NM} --demangle --defined-only --numeric-sort $<TARGET_FILE:${first}> | $<TARGET_FILE:embed-symbols> > ${table}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${table}.new ${table}
    DEPENDS ${first} embed-symbols VERBATIM)
  foreach(image ${first} ${name})
    target_link_libraries(${image} PRIVATE plumbline-objects gcc)
    target_link_options(${image} PRIVATE ${kernel_link_options})
    set_target_properties(${image} PROPERTIES SUFFIX .elf
      LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/arch/x86_64/kernel.ld)
  endforeach()
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
