/* SPDX-License-Identifier: MIT */
/* CNodes: arrays of 2^radix slots, nothing else. */
#ifndef ATOLL_OBJECT_CNODE_H
#define ATOLL_OBJECT_CNODE_H

#include "kernel/invoke.h"

error_t cnode_decode(struct invoke *inv);

#endif
