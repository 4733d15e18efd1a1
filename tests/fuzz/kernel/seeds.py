#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seed corpus: tests/fuzz/kernel/seeds.py [FOLDER]. Each seed is named for what it plays.

The bytes of an action are what actions.c reads for its kind; a capability is its number among those of its type, in
the order of the shared CNode (actions.c, W_*)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
KINDS = {name: i for i, name in enumerate(re.findall(r"K\((\w+)\)", (HERE / "kinds.h").read_text().split("KINDS(K)")[1]))}

# Numbers among capabilities of one type.
EP, EP_FAULT, EP_BADGE1, EP_BADGE2 = 0, 2, 3, 4
DEVICE_SEGMENT = 4
NOTIFY_BADGE2 = 4
OBJECTS, SMALL = 1, 0               # Untypeds
EMPTY_50, NOTIFY_50 = 16, 6       # the empty slot 50; what is made there
SELF, INNER = 0, 1                  # CNodes
# Slots of the shared CNode, for operations on an index.
S_TCB, S_SCHED, S_ENDPOINT, S_REPLY, S_NOTIFY, S_VSPACE, S_POOL, S_SEGMENT, S_UNTYPED = 2, 10, 16, 19, 23, 27, 31, 32, 37
S_INNER, S_SELF, S_IRQ = 44, 1, 42
# Bytes of addresses and lengths.
FRAMES, DATA, LOW, GIB, HIGH, MID, TOP = (i << 5 for i in range(7))
BAD = 7 << 5
R, W, X, SHARED, REPLACE, NO_CLONE, POPULATE = 1, 2, 4, 0x10, 0x20, 0x40, 0x80
FOREVER = 255
UNTYPED, CNODE, TCB, SCHED, ENDPOINT, REPLY, NOTIFY, VSPACE, POOL, SEGMENT = range(1, 11)


class Seed:
    def __init__(self, harts: int = 3, traced: bool = False, compared: bool = False) -> None:
        flags = (0x80 if traced else 0) | (0x40 if compared else 0)
        self.data = bytearray([next(b for b in range(256) if b & 0xc0 == flags and b % 3 == harts - 1)])

    def on(self, hart: int, kind: str, *args: int, park: int | None = None) -> Seed:
        self.data += bytes([hart | len(args) << 2, KINDS[kind], 0 if park is None else 128 + park, *args])
        return self

    def go(self, hart: int, times: int = 1) -> Seed:
        for _ in range(times):
            self.on(hart, "nothing")
        return self


SEEDS: dict[str, Callable[[], Seed]] = {}


def seed(function: Callable[[], Seed]) -> Callable[[], Seed]:
    SEEDS[function.__name__] = function
    return function


def chain() -> Seed:
    """Thread 1 calls thread 0, which calls thread 2 on hart 1."""
    return (Seed().on(1, "recv", EP + 1, 0, 1).on(0, "recv", EP, 0, 0).on(0, "call", EP, 4).on(0, "call", EP + 1, 4)
            .go(1, 2))


@seed
def call_chain() -> Seed:
    return chain().on(1, "reply_recv", EP + 1, 2, 1).go(0, 2).on(0, "reply_recv", EP, 3, 0).on(0, "call", EP, 1).go(0)


@seed
def delete_mid_chain() -> Seed:
    return chain().on(1, "delete", SELF, S_REPLY + 1).go(0, 2).on(0, "delete", SELF, S_REPLY).go(0, 2)


@seed
def delete_thread_mid_chain() -> Seed:
    return chain().on(1, "delete", SELF, S_TCB).go(0, 3).on(1, "delete", SELF, S_TCB + 1).go(0, 2).go(1, 2)


@seed
def suspend_mid_chain() -> Seed:
    return chain().on(1, "suspend", 0).go(0, 2).go(1, 2).on(1, "reply", 1, 0).on(1, "tcb_resume", 0).go(0, 2)


@seed
def revoke_untyped() -> Seed:
    s = Seed()
    for kind in (ENDPOINT, REPLY, NOTIFY, TCB, SCHED, VSPACE):
        s.on(0, "retype", OBJECTS, kind, 0, 0, 1)
    return s.on(0, "retype", OBJECTS, CNODE, 3, 0, 0).on(0, "copy", 2, 0, ENDPOINT, 0, 255, 0).on(
        0, "revoke", SELF, S_UNTYPED + 1).go(1).go(2).go(0, 3)


@seed
def retype_reset() -> Seed:
    s = Seed()
    for _ in range(3):
        s.on(1, "retype", SMALL, NOTIFY, 0, 0, 7).on(1, "revoke", SELF, S_UNTYPED).go(0).go(1, 2).on(
            1, "retype", SMALL, TCB, 0, 0, 1).on(1, "delete", SELF, 50).on(1, "delete", SELF, 51).go(1).go(2)
    return s


@seed
def clone_cow_unmap() -> Seed:
    s = Seed()
    for page in range(3):
        s.on(0, "store", DATA + page)
    s.on(0, "clone", 2, 0).on(0, "store", DATA).on(0, "vspace_copy", 2, DATA, DATA + 1, 0, 1)
    s.on(0, "configure", 6, 0, 2, 0, 110, 1).on(0, "tcb_resume", 6).on(0, "unmap", 0, DATA, 1).on(0, "protect", 0, DATA + 2, 0, R)
    return s.on(0, "discard", 2, DATA, 2).on(0, "load", DATA + 2).on(0, "delete", SELF, S_VSPACE + 2).go(0)


@seed
def notification_with_deadline() -> Seed:
    return (Seed().on(0, "wait", 0, 20).on(0, "wait", 1, 10).on(0, "advance", 4).go(0, 2).on(1, "signal", 0)
            .go(0, 2).on(0, "signal_wait", 0, 1, 30).on(0, "advance", 20).go(0, 3))


@seed
def cross_hart_signal() -> Seed:
    return (Seed().on(1, "wait", 1, FOREVER).on(0, "signal", 1).go(1, 2).on(1, "signal_wait", 0, 1, FOREVER)
            .on(0, "wait", 0, FOREVER).on(2, "signal", 1).go(1, 2).go(0))


@seed
def cross_hart_migrate() -> Seed:
    return (Seed().on(0, "set_hart", 0, 1).go(1, 2).on(1, "wait", 0, 40).on(2, "set_hart", 2, 2).go(1, 2).go(2)
            .on(2, "set_hart", 0, 0).go(1).go(0).on(0, "signal", 0).go(0, 2).go(1))


@seed
def guest_upcalls() -> Seed:
    """Thread 5 is a guest with a frame, alone on hart 2 after thread 4 waits."""
    return (Seed().on(2, "wait", 0, FOREVER).on(2, "yield").on(2, "resume").on(0, "upcall", 5).go(2)
            .on(2, "resume_full").on(2, "store", BAD + 3).on(2, "resume_fault").on(2, "upcall_clear")
            .on(2, "illegal").on(2, "resume").on(2, "fetch", BAD).on(2, "fetch", BAD).go(2))


@seed
def fault_endpoint() -> Seed:
    return (Seed().on(0, "recv", EP_FAULT, 0, 2).on(0, "store", BAD + 2).on(0, "reply", 2, 0).on(0, "yield")
            .on(0, "recv", EP_FAULT, 0, 2).on(0, "illegal").on(0, "reply", 2, 0x80).go(0))


@seed
def interrupts() -> Seed:
    return (Seed().on(0, "irq_set", 0, 2, 1).on(0, "irq_set", 1, 2, 0).on(0, "irq", 0).go(1, 2).on(0, "wait", 2, 0)
            .on(0, "irq_ack", 0).on(1, "irq", 0).on(1, "irq", 1).go(0, 2).on(0, "delete", SELF, S_IRQ).go(0)
            .on(0, "platform_irq", 0, 1, 0).on(0, "irq_set", 1, 0, 0).on(0, "irq", 0).go(0))


@seed
def budgets() -> Seed:
    return (Seed().on(0, "sched_configure", 1, 4, 1, 40, 0).on(0, "advance", 10).go(0, 3).on(0, "advance", 60)
            .go(0, 3).on(0, "set_priority", 1, 100).on(0, "advance", 40).go(0, 4))


@seed
def limit_set_on_a_running_context_arms_the_timer() -> Seed:
    return (Seed(1).on(0, "wait", 0, FOREVER).on(0, "wait", 0, FOREVER).on(0, "wait", 0, FOREVER)
            .on(0, "wait", 0, FOREVER).on(0, "sched_configure", 5, 4, 1, 40, 0).on(0, "sched_configure", 6, 4, 1, 40, 0))


@seed
def segment_truncated_under_mappings() -> Seed:
    return (Seed().on(0, "map", 0, HIGH, 31, R | W | SHARED, 2, 0).on(0, "populate", 0, HIGH, 9, 1).on(
        0, "map", 1, HIGH, 31, R | W, 2, 0).on(0, "collect_dirty", 2, 0, 32).on(0, "store", HIGH + 2).on(
        0, "resize", 2, 5).go(1).on(0, "zero", 2, 1, 0).on(0, "load", HIGH + 8).on(0, "collect_dirty", 2, 0, 8).on(
        0, "delete", SELF, S_SEGMENT + 2).go(0))


@seed
def segment_beyond_direct_pages() -> Seed:
    return (Seed().on(0, "map", 0, HIGH, 0x81, R | W | SHARED, 2, 0).on(0, "store", HIGH + 30).on(
        0, "segment_copy", 2, 240, 0, DATA, 3, 1).on(0, "segment_copy", 2, 0, 0, DATA, 4, 0).on(
        0, "resize", 2, 100).on(0, "zero", 2, 40, 5).on(0, "unmap", 0, HIGH + 4, 2))


@seed
def device_leaf_split() -> Seed:
    return (Seed().on(0, "map", 0, HIGH, 0x82, R | W | SHARED, DEVICE_SEGMENT, 0).on(0, "store", HIGH + 1).on(
        0, "unmap", 0, HIGH + 3, 1).on(0, "protect", 0, HIGH, 0x80, R).on(0, "query", 0, HIGH, DATA).on(
        0, "clone", 2, 0).on(0, "vspace_move", 0, HIGH, 0x80, GIB))


@seed
def results_into_a_device() -> Seed:
    """The kernel stores nothing at a device's address: there may be nothing that answers."""
    return (Seed().on(0, "map", 0, HIGH, 0x82, R | W | SHARED, DEVICE_SEGMENT, 0).on(0, "query", 0, DATA, HIGH + 1).on(
        0, "vspace_copy", 0, HIGH, DATA, 0, 1).on(0, "populate", 0, HIGH, 3, 1).on(0, "debug_write", 0, HIGH, 4))


@seed
def pool_limit() -> Seed:
    return (Seed().on(0, "set_limit", 0, 1, 8).on(0, "reserve", 0, MID, 31, R | W).on(0, "store", MID).on(
        0, "store", MID + 1).on(0, "store", MID + 2).on(0, "store", MID + 3).on(0, "store", MID + 4).on(
        0, "clone", 2, 0).on(0, "set_reserve", 0, 90).on(2, "store", DATA + 1).on(0, "pool_info", 0, 1, DATA))


@seed
def clone_without_memory() -> Seed:
    s = Seed().on(0, "map", 1, HIGH, 31, R | W, 2, 0)
    for at in (DATA, LOW, GIB, MID, TOP):
        s.on(0, "reserve", 0, at + 1, 8, R | W | REPLACE).on(0, "store", at + 1)
    return s.on(0, "set_limit", 0, 3, 4).on(0, "clone", 2, 0).go(0).on(0, "set_limit", 0, 3, 40).on(0, "clone", 2, 0)


@seed
def revoke_above_added_memory() -> Seed:
    """The Untyped above everything is revoked while its newest part is a used Pool's."""
    return Seed().on(0, "add_memory", 0, OBJECTS)


@seed
def pool_in_a_deleted_cnode() -> Seed:
    """The last capability of a used Pool goes with a CNode; later deletions must not wait for it."""
    return (Seed().on(0, "move", INNER, 0, POOL, 0).on(0, "delete", SELF, S_INNER).go(0, 3).on(
        0, "delete", SELF, S_ENDPOINT).go(0).on(1, "delete", SELF, S_NOTIFY).on(0, "store", DATA + 5))


@seed
def reply_of_a_waiting_receiver_takes_no_sender() -> Seed:
    return (Seed(2).on(0, "call", EP, 8).on(0, "reply_recv", EP + 1, 0, 0).on(0, "recv", EP, 0, 0).on(
        1, "call", EP + 1, 0).go(0).on(1, "suspend", 0).go(0, 2).go(1, 2))


@seed
def capabilities_in_messages() -> Seed:
    return (Seed().on(0, "ipc_words", ENDPOINT, 3, 1, NOTIFY, 0, 2, SEGMENT, 1, 3).on(0, "recv", EP, 0, 0).on(
        0, "ipc_words", ENDPOINT, 3, 4, UNTYPED, 0, 5, SEGMENT, 1, 6).on(0, "call", EP, 0x1f).on(
        0, "reply_recv", EP, 0x17, 0).go(0).on(1, "ipc_words", TCB, 0, 8, 0, 0, 9, VSPACE, 0, 10).on(
        1, "send", EP_BADGE1, 0xff).go(0))


@seed
def batch() -> Seed:
    def op(kind: str) -> int:
        return KINDS[kind] - KINDS["retype"]
    return (Seed().on(0, "batch", 3, op("reserve"), 0, MID, 4, R | W, op("map"), 0, HIGH, 4, R | SHARED, 0, 0,
                      op("mint"), SELF, 0, NOTIFY, 0, 255, 2, op("delete"), SELF, S_SCHED + 4).go(2)
            .on(0, "batch", 1, op("delete"), SELF, S_VSPACE, op("unmap"), 0, DATA, 1))


@seed
def neighbours_in_a_batch() -> Seed:
    """Joined across two pages of entries; one record each, and an unmap of them all; one that differs."""
    many = R | W | SHARED | POPULATE
    return (Seed().on(0, "resize", 1, 96).on(0, "strip", 31, 0xf0, 0, 0, MID, many, 1, 0).go(2)
            .on(0, "strip", 31 | 32, 0xf0, 0, 0, MID).go(2).on(0, "strip", 31, 8, 0, 0, MID, many, 1, 0).go(2)
            .on(1, "strip", 31, 0x10, 5, 0, MID, many | REPLACE, 1, 3).on(0, "clone", 1, 0)
            .on(0, "unmap", 0, MID, 31).go(3))


@seed
def bound_notification() -> Seed:
    return (Seed().on(0, "bind_notification", 0, 3).on(0, "recv", EP, 0, 0).on(1, "signal", 3).go(0, 2).on(
        0, "signal", 3).on(0, "recv", EP, 0, 0).on(0, "nb_recv", EP, 0, 0).on(0, "bind_notification", 0, 0xf0).on(
        0, "delete", SELF, S_NOTIFY + 3).go(0))


@seed
def cancel_badged_senders() -> Seed:
    return (Seed().on(0, "send", EP_BADGE1, 2).on(0, "call", EP_BADGE2, 2).on(1, "call", EP_BADGE1, 1).on(
        2, "cancel_badged", SELF, 45).go(0, 2).go(1).on(2, "recv", EP, 0, 0).go(0))


@seed
def pinned_pages() -> Seed:
    return (Seed().on(0, "set_ipc_buffer", 0, 1, 2, DATA + 18).on(0, "resize", 1, 1).on(0, "zero", 1, 0, 3).on(
        0, "delete", SELF, S_SEGMENT + 1).go(0).on(0, "set_frame", 0, 0, 9, FRAMES + 9).on(
        0, "set_personality", 0, 1, FRAMES).on(0, "delete", SELF, S_SEGMENT).go(0, 2))


@seed
def move_and_rotate() -> Seed:
    return (Seed().on(0, "move", INNER, 0, ENDPOINT, 1).on(0, "copy", INNER, 0, ENDPOINT, 0, 3).on(
        0, "rotate", SELF, 0, 50, 51, 0).on(0, "rotate", INNER, 0, 0, 1, 1).on(0, "move", INNER, 0, CNODE, 1).on(
        0, "inspect", INNER, 0).on(0, "delete", SELF, S_INNER).go(0, 2))


@seed
def cnode_in_itself() -> Seed:
    return (Seed().on(0, "copy", INNER, 0, CNODE, 1, 255).on(0, "move", INNER, 0, TCB, 3).on(
        0, "move", INNER, 1, CNODE, 1).on(1, "revoke", SELF, S_UNTYPED + 1).on(0, "delete", INNER, 0).go(0, 3).go(1, 2))


@seed
def own_cspace_deleted() -> Seed:
    return Seed().on(0, "delete", SELF, S_SELF).on(0, "yield").on(1, "delete", SELF, S_TCB + 2).go(1).go(0, 3)


@seed
def own_vspace_deleted() -> Seed:
    return (Seed().on(2, "store", DATA).on(0, "delete", SELF, S_VSPACE + 1).go(2, 2).go(0, 3).on(
        0, "delete", SELF, S_VSPACE).go(1).go(0).go(1))


@seed
def vspace_bound_while_it_runs() -> Seed:
    return (Seed().on(0, "configure", 6, 0, 3, 0, 110, 1).on(0, "tcb_resume", 6).go(1, 2).on(0, "vspace_init", 3, 0, 5).on(
        0, "reserve", 3, DATA, 2, R | W).on(1, "store", DATA).on(1, "store", DATA))


@seed
def tracing() -> Seed:
    return (Seed(traced=True).on(0, "platform_trace", 0, 1).on(0, "signal", 0).on(1, "wait", 0, 0).on(
        2, "wait", 1, FOREVER).on(2, "yield").on(2, "resume").on(0, "store", DATA).on(0, "trace_text", 0, DATA, 40).on(
        0, "set_name", 0, *b"a thread").on(0, "platform_trace", 0, 0).on(0, "debug_write", 0, DATA, 90))


@seed
def floating_point() -> Seed:
    return (Seed().on(0, "fp").on(0, "yield").on(0, "fp").on(0, "recv", EP, 0, 0).on(0, "call", EP, 0).on(
        0, "fp").on(0, "reply_recv", EP, 0, 0).on(0, "copy_fpu", 0, 1).on(0, "set_hart", 1, 1).go(1).on(1, "fp"))


@seed
def deletion_between_two_points() -> Seed:
    """Hart 1 stops inside its call while hart 0 deletes what it looks at."""
    s = Seed()
    for points in (1, 2, 3, 4, 6, 9):
        s.on(1, "signal", 0, park=points).on(0, "delete", SELF, S_NOTIFY).go(0, 2).go(1)
        s.on(0, "retype", SMALL, NOTIFY, 0, 0, 0).go(1)
    return s


@seed
def call_meets_deletion() -> Seed:
    s = Seed().on(0, "recv", EP, 0, 0)
    for points in (2, 5, 8):
        s.on(1, "call", EP, 4, park=points).on(0, "delete", SELF, S_REPLY, park=points).go(0).go(1).go(0)
    return s.on(2, "delete", SELF, S_ENDPOINT).go(1).go(0, 2)


@seed
def fault_meets_unmap() -> Seed:
    s = Seed().on(2, "set_hart", 0, 0)
    for points in (1, 3, 5):
        s.on(1, "store", DATA + points, park=points).on(0, "unmap", 0, DATA + points, 0, park=4).go(1).go(0)
        s.on(0, "reserve", 0, DATA + points, 0, R | W).on(0, "clone", 2, 0, park=points).on(1, "store", DATA).go(0)
    return s


@seed
def endpoint_deleted_under_receivers() -> Seed:
    return (Seed().on(0, "recv", EP + 1, 0, 1).on(1, "recv", EP + 1, 0, 2).on(2, "recv", EP + 1, 0, 3).on(
        0, "delete", SELF, S_ENDPOINT + 1).go(0).go(1).go(2))


def compared(harts: int = 3) -> Seed:
    """Each call by fast and general path (entries.c). Threads 0 and 1 are on hart 0, 2 and 3 on hart 1."""
    return Seed(harts, compared=True)


def own_space(s: Seed, hart: int, priority: int) -> Seed:
    """Thread 6 runs there, in an address space of its own."""
    return s.on(0, "configure", 6, 0, 2, 0, priority, hart).on(0, "tcb_resume", 6).go(hart)


@seed
def fast_call_and_reply() -> Seed:
    s = compared().on(0, "recv", EP, 0, 0)
    for words in (4, 0, 1):
        s.on(0, "advance", 2).on(0, "call", EP_BADGE1, words).on(0, "reply_recv", EP, words, 0)
    return s.on(0, "call", EP, 5).on(0, "reply_recv", EP, 0x82, 0).on(0, "call", EP_BADGE2, 2).on(0, "reply", 0, 1)


@seed
def fast_call_with_fp() -> Seed:
    s = compared().on(0, "fp").on(0, "recv", EP, 0, 0).on(0, "call", EP, 4).on(0, "reply_recv", EP, 4, 0).on(0, "fp")
    for _ in range(2):
        s.on(0, "call", EP, 1).on(0, "fp").on(0, "reply_recv", EP, 1, 0).on(0, "fp")
    return s.on(0, "call", EP, 1).on(0, "reply_recv", EP, 1, 0)


@seed
def fast_call_to_another_space() -> Seed:
    s = own_space(compared(), 0, 110).on(0, "recv", EP, 0, 0)
    for words in (3, 0):
        s.on(0, "call", EP_BADGE1, words).on(0, "store", DATA).on(0, "reply_recv", EP, words, 0)
    return s.on(0, "call", EP, 0).on(0, "delete", SELF, S_VSPACE + 2).go(0, 3)


@seed
def fast_call_declined() -> Seed:
    """Who is ready goes first; queued receivers; a reply object without caller; wrong capabilities."""
    s = own_space(compared(), 0, 60).on(0, "recv", EP, 0, 0).on(0, "recv", EP, 0, 1).on(0, "recv", EP, 0, 2)
    s.on(1, "call", EP, 2).go(0).on(0, "yield").on(0, "reply_recv", EP, 1, 3).on(0, "reply_recv", EP, 1, 0xf0)
    return s.on(0, "call", 0xf3, 99).on(0, "call", 0xf3, S_NOTIFY).on(1, "call", EP, 1).go(0, 2).on(0, "call", EP + 1, 1).go(0)


@seed
def fast_signal_wait() -> Seed:
    s = compared().on(0, "wait", 0, FOREVER)
    for _ in range(2):
        s.on(0, "signal_wait", 0, 1, FOREVER).on(0, "signal_wait", 1, 0, FOREVER)
    s.on(0, "signal", 1).on(0, "signal_wait", 0, 1, FOREVER).on(0, "yield").on(0, "wait", 0, FOREVER)
    s.on(0, "signal_wait", 0, 1, 100).on(0, "signal_wait", 1, 0, 200).on(0, "signal_wait", 0, 1, 50).on(0, "fp")
    return s.on(0, "signal_wait", 1, 0, FOREVER).on(0, "fp").on(0, "signal_wait", 0, 1, 20).on(0, "advance", 90).go(0, 3)


@seed
def fast_signal_and_wait() -> Seed:
    """Bits that are there, a waiter that runs later, a wait that hands the hart on."""
    s = compared().on(0, "set_priority", 0, 90).on(0, "wait", 0, 0).on(0, "signal", 0).on(0, "signal", NOTIFY_BADGE2)
    s.on(0, "wait", 0, FOREVER)
    s.on(0, "wait", 0, FOREVER).on(0, "wait", 1, FOREVER).on(1, "signal", 0).go(0, 2).on(0, "signal", 1).go(0)
    return s.on(0, "wait", 0, 200).on(0, "signal", 0).on(0, "wait", 0, 30).go(0).on(0, "advance", 90).go(0, 2)


@seed
def fast_wait_then_lower_thread() -> Seed:
    s = compared().on(0, "set_priority", 1, 120).go(0).on(0, "wait", 0, FOREVER).on(0, "signal", 0).go(0)
    s.on(0, "set_priority", 0, 110).on(0, "wait", 0, 90).on(0, "set_priority", 1, 100).on(0, "signal", 0)
    return s.on(0, "wait", 2, 60).on(0, "advance", 90).go(0, 3)


@seed
def fast_yield() -> Seed:
    s = own_space(compared(), 0, 100)
    for _ in range(5):
        s.on(0, "yield")
    return s.on(0, "fp").on(0, "yield").on(0, "set_priority", 1, 80).on(0, "yield").on(0, "yield").on(0, "yield")


@seed
def yield_to_a_guest_with_an_upcall() -> Seed:
    """It enters its personality before another instruction of its own."""
    return compared().on(2, "set_priority", 5, 100).on(2, "upcall", 5).on(2, "yield")


def three_on_hart_0(s: Seed) -> Seed:
    """Thread 1 runs, at 100; thread 6 waits for notification 0, at 95; thread 0 receives, at 90."""
    own_space(s, 0, 95).on(0, "set_priority", 0, 90).on(0, "wait", 1, FOREVER)
    return s.on(0, "wait", 0, FOREVER).on(0, "recv", EP, 0, 0).on(1, "signal", 1).go(0)


@seed
def fast_call_below_a_ready_thread() -> Seed:
    return three_on_hart_0(compared()).on(0, "signal", 0).on(0, "call", EP, 1)


@seed
def fast_call_meets_mail() -> Seed:
    """A wake-up comes between the switch and the last look at the mailbox: its thread is to run, not the partner."""
    s = three_on_hart_0(Seed())
    for points in range(3, 8):
        s.on(0, "call", EP, 1, park=points).on(1, "signal", 0).go(0).on(0, "wait", 0, FOREVER)
        s.on(0, "reply_recv", EP, 1, 0).go(0)
    return s


@seed
def fast_reply_recv_with_senders() -> Seed:
    return (compared().on(0, "recv", EP, 0, 0).on(0, "call", EP, 1).on(1, "send", EP, 1)
            .on(0, "reply_recv", EP, 1, 0).on(0, "reply_recv", EP, 1, 0))


def reply_dies_under_a_receiver(points: int) -> Seed:
    """Hart 1 deletes the reply object with which thread 0 waits, and thread 1 calls it meanwhile."""
    return (Seed().on(0, "recv", EP, 0, 0).on(1, "delete", SELF, S_REPLY, park=points).on(0, "call", EP, 1).go(1, 3)
            .go(0, 2))


SEEDS |= {f"reply_dies_under_a_receiver_{n}": partial(reply_dies_under_a_receiver, n) for n in range(3, 10)}


@seed
def fast_calls_meet_deletion() -> Seed:
    s = Seed()
    for points in range(5):
        s.on(0, "recv", EP, 0, 0).on(0, "call", EP, 1, park=points).on(1, "delete", SELF, S_REPLY).go(0, 2)
        s.on(0, "delete", SELF, S_ENDPOINT, park=points).go(1, 2).go(0, 2)
    return s


@seed
def memory_waits_for_a_signal_under_way() -> Seed:
    """Hart 1 has looked a notification up; its memory is not used again before it has left."""
    s = Seed().on(0, "retype", SMALL, NOTIFY, 0, EMPTY_50, 0)
    for points in range(2):
        s.on(1, "signal", NOTIFY_50, park=points).on(0, "delete", SELF, 50).on(0, "retype", SMALL, NOTIFY, 0, EMPTY_50, 0)
        s.go(0, 2).go(1).go(0, 2)
    return s


@seed
def memory_waits_for_a_call_under_way() -> Seed:
    """The same by an endpoint of a CNode that is deleted whole: its slots are looked at, too."""
    s = Seed()
    for points in range(4):
        s.on(0, "retype", SMALL, CNODE, 2, EMPTY_50, 0).on(0, "copy", INNER + 1, 0, ENDPOINT, 0, 255, 0)
        s.on(1, "call", 0xf2, 50, 1, park=points).on(0, "delete", SELF, 50).on(0, "retype", SMALL, NOTIFY, 0, EMPTY_50, 0)
        s.go(0, 2).go(1).go(0, 2).on(1, "suspend", 2).on(0, "delete", SELF, 50).go(0, 2).on(0, "tcb_resume", 2).go(1)
    return s


@seed
def memory_waits_for_a_program_that_stays() -> Seed:
    """Hart 1 never enters by itself: it is asked."""
    s = Seed(2)
    for _ in range(3):
        s.on(0, "retype", SMALL, NOTIFY, 0, EMPTY_50, 0).on(0, "delete", SELF, 50).go(0, 6).go(1)
    return s


@seed
def unmap_under_a_warm_translation() -> Seed:
    return (Seed().on(0, "store", DATA).on(0, "store", DATA + 1).on(0, "unmap", 0, DATA, 0).on(0, "load", DATA).on(
        0, "discard", 0, DATA + 1, 0).on(0, "load", DATA + 1))


@seed
def everything_else() -> Seed:
    s = Seed().on(0, "untyped_info", 0).on(0, "sched_info", 0).on(0, "tcb_info", 0, DATA).on(0, "vspace_info", 0, DATA)
    s.on(0, "segment_info", 0, DATA).on(0, "set_pager", 0, 0).on(0, "counters", 0, DATA, 0).on(0, "suspend", 2)
    s.on(0, "read_regs", 2, DATA, 0).on(0, "write_regs", 2, DATA, 1).on(0, "set_fault_ep", 0, 0).on(0, "nb_send", 0, 1)
    s.on(0, "add_memory", 0, SMALL + 1).on(0, "retype", SMALL, POOL, 1, 0, 0).on(0, "reserve", 0, TOP, 31, R | W | POPULATE)
    s.on(0, "retype", OBJECTS, POOL, 1, 0, 0).on(0, "retype", SMALL, SEGMENT, 2, 0, 0, 0)
    return s.on(0, "raw", 0x7f, *([0xff] * 56), 12).on(0, "raw", 0, *range(7), 99)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in SEEDS.items():
        (folder / name).write_bytes(make().data)


if __name__ == "__main__":
    main()
