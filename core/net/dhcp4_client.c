/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_client.c - see dhcp4_client.h. Section numbers are RFC 2131's.
 *
 * Repeats come after 1, 2, 4, 8, then every 16 s, each a tenth more or less: sooner than 4.1 has
 * it, because somebody waits for a tunnel to come up. After BOOT_TRIES without an answer about a
 * remembered address, and after REQUEST_TRIES about an offer, everything begins again; but a lease
 * that is held is then kept for its time (3.2). While renewing, a repeat comes after half of the
 * time that is left, but not sooner than RENEW_LEAST_S (4.4.5). Who is refused begins again at
 * once, but a second time in a row only after a pause that doubles: a server that offers and
 * refuses would otherwise be asked as fast as it answers.
 */

#include "core/net/dhcp4_client.h"

#include "core/net/ip4.h"

#include <glib.h>

#include <string.h>

enum {
    BOOT_TRIES = 2,
    REQUEST_TRIES = 4,
    BACKOFF_MAX_S = 16,
    RENEW_LEAST_S = 60,
    LEASE_LEAST_S = 10,
    LEASE_DEFAULT_S = 3600, /* of a server that does not say */
};
#define FOR_EVER  UINT32_MAX
#define BROADCAST UINT32_MAX
#define US        INT64_C(1000000)

/* ---- sending ---- */

static int64_t
jitter(struct dhcp4_client *c, int64_t us)
{
    return us - us / 10 + (int64_t)(c->ops->random(c->owner) % 1000) * us / 5000;
}

static int64_t
backoff_us(struct dhcp4_client *c)
{
    int64_t s = c->tries < 5 ? INT64_C(1) << (c->tries > 0 ? c->tries - 1 : 0) : BACKOFF_MAX_S;

    return jitter(c, MIN(s, BACKOFF_MAX_S) * US);
}

static void
write_common(const struct dhcp4_client *c, struct writer *w)
{
    static const uint8_t parameters[] = {DHCP4_OPT_MASK,  DHCP4_OPT_ROUTES, DHCP4_OPT_ROUTER,
                                         DHCP4_OPT_DNS,   DHCP4_OPT_DOMAIN, DHCP4_OPT_MTU,
                                         DHCP4_OPT_LEASE, DHCP4_OPT_T1,     DHCP4_OPT_T2};
    static const uint8_t size[2] = {DHCP4_MESSAGE_MAX >> 8, DHCP4_MESSAGE_MAX & 0xff};

    dhcp4_write_option(w, DHCP4_OPT_PARAMETERS, parameters, sizeof(parameters));
    dhcp4_write_option(w, DHCP4_OPT_MAX_SIZE, size, sizeof(size));
    if (c->hostname[0])
        dhcp4_write_option(w, DHCP4_OPT_HOSTNAME, c->hostname, (uint8_t)strlen(c->hostname));
}

/* What each state sends: table 5 of 4.4.1. */
static void
send_message(struct dhcp4_client *c, enum dhcp4_type type, int64_t now_us)
{
    uint8_t bytes[DHCP4_MESSAGE_MAX];
    uint8_t client_id[7] = {1};
    struct writer w = writer_of(bytes, sizeof(bytes));
    bool has_address = c->state >= DHCP4_BOUND || type == DHCP4_RELEASE;
    struct dhcp4_message m = {
        .type = type,
        .xid = c->xid,
        .secs = (uint16_t)MIN((now_us - c->started_us) / US, UINT16_MAX),
        .ciaddr = has_address ? c->lease.address : 0,
        .chaddr = c->mac,
    };

    memcpy(client_id + 1, c->mac.b, sizeof(c->mac.b));
    dhcp4_write_header(&w, &m);
    dhcp4_write_option(&w, DHCP4_OPT_CLIENT_ID, client_id, sizeof(client_id));
    if (c->state == DHCP4_REQUESTING || c->state == DHCP4_REBOOTING ||
        (c->state == DHCP4_SELECTING && c->lease.address != 0))
        dhcp4_write_option_u32(&w, DHCP4_OPT_ADDRESS, c->lease.address);
    if (c->state == DHCP4_REQUESTING || type == DHCP4_RELEASE)
        dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, c->lease.server);
    if (type != DHCP4_RELEASE)
        write_common(c, &w);
    dhcp4_write_end(&w);
    g_assert(writer_ok(&w));

    bool to_server = c->state == DHCP4_RENEWING || type == DHCP4_RELEASE;
    c->sent_us = now_us;
    c->ops->send(c->owner, reader_of(bytes, w.len), has_address ? c->lease.address : 0,
                 to_server ? c->lease.server : BROADCAST);
}

/* ---- states ---- */

static int64_t
renew_again_us(int64_t now_us, int64_t until_us)
{
    return MIN(now_us + MAX((until_us - now_us) / 2, RENEW_LEAST_S * US), until_us);
}

/* Sets the one deadline, then sends what the state sends: in this order, since a server in the same
 * process may answer before the send returns. */
static void
act(struct dhcp4_client *c, int64_t now_us)
{
    c->tries++;
    switch (c->state) {
    case DHCP4_STOPPED:
        c->deadline_us = 0;
        return;
    case DHCP4_BOUND:
        c->deadline_us = c->lease.lease_s == FOR_EVER ? 0 : c->t1_us;
        return;
    case DHCP4_SELECTING:
        c->deadline_us = now_us + backoff_us(c);
        send_message(c, DHCP4_DISCOVER, now_us);
        return;
    case DHCP4_REQUESTING:
    case DHCP4_REBOOTING:
        c->deadline_us = now_us + backoff_us(c);
        send_message(c, DHCP4_REQUEST, now_us);
        return;
    case DHCP4_RENEWING:
        c->deadline_us = renew_again_us(now_us, c->t2_us);
        send_message(c, DHCP4_REQUEST, now_us);
        return;
    case DHCP4_REBINDING:
        c->deadline_us = renew_again_us(now_us, c->expires_us);
        send_message(c, DHCP4_REQUEST, now_us);
        return;
    }
}

static void
set_state(struct dhcp4_client *c, enum dhcp4_state state, int64_t now_us)
{
    c->state = state;
    c->tries = 0;
    if (state != DHCP4_BOUND &&
        state != DHCP4_REQUESTING) /* an offer is answered with its own xid */
        c->xid = c->ops->random(c->owner);
    if (state != DHCP4_BOUND)
        c->asked_us = now_us; /* a lease counts from here */
    act(c, now_us);
}

static bool
has_lease(const struct dhcp4_client *c)
{
    return c->expires_us != 0;
}

/* Gives up what there was, and looks for a server: now, or after a pause. */
static void
begin_again(struct dhcp4_client *c, int64_t now_us, int64_t pause_us)
{
    bool had = has_lease(c);

    c->expires_us = 0;
    c->started_us = now_us;
    c->lease = (struct dhcp4_lease){0};
    if (had)
        c->ops->lost(c->owner);
    if (c->state == DHCP4_STOPPED) /* lost() may have stopped us */
        return;
    if (pause_us == 0) {
        set_state(c, DHCP4_SELECTING, now_us);
        return;
    }
    c->state = DHCP4_SELECTING; /* nothing sent yet: the deadline does it */
    c->tries = 0;
    c->xid = c->ops->random(c->owner);
    c->deadline_us = now_us + pause_us;
}

/* ---- answers ---- */

static uint8_t
prefix_of(const struct dhcp4_message *m, uint32_t address)
{
    uint32_t mask = 0;

    if (!dhcp4_option_u32(m, DHCP4_OPT_MASK, &mask) || mask == 0 || (~mask & (~mask + 1)) != 0)
        return address >> 31 == 0 ? 8 : address >> 30 == 2 ? 16 : 24; /* by class, as long ago */
    uint8_t len = 0;
    while (mask & 0x80000000u) {
        len++;
        mask <<= 1;
    }
    return len;
}

static void
read_domain(const struct dhcp4_message *m, char out[DHCP4_DOMAIN_MAX + 1])
{
    uint8_t bytes[DHCP4_DOMAIN_MAX];
    int len = dhcp4_option(m, DHCP4_OPT_DOMAIN, bytes, sizeof(bytes));

    out[0] = '\0';
    while (len > 0 && bytes[len - 1] == '\0')
        len--;
    for (int i = 0; i < len; i++) { /* it will be shown, and perhaps given to programs */
        if (!g_ascii_isalnum(bytes[i]) && bytes[i] != '.' && bytes[i] != '-')
            return;
    }
    if (len > 0) {
        memcpy(out, bytes, (size_t)len);
        out[len] = '\0';
    }
}

static void
read_times(const struct dhcp4_message *m, struct dhcp4_lease *l)
{
    uint32_t t1 = 0;
    uint32_t t2 = 0;

    if (!dhcp4_option_u32(m, DHCP4_OPT_LEASE, &l->lease_s))
        l->lease_s = LEASE_DEFAULT_S;
    l->lease_s = MAX(l->lease_s, LEASE_LEAST_S);
    l->t1_s = l->lease_s / 2; /* 4.4.5 */
    l->t2_s = (uint32_t)((uint64_t)l->lease_s * 7 / 8);
    if (dhcp4_option_u32(m, DHCP4_OPT_T2, &t2) && t2 > 1 && t2 < l->lease_s)
        l->t2_s = t2;
    if (dhcp4_option_u32(m, DHCP4_OPT_T1, &t1) && t1 > 0 && t1 < l->t2_s)
        l->t1_s = t1;
    l->t1_s = MIN(l->t1_s, l->t2_s);
}

/* An address that the host may have in its network: neither the network's own nor its broadcast. */
static bool
is_usable(uint32_t address, uint8_t prefix_len)
{
    uint32_t host = prefix_len < 31 ? UINT32_MAX >> prefix_len : 0; /* RFC 3021: no such in a /31 */

    return ip4_is_host(address) && (host == 0 || ((address & host) != 0 && (~address & host) != 0));
}

/* Addresses of other hosts; what cannot be one is left out. */
static unsigned
read_hosts(const struct dhcp4_message *m, uint8_t code, uint32_t *out, unsigned max)
{
    unsigned there = dhcp4_option_addresses(m, code, out, max);
    unsigned n = 0;

    for (unsigned i = 0; i < there; i++) {
        if (ip4_is_host(out[i]))
            out[n++] = out[i];
    }
    return n;
}

/* False when nobody can use what is offered. */
static bool
read_lease(const struct dhcp4_message *m, struct dhcp4_lease *out)
{
    struct dhcp4_lease l = {.address = m->yiaddr};
    uint8_t mtu[2];

    l.prefix_len = prefix_of(m, l.address);
    if (!is_usable(l.address, l.prefix_len) || !dhcp4_option_u32(m, DHCP4_OPT_SERVER, &l.server) ||
        !ip4_is_host(l.server))
        return false;
    l.n_routes = dhcp4_option_routes(m, l.route);
    if (l.n_routes == 0)
        l.n_gateways = read_hosts(m, DHCP4_OPT_ROUTER, l.gateway, DHCP4_GATEWAYS_MAX);
    l.n_dns = read_hosts(m, DHCP4_OPT_DNS, l.dns, DHCP4_DNS_MAX);
    read_domain(m, l.domain);
    if (dhcp4_option(m, DHCP4_OPT_MTU, mtu, sizeof(mtu)) == 2)
        l.mtu = (uint16_t)(mtu[0] << 8 | mtu[1]);
    if (l.mtu < 576) /* RFC 791: what every host can take */
        l.mtu = 0;
    read_times(m, &l);
    *out = l;
    return true;
}

static bool
differs(const struct dhcp4_lease *a, const struct dhcp4_lease *b)
{
    struct dhcp4_lease x = *a;
    struct dhcp4_lease y = *b;

    x.lease_s = y.lease_s = x.t1_s = y.t1_s = x.t2_s = y.t2_s = 0;
    x.server = y.server = 0;
    return x.address != y.address || x.prefix_len != y.prefix_len || x.mtu != y.mtu ||
           x.n_gateways != y.n_gateways || x.n_dns != y.n_dns || x.n_routes != y.n_routes ||
           memcmp(x.gateway, y.gateway, x.n_gateways * sizeof(x.gateway[0])) != 0 ||
           memcmp(x.dns, y.dns, x.n_dns * sizeof(x.dns[0])) != 0 ||
           memcmp(x.route, y.route, x.n_routes * sizeof(x.route[0])) != 0 ||
           strcmp(x.domain, y.domain) != 0;
}

static void
on_offer(struct dhcp4_client *c, const struct dhcp4_message *m, int64_t now_us)
{
    struct dhcp4_lease offer;

    if (c->state != DHCP4_SELECTING || !read_lease(m, &offer))
        return;
    c->lease = offer; /* the first one will do */
    set_state(c, DHCP4_REQUESTING, now_us);
}

static void
on_ack(struct dhcp4_client *c, const struct dhcp4_message *m, int64_t now_us)
{
    struct dhcp4_lease lease;
    struct dhcp4_lease old = c->lease;
    bool had = has_lease(c);

    if (c->state == DHCP4_SELECTING || c->state == DHCP4_BOUND || !read_lease(m, &lease) ||
        lease.address != c->lease.address)
        return;
    int64_t from_us = c->asked_us; /* 4.4.5: from when it was asked for */
    c->lease = lease;
    c->t1_us = from_us + lease.t1_s * US;
    c->t2_us = from_us + lease.t2_s * US;
    c->expires_us = lease.lease_s == FOR_EVER ? INT64_MAX : from_us + lease.lease_s * US;
    c->refusals = 0;
    set_state(c, DHCP4_BOUND, now_us);
    c->ops->bound(c->owner, &c->lease, !had || differs(&old, &c->lease));
}

static void
on_nak(struct dhcp4_client *c, const struct dhcp4_message *m, int64_t now_us)
{
    uint32_t server = 0;

    if (c->state == DHCP4_SELECTING || c->state == DHCP4_BOUND)
        return;
    if (c->state == DHCP4_REQUESTING && dhcp4_option_u32(m, DHCP4_OPT_SERVER, &server) &&
        server != c->lease.server)
        return; /* a server that was not asked */
    unsigned again = c->refusals++;
    int64_t pause_s = again == 0 ? 0 : again < 5 ? INT64_C(1) << (again - 1) : BACKOFF_MAX_S;
    begin_again(c, now_us, pause_s * US);
}

void
dhcp4_client_received(struct dhcp4_client *c, struct reader message, int64_t now_us)
{
    struct dhcp4_message m;

    if (c->state == DHCP4_STOPPED || dhcp4_parse(message, &m) != DROP_NONE || !m.reply ||
        m.xid != c->xid || !mac_equal(&m.chaddr, &c->mac))
        return;
    if (m.type == DHCP4_OFFER)
        on_offer(c, &m, now_us);
    else if (m.type == DHCP4_ACK)
        on_ack(c, &m, now_us);
    else if (m.type == DHCP4_NAK)
        on_nak(c, &m, now_us);
}

/* ---- time ---- */

void
dhcp4_client_tick(struct dhcp4_client *c, int64_t now_us)
{
    if (c->deadline_us == 0 || now_us < c->deadline_us)
        return;
    bool expired = has_lease(c) && now_us >= c->expires_us;
    bool gave_up = (c->state == DHCP4_REBOOTING && c->tries >= BOOT_TRIES) ||
                   (c->state == DHCP4_REQUESTING && c->tries >= REQUEST_TRIES);
    if (gave_up && has_lease(c) && !expired)
        set_state(c, DHCP4_BOUND, now_us); /* 3.2: it is ours for the rest of its time */
    else if (expired || gave_up)
        begin_again(c, now_us, 0);
    else if (c->state == DHCP4_BOUND)
        set_state(c, DHCP4_RENEWING, now_us);
    else if (c->state == DHCP4_RENEWING && now_us >= c->t2_us)
        set_state(c, DHCP4_REBINDING, now_us);
    else
        act(c, now_us);
}

void
dhcp4_client_init(struct dhcp4_client *c, const struct mac *mac, const char *hostname,
                  const struct dhcp4_client_ops *ops, void *owner)
{
    *c = (struct dhcp4_client){.ops = ops, .owner = owner, .mac = *mac};
    if (hostname)
        (void)g_strlcpy(c->hostname, hostname, sizeof(c->hostname));
}

void
dhcp4_client_start(struct dhcp4_client *c, uint32_t remembered, int64_t now_us)
{
    c->started_us = now_us;
    c->refusals = 0;
    if (!has_lease(c))
        c->lease = (struct dhcp4_lease){.address = remembered};
    c->state = DHCP4_REBOOTING;
    set_state(c, c->lease.address != 0 ? DHCP4_REBOOTING : DHCP4_SELECTING, now_us);
}

void
dhcp4_client_stop(struct dhcp4_client *c, int64_t now_us)
{
    if (has_lease(c))
        send_message(c, DHCP4_RELEASE, now_us);
    c->state = DHCP4_STOPPED;
    c->deadline_us = 0;
    c->expires_us = 0;
    c->lease = (struct dhcp4_lease){0};
}
