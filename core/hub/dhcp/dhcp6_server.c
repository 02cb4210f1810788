/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6_server.c - see dhcp6_server.h.
 *
 * A client is a DUID; each of its IA_NA has one address and is found by DUID and IAID together. An
 * address is offered (ADVERTISE), leased (REPLY), remembered for its client when the lease is over,
 * or bad for ten minutes after a DECLINE. The client itself looks whether somebody has it already
 * (RFC 8415, 18.2.10.1), so that nothing is probed here.
 *
 * Which messages are ignored is section 16; a message with another server's identifier, or an
 * unknown address of our prefix in a REBIND, is another server's business.
 *
 * Memory: DHCP_LEASES_MAX bindings, DHCP_PEER_MAX for one sender, REMEMBERED_MAX that are over. An
 * answer holds IA_MAX associations, so that it fits into the smallest packet.
 */

#include "core/hub/dhcp/dhcp6_server.h"

#include "core/hub/dhcp/bindings.h"
#include "core/hub/dhcp/dhcp6_priv.h"
#include "core/net/dhcp6.h"

#include <string.h>

#define US INT64_C(1000000)
#define MS INT64_C(1000)

enum {
    OFFER_S = 10,
    BAD_S = 600,
    REMEMBERED_MAX = 4096,
    IA_MAX = 4,
    DRAWS_MAX = 16,
};

typedef void ia_fn(struct dhcp6_exchange *x, const struct dhcp6_ia *ia);

/* ---- addresses ---- */

static bool
in_prefix(const struct dhcp6_server *s, const uint8_t ip[16])
{
    return memcmp(ip, s->config.prefix, 8) == 0;
}

/* Interface identifiers that hosts get in other ways: small ones by hand, those of RFC 5453, and
 * those made of hardware addresses. */
static bool
is_reserved(const uint8_t id[8])
{
    static const uint8_t anycast[7] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zero[5];

    return memcmp(id, zero, sizeof(zero)) == 0 ||
           (memcmp(id, anycast, sizeof(anycast)) == 0 && id[7] >= 0x80) ||
           (id[3] == 0xff && id[4] == 0xfe);
}

/* False when luck was against us. */
static bool
draw_address(struct dhcp6_server *s, struct ip *out)
{
    for (unsigned i = 0; i < DRAWS_MAX; i++) {
        struct ip ip = {.family = 6};
        memcpy(ip.b, s->config.prefix, 8);
        s->ops->random(s->owner, ip.b + 8, 8);
        if (!is_reserved(ip.b + 8) && !bindings_by_ip(s->t, &ip)) {
            *out = ip;
            return true;
        }
    }
    return false;
}

/* ---- bindings ---- */

static void
tell_gone(struct dhcp6_server *s, const struct binding *b)
{
    struct dhcp_lease gone = b->lease;

    gone.expires_ms = 0;
    s->ops->lease(s->owner, &gone);
}

/* A lease that is over is remembered for a while, anything else is not. */
static void
let_go(struct dhcp6_server *s, struct binding *b)
{
    if (b->state == BINDING_LEASED) {
        tell_gone(s, b);
        b->had = true;
    }
    if (!b->had || !in_prefix(s, b->lease.ip.b)) {
        bindings_remove(s->t, b);
        return;
    }
    bindings_set(s->t, b, BINDING_FREE, 0, NULL);
    if (bindings_n(s->t, BINDING_FREE) > REMEMBERED_MAX)
        bindings_remove(s->t, bindings_oldest(s->t, BINDING_FREE));
}

static struct client_key
key_of(const struct dhcp6_exchange *x, uint32_t iaid, uint8_t id[DHCP6_DUID_MAX + 4])
{
    struct writer w = writer_of(id, DHCP6_DUID_MAX + 4);

    writer_bytes(&w, x->client_id.at, x->client_id.left);
    writer_u32(&w, iaid);
    return (struct client_key){.mac = x->from, .id = id, .id_len = (uint8_t)w.len};
}

static struct binding *
find(const struct dhcp6_exchange *x, uint32_t iaid)
{
    uint8_t id[DHCP6_DUID_MAX + 4];
    struct client_key key = key_of(x, iaid, id);

    return bindings_by_client(x->s->t, &key);
}

static bool
has_room(struct dhcp6_exchange *x)
{
    if (bindings_of_peer(x->s->t, x->from) < DHCP_PEER_MAX)
        return true;
    x->s->counters.crowded++;
    return false;
}

static struct binding *
add(struct dhcp6_exchange *x)
{
    struct dhcp6_server *s = x->s;
    struct binding *old = bindings_oldest(s->t, BINDING_FREE);
    struct ip ip;

    if (bindings_total(s->t) >= DHCP_LEASES_MAX && old)
        bindings_remove(s->t, old);
    if (bindings_total(s->t) >= DHCP_LEASES_MAX || !draw_address(s, &ip)) {
        s->counters.exhausted++;
        return NULL;
    }
    return bindings_add(s->t, &ip);
}

/* The binding of an association, a new one if it has none. NULL: it gets none. */
static struct binding *
obtain(struct dhcp6_exchange *x, uint32_t iaid)
{
    struct binding *b = find(x, iaid);

    if (b && !in_prefix(x->s, b->lease.ip.b)) {
        let_go(x->s, b);
        b = NULL;
    }
    if ((!b || b->state == BINDING_FREE) && !has_room(x))
        return NULL;
    return b ? b : add(x);
}

static void
take(struct dhcp6_exchange *x, struct binding *b, uint32_t iaid, enum binding_state state,
     int64_t due_us)
{
    uint8_t id[DHCP6_DUID_MAX + 4];
    struct client_key key = key_of(x, iaid, id);

    bindings_set_client(x->s->t, b, &key);
    bindings_set(x->s->t, b, state, due_us, x->from);
}

static void
grant(struct dhcp6_exchange *x, struct binding *b, uint32_t iaid)
{
    struct dhcp6_server *s = x->s;

    if (b->state != BINDING_LEASED)
        b->lease.leased_ms = x->wall_ms;
    take(x, b, iaid, BINDING_LEASED, x->now_us + s->config.lease_s * US);
    b->had = true;
    b->lease.expires_ms = x->wall_ms + s->config.lease_s * MS;
    s->ops->lease(s->owner, &b->lease);
}

/* ---- what is done with an association ---- */

static void
advertise(struct dhcp6_exchange *x, const struct dhcp6_ia *ia)
{
    struct binding *b = obtain(x, ia->iaid);

    if (!b) {
        dhcp6_put_ia_status(x, DHCP6_OPT_IA_NA, ia->iaid, DHCP6_NO_ADDRS);
        return;
    }
    if (b->state != BINDING_LEASED)
        take(x, b, ia->iaid, BINDING_OFFERED, x->now_us + OFFER_S * US);
    dhcp6_put_ia(x, ia, b);
}

static void
assign(struct dhcp6_exchange *x, const struct dhcp6_ia *ia)
{
    struct reader named = ia->options;
    struct dhcp6_address a;

    while (x->m.type == DHCP6_REQUEST && dhcp6_next_address(&named, &a)) {
        if (!in_prefix(x->s, a.ip)) { /* 18.3.2 */
            dhcp6_put_ia_status(x, DHCP6_OPT_IA_NA, ia->iaid, DHCP6_NOT_ON_LINK);
            return;
        }
    }
    struct binding *b = obtain(x, ia->iaid);
    if (!b) {
        dhcp6_put_ia_status(x, DHCP6_OPT_IA_NA, ia->iaid, DHCP6_NO_ADDRS);
        return;
    }
    grant(x, b, ia->iaid);
    dhcp6_put_ia(x, ia, b);
}

static void
renew(struct dhcp6_exchange *x, const struct dhcp6_ia *ia)
{
    if (find(x, ia->iaid))
        assign(x, ia); /* another address, when the prefix is another one now */
    else
        dhcp6_put_ia_status(x, DHCP6_OPT_IA_NA, ia->iaid, DHCP6_NO_BINDING);
}

static void
rebind(struct dhcp6_exchange *x, const struct dhcp6_ia *ia)
{
    struct reader named = ia->options;
    struct dhcp6_address a;
    bool is_foreign = false;

    if (find(x, ia->iaid)) {
        assign(x, ia);
        return;
    }
    while (dhcp6_next_address(&named, &a)) {
        if (in_prefix(x->s, a.ip))
            return; /* perhaps another server gave it (18.3.5) */
        is_foreign = true;
    }
    if (is_foreign)
        dhcp6_put_ia(x, ia, NULL);
}

/* Whether the client's address of this association is among those that it names. */
static struct binding *
find_named(const struct dhcp6_exchange *x, const struct dhcp6_ia *ia)
{
    struct binding *b = find(x, ia->iaid);
    struct reader named = ia->options;
    struct dhcp6_address a;

    while (b && dhcp6_next_address(&named, &a)) {
        if (memcmp(a.ip, b->lease.ip.b, sizeof(a.ip)) == 0)
            return b;
    }
    return NULL;
}

static void
release(struct dhcp6_exchange *x, const struct dhcp6_ia *ia)
{
    struct binding *b = find_named(x, ia);

    if (b && b->state == BINDING_LEASED)
        let_go(x->s, b);
    else
        dhcp6_put_ia_status(x, DHCP6_OPT_IA_NA, ia->iaid, DHCP6_NO_BINDING);
}

static void
decline(struct dhcp6_exchange *x, const struct dhcp6_ia *ia)
{
    struct dhcp6_server *s = x->s;
    struct binding *b = find_named(x, ia);

    if (!b || b->state != BINDING_LEASED) {
        dhcp6_put_ia_status(x, DHCP6_OPT_IA_NA, ia->iaid, DHCP6_NO_BINDING);
        return;
    }
    s->counters.conflicts++;
    tell_gone(s, b);
    bindings_forget_client(s->t, b);
    bindings_set(s->t, b, BINDING_BAD, x->now_us + BAD_S * US, x->from);
}

/* Each association of the message, in order. We delegate no prefixes, and say so (18.3.9). */
static void
for_each_ia(struct dhcp6_exchange *x, ia_fn *fn, uint16_t of_prefixes)
{
    struct reader options = x->m.options;
    struct reader value;
    struct dhcp6_ia ia;
    uint16_t code = 0;
    unsigned n = 0;

    while (n < IA_MAX && dhcp6_next_option(&options, &code, &value)) {
        if ((code != DHCP6_OPT_IA_NA && code != DHCP6_OPT_IA_PD) ||
            dhcp6_parse_ia(value, &ia) != DROP_NONE)
            continue;
        n++;
        if (code == DHCP6_OPT_IA_NA)
            fn(x, &ia);
        else
            dhcp6_put_ia_status(x, DHCP6_OPT_IA_PD, ia.iaid, of_prefixes);
    }
}

/* ---- messages ---- */

/* Whether there is something to answer with. */
static bool
on_solicit(struct dhcp6_exchange *x)
{
    struct reader value;
    bool commit = dhcp6_find_option(x->m.options, DHCP6_OPT_RAPID_COMMIT, &value);

    dhcp6_begin_answer(x, commit ? DHCP6_REPLY : DHCP6_ADVERTISE);
    if (commit)
        dhcp6_write_option(&x->w, DHCP6_OPT_RAPID_COMMIT, NULL, 0);
    for_each_ia(x, commit ? assign : advertise, DHCP6_NO_PREFIX);
    return x->n_ia > 0;
}

static bool
on_lasting(struct dhcp6_exchange *x, ia_fn *fn, uint16_t of_prefixes)
{
    dhcp6_begin_answer(x, DHCP6_REPLY);
    for_each_ia(x, fn, of_prefixes);
    return x->n_ia > 0;
}

static bool
on_giving_back(struct dhcp6_exchange *x, ia_fn *fn)
{
    dhcp6_begin_answer(x, DHCP6_REPLY);
    dhcp6_put_status(x, DHCP6_SUCCESS);
    for_each_ia(x, fn, DHCP6_NO_BINDING);
    return true;
}

/* Only whether the addresses fit to this link (18.3.3); silence when there are none. */
static bool
on_confirm(struct dhcp6_exchange *x)
{
    struct reader options = x->m.options;
    struct reader value;
    struct dhcp6_ia ia;
    struct dhcp6_address a;
    uint16_t code = 0;
    uint16_t status = DHCP6_SUCCESS;
    bool any = false;

    while (dhcp6_next_option(&options, &code, &value)) {
        if (code != DHCP6_OPT_IA_NA || dhcp6_parse_ia(value, &ia) != DROP_NONE)
            continue;
        while (dhcp6_next_address(&ia.options, &a)) {
            any = true;
            if (!in_prefix(x->s, a.ip))
                status = DHCP6_NOT_ON_LINK;
        }
    }
    dhcp6_begin_answer(x, DHCP6_REPLY);
    dhcp6_put_status(x, status);
    return any;
}

static bool
on_information(struct dhcp6_exchange *x)
{
    dhcp6_begin_answer(x, DHCP6_REPLY);
    return true;
}

/* Section 16: which options a message must have, and must not have. */
static bool
is_sound(const struct dhcp6_exchange *x)
{
    struct reader value;

    switch (x->m.type) {
    case DHCP6_SOLICIT:
    case DHCP6_CONFIRM:
    case DHCP6_REBIND:
        return x->client_id.left > 0 && !x->has_server_id;
    case DHCP6_REQUEST:
    case DHCP6_RENEW:
    case DHCP6_RELEASE:
    case DHCP6_DECLINE:
        return x->client_id.left > 0 && x->has_server_id;
    case DHCP6_INFORMATION_REQUEST:
        return !dhcp6_find_option(x->m.options, DHCP6_OPT_IA_NA, &value) &&
               !dhcp6_find_option(x->m.options, DHCP6_OPT_IA_PD, &value);
    default:
        return false;
    }
}

static bool
dispatch(struct dhcp6_exchange *x)
{
    if (x->m.type == DHCP6_INFORMATION_REQUEST)
        return on_information(x);
    if (!x->s->config.stateful)
        return false;
    switch (x->m.type) {
    case DHCP6_SOLICIT:
        return on_solicit(x);
    case DHCP6_REQUEST:
        return on_lasting(x, assign, DHCP6_NO_PREFIX);
    case DHCP6_RENEW:
        return on_lasting(x, renew, DHCP6_NO_BINDING);
    case DHCP6_REBIND:
        return on_lasting(x, rebind, DHCP6_NO_BINDING);
    case DHCP6_RELEASE:
        return on_giving_back(x, release);
    case DHCP6_DECLINE:
        return on_giving_back(x, decline);
    case DHCP6_CONFIRM:
        return on_confirm(x);
    default:
        return false;
    }
}

static bool
read_message(struct dhcp6_exchange *x, struct reader message, const uint8_t src[16])
{
    bool is_link_local = src[0] == 0xfe && (src[1] & 0xc0) == 0x80;
    struct reader id = reader_of(NULL, 0);

    if (!is_link_local || dhcp6_parse(message, &x->m) != DROP_NONE)
        return false;
    x->client_id = id;
    if (dhcp6_find_option(x->m.options, DHCP6_OPT_CLIENT_ID, &x->client_id) &&
        (x->client_id.left == 0 || x->client_id.left > DHCP6_DUID_MAX))
        return false;
    x->has_server_id = dhcp6_find_option(x->m.options, DHCP6_OPT_SERVER_ID, &id);
    x->is_for_us = !x->has_server_id || (id.left == sizeof(x->s->duid) &&
                                         memcmp(id.at, x->s->duid, sizeof(x->s->duid)) == 0);
    return is_sound(x);
}

void
dhcp6_server_received(struct dhcp6_server *s, struct reader message, const uint8_t src[16],
                      const struct mac *from, int64_t now_us, int64_t wall_ms)
{
    uint8_t bytes[DHCP6_MESSAGE_MAX];
    struct dhcp6_exchange x = {.s = s,
                               .from = from,
                               .now_us = now_us,
                               .wall_ms = wall_ms,
                               .w = writer_of(bytes, sizeof(bytes))};

    if (!read_message(&x, message, src)) {
        s->counters.malformed++;
        return;
    }
    if (!x.is_for_us || !dispatch(&x))
        return;
    if (x.m.type != DHCP6_CONFIRM && x.m.type != DHCP6_RELEASE && x.m.type != DHCP6_DECLINE)
        dhcp6_put_configured(&x);
    g_assert(writer_ok(&x.w)); /* IA_MAX and FOREIGN_MAX are chosen so */
    s->ops->send(s->owner, reader_of(bytes, x.w.len), src, from);
}

/* ---- time ---- */

int64_t
dhcp6_server_deadline(const struct dhcp6_server *s)
{
    const struct binding *b = bindings_next_due(s->t);

    return b ? b->due_us : 0;
}

void
dhcp6_server_tick(struct dhcp6_server *s, int64_t now_us, int64_t wall_ms)
{
    struct binding *b;

    (void)wall_ms; /* no lease begins here */
    while ((b = bindings_next_due(s->t)) && b->due_us <= now_us)
        let_go(s, b);
}

/* ---- configuration ---- */

static void
copy_config(struct dhcp6_server *s, const struct dhcp6_server_config *config)
{
    static const uint8_t duid_ll[] = {0, 3, 0, 1}; /* of Ethernet (11.4) */

    s->config = *config;
    s->config.lease_s = MAX(config->lease_s, DHCP_LEASE_MIN_S);
    memcpy(s->duid, duid_ll, sizeof(duid_ll));
    memcpy(s->duid + sizeof(duid_ll), config->mac.b, sizeof(config->mac.b));
}

struct dhcp6_server *
dhcp6_server_new(const struct dhcp6_server_config *config, const struct dhcp6_server_ops *ops,
                 void *owner)
{
    struct dhcp6_server *s = g_new0(struct dhcp6_server, 1);

    s->ops = ops;
    s->owner = owner;
    s->t = bindings_new();
    copy_config(s, config);
    return s;
}

void
dhcp6_server_free(struct dhcp6_server *s)
{
    if (!s)
        return;
    bindings_free(s->t);
    g_free(s);
}

void
dhcp6_server_set_config(struct dhcp6_server *s, const struct dhcp6_server_config *config)
{
    copy_config(s, config);
    g_autoptr(GPtrArray) all = bindings_all(s->t);
    for (unsigned i = 0; i < all->len; i++) {
        struct binding *b = all->pdata[i];
        if (b->state != BINDING_LEASED && !in_prefix(s, b->lease.ip.b))
            bindings_remove(s->t, b);
    }
}

void
dhcp6_server_restore(struct dhcp6_server *s, const struct dhcp_lease *lease, int64_t now_us,
                     int64_t wall_ms)
{
    struct client_key key = {.mac = &lease->mac,
                             .id = lease->client_id,
                             .id_len = MIN(lease->client_id_len, sizeof(lease->client_id))};

    if (lease->expires_ms <= wall_ms || lease->ip.family != 6 || key.id_len <= 4 ||
        !in_prefix(s, lease->ip.b) || is_reserved(lease->ip.b + 8) ||
        bindings_by_ip(s->t, &lease->ip) || bindings_by_client(s->t, &key) ||
        bindings_total(s->t) >= DHCP_LEASES_MAX)
        return;
    int64_t left_ms = MIN(lease->expires_ms - wall_ms, UINT32_MAX * MS);
    struct binding *b = bindings_add(s->t, &lease->ip);
    bindings_set_client(s->t, b, &key);
    bindings_set(s->t, b, BINDING_LEASED, now_us + left_ms * MS, &lease->mac);
    b->had = true;
    b->lease.leased_ms = lease->leased_ms;
    b->lease.expires_ms = lease->expires_ms;
}

/* ---- questions ---- */

void
dhcp6_server_counters(const struct dhcp6_server *s, struct dhcp_counters *out)
{
    *out = s->counters;
}

unsigned
dhcp6_server_n(const struct dhcp6_server *s)
{
    return bindings_n(s->t, BINDING_LEASED);
}

void
dhcp6_server_list(const struct dhcp6_server *s, GArray *out)
{
    bindings_list(s->t, out);
}
