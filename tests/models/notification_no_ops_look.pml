// expect: fail
/* notification.pml without TCB_SUSPEND's look whether its request is still posted. */
#define SUSPEND_POSTED (false)
#include "notification.pml"
