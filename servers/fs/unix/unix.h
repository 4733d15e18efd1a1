/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets: what the files of this folder share.
 *
 *   unix_socket.c   life, files, connecting, accepting
 *   unix_message.c  messages, sending, receiving
 *   unix_control.c  descriptors and credentials in messages (SCM_*)
 *   unix_address.c  names: paths and the abstract space
 *   unix_options.c  socket options
 *   unix_gc.c       sockets that only messages refer to
 *
 * Ownership: a socket belongs to its open file, or, between connect and accept,
 * to the accept queue of its listener. Everybody else's pointer to it (peer,
 * connected datagram senders, inode, abstract name, blocked senders) is undone
 * by unix_destroy, so there is no count. A message belongs to the receive queue
 * it is in.
 *
 * Flow: a sender is charged nothing; what limits it is the receiver's queue. A
 * sender that finds it full is put on the receiver's list of blocked senders
 * and is told (FS_POLLOUT on its own queue) when there is room.
 */
#ifndef FS_UNIX_UNIX_H
#define FS_UNIX_UNIX_H

#include "../file.h"
#include "../process.h"

#define AF_UNSPEC 0u
#define AF_UNIX   1u

#define SOCK_STREAM    1u
#define SOCK_DGRAM     2u
#define SOCK_RAW       3u
#define SOCK_SEQPACKET 5u
#define SOCK_TYPE_MASK 0xfu

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_NOSIGNAL     0x4000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define RCV_SHUTDOWN 1u
#define SEND_SHUTDOWN 2u

#define UNIX_PATH_MAX     108u
#define UNIX_ADDRESS_MAX  (2u + UNIX_PATH_MAX)
#define UNIX_BUF_DEFAULT  212992u
#define UNIX_MAX_DGRAMS   256u      /* messages in a datagram queue             */
#define UNIX_BACKLOG_MAX  4096u
#define SCM_MAX_FD        253u
#define UNIX_MAX_IN_FLIGHT 8192u    /* descriptors in messages, whole system    */

struct unix_cred { uint32_t pid, uid, gid; };

/* A socket's name; counted, since messages carry their sender's. */
struct unix_address {
    uint32_t refs;
    uint32_t bytes;                     /* of sockaddr_un in use                */
    uint8_t  name[UNIX_ADDRESS_MAX + 1]; /* struct sockaddr_un, and a NUL       */
};

/* Open files in a message, one reference each. */
struct unix_files {
    uint32_t count;
    struct file *file[SCM_MAX_FD];
};

struct unix_message {
    struct unix_message *next;
    uint32_t bytes;                     /* of data                              */
    uint32_t taken;                     /* of them (stream)                     */
    uint32_t capacity;
    struct unix_cred cred;
    struct unix_address *from;          /* or NULL                              */
    struct unix_files *files;           /* or NULL                              */
    uint8_t  data[];
};

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_socket {
    uint32_t type;
    enum unix_state state;
    struct file *file;                  /* borrowed; NULL: not accepted yet     */
    struct waitq waiters;
    struct unix_socket *all_next, *all_prev;

    /* who is at the other end */
    struct unix_socket *peer;           /* NULL: none, or it is gone            */
    struct unix_address *peer_address;
    struct unix_socket *senders;        /* datagram sockets whose peer this is  */
    struct unix_socket *sender_next, *sender_prev;
    struct unix_socket *blocked;        /* sockets that wait for room here      */
    struct unix_socket *blocked_next, *blocked_prev, *blocked_on;
    uint32_t shutdown;                  /* RCV_SHUTDOWN | SEND_SHUTDOWN         */
    error_t  error;                     /* pending, SO_ERROR                    */

    /* received */
    struct unix_message *first, *last;
    uint32_t queued_bytes, nr_queued;

    /* listening */
    struct unix_socket *accept_first, *accept_last, *accept_next;
    struct unix_socket *listener;       /* in whose accept queue this is        */
    uint32_t nr_accept, backlog;

    /* names */
    struct unix_address *address;
    struct inode *inode;                /* referenced                           */
    struct mount *mnt;                  /* of the name; referenced              */
    struct unix_socket *abstract_next;
    bool     is_abstract;

    /* options and identities */
    struct unix_cred cred, peer_cred;
    uint32_t sndbuf, rcvbuf;
    bool     passcred;
    uint64_t rcvtimeo, sndtimeo;        /* ticks; 0: none                       */
    bool     marked;                    /* unix_gc.c                            */
};

extern struct unix_socket *unix_sockets;

/* ---- unix_socket.c ---- */
bool file_is_unix(const struct file *);
/* What the dispatch found for a handle<socket>; `struct fs_socket` is the interface's name of it. Borrowed, as a file. */
static inline struct unix_socket *handle_socket(struct fs_socket *s) { return (struct unix_socket *)s; }
void unix_wake(struct unix_socket *, uint32_t events);
/* Wake who waits for room in u's queue (messages or connections). */
void unix_wake_blocked(struct unix_socket *u);
void unix_block_on(struct unix_socket *u, struct unix_socket *on);
void unix_set_peer(struct unix_socket *u, struct unix_socket *peer);
struct unix_cred unix_cred_of(const struct process *);
/* Take and clear the pending error. */
error_t unix_take_error(struct unix_socket *);

/* ---- unix_address.c ---- */
void unix_address_put(struct unix_address *);
static inline struct unix_address *unix_address_get(struct unix_address *a)
{
    if (a != NULL)
        a->refs++;
    return a;
}
/* The socket with that name, of that type. */
error_t unix_resolve(struct process *, const uint8_t *name, uint32_t bytes, uint32_t type, struct unix_socket **);
error_t unix_bind(struct process *, struct unix_socket *, const uint8_t *name, uint32_t bytes);
error_t unix_autobind(struct unix_socket *);
void unix_unbind(struct unix_socket *);

/* ---- unix_message.c ---- */
struct unix_received {
    struct unix_address *from;          /* a reference, or NULL                 */
    struct unix_files *files;           /* the receiver's now, or NULL          */
    struct unix_cred cred;
    bool     any;                       /* a message (or a part of one) came    */
    uint32_t flags;                     /* MSG_TRUNC                            */
    uint32_t message_bytes;             /* whole length of a datagram           */
};
/* One attempt each; results as in io.h. `files` is taken over when the message
 * was sent (then *files is NULL). */
error_t unix_send(struct unix_socket *, struct process *, struct io *, const uint8_t *to, uint32_t to_bytes,
                  const struct unix_cred *, struct unix_files **files);
error_t unix_receive(struct unix_socket *, struct io *, uint32_t flags, struct unix_received *);
void unix_received_fini(struct unix_received *);
bool unix_writable(const struct unix_socket *);
/* Free all messages of the queue. */
void unix_purge(struct unix_socket *);
uint32_t unix_input_bytes(const struct unix_socket *);

/* ---- unix_control.c ---- */
error_t unix_read_control(struct rpc_call *, struct process *, uint64_t address, uint32_t bytes,
                          struct unix_cred *, struct unix_files **);
/* Writes what was received to the client; *done: bytes of control data. */
error_t unix_write_control(struct rpc_call *, struct process *, uint64_t address, uint32_t bytes, uint32_t flags,
                           bool passcred, struct unix_received *, uint64_t *done);
void unix_files_free(struct unix_files *);

/* ---- unix_gc.c ---- */
void unix_in_flight_add(struct file *);
void unix_in_flight_remove(struct file *);
uint32_t unix_in_flight(void);
/* There may be garbage: look for it before the turn ends. */
void unix_collect_soon(void);

#endif
