// expect: fail
/* mailbox.pml without the interrupt that the hart gives itself. */
#define OWN_INTERRUPT false
#include "mailbox.pml"
