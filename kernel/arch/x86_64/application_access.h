/* What to do when an instruction of application_access.S faults. */
#pragma once

/* Make the page first, which may sleep; go to the other place when that fails. */
#define FIXUP_ON_DEMAND 0
/* Go there at once: the caller holds a spinlock. */
#define FIXUP_AT_ONCE 1
