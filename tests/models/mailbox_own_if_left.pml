// expect: fail
// cflags: -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=3000
/* mailbox_three.pml with the hart's own interrupt only while its own list is not empty. */
#define OWN_INTERRUPT ANY(list)
#include "mailbox_three.pml"
