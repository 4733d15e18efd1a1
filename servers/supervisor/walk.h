/* SPDX-License-Identifier: MIT */
/* Printing every capability that the components hold. */
#ifndef SUPERVISOR_WALK_H
#define SUPERVISOR_WALK_H

#include "server.h"

/* `when` begins each line. Changes nothing; takes some hundred thousand instructions a component. */
void walk(const char *when, const struct server all[NR_COMPONENTS], const struct system *);
/* Of one. */
void walk_server(const char *when, const struct server *, const struct server all[NR_COMPONENTS], const struct system *);

#endif
