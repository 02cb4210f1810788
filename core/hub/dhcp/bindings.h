/* SPDX-License-Identifier: Apache-2.0 */
/* bindings.h - the addresses of a DHCP server and who has them, for both families: found by client,
 * by address, by time, each in O(log n). Trees, not hash tables: a peer chooses the keys.
 *
 * A binding is made for an address when it is first used and stays, with the memory of its last
 * client, until the server removes it. One thread.
 */
#pragma once

#include "core/hub/dhcp/lease.h"

#include <stdbool.h>
#include <stdint.h>

enum binding_state {
    BINDING_FREE,    /* whoever had it last is remembered */
    BINDING_PROBING, /* somebody may have it already: asked by ARP */
    BINDING_OFFERED,
    BINDING_LEASED,
    BINDING_BAD, /* somebody has it who is none of ours */
    BINDING_N_STATES
};

/* What a client is known by: its identifier, or its hardware address alone. Borrowed. */
struct client_key {
    const struct mac *mac;
    const uint8_t *id;
    uint8_t id_len;
    bool by_mac; /* id is kept, but does not count */
};

struct binding {
    /* Read by all; changed by the functions below, except leased_ms, expires_ms and hostname. */
    struct dhcp_lease lease;
    enum binding_state state;
    bool has_client;
    bool by_mac;
    int64_t due_us; /* when the state ends; not when it is BINDING_FREE */

    /* The server's own. */
    bool reserved;     /* never among the free ones that anybody may have */
    bool had;          /* the client had it as a lease */
    int64_t probed_us; /* when nobody answered for it; 0: never */
    void *pending;     /* what is answered after the probe; g_free() */

    /* bindings.c alone. */
    GList link;
    struct peer *peer;
};

struct bindings;

struct bindings *bindings_new(void);
void bindings_free(struct bindings *t);

struct binding *bindings_by_client(const struct bindings *t, const struct client_key *key);
struct binding *bindings_by_ip(const struct bindings *t, const struct ip *ip);
/* There must be none of that address. Free, of nobody, and not among the free ones before
 * bindings_set(). */
struct binding *bindings_add(struct bindings *t, const struct ip *ip);
void bindings_remove(struct bindings *t, struct binding *b);

/* Who else had that key is forgotten by its binding. The key may point into the binding. */
void bindings_set_client(struct bindings *t, struct binding *b, const struct client_key *key);
void bindings_forget_client(struct bindings *t, struct binding *b);
/* from: the peer that it counts for, NULL for nobody. A free one is the last to be used again, or
 * the first when it has no client. */
void bindings_set(struct bindings *t, struct binding *b, enum binding_state state, int64_t due_us,
                  const struct mac *from);

/* The one that is in that state for the longest time, or NULL. BINDING_FREE or BINDING_BAD. */
struct binding *bindings_oldest(const struct bindings *t, enum binding_state state);
struct binding *bindings_next_due(const struct bindings *t); /* NULL: none */
unsigned bindings_of_peer(const struct bindings *t, const struct mac *from);
unsigned bindings_n(const struct bindings *t, enum binding_state state);
unsigned bindings_total(const struct bindings *t);
/* All, by address. */
GPtrArray *bindings_all(const struct bindings *t);
/* Appends struct dhcp_lease of those that are leased, by address. */
void bindings_list(const struct bindings *t, GArray *out);
