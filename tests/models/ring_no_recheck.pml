// expect: fail
/* ring.pml without the second look between declaring oneself asleep and waiting. */
#define LOOK_AGAIN(x) (false)
#include "ring.pml"
