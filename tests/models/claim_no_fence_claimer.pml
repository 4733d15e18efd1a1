// expect: fail
/* claim.pml without the claimer's fence between the end of the claim and its look at deferred. */
#define CLAIMER_FENCE skip
#include "claim.pml"
