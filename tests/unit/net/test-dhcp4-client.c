/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp4-client.c - the machine through all its states, against a server made of a few lines,
 * in a time of its own. */

#include "core/net/dhcp4_client.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

#define S INT64_C(1000000)

static const struct mac client_mac = {{2, 0, 0, 0, 0, 5}};

enum { SERVER = 0x0a000001, ADDRESS = 0x0a000005, ALL = 0xffffffff };

struct lab {
    struct dhcp4_client c;
    int64_t now_us;
    unsigned sent, bound, lost;
    bool changed;
    bool stop_when_lost;
    uint32_t random;
    uint32_t src, dst;         /* of the last message */
    uint8_t bytes[1500];       /* that message */
    struct dhcp4_message last; /* parsed */
    GByteArray *options;       /* what the server puts in its answers */
};

static void
on_send(void *owner, struct reader payload, uint32_t src, uint32_t dst)
{
    struct lab *lab = owner;

    g_assert_cmpuint(payload.left, >=, DHCP4_MESSAGE_MIN);
    g_assert_cmpuint(payload.left, <=, sizeof lab->bytes);
    memcpy(lab->bytes, payload.at, payload.left);
    g_assert_cmpint(dhcp4_parse(reader_of(lab->bytes, payload.left), &lab->last), ==, DROP_NONE);
    g_assert_false(lab->last.reply);
    g_assert_true(mac_equal(&lab->last.chaddr, &client_mac));
    uint8_t id[16];
    g_assert_cmpint(dhcp4_option(&lab->last, DHCP4_OPT_CLIENT_ID, id, sizeof id), ==, 7);
    g_assert_cmpint(memcmp(id, "\1\2\0\0\0\0\5", 7), ==, 0);
    lab->src = src;
    lab->dst = dst;
    lab->sent++;
}

static void
on_bound(void *owner, const struct dhcp4_lease *lease, bool changed)
{
    struct lab *lab = owner;

    g_assert_true(lease == &lab->c.lease);
    lab->bound++;
    lab->changed = changed;
}

static void
on_lost(void *owner)
{
    struct lab *lab = owner;

    lab->lost++;
    if (lab->stop_when_lost)
        dhcp4_client_stop(&lab->c, lab->now_us);
}

static uint32_t
on_random(void *owner)
{
    struct lab *lab = owner;
    return lab->random += 0x9e3779b9;
}

static const struct dhcp4_client_ops ops = {
    .send = on_send, .bound = on_bound, .lost = on_lost, .random = on_random};

static void
add_option(struct lab *lab, uint8_t code, const void *bytes, uint8_t len)
{
    g_byte_array_append(lab->options, &code, 1);
    g_byte_array_append(lab->options, &len, 1);
    g_byte_array_append(lab->options, bytes, len);
}

static void
add_u32(struct lab *lab, uint8_t code, uint32_t v)
{
    uint8_t bytes[4];
    put32(bytes, v);
    add_option(lab, code, bytes, 4);
}

/* A server that leases ADDRESS/24 for 1000 s. */
static struct lab *
lab_new(void)
{
    struct lab *lab = g_new0(struct lab, 1);

    lab->now_us = 5 * S;
    lab->options = g_byte_array_new();
    add_u32(lab, DHCP4_OPT_SERVER, SERVER);
    add_u32(lab, DHCP4_OPT_MASK, 0xffffff00);
    add_u32(lab, DHCP4_OPT_LEASE, 1000);
    dhcp4_client_init(&lab->c, &client_mac, "laptop", &ops, lab);
    g_assert_cmpint(lab->c.state, ==, DHCP4_STOPPED);
    g_assert_cmpint(lab->c.deadline_us, ==, 0);
    return lab;
}

static void
lab_free(struct lab *lab)
{
    g_byte_array_unref(lab->options);
    g_free(lab);
}

static void
answer_with(struct lab *lab, enum dhcp4_type type, uint32_t yiaddr)
{
    uint8_t bytes[1500];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dhcp4_message m = {
        .reply = true, .xid = lab->last.xid, .type = type, .yiaddr = yiaddr, .chaddr = client_mac};

    dhcp4_write_header(&w, &m);
    writer_bytes(&w, lab->options->data, lab->options->len);
    dhcp4_write_end(&w);
    g_assert_true(writer_ok(&w));
    dhcp4_client_received(&lab->c, reader_of(bytes, w.len), lab->now_us);
}

/* Lets the time pass to the deadline. */
static void
pass(struct lab *lab)
{
    g_assert_cmpint(lab->c.deadline_us, >, lab->now_us);
    dhcp4_client_tick(&lab->c, lab->c.deadline_us - 1); /* too early: nothing */
    lab->now_us = lab->c.deadline_us;
    dhcp4_client_tick(&lab->c, lab->now_us);
}

static void
bind(struct lab *lab)
{
    dhcp4_client_start(&lab->c, 0, lab->now_us);
    answer_with(lab, DHCP4_OFFER, ADDRESS);
    answer_with(lab, DHCP4_ACK, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_BOUND);
}

static uint32_t
sent_u32(const struct lab *lab, uint8_t code)
{
    uint32_t v = 0;
    return dhcp4_option_u32(&lab->last, code, &v) ? v : 0;
}

/* 4.4.1, table 5: what is in which message. */
static void
test_to_bound(void)
{
    struct lab *lab = lab_new();
    uint8_t name[64];

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_DISCOVER);
    g_assert_true(lab->src == 0 && lab->dst == ALL);
    g_assert_cmphex(lab->last.ciaddr | sent_u32(lab, DHCP4_OPT_SERVER), ==, 0);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_ADDRESS), ==, 0);
    g_assert_cmpint(dhcp4_option(&lab->last, DHCP4_OPT_HOSTNAME, name, sizeof name), ==, 6);
    g_assert_cmpint(memcmp(name, "laptop", 6), ==, 0);
    int n = dhcp4_option(&lab->last, DHCP4_OPT_PARAMETERS, name, sizeof name);
    g_assert_cmpint(n, >, 5);
    g_assert_nonnull(memchr(name, DHCP4_OPT_ROUTES, (size_t)n));
    uint32_t xid = lab->last.xid;

    answer_with(lab, DHCP4_OFFER, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REQUESTING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_REQUEST);
    g_assert_true(lab->src == 0 && lab->dst == ALL);
    g_assert_cmphex(lab->last.xid, ==, xid); /* the one of the offer */
    g_assert_cmphex(lab->last.ciaddr, ==, 0);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_SERVER), ==, SERVER);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_ADDRESS), ==, ADDRESS);

    answer_with(lab, DHCP4_ACK, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_BOUND);
    g_assert_cmpuint(lab->bound, ==, 1);
    g_assert_true(lab->changed);
    g_assert_cmphex(lab->c.lease.address, ==, ADDRESS);
    g_assert_cmpuint(lab->c.lease.prefix_len, ==, 24);
    g_assert_cmphex(lab->c.lease.server, ==, SERVER);
    g_assert_cmpint(lab->c.deadline_us, ==, lab->now_us + 500 * S);
    g_assert_cmpuint(lab->sent, ==, 2);
    g_assert_cmpuint(lab->lost, ==, 0);
    lab_free(lab);
}

/* 1, 2, 4, 8, 16, 16 ... seconds, each a tenth more or less, and for ever. */
static void
test_backoff(void)
{
    struct lab *lab = lab_new();
    static const int64_t want_s[] = {1, 2, 4, 8, 16, 16, 16};

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    for (unsigned i = 0; i < G_N_ELEMENTS(want_s); i++) {
        int64_t wait = lab->c.deadline_us - lab->now_us;
        g_assert_cmpint(wait, >=, want_s[i] * S * 9 / 10);
        g_assert_cmpint(wait, <=, want_s[i] * S * 11 / 10);
        pass(lab);
        g_assert_cmpuint(lab->sent, ==, i + 2);
        g_assert_cmpint(lab->last.type, ==, DHCP4_DISCOVER);
    }
    g_assert_cmpuint(lab->last.secs, >=, 50);
    for (unsigned i = 0; i < 100; i++)
        pass(lab);
    answer_with(lab, DHCP4_OFFER, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REQUESTING);
    lab_free(lab);
}

static void
test_no_ack(void)
{
    struct lab *lab = lab_new();

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    answer_with(lab, DHCP4_OFFER, ADDRESS);
    for (unsigned i = 0; i < 3; i++) {
        pass(lab);
        g_assert_cmpint(lab->last.type, ==, DHCP4_REQUEST);
    }
    pass(lab);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_DISCOVER);
    g_assert_cmpuint(lab->lost, ==, 0); /* there was nothing to lose */
    lab_free(lab);
}

/* T1: renewing, unicast, repeated at half of what is left; the lease goes on. */
static void
test_renew(void)
{
    struct lab *lab = lab_new();

    bind(lab);
    pass(lab);
    g_assert_cmpint(lab->c.state, ==, DHCP4_RENEWING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_REQUEST);
    g_assert_true(lab->src == ADDRESS && lab->dst == SERVER);
    g_assert_cmphex(lab->last.ciaddr, ==, ADDRESS);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_SERVER) | sent_u32(lab, DHCP4_OPT_ADDRESS), ==, 0);
    int64_t wait = lab->c.deadline_us - lab->now_us;
    g_assert_cmpint(wait, >=, 187 * S); /* (875 - 500) / 2 */
    g_assert_cmpint(wait, <=, 188 * S);
    pass(lab);
    g_assert_cmpint(lab->c.state, ==, DHCP4_RENEWING);
    answer_with(lab, DHCP4_ACK, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_BOUND);
    g_assert_cmpuint(lab->bound, ==, 2);
    g_assert_false(lab->changed);
    g_assert_cmpuint(lab->lost, ==, 0);

    pass(lab);
    add_u32(lab, DHCP4_OPT_DNS, 0x08080808); /* this time with news */
    answer_with(lab, DHCP4_ACK, ADDRESS);
    g_assert_cmpuint(lab->bound, ==, 3);
    g_assert_true(lab->changed);
    lab_free(lab);
}

/* T2: rebinding, broadcast; at the end the address is lost and everything begins again. */
static void
test_rebind_and_expire(void)
{
    struct lab *lab = lab_new();
    int64_t from;

    bind(lab);
    from = lab->now_us;
    while (lab->c.state != DHCP4_REBINDING)
        pass(lab);
    g_assert_cmpint(lab->now_us - from, ==, 875 * S);
    g_assert_true(lab->src == ADDRESS && lab->dst == ALL);
    g_assert_cmphex(lab->last.ciaddr, ==, ADDRESS);
    g_assert_cmpuint(lab->sent, <, 10);
    while (lab->c.state == DHCP4_REBINDING)
        pass(lab);
    g_assert_cmpint(lab->now_us - from, ==, 1000 * S);
    g_assert_cmpuint(lab->lost, ==, 1);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_DISCOVER);
    g_assert_cmphex(lab->last.ciaddr, ==, 0);

    bind(lab);
    while (lab->c.state != DHCP4_REBINDING)
        pass(lab);
    answer_with(lab, DHCP4_ACK, ADDRESS); /* somebody has it */
    g_assert_cmpint(lab->c.state, ==, DHCP4_BOUND);
    g_assert_cmpuint(lab->lost, ==, 1);
    lab_free(lab);
}

/* Refused while renewing: the address is given up at once. */
static void
test_nak(void)
{
    struct lab *lab = lab_new();

    bind(lab);
    pass(lab);
    answer_with(lab, DHCP4_NAK, 0);
    g_assert_cmpuint(lab->lost, ==, 1);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_DISCOVER);
    lab_free(lab);
}

/* A server that offers and refuses, again and again, is asked ever more slowly. */
static void
test_nak_for_ever(void)
{
    struct lab *lab = lab_new();
    static const int64_t pause_s[] = {0, 1, 2, 4, 8, 16, 16, 16};

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    for (unsigned i = 0; i < G_N_ELEMENTS(pause_s); i++) {
        answer_with(lab, DHCP4_OFFER, ADDRESS);
        g_assert_cmpint(lab->last.type, ==, DHCP4_REQUEST);
        unsigned sent = lab->sent;
        answer_with(lab, DHCP4_NAK, 0);
        if (pause_s[i] > 0) {
            g_assert_cmpuint(lab->sent, ==, sent);
            g_assert_cmpint(lab->c.deadline_us, ==, lab->now_us + pause_s[i] * S);
            answer_with(lab, DHCP4_OFFER, ADDRESS); /* nothing was asked */
            g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
            pass(lab);
        }
        g_assert_cmpint(lab->last.type, ==, DHCP4_DISCOVER);
        g_assert_cmpuint(lab->sent, ==, sent + 1);
    }
    g_assert_cmpuint(lab->lost, ==, 0);
    lab_free(lab);
}

/* Another server than the chosen one has nothing to refuse. */
static void
test_nak_of_another(void)
{
    struct lab *lab = lab_new();

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    answer_with(lab, DHCP4_OFFER, ADDRESS);
    put32(lab->options->data + 2, SERVER + 1);
    answer_with(lab, DHCP4_NAK, 0);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REQUESTING);
    put32(lab->options->data + 2, SERVER);
    answer_with(lab, DHCP4_ACK, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_BOUND);
    lab_free(lab);
}

/* An address of an earlier time: asked for first, then given up. */
static void
test_reboot(void)
{
    struct lab *lab = lab_new();

    dhcp4_client_start(&lab->c, ADDRESS, lab->now_us);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REBOOTING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_REQUEST);
    g_assert_true(lab->src == 0 && lab->dst == ALL);
    g_assert_cmphex(lab->last.ciaddr | sent_u32(lab, DHCP4_OPT_SERVER), ==, 0);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_ADDRESS), ==, ADDRESS);
    answer_with(lab, DHCP4_ACK, ADDRESS + 1); /* not what was asked */
    g_assert_cmpint(lab->c.state, ==, DHCP4_REBOOTING);
    answer_with(lab, DHCP4_ACK, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_BOUND);
    g_assert_true(lab->changed);
    dhcp4_client_stop(&lab->c, lab->now_us);

    dhcp4_client_start(&lab->c, ADDRESS, lab->now_us);
    answer_with(lab, DHCP4_NAK, 0);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    g_assert_cmpint(lab->last.type, ==, DHCP4_DISCOVER);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_ADDRESS), ==, 0);

    dhcp4_client_start(&lab->c, ADDRESS, lab->now_us);
    pass(lab);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REBOOTING);
    pass(lab);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING); /* nobody knows it */
    g_assert_cmpuint(lab->lost, ==, 0);
    lab_free(lab);
}

/* Started anew with a lease in hand (the link was away): it is kept unless a server refuses. */
static void
test_restart(void)
{
    struct lab *lab = lab_new();

    bind(lab);
    int64_t t1_us = lab->c.deadline_us;
    lab->now_us += 10 * S;
    dhcp4_client_start(&lab->c, 0, lab->now_us);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REBOOTING);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_ADDRESS), ==, ADDRESS);
    pass(lab);
    pass(lab); /* nobody answers: 3.2 lets it go on */
    g_assert_cmpint(lab->c.state, ==, DHCP4_BOUND);
    g_assert_cmpint(lab->c.deadline_us, ==, t1_us);
    g_assert_cmpuint(lab->lost, ==, 0);

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    answer_with(lab, DHCP4_ACK, ADDRESS);
    g_assert_cmpuint(lab->bound, ==, 2);
    g_assert_false(lab->changed);
    g_assert_cmpuint(lab->lost, ==, 0);

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    answer_with(lab, DHCP4_NAK, 0);
    g_assert_cmpuint(lab->lost, ==, 1);
    lab_free(lab);
}

static void
test_stop(void)
{
    struct lab *lab = lab_new();

    dhcp4_client_stop(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->sent, ==, 0);
    dhcp4_client_start(&lab->c, 0, lab->now_us);
    dhcp4_client_stop(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->sent, ==, 1); /* nothing to release */

    bind(lab);
    dhcp4_client_stop(&lab->c, lab->now_us);
    g_assert_cmpint(lab->last.type, ==, DHCP4_RELEASE);
    g_assert_true(lab->src == ADDRESS && lab->dst == SERVER);
    g_assert_cmphex(lab->last.ciaddr, ==, ADDRESS);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_SERVER), ==, SERVER);
    g_assert_cmphex(sent_u32(lab, DHCP4_OPT_ADDRESS), ==, 0);
    g_assert_cmpint(lab->c.deadline_us, ==, 0);
    unsigned sent = lab->sent;
    answer_with(lab, DHCP4_OFFER, ADDRESS);
    dhcp4_client_tick(&lab->c, lab->now_us + 10000 * S);
    dhcp4_client_stop(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->sent, ==, sent);

    bind(lab); /* stopped from within lost(): stays so */
    lab->stop_when_lost = true;
    pass(lab);
    answer_with(lab, DHCP4_NAK, 0);
    g_assert_cmpint(lab->c.state, ==, DHCP4_STOPPED);
    g_assert_cmpint(lab->c.deadline_us, ==, 0);
    lab_free(lab);
}

/* What must not move the machine, in each state. */
static void
test_ignored(void)
{
    struct lab *lab = lab_new();

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    for (unsigned round = 0; round < 3; round++) {
        enum dhcp4_state state = lab->c.state;
        unsigned sent = lab->sent;
        uint32_t xid = lab->last.xid;
        lab->last.xid ^= 1;
        answer_with(lab, DHCP4_OFFER, ADDRESS);
        answer_with(lab, DHCP4_ACK, ADDRESS);
        answer_with(lab, DHCP4_NAK, 0);
        lab->last.xid = xid;
        answer_with(lab, DHCP4_DISCOVER, ADDRESS);
        answer_with(lab, DHCP4_INFORM, ADDRESS);
        answer_with(lab, DHCP4_RELEASE, ADDRESS);
        if (round == 0) {
            answer_with(lab, DHCP4_ACK, ADDRESS);
            answer_with(lab, DHCP4_NAK, 0);
        }
        if (round > 0)
            answer_with(lab, DHCP4_OFFER, ADDRESS + 1);
        if (round == 2) {
            answer_with(lab, DHCP4_ACK, ADDRESS);
            answer_with(lab, DHCP4_NAK, 0);
        }
        dhcp4_client_received(&lab->c, reader_of("rubbish", 7), lab->now_us);
        g_assert_cmpint(lab->c.state, ==, state);
        g_assert_cmpuint(lab->sent, ==, sent);
        if (round < 2)
            answer_with(lab, round == 0 ? DHCP4_OFFER : DHCP4_ACK, ADDRESS);
    }
    g_assert_cmpuint(lab->bound, ==, 1);
    lab_free(lab);
}

/* Offers that nobody could use are passed over. */
static void
test_bad_offers(void)
{
    static const uint32_t bad[] = {0,          ALL,        0x7f000001, 0xe0000001,
                                   0x00000005, 0x0a000000, 0x0a0000ff, 0xf0000001};
    struct lab *lab = lab_new();

    dhcp4_client_start(&lab->c, 0, lab->now_us);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        answer_with(lab, DHCP4_OFFER, bad[i]);
        g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    }
    put32(lab->options->data + 2, 0); /* no server */
    answer_with(lab, DHCP4_OFFER, ADDRESS);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    put32(lab->options->data + 2, SERVER);
    put32(lab->options->data + 8, 0xfffffffe); /* a /31 has no broadcast address */
    answer_with(lab, DHCP4_OFFER, 0x0a0000ff);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REQUESTING);
    g_assert_cmpuint(lab->c.lease.prefix_len, ==, 31);
    lab_free(lab);
}

static void
test_lease_fields(void)
{
    struct lab *lab = lab_new();
    static const uint8_t dns[12] = {8, 8, 8, 8, 0, 0, 0, 0, 1, 1, 1, 1};
    const struct dhcp4_lease *l = &lab->c.lease;

    add_option(lab, DHCP4_OPT_DNS, dns, 12); /* one of them is none */
    add_u32(lab, DHCP4_OPT_ROUTER, 0x0a0000fe);
    add_option(lab, DHCP4_OPT_DOMAIN, "corp.example\0", 13);
    add_option(lab, DHCP4_OPT_MTU, "\x05\x78", 2);
    add_u32(lab, DHCP4_OPT_T1, 100);
    add_u32(lab, DHCP4_OPT_T2, 200);
    bind(lab);
    g_assert_cmpuint(l->n_dns, ==, 2);
    g_assert_cmphex(l->dns[1], ==, 0x01010101);
    g_assert_cmpuint(l->n_gateways, ==, 1);
    g_assert_cmphex(l->gateway[0], ==, 0x0a0000fe);
    g_assert_cmpstr(l->domain, ==, "corp.example");
    g_assert_cmpuint(l->mtu, ==, 1400);
    g_assert_cmpuint(l->t1_s, ==, 100);
    g_assert_cmpuint(l->t2_s, ==, 200);

    /* RFC 3442: with routes, the router option does not count */
    add_option(lab, DHCP4_OPT_ROUTES, "\x08\x0b\x0a\0\0\1", 6);
    bind(lab);
    g_assert_cmpuint(l->n_routes, ==, 1);
    g_assert_cmpuint(l->n_gateways, ==, 0);
    lab_free(lab);
}

/* Times that make no sense are replaced (4.4.5), and a domain that could harm is left out. */
static void
test_odd_fields(void)
{
    static const struct {
        uint32_t lease, t1, t2;
        uint32_t want_lease, want_t1, want_t2;
    } rows[] = {
        {1000, 0, 0, 1000, 500, 875},
        {1000, 900, 100, 1000, 100, 100},
        {1000, 2000, 3000, 1000, 500, 875},
        {1000, 600, 500, 1000, 500, 500},
        {0, 0, 0, 10, 5, 8},
        {1, 1, 1, 10, 1, 8},
        {UINT32_MAX, 0, 0, UINT32_MAX, UINT32_MAX / 2, 3758096383u},
        {UINT32_MAX - 1, UINT32_MAX, UINT32_MAX, UINT32_MAX - 1, UINT32_MAX / 2, 3758096382u},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct lab *lab = lab_new();
        put32(lab->options->data + 14, rows[i].lease);
        add_u32(lab, DHCP4_OPT_T1, rows[i].t1);
        add_u32(lab, DHCP4_OPT_T2, rows[i].t2);
        add_option(lab, DHCP4_OPT_DOMAIN, "a b;rm", 6);
        add_option(lab, DHCP4_OPT_MTU, "\0\x44", 2);
        bind(lab);
        g_assert_cmpuint(lab->c.lease.lease_s, ==, rows[i].want_lease);
        g_assert_cmpuint(lab->c.lease.t1_s, ==, rows[i].want_t1);
        g_assert_cmpuint(lab->c.lease.t2_s, ==, rows[i].want_t2);
        g_assert_cmpstr(lab->c.lease.domain, ==, "");
        g_assert_cmpuint(lab->c.lease.mtu, ==, 0);
        if (rows[i].want_lease == UINT32_MAX)
            g_assert_cmpint(lab->c.deadline_us, ==, 0); /* for ever */
        else
            g_assert_cmpint(lab->c.deadline_us, >, lab->now_us);
        lab_free(lab);
    }
}

static void
test_masks(void)
{
    static const struct {
        uint32_t address, mask;
        uint8_t want;
    } rows[] = {
        {0x0a000005, 0xffffffff, 32}, {0x0a000005, 0x80000000, 1},  {0x0a000005, 0xffff0000, 16},
        {0x0a000005, 0, 8},           {0xac100005, 0xff00ff00, 16}, {0xc0a80005, 0x00ffffff, 24},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct lab *lab = lab_new();
        put32(lab->options->data + 8, rows[i].mask);
        dhcp4_client_start(&lab->c, 0, lab->now_us);
        answer_with(lab, DHCP4_OFFER, rows[i].address);
        g_assert_cmpint(lab->c.state, ==, DHCP4_REQUESTING);
        g_assert_cmpuint(lab->c.lease.prefix_len, ==, rows[i].want);
        lab_free(lab);
    }
}

/* A system that slept: one late tick brings it where it should be. */
static void
test_late(void)
{
    struct lab *lab = lab_new();

    bind(lab);
    lab->now_us += 5000 * S;
    dhcp4_client_tick(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->lost, ==, 1);
    g_assert_cmpint(lab->c.state, ==, DHCP4_SELECTING);
    bind(lab);
    lab->now_us += 900 * S; /* past T2 */
    dhcp4_client_tick(&lab->c, lab->now_us);
    dhcp4_client_tick(&lab->c, lab->now_us);
    g_assert_cmpint(lab->c.state, ==, DHCP4_REBINDING);
    lab_free(lab);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp4-client/to-bound", test_to_bound);
    g_test_add_func("/dhcp4-client/backoff", test_backoff);
    g_test_add_func("/dhcp4-client/no-ack", test_no_ack);
    g_test_add_func("/dhcp4-client/renew", test_renew);
    g_test_add_func("/dhcp4-client/rebind-and-expire", test_rebind_and_expire);
    g_test_add_func("/dhcp4-client/nak", test_nak);
    g_test_add_func("/dhcp4-client/nak-for-ever", test_nak_for_ever);
    g_test_add_func("/dhcp4-client/nak-of-another", test_nak_of_another);
    g_test_add_func("/dhcp4-client/reboot", test_reboot);
    g_test_add_func("/dhcp4-client/restart", test_restart);
    g_test_add_func("/dhcp4-client/stop", test_stop);
    g_test_add_func("/dhcp4-client/ignored", test_ignored);
    g_test_add_func("/dhcp4-client/bad-offers", test_bad_offers);
    g_test_add_func("/dhcp4-client/lease-fields", test_lease_fields);
    g_test_add_func("/dhcp4-client/odd-fields", test_odd_fields);
    g_test_add_func("/dhcp4-client/masks", test_masks);
    g_test_add_func("/dhcp4-client/late", test_late);
    return g_test_run();
}
