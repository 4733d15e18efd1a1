// expect: fail
/* ring_cold.pml without the client's second look. */
#define LOOK_AGAIN(x) (false)
#include "ring_cold.pml"
