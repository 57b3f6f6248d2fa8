// A virtio console (virtio 1.2, 5.3): port 0, without the multiport feature.
#pragma once

#include <cstddef>
#include <span>

namespace plumbline::virtio {

/// Looks for a console and sets it up. Once. False: there is none.
bool initialise_console();

/// Makes the console the log's sink unless it is reserved. Called some time after the boot: until
/// then the log waits in memory, so that no exit for it delays the first answer.
void give_console_to_log();

/// The console belongs to a program: the log leaves it alone. Called at boot.
void reserve_console();

/// Writes text, in blocks, and waits for the device to take it. A device that does not within 200
/// ms loses the rest (it is noted when it works again). One CPU at a time.
void console_write(std::span<const char> text);

/// Takes what was typed, at most `text.size()` bytes, without waiting; 0: nothing. One CPU at a
/// time.
size_t console_read(std::span<char> text);

}  // namespace plumbline::virtio
