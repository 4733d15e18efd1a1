// expect: fail
/* mailbox.pml where only the interrupt, not HART_OP_DRAIN, says that there is more: once
 * it is taken the hart forgets. */
#define NOTED(x) (false)
#include "mailbox.pml"
