/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h. */

#include "core/auth/radius/client.h"

#include "core/base/secret.h"
#include "core/base/types.h"

#define US INT64_C(1000000)

struct exchange {
    uint64_t number;
    struct radius_ask ask;
    unsigned server;
    uint32_t tried; /* servers, as bits */
    uint8_t id;
    uint8_t authenticator[RADIUS_AUTHENTICATOR];
    uint8_t *bytes; /* as sent */
    size_t len;
    int64_t again_us, give_up_us;
};

struct server {
    struct exchange *by_id[RADIUS_IDS];
    uint8_t next_id;
    unsigned n;
    int64_t dead_until_us;
    struct radius_server_stats stats;
};

struct radius_client {
    struct radius_client_config config;
    const struct radius_client_ops *ops;
    void *owner;
    struct server servers[RADIUS_SERVERS];
    GQueue all; /* of struct exchange */
    uint64_t last_number;
};

struct radius_client *
radius_client_new(const struct radius_client_config *config, const struct radius_client_ops *ops,
                  void *owner)
{
    struct radius_client *c = g_new0(struct radius_client, 1);

    g_assert(config->n <= RADIUS_SERVERS);
    c->config = *config;
    c->ops = ops;
    c->owner = owner;
    g_queue_init(&c->all);
    for (unsigned i = 0; i < config->n; i++) /* not to be guessed after a restart */
        ops->random(owner, &c->servers[i].next_id, sizeof(c->servers[i].next_id));
    return c;
}

/* Off its server. */
static void
leave(struct radius_client *c, struct exchange *x)
{
    struct server *s = &c->servers[x->server];

    if (!x->bytes)
        return;
    s->by_id[x->id] = NULL;
    s->n--;
    secret_wipe(x->bytes, x->len);
    g_clear_pointer(&x->bytes, g_free);
}

static void
end(struct radius_client *c, struct exchange *x)
{
    leave(c, x);
    (void)g_queue_remove(&c->all, x);
    secret_wipe(x, sizeof(*x));
    g_free(x);
}

void
radius_client_free(struct radius_client *c)
{
    if (!c)
        return;
    while (c->all.head)
        end(c, c->all.head->data);
    secret_wipe(c, sizeof(*c));
    g_free(c);
}

/* ---- choosing, sending ---- */

/* The first server that lives, else the first one at all; of those not tried. RADIUS_SERVERS: none.
 */
static unsigned
choose(const struct radius_client *c, const struct exchange *x, int64_t now_us)
{
    unsigned any = RADIUS_SERVERS;

    for (unsigned i = 0; i < c->config.n; i++) {
        const struct server *s = &c->servers[i];
        if (x->tried & 1u << i || s->n >= RADIUS_IDS)
            continue;
        if (now_us >= s->dead_until_us)
            return i;
        any = any == RADIUS_SERVERS ? i : any;
    }
    return any;
}

static uint8_t
take_id(struct server *s)
{
    while (s->by_id[s->next_id])
        s->next_id++;
    return s->next_id++;
}

static void
send_it(struct radius_client *c, struct exchange *x, int64_t now_us)
{
    x->again_us = now_us + c->config.interval_us;
    c->servers[x->server].stats.sent++;
    c->ops->send(c->owner, x->server, x->bytes, x->len);
}

static bool
build(struct radius_client *c, struct exchange *x)
{
    const struct radius_secret *secret = &c->config.servers[x->server].secret;
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    c->ops->random(c->owner, x->authenticator, sizeof(x->authenticator));
    radius_begin(&w, x->ask.code, x->id, x->authenticator);
    x->ask.build(x->ask.owner, &w, secret, x->authenticator);
    bool ok = radius_seal_request(&w, secret);
    if (ok) {
        memcpy(x->authenticator, bytes + 4, sizeof(x->authenticator));
        x->bytes = g_memdup2(bytes, w.len);
        x->len = w.len;
    }
    secret_wipe(bytes, sizeof(bytes));
    return ok;
}

/* At the next server. False: there is none. */
static bool
begin(struct radius_client *c, struct exchange *x, int64_t now_us)
{
    x->server = choose(c, x, now_us);
    if (x->server == RADIUS_SERVERS)
        return false;
    struct server *s = &c->servers[x->server];
    x->tried |= 1u << x->server;
    x->id = take_id(s);
    if (!build(c, x))
        return false;
    s->by_id[x->id] = x;
    s->n++;
    x->give_up_us = now_us + c->config.timeout_us;
    send_it(c, x, now_us);
    return true;
}

uint64_t
radius_client_ask(struct radius_client *c, const struct radius_ask *ask, int64_t now_us)
{
    struct exchange *x = g_new0(struct exchange, 1);

    x->ask = *ask;
    x->number = ++c->last_number;
    g_queue_push_tail(&c->all, x);
    if (begin(c, x, now_us))
        return x->number;
    end(c, x);
    return 0;
}

static struct exchange *
find(const struct radius_client *c, uint64_t number)
{
    for (const GList *l = c->all.head; l; l = l->next) {
        struct exchange *x = l->data;
        if (x->number == number)
            return x;
    }
    return NULL;
}

void
radius_client_cancel(struct radius_client *c, uint64_t number)
{
    struct exchange *x = find(c, number);

    if (x)
        end(c, x);
}

/* ---- replies ---- */

static bool
fits(enum radius_code request, uint8_t reply)
{
    if (request == RADIUS_ACCOUNTING_REQUEST)
        return reply == RADIUS_ACCOUNTING_RESPONSE;
    if (request == RADIUS_STATUS_SERVER)
        return reply == RADIUS_ACCESS_ACCEPT || reply == RADIUS_ACCOUNTING_RESPONSE;
    return reply == RADIUS_ACCESS_ACCEPT || reply == RADIUS_ACCESS_REJECT ||
           reply == RADIUS_ACCESS_CHALLENGE;
}

void
radius_client_receive(struct radius_client *c, unsigned server, struct reader datagram,
                      int64_t now_us)
{
    struct radius_packet p;

    if (server >= c->config.n)
        return;
    struct server *s = &c->servers[server];
    const struct radius_server_config *config = &c->config.servers[server];
    struct exchange *x = radius_parse(datagram, &p) ? s->by_id[p.id] : NULL;
    if (!x || !fits(x->ask.code, p.code)) {
        s->stats.strange++;
        return;
    }
    /* What else there is decides nothing, and many servers put none into replies to it. */
    bool must_have = config->require_authenticator && x->ask.code == RADIUS_ACCESS_REQUEST;
    enum radius_fault fault = radius_check_reply(&p, &config->secret, x->authenticator, must_have);
    s->stats.forged += fault == RADIUS_FORGED;
    s->stats.bare += fault == RADIUS_BARE;
    if (fault != RADIUS_FINE)
        return;
    s->stats.answered++;
    s->dead_until_us = 0;
    uint8_t authenticator[RADIUS_AUTHENTICATOR];
    struct radius_ask ask = x->ask;
    struct radius_secret secret = config->secret;
    memcpy(authenticator, x->authenticator, sizeof(authenticator));
    end(c, x);
    const struct radius_reply reply = {
        .packet = &p, .server = server, .secret = &secret, .authenticator = authenticator};
    ask.done(ask.owner, &reply, now_us); /* may free the client */
    secret_wipe(&secret, sizeof(secret));
}

/* ---- time ---- */

static void
late(struct radius_client *c, struct exchange *x, int64_t now_us)
{
    struct server *s = &c->servers[x->server];
    struct radius_ask ask = x->ask;

    s->stats.timeouts++;
    s->dead_until_us = now_us + RADIUS_DEAD_S * US;
    leave(c, x);
    if (begin(c, x, now_us))
        return;
    end(c, x);
    ask.done(ask.owner, NULL, now_us);
}

/* The first one that is due; NULL: none. */
static struct exchange *
due(const struct radius_client *c, int64_t now_us)
{
    for (const GList *l = c->all.head; l; l = l->next) {
        struct exchange *x = l->data;
        if (now_us >= MIN(x->again_us, x->give_up_us))
            return x;
    }
    return NULL;
}

void
radius_client_tick(struct radius_client *c, int64_t now_us)
{
    struct exchange *x;

    while ((x = due(c, now_us)) != NULL) { /* each moves on, or ends */
        if (now_us >= x->give_up_us) {
            late(c, x, now_us);
        } else {
            c->servers[x->server].stats.again++;
            send_it(c, x, now_us);
        }
    }
}

int64_t
radius_client_deadline(const struct radius_client *c)
{
    int64_t first = 0;

    for (const GList *l = c->all.head; l; l = l->next) {
        const struct exchange *x = l->data;
        int64_t due_us = MIN(x->again_us, x->give_up_us);
        if (first == 0 || due_us < first)
            first = due_us;
    }
    return first;
}

unsigned
radius_client_pending(const struct radius_client *c)
{
    return c->all.length;
}

void
radius_client_get_stats(const struct radius_client *c, unsigned server, int64_t now_us,
                        struct radius_server_stats *out)
{
    *out = c->servers[server].stats;
    out->dead = now_us < c->servers[server].dead_until_us;
}
