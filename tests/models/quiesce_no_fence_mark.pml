// expect: fail
/* quiesce.pml without the fence between emptying the slot and noting the counts. */
#define MARK_FENCE skip
#include "quiesce.pml"
