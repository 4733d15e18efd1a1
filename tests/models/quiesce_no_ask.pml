// expect: fail
/* quiesce.pml where a hart that stays in user mode is not asked. */
#define ASK skip
#include "quiesce.pml"
