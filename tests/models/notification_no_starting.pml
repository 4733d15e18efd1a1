// expect: fail
/* notification.pml without the mark that a RESUME is under way. */
#define STARTING (false)
#include "notification.pml"
