// expect: fail
/* quiesce.pml where the count is a store with release order, two passes are waited for, and no fence follows. */
#define COUNT(n) h_buf ! PASSES(n)
#define REACHED (asleep || passes - noted >= 2)
#include "quiesce.pml"
