/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6_client.c - see dhcp6_client.h. Section numbers are RFC 8415's.
 *
 * Unlike section 18.2.1 the first advertisement is taken, without waiting a second for a better
 * one, and solicitations never pause longer than SOLICIT_MOST_S: somebody waits for his tunnel. A
 * server that commits at once (rapid commit) is welcome. A lease that is held is kept until it
 * expires, whatever happens to the attempts to renew it, unless the server takes it back.
 */

#include "core/net/dhcp6_client.h"

#include "core/net/wire.h"

#include <string.h>

enum {
    MULTIPLIER = 2, /* 15: a wait is doubled, a tenth more or less */
    SOLICIT_FIRST_S = 1,
    SOLICIT_MOST_S = 30,
    REQUEST_FIRST_S = 1,
    REQUEST_MOST_S = 30,
    REQUEST_TRIES = 10,
    RENEW_FIRST_S = 10,
    RENEW_MOST_S = 600,
    PAUSE_S = 2,
    VALID_LEAST_S = 10, /* of a server that is joking */
    T1_LEAST_S = 1,
    IP_LEN = 16,
};
enum { DUID_LL = 3, HARDWARE_ETHERNET = 1 };

#define FOR_EVER UINT32_MAX
#define US       INT64_C(1000000)

static bool
has_lease(const struct dhcp6_client *c)
{
    return c->bound_us != 0;
}

static int64_t
after(const struct dhcp6_client *c, uint32_t s)
{
    return s == FOR_EVER ? INT64_MAX : c->bound_us + s * US;
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- sending ---- */

static void
write_ia(const struct dhcp6_client *c, struct writer *w, bool with_address)
{
    size_t ia = dhcp6_begin_option(w, DHCP6_OPT_IA_NA);

    writer_u32(w, c->iaid);
    writer_u32(w, 0); /* T1, T2 and lifetimes: as the server likes (21.4) */
    writer_u32(w, 0);
    if (with_address) {
        size_t address = dhcp6_begin_option(w, DHCP6_OPT_IA_ADDR);
        writer_bytes(w, c->lease.ip, IP_LEN);
        writer_u32(w, 0);
        writer_u32(w, 0);
        dhcp6_end_option(w, address);
    }
    dhcp6_end_option(w, ia);
}

static void
send_message(struct dhcp6_client *c, enum dhcp6_type type, int64_t now_us)
{
    static const uint8_t wanted[] = {0, DHCP6_OPT_DNS, 0, DHCP6_OPT_DOMAINS};
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof(bytes));
    int64_t elapsed = (now_us - c->started_us) / 10000; /* in hundredths of a second */
    uint16_t told = (uint16_t)least(elapsed, UINT16_MAX);
    uint8_t time[2] = {(uint8_t)(told >> 8), (uint8_t)told};
    bool to_one = type != DHCP6_SOLICIT && type != DHCP6_REBIND;
    bool asks = type != DHCP6_RELEASE && type != DHCP6_DECLINE;

    dhcp6_write_header(&w, (uint8_t)type, c->transaction);
    dhcp6_write_option(&w, DHCP6_OPT_CLIENT_ID, c->duid, sizeof(c->duid));
    if (to_one)
        dhcp6_write_option(&w, DHCP6_OPT_SERVER_ID, c->server_id, c->server_id_len);
    dhcp6_write_option(&w, DHCP6_OPT_ELAPSED, time, sizeof(time));
    write_ia(c, &w, type != DHCP6_SOLICIT);
    if (type == DHCP6_SOLICIT)
        dhcp6_write_option(&w, DHCP6_OPT_RAPID_COMMIT, NULL, 0);
    if (asks)
        dhcp6_write_option(&w, DHCP6_OPT_ORO, wanted, sizeof(wanted));
    if (writer_ok(&w)) /* it is: the identifiers are bounded */
        c->ops->send(c->owner, reader_of(bytes, w.len));
}

static int64_t
jitter(struct dhcp6_client *c, int64_t us)
{
    return us - us / 10 + (int64_t)(c->ops->random(c->owner) % 1000) * us / 5000;
}

/* Sends, and sets before that when to do it again (15), or that it is over then. */
static void
repeat(struct dhcp6_client *c, enum dhcp6_type type, int64_t first_s, int64_t most_s,
       int64_t over_us, int64_t now_us)
{
    c->tries++;
    c->wait_us = c->tries == 1 ? first_s * US : c->wait_us * MULTIPLIER;
    if (c->wait_us > most_s * US)
        c->wait_us = most_s * US;
    c->deadline_us = least(now_us + jitter(c, c->wait_us), over_us);
    send_message(c, type, now_us);
}

static void
act(struct dhcp6_client *c, int64_t now_us)
{
    switch (c->state) {
    case DHCP6_STOPPED:
        c->deadline_us = 0;
        return;
    case DHCP6_SOLICITING:
        repeat(c, DHCP6_SOLICIT, SOLICIT_FIRST_S, SOLICIT_MOST_S, INT64_MAX, now_us);
        return;
    case DHCP6_REQUESTING:
        repeat(c, DHCP6_REQUEST, REQUEST_FIRST_S, REQUEST_MOST_S, INT64_MAX, now_us);
        return;
    case DHCP6_BOUND:
        c->deadline_us = after(c, c->lease.t1_s);
        if (c->deadline_us == INT64_MAX)
            c->deadline_us = 0;
        return;
    case DHCP6_RENEWING:
        repeat(c, DHCP6_RENEW, RENEW_FIRST_S, RENEW_MOST_S, after(c, c->lease.t2_s), now_us);
        return;
    case DHCP6_REBINDING:
        repeat(c, DHCP6_REBIND, RENEW_FIRST_S, RENEW_MOST_S, after(c, c->lease.valid_s), now_us);
        return;
    }
}

static void
set_state(struct dhcp6_client *c, enum dhcp6_state state, int64_t now_us)
{
    c->state = state;
    c->tries = 0;
    c->started_us = now_us;
    if (state != DHCP6_BOUND)
        c->transaction = c->ops->random(c->owner) & 0xffffff;
    act(c, now_us);
}

static void
forget(struct dhcp6_client *c)
{
    c->bound_us = 0;
    c->lease = (struct dhcp6_lease){0};
    c->server_id_len = 0;
}

/* Solicits, but not at once: the deadline does it. */
static void
pause_first(struct dhcp6_client *c, int64_t now_us)
{
    c->state = DHCP6_SOLICITING;
    c->tries = 0;
    c->started_us = now_us;
    c->transaction = c->ops->random(c->owner) & 0xffffff;
    c->deadline_us = now_us + jitter(c, PAUSE_S * US);
}

/* Gives up what there was. Who was refused waits, else a server that offers and refuses would be
 * asked as fast as it answers. */
static void
begin_again(struct dhcp6_client *c, bool refused, int64_t now_us)
{
    bool had = has_lease(c);

    forget(c);
    if (had)
        c->ops->lost(c->owner);
    if (c->state == DHCP6_STOPPED) /* lost() may have stopped us */
        return;
    if (refused)
        pause_first(c, now_us);
    else
        set_state(c, DHCP6_SOLICITING, now_us);
}

/* ---- answers ---- */

/* What an answer says of our address. */
struct answer {
    struct dhcp6_lease lease;
    bool has_lease;
    bool no_binding; /* the server does not know of it */
    bool withdrawn;  /* it is there, with no time left */
};

static uint16_t
status_of(struct reader options)
{
    struct reader value;

    if (!dhcp6_find_option(options, DHCP6_OPT_STATUS, &value))
        return DHCP6_SUCCESS;
    uint16_t status = reader_u16(&value);
    return reader_ok(&value) ? status : DHCP6_UNSPEC_FAIL;
}

/* An address that a host may have here: neither a group nor the link's own, loop or none. */
static bool
is_usable(const uint8_t ip[16])
{
    static const uint8_t zero[15];

    return ip[0] != 0xff && !(ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) &&
           memcmp(ip, zero, sizeof(zero)) != 0;
}

/* 14.2: with no times given, half and four fifths of the preferred lifetime. */
static void
set_times(struct dhcp6_lease *l, uint32_t t1_s, uint32_t t2_s)
{
    if (l->valid_s < VALID_LEAST_S)
        l->valid_s = VALID_LEAST_S;
    uint32_t base = l->preferred_s > 0 ? l->preferred_s : l->valid_s;
    bool ever = base == FOR_EVER;
    uint32_t half = ever ? FOR_EVER : base / 2;
    uint32_t most = ever ? FOR_EVER : (uint32_t)((uint64_t)base * 4 / 5);
    l->t1_s = t1_s > 0 ? t1_s : half;
    l->t2_s = t2_s > 0 ? t2_s : most;
    if (l->t2_s > l->valid_s)
        l->t2_s = l->valid_s;
    if (l->t1_s > l->t2_s)
        l->t1_s = l->t2_s;
    if (l->t1_s < T1_LEAST_S)
        l->t1_s = T1_LEAST_S;
    if (l->t2_s < l->t1_s)
        l->t2_s = l->t1_s;
}

/* The first address of our IA that can be used. */
static void
read_ia(const struct dhcp6_client *c, const struct dhcp6_ia *ia, struct answer *out)
{
    struct reader options = ia->options;
    struct reader value;
    uint16_t code = 0;
    uint16_t status = status_of(ia->options);

    out->no_binding |= status == DHCP6_NO_BINDING;
    if (status != DHCP6_SUCCESS || (ia->t2_s > 0 && ia->t1_s > ia->t2_s)) /* 21.4 */
        return;
    while (dhcp6_next_option(&options, &code, &value)) {
        struct dhcp6_address a;
        if (code != DHCP6_OPT_IA_ADDR || dhcp6_parse_address(value, &a) != DROP_NONE ||
            !is_usable(a.ip) || a.preferred_s > a.valid_s || status_of(a.options) != DHCP6_SUCCESS)
            continue;
        if (a.valid_s == 0) {
            out->withdrawn |= memcmp(a.ip, c->lease.ip, IP_LEN) == 0;
            continue;
        }
        memcpy(out->lease.ip, a.ip, IP_LEN);
        out->lease.preferred_s = a.preferred_s;
        out->lease.valid_s = a.valid_s;
        set_times(&out->lease, ia->t1_s, ia->t2_s);
        out->has_lease = true;
        return;
    }
}

static void
read_dns(struct reader options, struct dhcp6_lease *l)
{
    struct reader value;

    if (!dhcp6_find_option(options, DHCP6_OPT_DNS, &value) || value.left % IP_LEN != 0)
        return;
    while (value.left > 0 && l->n_dns < DHCP6_DNS_MAX) {
        const uint8_t *ip = reader_take(&value, IP_LEN);
        if (ip && ip[0] != 0xff)
            memcpy(l->dns[l->n_dns++], ip, IP_LEN);
    }
}

static struct answer
read_answer(const struct dhcp6_client *c, struct reader options)
{
    struct answer out = {0};
    struct reader rest = options;
    struct reader value;
    uint16_t code = 0;

    while (!out.has_lease && dhcp6_next_option(&rest, &code, &value)) {
        struct dhcp6_ia ia;
        if (code == DHCP6_OPT_IA_NA && dhcp6_parse_ia(value, &ia) == DROP_NONE &&
            ia.iaid == c->iaid)
            read_ia(c, &ia, &out);
    }
    if (out.has_lease)
        read_dns(options, &out.lease);
    return out;
}

static bool
differs(const struct dhcp6_lease *a, const struct dhcp6_lease *b)
{
    return memcmp(a->ip, b->ip, IP_LEN) != 0 || a->n_dns != b->n_dns ||
           memcmp(a->dns, b->dns, (size_t)a->n_dns * IP_LEN) != 0;
}

static void
bind(struct dhcp6_client *c, const struct dhcp6_lease *lease, int64_t now_us)
{
    bool changed = !has_lease(c) || differs(lease, &c->lease);

    c->lease = *lease;
    c->bound_us = now_us;
    set_state(c, DHCP6_BOUND, now_us);
    c->ops->bound(c->owner, &c->lease, changed);
}

static void
on_advertise(struct dhcp6_client *c, const struct answer *a, int64_t now_us)
{
    if (!a->has_lease)
        return;
    memcpy(c->lease.ip, a->lease.ip, IP_LEN); /* asked for in the request (18.2.2) */
    set_state(c, DHCP6_REQUESTING, now_us);
}

static void
on_reply(struct dhcp6_client *c, uint16_t status, const struct answer *a, int64_t now_us)
{
    if (status == DHCP6_UNSPEC_FAIL) /* 18.2.10: is asked again as if nothing had come */
        return;
    if (a->has_lease)
        bind(c, &a->lease, now_us);
    else if (a->no_binding && (c->state == DHCP6_RENEWING || c->state == DHCP6_REBINDING))
        set_state(c, DHCP6_REQUESTING, now_us);
    else if (a->withdrawn || status == DHCP6_NOT_ON_LINK || c->state == DHCP6_REQUESTING)
        begin_again(c, true, now_us);
}

/* The server that answers, if the answer is for us. */
static bool
read_server(const struct dhcp6_client *c, struct reader options, struct reader *server)
{
    struct reader client;

    return dhcp6_find_option(options, DHCP6_OPT_CLIENT_ID, &client) &&
           client.left == sizeof(c->duid) && memcmp(client.at, c->duid, sizeof(c->duid)) == 0 &&
           dhcp6_find_option(options, DHCP6_OPT_SERVER_ID, server) && server->left > 0 &&
           server->left <= DHCP6_DUID_MAX;
}

static bool
is_chosen(const struct dhcp6_client *c, struct reader server)
{
    return server.left == c->server_id_len && memcmp(server.at, c->server_id, server.left) == 0;
}

void
dhcp6_client_received(struct dhcp6_client *c, struct reader message, int64_t now_us)
{
    struct dhcp6_message m;
    struct reader server;
    struct reader rapid;

    if (c->state == DHCP6_STOPPED || c->state == DHCP6_BOUND ||
        dhcp6_parse(message, &m) != DROP_NONE || m.transaction != c->transaction ||
        !read_server(c, m.options, &server))
        return;
    bool soliciting = c->state == DHCP6_SOLICITING;
    bool is_offer = m.type == DHCP6_ADVERTISE && soliciting;
    bool is_reply = m.type == DHCP6_REPLY &&
                    (!soliciting || dhcp6_find_option(m.options, DHCP6_OPT_RAPID_COMMIT, &rapid));
    bool to_one = c->state == DHCP6_REQUESTING || c->state == DHCP6_RENEWING;
    if ((!is_offer && !is_reply) || (to_one && !is_chosen(c, server)))
        return;
    uint16_t status = status_of(m.options);
    struct answer a = {0};
    if (status == DHCP6_SUCCESS)
        a = read_answer(c, m.options);
    if (soliciting && !a.has_lease) /* nothing to be had from this one */
        return;
    if (c->state != DHCP6_REBINDING || a.has_lease || a.no_binding) {
        memcpy(c->server_id, server.at, server.left);
        c->server_id_len = (uint8_t)server.left;
    }
    if (is_offer)
        on_advertise(c, &a, now_us);
    else
        on_reply(c, status, &a, now_us);
}

/* ---- time ---- */

void
dhcp6_client_tick(struct dhcp6_client *c, int64_t now_us)
{
    if (c->deadline_us == 0 || now_us < c->deadline_us)
        return;
    bool expired = has_lease(c) && now_us >= after(c, c->lease.valid_s);
    if (expired || (c->state == DHCP6_REQUESTING && c->tries >= REQUEST_TRIES))
        begin_again(c, false, now_us);
    else if (c->state == DHCP6_BOUND)
        set_state(c, DHCP6_RENEWING, now_us);
    else if (c->state == DHCP6_RENEWING && now_us >= after(c, c->lease.t2_s))
        set_state(c, DHCP6_REBINDING, now_us);
    else
        act(c, now_us);
}

void
dhcp6_client_init(struct dhcp6_client *c, const struct mac *mac, const struct dhcp6_client_ops *ops,
                  void *owner)
{
    *c = (struct dhcp6_client){.ops = ops, .owner = owner};
    wire_put16(c->duid, DUID_LL); /* 11.4 */
    wire_put16(c->duid + 2, HARDWARE_ETHERNET);
    memcpy(c->duid + 4, mac->b, sizeof(mac->b));
    c->iaid = wire_get32(mac->b + 2);
}

void
dhcp6_client_start(struct dhcp6_client *c, int64_t now_us)
{
    if (c->state == DHCP6_STOPPED)
        set_state(c, DHCP6_SOLICITING, now_us);
}

static void
give_back(struct dhcp6_client *c, enum dhcp6_type type, int64_t now_us)
{
    c->transaction = c->ops->random(c->owner) & 0xffffff;
    c->started_us = now_us;
    send_message(c, type, now_us);
    forget(c);
}

void
dhcp6_client_decline(struct dhcp6_client *c, int64_t now_us)
{
    if (!has_lease(c))
        return;
    give_back(c, DHCP6_DECLINE, now_us);
    pause_first(c, now_us);
}

void
dhcp6_client_stop(struct dhcp6_client *c, int64_t now_us)
{
    if (has_lease(c))
        give_back(c, DHCP6_RELEASE, now_us);
    c->state = DHCP6_STOPPED;
    c->deadline_us = 0;
}
