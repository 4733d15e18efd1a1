// expect: fail
/* ring_epoch.pml with a client that ends its requests before it has taken the old answers. */
#define LATE_DRAIN
#include "ring_epoch.pml"
