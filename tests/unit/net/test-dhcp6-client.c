/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp6-client.c - the machine through all its states, against a server made of a few lines,
 * in a time of its own. */

#include "core/net/dhcp6_client.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

#define S INT64_C(1000000)

static const struct mac client_mac = {{0x5e, 0, 0, 0, 0, 5}};
static const uint8_t address[16] = {0x20, 1, 0xd, 0xb8, [15] = 5};
static const uint8_t dns[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x53};

struct lab {
    struct dhcp6_client c;
    int64_t now_us;
    unsigned sent, bound, lost;
    bool changed, stop_when_lost;
    uint32_t random;
    struct dhcp6_message last;
    struct dhcp6_ia ia;
    bool has_server, has_rapid, has_address;
    uint8_t bytes[512];
    /* What the server does. */
    uint32_t preferred_s, valid_s, t1_s, t2_s;
    uint16_t status, ia_status;
    bool rapid, no_address;
    const char *server;
};

static void
on_send(void *owner, struct reader payload)
{
    struct lab *lab = owner;
    struct reader v;

    g_assert_cmpuint(payload.left, <=, sizeof(lab->bytes));
    memcpy(lab->bytes, payload.at, payload.left);
    g_assert_cmpint(dhcp6_parse(reader_of(lab->bytes, payload.left), &lab->last), ==, DROP_NONE);
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_CLIENT_ID, &v));
    assert_bytes(v.at, v.left, (const uint8_t *)"\0\3\0\1\x5e\0\0\0\0\5", 10);
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_ELAPSED, &v));
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_IA_NA, &v));
    g_assert_cmpint(dhcp6_parse_ia(v, &lab->ia), ==, DROP_NONE);
    lab->has_address = dhcp6_find_option(lab->ia.options, DHCP6_OPT_IA_ADDR, &v);
    lab->has_server = dhcp6_find_option(lab->last.options, DHCP6_OPT_SERVER_ID, &v);
    if (lab->has_server)
        assert_bytes(v.at, v.left, (const uint8_t *)lab->server, strlen(lab->server));
    lab->has_rapid = dhcp6_find_option(lab->last.options, DHCP6_OPT_RAPID_COMMIT, &v);
    lab->sent++;
}

static void
on_bound(void *owner, const struct dhcp6_lease *lease, bool changed)
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
        dhcp6_client_stop(&lab->c, lab->now_us);
}

static uint32_t
on_random(void *owner)
{
    struct lab *lab = owner;
    return lab->random += 0x9e3779b9;
}

static const struct dhcp6_client_ops ops = {
    .send = on_send, .bound = on_bound, .lost = on_lost, .random = on_random};

static struct lab *
lab_new(void)
{
    struct lab *lab = g_new0(struct lab, 1);

    lab->now_us = 5 * S;
    lab->preferred_s = 1000;
    lab->valid_s = 2000;
    lab->server = "duid-of-server";
    dhcp6_client_init(&lab->c, &client_mac, &ops, lab);
    g_assert_cmpint(lab->c.state, ==, DHCP6_STOPPED);
    return lab;
}

static size_t
write_answer(const struct lab *lab, uint8_t type, uint8_t *out, size_t cap)
{
    struct writer w = writer_of(out, cap);

    dhcp6_write_header(&w, type, lab->last.transaction);
    dhcp6_write_option(&w, DHCP6_OPT_CLIENT_ID, lab->c.duid, sizeof(lab->c.duid));
    dhcp6_write_option(&w, DHCP6_OPT_SERVER_ID, lab->server, strlen(lab->server));
    if (lab->rapid)
        dhcp6_write_option(&w, DHCP6_OPT_RAPID_COMMIT, NULL, 0);
    if (lab->status != DHCP6_SUCCESS)
        dhcp6_write_option(&w, DHCP6_OPT_STATUS, (uint8_t[]){0, (uint8_t)lab->status}, 2);
    size_t ia = dhcp6_begin_option(&w, DHCP6_OPT_IA_NA);
    writer_u32(&w, lab->ia.iaid);
    writer_u32(&w, lab->t1_s);
    writer_u32(&w, lab->t2_s);
    if (lab->ia_status != DHCP6_SUCCESS)
        dhcp6_write_option(&w, DHCP6_OPT_STATUS, (uint8_t[]){0, (uint8_t)lab->ia_status}, 2);
    if (!lab->no_address) {
        size_t a = dhcp6_begin_option(&w, DHCP6_OPT_IA_ADDR);
        writer_bytes(&w, address, 16);
        writer_u32(&w, lab->preferred_s);
        writer_u32(&w, lab->valid_s);
        dhcp6_end_option(&w, a);
    }
    dhcp6_end_option(&w, ia);
    dhcp6_write_option(&w, DHCP6_OPT_DNS, dns, 16);
    g_assert_true(writer_ok(&w));
    return w.len;
}

static void
answer(struct lab *lab, uint8_t type)
{
    uint8_t bytes[512];
    size_t len = write_answer(lab, type, bytes, sizeof(bytes));
    dhcp6_client_received(&lab->c, reader_of(bytes, len), lab->now_us);
}

static void
next(struct lab *lab)
{
    g_assert_cmpint(lab->c.deadline_us, >, 0);
    lab->now_us = lab->c.deadline_us;
    dhcp6_client_tick(&lab->c, lab->now_us);
}

static struct lab *
bound_lab(void)
{
    struct lab *lab = lab_new();

    dhcp6_client_start(&lab->c, lab->now_us);
    answer(lab, DHCP6_ADVERTISE);
    answer(lab, DHCP6_REPLY);
    g_assert_cmpint(lab->c.state, ==, DHCP6_BOUND);
    return lab;
}

static void
test_lease(void)
{
    struct lab *lab = lab_new();

    dhcp6_client_start(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_SOLICIT);
    g_assert_true(lab->has_rapid && !lab->has_server && !lab->has_address);
    uint32_t transaction = lab->last.transaction;
    next(lab);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_SOLICIT);
    g_assert_cmpuint(lab->last.transaction, ==, transaction); /* 15: a repeat is the same */
    answer(lab, DHCP6_ADVERTISE);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_REQUEST);
    g_assert_true(lab->has_server && lab->has_address && !lab->has_rapid);
    g_assert_cmpuint(lab->last.transaction, !=, transaction);
    answer(lab, DHCP6_REPLY);
    g_assert_cmpuint(lab->bound, ==, 1);
    g_assert_true(lab->changed);
    g_assert_cmpmem(lab->c.lease.ip, 16, address, 16);
    g_assert_cmpuint(lab->c.lease.t1_s, ==, 500);
    g_assert_cmpuint(lab->c.lease.t2_s, ==, 800);
    g_assert_cmpuint(lab->c.lease.n_dns, ==, 1);
    g_assert_cmpmem(lab->c.lease.dns[0], 16, dns, 16);
    g_assert_cmpint(lab->c.deadline_us, ==, lab->now_us + 500 * S);

    next(lab);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_RENEW);
    g_assert_true(lab->has_server && lab->has_address);
    answer(lab, DHCP6_REPLY);
    g_assert_cmpuint(lab->bound, ==, 2);
    g_assert_false(lab->changed);
    g_assert_cmpint(lab->c.state, ==, DHCP6_BOUND);
    dhcp6_client_stop(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_RELEASE);
    g_assert_true(lab->has_server && lab->has_address);
    g_assert_cmpint(lab->c.deadline_us, ==, 0);
    g_assert_cmpuint(lab->lost, ==, 0);
    g_free(lab);
}

static void
test_rapid(void)
{
    struct lab *lab = lab_new();

    lab->t1_s = 100;
    lab->t2_s = 200;
    dhcp6_client_start(&lab->c, lab->now_us);
    answer(lab, DHCP6_REPLY); /* a reply to a solicitation must say so */
    g_assert_cmpuint(lab->bound, ==, 0);
    lab->rapid = true;
    answer(lab, DHCP6_REPLY);
    g_assert_cmpuint(lab->bound, ==, 1);
    g_assert_cmpuint(lab->sent, ==, 1);
    g_assert_cmpuint(lab->c.lease.t1_s, ==, 100);
    g_assert_cmpuint(lab->c.lease.t2_s, ==, 200);
    g_free(lab);
}

/* Nobody answers any more: renew, rebind, lost, from the start. */
static void
test_expiry(void)
{
    struct lab *lab = bound_lab();
    int64_t since_us = lab->now_us;
    unsigned renews = 0;
    unsigned rebinds = 0;

    while (lab->lost == 0) {
        next(lab);
        renews += lab->c.state == DHCP6_RENEWING;
        if (lab->c.state == DHCP6_REBINDING) {
            rebinds++;
            g_assert_cmpuint(lab->last.type, ==, DHCP6_REBIND);
            g_assert_false(lab->has_server);
            g_assert_cmpint(lab->now_us, >=, since_us + 800 * S);
        }
    }
    g_assert_cmpint(lab->now_us, ==, since_us + 2000 * S);
    g_assert_cmpuint(renews, >=, 3);
    g_assert_cmpuint(rebinds, >=, 3);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_SOLICIT);
    unsigned sent = lab->sent;
    int64_t then_us = lab->now_us;
    for (unsigned i = 0; i < 20; i++)
        next(lab);
    g_assert_cmpuint(lab->sent, ==, sent + 20);
    g_assert_cmpint(lab->now_us - then_us, <, 20 * 33 * S); /* never long silent */
    g_free(lab);
}

/* Another server takes over when rebinding; its identifier counts from then on. */
static void
test_rebind(void)
{
    struct lab *lab = bound_lab();

    while (lab->c.state != DHCP6_RENEWING)
        next(lab);
    lab->server = "another";
    answer(lab, DHCP6_REPLY); /* not the one that was asked */
    g_assert_cmpuint(lab->bound, ==, 1);
    lab->server = "duid-of-server";
    while (lab->c.state != DHCP6_REBINDING)
        next(lab);
    lab->server = "another";
    answer(lab, DHCP6_REPLY);
    g_assert_cmpuint(lab->bound, ==, 2);
    next(lab);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_RENEW); /* on_send() looks at the identifier */
    g_free(lab);
}

static void
test_refused(void)
{
    struct lab *lab = lab_new();

    dhcp6_client_start(&lab->c, lab->now_us);
    lab->ia_status = DHCP6_NO_ADDRS;
    lab->no_address = true;
    answer(lab, DHCP6_ADVERTISE);
    g_assert_cmpint(lab->c.state, ==, DHCP6_SOLICITING);
    lab->ia_status = DHCP6_SUCCESS;
    lab->no_address = false;
    answer(lab, DHCP6_ADVERTISE);
    g_assert_cmpint(lab->c.state, ==, DHCP6_REQUESTING);
    lab->status = DHCP6_UNSPEC_FAIL;
    answer(lab, DHCP6_REPLY); /* asked again */
    g_assert_cmpint(lab->c.state, ==, DHCP6_REQUESTING);
    lab->status = DHCP6_NOT_ON_LINK;
    unsigned sent = lab->sent;
    answer(lab, DHCP6_REPLY);
    g_assert_cmpint(lab->c.state, ==, DHCP6_SOLICITING);
    g_assert_cmpuint(lab->sent, ==, sent); /* not at once */
    lab->status = DHCP6_SUCCESS;
    next(lab);
    answer(lab, DHCP6_ADVERTISE);
    for (unsigned i = 0; lab->c.state == DHCP6_REQUESTING; i++) { /* the server is gone */
        g_assert_cmpuint(i, <, 12);
        next(lab);
    }
    g_assert_cmpuint(lab->last.type, ==, DHCP6_SOLICIT);
    g_assert_cmpuint(lab->lost, ==, 0);
    g_free(lab);
}

static void
test_no_binding(void)
{
    struct lab *lab = bound_lab();

    next(lab);
    lab->ia_status = DHCP6_NO_BINDING;
    lab->no_address = true;
    answer(lab, DHCP6_REPLY);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_REQUEST); /* 18.2.10.1 */
    g_assert_true(lab->has_address);
    g_assert_cmpuint(lab->lost, ==, 0);
    lab->ia_status = DHCP6_SUCCESS;
    lab->no_address = false;
    answer(lab, DHCP6_REPLY);
    g_assert_cmpuint(lab->bound, ==, 2);
    g_assert_false(lab->changed);

    next(lab);
    lab->valid_s = lab->preferred_s = 0; /* taken back */
    answer(lab, DHCP6_REPLY);
    g_assert_cmpuint(lab->lost, ==, 1);
    g_assert_cmpint(lab->c.state, ==, DHCP6_SOLICITING);
    g_free(lab);
}

static void
test_decline(void)
{
    struct lab *lab = bound_lab();

    dhcp6_client_decline(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_DECLINE);
    g_assert_true(lab->has_server && lab->has_address);
    g_assert_cmpuint(lab->lost, ==, 0);
    next(lab);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_SOLICIT);
    dhcp6_client_stop(&lab->c, lab->now_us);
    g_assert_cmpuint(lab->last.type, ==, DHCP6_SOLICIT); /* nothing to give back */
    lab->stop_when_lost = true;
    dhcp6_client_start(&lab->c, lab->now_us);
    answer(lab, DHCP6_ADVERTISE);
    answer(lab, DHCP6_REPLY);
    while (lab->lost == 0)
        next(lab);
    g_assert_cmpint(lab->c.state, ==, DHCP6_STOPPED);
    g_assert_cmpint(lab->c.deadline_us, ==, 0);
    g_free(lab);
}

/* Answers for others, to other questions, and in pieces. */
static void
test_foreign(void)
{
    struct lab *lab = lab_new();
    uint8_t bytes[512];

    dhcp6_client_start(&lab->c, lab->now_us);
    size_t len = write_answer(lab, DHCP6_ADVERTISE, bytes, sizeof(bytes));
    for (size_t at = 0; at < len; at++) {
        struct dhcp6_client copy = lab->c;
        dhcp6_client_received(&copy, reader_of(bytes, at), lab->now_us);
        if (copy.state == DHCP6_REQUESTING) /* only without the name servers behind the address */
            g_assert_cmpuint(at, ==, len - 20);
    }
    lab->last.transaction = lab->c.transaction;
    bytes[3] ^= 1; /* another transaction */
    dhcp6_client_received(&lab->c, reader_of(bytes, len), lab->now_us);
    bytes[3] ^= 1;
    bytes[17] ^= 1; /* another client */
    dhcp6_client_received(&lab->c, reader_of(bytes, len), lab->now_us);
    bytes[17] ^= 1;
    g_assert_cmpint(lab->c.state, ==, DHCP6_SOLICITING);
    lab->ia.iaid ^= 1;
    answer(lab, DHCP6_ADVERTISE);
    lab->ia.iaid ^= 1;
    lab->preferred_s = lab->valid_s + 1;
    answer(lab, DHCP6_ADVERTISE);
    lab->preferred_s = 5;
    lab->t1_s = 7;
    lab->t2_s = 6;
    answer(lab, DHCP6_ADVERTISE);
    g_assert_cmpint(lab->c.state, ==, DHCP6_SOLICITING);
    lab->t1_s = lab->t2_s = 0;
    lab->preferred_s = lab->valid_s = UINT32_MAX;
    answer(lab, DHCP6_ADVERTISE);
    answer(lab, DHCP6_REPLY);
    g_assert_cmpint(lab->c.state, ==, DHCP6_BOUND);
    g_assert_cmpint(lab->c.deadline_us, ==, 0); /* for ever */
    g_free(lab);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp6-client/lease", test_lease);
    g_test_add_func("/dhcp6-client/rapid", test_rapid);
    g_test_add_func("/dhcp6-client/expiry", test_expiry);
    g_test_add_func("/dhcp6-client/rebind", test_rebind);
    g_test_add_func("/dhcp6-client/refused", test_refused);
    g_test_add_func("/dhcp6-client/no-binding", test_no_binding);
    g_test_add_func("/dhcp6-client/decline", test_decline);
    g_test_add_func("/dhcp6-client/foreign", test_foreign);
    return g_test_run();
}
