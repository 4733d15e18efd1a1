// expect: fail
/* notification.pml with an owner that takes its thread out although somebody claimed it. */
#define CLAIMED (false)
#include "notification.pml"
