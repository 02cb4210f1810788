/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_server.c - see dhcp4_server.h.
 *
 * Each address that was ever used has a binding (bindings.h), which goes round like this:
 *
 *   free --DISCOVER--> probing --0.5 s--> offered --REQUEST--> leased --expiry, RELEASE--> free
 *                         | an answer       | 10 s: free          | DECLINE
 *                         +--> bad (600 s) -+                     +--> bad
 *
 * A client that had the address before comes from free to offered at once. Fresh addresses are
 * given in order, first to last; when there are none, the one that is free for the longest time;
 * then, after a minute at least, a bad one: it is probed again.
 *
 * We are not alone in the network, perhaps: a client that we do not know and that asks for an
 * address of our network is some other server's, and we are silent (RFC 2131, 4.3.2).
 *
 * Memory: a binding an address, DHCP_LEASES_MAX at most. A sender holds DHCP_PEER_MAX of them at
 * most, whatever names its clients have; bad ones that it declined count too. An address that is
 * reserved for a client's hardware address is always given.
 */

#include "core/hub/dhcp/dhcp4_server.h"

#include "core/hub/dhcp/dhcp4_priv.h"
#include "core/net/dhcp4.h"
#include "core/net/ip4.h"

#include <string.h>

#define US        INT64_C(1000000)
#define MS        INT64_C(1000)
#define PROBE_US  (500 * MS)
#define BROADCAST UINT32_C(0xffffffff)

enum {
    OFFER_S = 10,
    BAD_S = 600,
    BAD_LEAST_S = 60,
    TRIES_MAX = 8,       /* addresses that turn out to be in use, for one DISCOVER */
    LEASE_WANTED_S = 60, /* a client that wants less gets this */
};

/* ---- bindings ---- */

/* It is this client's now, in this state. */
static void
take(struct dhcp4_server *s, struct binding *b, const struct dhcp4_request *r,
     enum binding_state state, int64_t due_us)
{
    struct client_key key = dhcp4_key_of(s, r);

    bindings_set_client(s->t, b, &key);
    if (r->hostname[0] != '\0')
        (void)g_strlcpy(b->lease.hostname, r->hostname, sizeof(b->lease.hostname));
    bindings_set(s->t, b, state, due_us, &r->from);
}

static void
tell_gone(struct dhcp4_server *s, const struct binding *b)
{
    struct dhcp_lease gone = b->lease;

    gone.expires_ms = 0;
    s->ops->lease(s->owner, &gone);
}

/* Nobody's any more. Who had it as a lease is remembered, an offer that was not taken is not. */
static void
let_go(struct dhcp4_server *s, struct binding *b)
{
    g_clear_pointer(&b->pending, g_free);
    if (b->state == BINDING_LEASED) {
        tell_gone(s, b);
        b->had = true;
    }
    if (!dhcp4_is_of_pool(s, dhcp4_address_of(b))) {
        bindings_remove(s->t, b);
        return;
    }
    if (!b->had)
        bindings_forget_client(s->t, b);
    bindings_set(s->t, b, BINDING_FREE, 0, NULL);
}

/* from: whose fault it is; NULL: nobody's. */
static void
make_bad(struct dhcp4_server *s, struct binding *b, const struct mac *from, int64_t now_us)
{
    g_clear_pointer(&b->pending, g_free);
    s->counters.conflicts++;
    if (b->state == BINDING_LEASED)
        tell_gone(s, b);
    if (!dhcp4_is_of_pool(s, dhcp4_address_of(b))) {
        bindings_remove(s->t, b);
        return;
    }
    bindings_forget_client(s->t, b);
    b->probed_us = 0;
    bindings_set(s->t, b, BINDING_BAD, now_us + BAD_S * US, from);
}

/* ---- answers ---- */

static void
send_answer(struct dhcp4_server *s, const struct dhcp4_request *r, enum dhcp4_type type,
            uint32_t yiaddr, uint32_t lease_s)
{
    uint8_t bytes[DHCP4_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    dhcp4_answer_write(&w, &s->config, r, type, yiaddr, lease_s);
    g_assert(writer_ok(&w));
    struct reader payload = reader_of(bytes, w.len);
    if (type != DHCP4_NAK && r->ciaddr != 0)
        s->ops->send(s->owner, payload, r->ciaddr, &r->chaddr);
    else if (type == DHCP4_NAK || r->broadcast) /* 4.1 */
        s->ops->send(s->owner, payload, BROADCAST, &everybody);
    else
        s->ops->send(s->owner, payload, yiaddr, &r->chaddr);
}

static void
refuse(struct dhcp4_server *s, const struct dhcp4_request *r)
{
    s->counters.refused++;
    send_answer(s, r, DHCP4_NAK, 0, 0);
}

static uint32_t
lease_time(const struct dhcp4_server *s, const struct dhcp4_request *r)
{
    uint32_t wanted_s = r->lease_s != 0 ? MAX(r->lease_s, LEASE_WANTED_S) : UINT32_MAX;

    return MIN(s->config.lease_s, wanted_s);
}

static void
offer(struct dhcp4_server *s, struct binding *b, const struct dhcp4_request *r, int64_t now_us)
{
    if (b->state != BINDING_LEASED) /* what it has, it has until its time is over */
        take(s, b, r, BINDING_OFFERED, now_us + OFFER_S * US);
    send_answer(s, r, DHCP4_OFFER, dhcp4_address_of(b), lease_time(s, r));
}

/* Whether the sender may have one more. */
static bool
has_room(struct dhcp4_server *s, const struct dhcp4_request *r)
{
    if (bindings_of_peer(s->t, &r->from) < DHCP_PEER_MAX || dhcp4_reserved_ip(s, &r->chaddr) != 0)
        return true;
    s->counters.crowded++;
    return false;
}

static void
grant(struct dhcp4_server *s, struct binding *b, const struct dhcp4_request *r, int64_t now_us,
      int64_t wall_ms)
{
    uint32_t lease_s = lease_time(s, r);

    if (b->state == BINDING_FREE && !has_room(s, r))
        return;
    if (b->state != BINDING_LEASED)
        b->lease.leased_ms = wall_ms;
    take(s, b, r, BINDING_LEASED, now_us + lease_s * US);
    b->had = true;
    b->lease.expires_ms = wall_ms + lease_s * MS;
    s->ops->lease(s->owner, &b->lease);
    send_answer(s, r, DHCP4_ACK, dhcp4_address_of(b), lease_s);
}

/* ---- DISCOVER ---- */

/* A free binding for a client that has none. NULL: there is none for it. */
static struct binding *
choose(struct dhcp4_server *s, const struct dhcp4_request *r, int64_t now_us)
{
    uint32_t reserved = dhcp4_reserved_ip(s, &r->chaddr);
    struct binding *b = reserved != 0 ? dhcp4_if_free(s, reserved) : NULL;

    if (b)
        return b;
    if (!has_room(s, r))
        return NULL;
    if (r->address != 0 && dhcp4_is_allowed(s, r->address, &r->chaddr))
        b = dhcp4_if_free(s, r->address);
    if (!b)
        b = dhcp4_next_fresh(s);
    if (!b)
        b = bindings_oldest(s->t, BINDING_FREE);
    if (b)
        return b;
    b = bindings_oldest(s->t, BINDING_BAD);
    if (b && b->due_us - (BAD_S - BAD_LEAST_S) * US <= now_us)
        return b;
    s->counters.exhausted++;
    return NULL;
}

/* Chooses an address, and asks whether somebody has it. */
static void
probe(struct dhcp4_server *s, const struct dhcp4_request *r, int64_t now_us)
{
    struct binding *b = choose(s, r, now_us);

    if (!b)
        return;
    take(s, b, r, BINDING_PROBING, now_us + PROBE_US);
    b->probed_us = 0;
    b->pending = g_memdup2(r, sizeof(*r));
    s->ops->probe(s->owner, dhcp4_address_of(b)); /* may tell of a conflict at once */
}

/* What the client has must give way: to what is reserved for it, or to a new configuration. */
static bool
is_outdated(struct dhcp4_server *s, const struct binding *b, const struct dhcp4_request *r)
{
    uint32_t reserved = dhcp4_reserved_ip(s, &r->chaddr);

    if (!dhcp4_is_allowed(s, dhcp4_address_of(b), &r->chaddr))
        return true;
    if (reserved == 0 || reserved == dhcp4_address_of(b))
        return false;
    const struct binding *wanted = dhcp4_find_address(s, reserved);
    return !wanted || wanted->state == BINDING_FREE;
}

static void
on_discover(struct dhcp4_server *s, const struct dhcp4_request *r, int64_t now_us)
{
    struct binding *b = dhcp4_find(s, r);

    if (b && is_outdated(s, b, r)) {
        let_go(s, b);
        b = NULL;
    }
    if (!b)
        probe(s, r, now_us);
    else if (b->state == BINDING_PROBING)
        *(struct dhcp4_request *)b->pending = *r; /* the answer that is due goes to this one */
    else if (b->state != BINDING_FREE || has_room(s, r))
        offer(s, b, r, now_us);
}

/* ---- REQUEST ---- */

/* Of an offer (4.3.2, SELECTING). */
static void
on_selecting(struct dhcp4_server *s, const struct dhcp4_request *r, int64_t now_us, int64_t wall_ms)
{
    struct binding *b = dhcp4_find(s, r);

    if (r->server != s->config.server) { /* it took another server's */
        if (b && (b->state == BINDING_OFFERED || b->state == BINDING_PROBING))
            let_go(s, b);
        return;
    }
    if (b && b->state == BINDING_PROBING)
        return; /* not offered yet */
    if (b && dhcp4_address_of(b) == r->address && dhcp4_is_allowed(s, r->address, &r->chaddr))
        grant(s, b, r, now_us, wall_ms);
    else
        refuse(s, r);
}

/* Of an address that the client has, or had (INIT-REBOOT, RENEWING, REBINDING). */
static void
on_confirming(struct dhcp4_server *s, const struct dhcp4_request *r, int64_t now_us,
              int64_t wall_ms)
{
    bool rebooted = r->ciaddr == 0;
    uint32_t address = rebooted ? r->address : r->ciaddr;
    struct binding *b = dhcp4_find(s, r);

    if (address == 0 || (b && b->state == BINDING_PROBING))
        return;
    if (b && dhcp4_address_of(b) == address) {
        if (dhcp4_is_allowed(s, address, &r->chaddr)) {
            grant(s, b, r, now_us, wall_ms);
        } else if (!dhcp4_in_subnet(s, address)) {
            let_go(s, b);
            refuse(s, r);
        } /* else: not of the pool any more, but good until its time is over */
        return;
    }
    const struct binding *holder = dhcp4_find_address(s, address);
    bool is_taken = holder && holder->state == BINDING_LEASED;
    bool is_ours = b && (rebooted ? b->had : b->state == BINDING_LEASED);
    if (is_taken || is_ours || (rebooted && !dhcp4_in_subnet(s, address)))
        refuse(s, r);
}

/* ---- the rest ---- */

/* The client's binding, if the message is about its address and for us. */
static struct binding *
own_binding(struct dhcp4_server *s, const struct dhcp4_request *r, uint32_t address)
{
    struct binding *b = dhcp4_find(s, r);

    if (!b || dhcp4_address_of(b) != address || !mac_equal(&b->lease.mac, &r->chaddr) ||
        (r->server != 0 && r->server != s->config.server))
        return NULL;
    return b;
}

static void
on_decline(struct dhcp4_server *s, const struct dhcp4_request *r, int64_t now_us)
{
    struct binding *b = own_binding(s, r, r->address);

    if (b && (b->state == BINDING_LEASED || b->state == BINDING_OFFERED))
        make_bad(s, b, &r->from, now_us);
}

static void
on_release(struct dhcp4_server *s, const struct dhcp4_request *r)
{
    struct binding *b = own_binding(s, r, r->ciaddr);

    if (b && b->state == BINDING_LEASED)
        let_go(s, b);
}

static void
on_inform(struct dhcp4_server *s, const struct dhcp4_request *r)
{
    if (dhcp4_in_subnet(s, r->ciaddr) && ip4_is_host(r->ciaddr))
        send_answer(s, r, DHCP4_ACK, 0, 0);
}

void
dhcp4_server_received(struct dhcp4_server *s, struct reader message, const struct mac *from,
                      int64_t now_us, int64_t wall_ms)
{
    struct dhcp4_request r;

    if (!dhcp4_request_read(message, from, &r)) {
        s->counters.malformed++;
        return;
    }
    if (r.giaddr != 0) {
        s->counters.relayed++;
        return;
    }
    switch (r.type) {
    case DHCP4_DISCOVER:
        on_discover(s, &r, now_us);
        return;
    case DHCP4_REQUEST:
        if (r.server != 0)
            on_selecting(s, &r, now_us, wall_ms);
        else
            on_confirming(s, &r, now_us, wall_ms);
        return;
    case DHCP4_DECLINE:
        on_decline(s, &r, now_us);
        return;
    case DHCP4_RELEASE:
        on_release(s, &r);
        return;
    case DHCP4_INFORM:
        on_inform(s, &r);
        return;
    case DHCP4_OFFER:
    case DHCP4_ACK:
    case DHCP4_NAK:
        s->counters.malformed++;
        return;
    }
}

/* Only of an address that is being probed, or was just now: else it is the client itself. */
void
dhcp4_server_conflict(struct dhcp4_server *s, uint32_t address, int64_t now_us)
{
    struct binding *b = dhcp4_find_address(s, address);

    if (b && b->state == BINDING_OFFERED && b->probed_us != 0 &&
        now_us - b->probed_us < OFFER_S * US) {
        make_bad(s, b, NULL, now_us);
        return;
    }
    if (!b || b->state != BINDING_PROBING)
        return;
    g_autofree struct dhcp4_request *r = g_steal_pointer(&b->pending);
    make_bad(s, b, NULL, now_us);
    if (r->address == address)
        r->address = 0;
    if (++r->tries < TRIES_MAX)
        probe(s, r, now_us);
}

/* ---- time ---- */

static void
on_probed(struct dhcp4_server *s, struct binding *b, int64_t now_us)
{
    g_autofree struct dhcp4_request *r = g_steal_pointer(&b->pending);

    b->probed_us = now_us;
    offer(s, b, r, now_us);
}

int64_t
dhcp4_server_deadline(const struct dhcp4_server *s)
{
    const struct binding *b = bindings_next_due(s->t);

    return b ? b->due_us : 0;
}

void
dhcp4_server_tick(struct dhcp4_server *s, int64_t now_us, int64_t wall_ms)
{
    struct binding *b;

    (void)wall_ms; /* no lease begins here */
    while ((b = bindings_next_due(s->t)) && b->due_us <= now_us) {
        if (b->state == BINDING_PROBING)
            on_probed(s, b, now_us);
        else
            let_go(s, b);
    }
}

/* ---- life ---- */

struct dhcp4_server *
dhcp4_server_new(const struct dhcp4_server_config *config, const struct dhcp4_server_ops *ops,
                 void *owner)
{
    struct dhcp4_server *s = g_new0(struct dhcp4_server, 1);

    s->ops = ops;
    s->owner = owner;
    s->t = bindings_new();
    dhcp4_copy_config(s, config);
    return s;
}

void
dhcp4_server_free(struct dhcp4_server *s)
{
    if (!s)
        return;
    bindings_free(s->t);
    reservations_free(s->reservations);
    g_free(s);
}

void
dhcp4_server_restore(struct dhcp4_server *s, const struct dhcp_lease *lease, int64_t now_us,
                     int64_t wall_ms)
{
    uint32_t address = ip_to_v4(&lease->ip);
    struct client_key key = {.mac = &lease->mac,
                             .id = lease->client_id,
                             .id_len = MIN(lease->client_id_len, sizeof(lease->client_id)),
                             .by_mac = dhcp4_reserved_ip(s, &lease->mac) != 0};

    if (lease->expires_ms <= wall_ms || lease->ip.family != 4 ||
        !dhcp4_is_allowed(s, address, &lease->mac) || dhcp4_find_address(s, address) ||
        bindings_by_client(s->t, &key) || bindings_total(s->t) >= DHCP_LEASES_MAX)
        return;
    int64_t left_ms = MIN(lease->expires_ms - wall_ms, UINT32_MAX * MS);
    struct binding *b = dhcp4_add_address(s, address);
    bindings_set_client(s->t, b, &key);
    bindings_set(s->t, b, BINDING_LEASED, now_us + left_ms * MS, &lease->mac);
    b->had = true;
    b->lease.leased_ms = lease->leased_ms;
    b->lease.expires_ms = lease->expires_ms;
    (void)g_strlcpy(b->lease.hostname, lease->hostname, sizeof(b->lease.hostname));
}

/* ---- questions ---- */

void
dhcp4_server_counters(const struct dhcp4_server *s, struct dhcp_counters *out)
{
    *out = s->counters;
}

unsigned
dhcp4_server_n(const struct dhcp4_server *s)
{
    return bindings_n(s->t, BINDING_LEASED);
}

void
dhcp4_server_list(const struct dhcp4_server *s, GArray *out)
{
    bindings_list(s->t, out);
}
