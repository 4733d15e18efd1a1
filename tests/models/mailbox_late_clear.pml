// expect: fail
/* mailbox.pml with the interrupt cleared after the mailbox was taken instead of before. */
#define LATE_CLEAR
#include "mailbox.pml"
