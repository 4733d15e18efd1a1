// expect: fail
/* quiesce.pml without waiting for anybody. */
#define REACHED true
#include "quiesce.pml"
