/* SPDX-License-Identifier: MIT */
/*
 * Sockets that only messages refer to.
 *
 * A socket may be sent over a socket; two that lie in each other's queues, and
 * in no process's hands, would never go away. file->in_flight counts a file's
 * references from messages. A collection: every socket that has another
 * reference is a root; what can be received from roots is alive; the queues of
 * the others are emptied, and with them they go.
 *
 * It runs soon after a descriptor of a socket was closed while sockets are in
 * flight (a socket that becomes garbage is not released, so that is the only
 * sign), and when many have been sent since the last one. The cost is one look
 * at each socket, and only in systems that pass sockets.
 */
#include "unix.h"

#define SENT_BETWEEN 256u

static uint32_t nr_files;       /* in flight                                    */
static uint32_t nr_sockets;     /* of them                                      */
static uint32_t nr_sent;        /* since the last collection                    */
static bool collecting;

static void collect(struct exec_timer *t);
static struct exec_timer timer = { .fire = collect };

void unix_collect_soon(void)
{
    if (nr_sockets != 0 && !timer.armed)
        exec_timer_set(&timer, 0);
}

void unix_in_flight_add(struct file *f)
{
    f->in_flight++;
    nr_files++;
    if (!file_is_unix(f))
        return;
    nr_sockets++;
    if (++nr_sent >= SENT_BETWEEN)
        unix_collect_soon();
}

void unix_in_flight_remove(struct file *f)
{
    f->in_flight--;
    nr_files--;
    nr_sockets -= file_is_unix(f);
}

uint32_t unix_in_flight(void)
{
    return nr_files;
}

static bool is_root(const struct unix_socket *u)
{
    return u->file != NULL && u->file->refs > u->file->in_flight;
}

/* Mark what lies in the queue of u; true when something was new. */
static bool mark_queue(struct unix_socket *u)
{
    bool news = false;

    for (struct unix_message *m = u->first; m != NULL; m = m->next) {
        for (uint32_t i = 0; m->files != NULL && i < m->files->count; i++) {
            struct file *f = m->files->file[i];
            struct unix_socket *inner = file_is_unix(f) ? f->data : NULL;
            if (inner != NULL && !inner->marked) {
                inner->marked = true;
                news = true;
            }
        }
    }
    return news;
}

/* Waiting connections are as alive as their listener. */
static bool mark_round(void)
{
    bool news = false;

    for (struct unix_socket *u = unix_sockets; u != NULL; u = u->all_next) {
        if (!u->marked && u->listener != NULL && u->listener->marked) {
            u->marked = true;
            news = true;
        }
        if (u->marked)
            news |= mark_queue(u);
    }
    return news;
}

static struct unix_socket *find_garbage(void)
{
    for (struct unix_socket *u = unix_sockets; u != NULL; u = u->all_next)
        if (!u->marked && u->first != NULL)
            return u;
    return NULL;
}

static void collect(struct exec_timer *t)
{
    struct unix_socket *u;

    (void)t;
    if (nr_sockets == 0 || collecting)
        return;
    collecting = true;
    nr_sent = 0;
    for (u = unix_sockets; u != NULL; u = u->all_next)
        u->marked = is_root(u);
    /* a chain may need a round for each link; a chain is as long as somebody
     * made it, and the number in flight is bounded */
    while (mark_round())
        continue;
    while ((u = find_garbage()) != NULL) {
        struct file *f = u->file != NULL ? file_get(u->file) : NULL;    /* its queue may hold itself */
        unix_purge(u);
        if (f != NULL)
            file_put(f);
    }
    collecting = false;
}
