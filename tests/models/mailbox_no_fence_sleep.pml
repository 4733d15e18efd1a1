// expect: fail
/* mailbox.pml without the fence between declaring oneself asleep and the second look. */
#define SLEEP_FENCE skip
#include "mailbox.pml"
