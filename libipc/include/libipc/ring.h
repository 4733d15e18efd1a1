/* SPDX-License-Identifier: MIT */
/*
 * The memory of one session: a submission ring, a completion ring and an
 * argument arena between one client process and one server. docs/rings.md
 * explains the protocol; tests/models/ring.pml is its model.
 *
 * Sessions of a server live in one Segment, session k at page
 * k * SESSION_PAGES. The server maps the whole Segment, a client only its own
 * pages. Either side may write anything anywhere in them at any time, so each
 * side keeps its own copy of the indices it owns and checks what it reads.
 *
 * Indices are free-running 32-bit counters. An entry is at index % entries.
 */
#ifndef LIBIPC_RING_H
#define LIBIPC_RING_H

#include <atoll/types.h>

#define SESSION_PAGES       8
#define SESSION_BYTES       (SESSION_PAGES * PAGE_BYTES)
#define SQ_ENTRIES          32
#define CQ_ENTRIES          128     /* also the most requests in flight: a slot
                                     * is reserved for each accepted one        */
#define ARENA_SLOTS         32      /* one for each submission entry            */
#define ARENA_SLOT_BYTES    512

/* What one request looks like on the wire. */
struct sq_entry {
    union {
        struct {
            uint16_t method;        /* ordinal from the IDL                     */
            uint16_t flags;         /* SQ_*                                     */
            uint32_t token;         /* chosen by the client; echoed             */
            uint16_t arena_slot;    /* < ARENA_SLOTS, or ARENA_NONE             */
            uint16_t arena_bytes;   /* bytes of arguments there                 */
            uint32_t epoch;         /* the server's, as the client last saw it; 0: never */
        };
        uint64_t head[2];   /* the same, to copy it                             */
    };
    uint64_t word[6];       /* inline arguments, laid out by the IDL compiler   */
};
#define ARENA_NONE      0xffffu
#define TOKEN_EVENT     0xffffffffu /* token of an entry that gets no completion */
#define SQ_CANCEL       0x0001u /* word[0] = token of the request to cancel, or TOKEN_EVENT: all; the
                                 * final completion of that request tells how it
                                 * ended, the cancel itself gets none           */
#define SQ_IDENTITY     0x0002u /* a server asks for a program: arena_bytes is the whole
                                 * slot, and ends in a struct rpc_identity      */

struct cq_entry {
    union {
        struct {
            uint32_t token;
            int32_t  error;         /* 0 or negative, errors.h                  */
            uint32_t arena_bytes;   /* bytes of results in the request's slot   */
            uint32_t reserved;
        };
        uint64_t head[2];
    };
    uint64_t word[6];       /* inline results                                   */
};

struct session_header {
    /* line 0, server writes before the client starts, and at restart; indices go
     * on over a restart (tests/models/ring_epoch.pml) */
    uint64_t layout_hash;   /* relaxed; of the interface, checked by the client */
    union {
        struct {
            uint32_t epoch;     /* release; changes when the server restarted   */
            uint32_t closed;    /* release; 1: no more requests are taken       */
        };
        uint64_t epoch_closed;  /* both, for one look                           */
    };
    uint32_t first_epoch;   /* relaxed; the one in which the session was opened */
    uint8_t  pad0[44];
    /* line 1, client writes */
    uint32_t sq_tail;       /* release, after the entry                         */
    uint8_t  pad1[60];
    /* line 2, server writes */
    uint32_t sq_head;       /* release, after the entry was copied              */
    uint8_t  pad2[60];
    /* line 3, server writes */
    uint32_t cq_tail;       /* release, after the entry                         */
    uint32_t parks;         /* relaxed; counts requests put aside to wait: who
                             * spins for one of them had better sleep           */
    uint8_t  pad3[56];
    /* line 4, client writes */
    uint32_t cq_head;       /* release, after the entry was copied              */
    uint8_t  pad4[60];
    /* line 5, server writes */
    uint32_t server_asleep; /* 1: ring the doorbell after publishing sq_tail    */
    uint8_t  pad5[60];
    /* line 6, client writes */
    uint32_t client_asleep; /* 1: ring the doorbell after publishing cq_tail    */
    uint8_t  pad6[60];
    uint8_t  pad7[64];
};

struct session {
    struct session_header header;                       /* 512 bytes            */
    uint8_t         pad[1536];
    struct sq_entry sq[SQ_ENTRIES];                     /* offset 2048          */
    struct cq_entry cq[CQ_ENTRIES];                     /* offset 4096          */
    uint8_t         pad2[4096];
    uint8_t         arena[ARENA_SLOTS][ARENA_SLOT_BYTES]; /* offset 16384       */
};
_Static_assert(sizeof(struct sq_entry) == 64 && sizeof(struct cq_entry) == 64, "one line");
_Static_assert(sizeof(struct session_header) == 512, "eight lines");
_Static_assert(offsetof(struct session, sq) == 2048, "layout");
_Static_assert(offsetof(struct session, cq) == 4096, "layout");
_Static_assert(offsetof(struct session, arena) == 16384, "layout");
_Static_assert(sizeof(struct session) == SESSION_BYTES, "layout");

#endif
