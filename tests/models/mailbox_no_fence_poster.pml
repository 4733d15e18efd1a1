// expect: fail
/* mailbox.pml without the poster's fence between the push and its look at asleep. */
#define POSTER_FENCE(b) skip
#include "mailbox.pml"
