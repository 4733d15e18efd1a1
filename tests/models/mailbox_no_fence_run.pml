// expect: fail
/* mailbox.pml without the fence between storing running_priority and the second look. */
#define RUN_FENCE skip
#include "mailbox.pml"
