/* SPDX-License-Identifier: MIT */
#include "kt.h"
void long_stress(uint64_t seconds, uint64_t seed) { (void)seconds; (void)seed; }
