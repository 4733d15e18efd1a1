// expect: fail
/* claim.pml without the owner's fence between storing deferred and its second look at claimed. */
#define OWNER_FENCE skip
#include "claim.pml"
