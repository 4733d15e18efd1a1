// expect: fail
/* ring_epoch.pml with entries that bear no epoch. */
#define MARK(e) 0
#include "ring_epoch.pml"
