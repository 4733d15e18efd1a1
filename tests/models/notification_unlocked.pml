// expect: fail
/* notification.pml with a signal that looks for a waiter before it takes the lock. */
#define UNLOCKED
#include "notification.pml"
