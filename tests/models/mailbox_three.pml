// expect: pass
// cflags: -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=3000
/* mailbox.pml with one wake-up of each of three threads: of two, none can be pushed while
 * another is in the hart's own list and not the last. */
#define T 3
#define N 1
#include "mailbox.pml"
