// Page tables that differ in their first 512 GiB only (PML4 slot 0), for programs that must stand
// at the same low addresses.
#pragma once

#include <cstdint>

#include "memory/address.hh"

namespace plumbline::paging {

// A top-level table. Those beside the common one are made once and kept for ever: a CPU or a
// thread may still name them when their program has ended.
struct ProgramTables {
  std::uint64_t* root = nullptr;
  ProgramTables* next = nullptr;
};

// What all threads without tables of their own use.
extern ProgramTables common_tables;

// Adds tables with a new top level: slot 0 is empty, the rest as in the common ones, and kept so.
// With the address space's lock. False without memory.
bool add_tables(ProgramTables& tables);
// The tables that changes and questions are about from here on. With the address space's lock.
void select_tables(ProgramTables& tables);
// Those of the running thread.
ProgramTables& current_tables();
// Makes the running thread use `tables`, at once.
void enter_tables(ProgramTables& tables);
// For switches between threads, masked: `tables` of a thread that runs a program (null: common).
void load_tables(ProgramTables* tables);

}  // namespace plumbline::paging
