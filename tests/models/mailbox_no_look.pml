// expect: fail
/* mailbox.pml without the second look. */
#define LOOK_AGAIN(x) (false)
#include "mailbox.pml"
