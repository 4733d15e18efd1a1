// expect: fail
/* ring.pml with release stores only, no full fence: both sides can miss each other. */
#define FENCE(b) skip
#include "ring.pml"
