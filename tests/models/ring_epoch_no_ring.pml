// expect: fail
/* ring_epoch.pml with a new server that does not ring when it is ready. */
#define RING_AT_START skip
#include "ring_epoch.pml"
