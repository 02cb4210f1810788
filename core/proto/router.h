/* SPDX-License-Identifier: Apache-2.0 */
/* router.h - the register of routers: which identity of IKE brings whose Ethernet to which hub.
 *
 * A book is immutable and counted; a changed register is a new book. */
#pragma once

#include "core/base/secret.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    ROUTER_BOOK_MAX = 1024,
    ROUTER_COOKIE_MAX = 8,
    ROUTER_ID_MAX = 255,
};

/* L2TPv3 without a control connection, as "ip l2tp" and Cisco's "xconnect ... manual" make it. */
struct router_static {
    bool on;
    uint32_t local_session, peer_session; /* not 0 */
    uint8_t local_cookie[ROUTER_COOKIE_MAX], peer_cookie[ROUTER_COOKIE_MAX];
    uint8_t local_cookie_len, peer_cookie_len; /* 0, 4, 8: local is what the peer puts in */
    bool sublayer;                             /* the default L2-specific sublayer, 4 bytes */
};

struct router {
    char
        *id; /* as IKE says it, printed: "192.0.2.7", "branch.example", "user@example", a key id
                as text; or with a '*' at its end, or "*" alone: any that has no entry of its own */
    char *hub, *user;
    struct secret *psk; /* of its own, or NULL: the server's */
    bool aggressive;    /* may use aggressive mode, which tells a hash of the key to anyone */
    struct router_static session;
};

struct router_book;

/* Takes the elements (struct router, by router_free()) of the array, and the array. */
struct router_book *router_book_new(GPtrArray *routers);
struct router_book *router_book_ref(struct router_book *b); /* NULL is fine */
void router_book_unref(struct router_book *b);              /* NULL is fine; wipes the last one */
/* The entry for an identity: the exact one, else the one with the longest beginning before its '*'.
 * Case does not count. NULL: none. Valid as long as the book. */
const struct router *router_book_find(const struct router_book *b, const char *id);
unsigned router_book_n(const struct router_book *b);
const struct router *router_book_at(const struct router_book *b, unsigned i);

struct router *router_new(void);
void router_free(struct router *r); /* wipes; NULL is fine */
