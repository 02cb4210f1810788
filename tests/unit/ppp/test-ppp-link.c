/* SPDX-License-Identifier: Apache-2.0 */
/* test-ppp-link.c - a client that is a script against the server's link: its way in by MS-CHAPv2
 * and PAP, what is declined, and what ends it. */

#include "core/base/error.h"
#include "core/net/wire.h"
#include "core/proto/ppp/fsm.h"
#include "core/proto/ppp/link.h"

#include <glib.h>

#include <string.h>

#define S INT64_C(1000000)

struct rig {
    struct ppp_link *l;
    GQueue sent; /* of GBytes: frames, oldest first */
    struct ppp_credential asked;
    char password[64];
    unsigned n_asked;
    int ended; /* reason; -1: not yet */
    uint8_t random;
};

static void
on_send(void *owner, struct reader frame, int64_t now_us)
{
    struct rig *r = owner;

    (void)now_us;
    g_assert_cmpint(r->ended, ==, -1);
    g_assert_cmpuint(wire_get16(frame.at), ==, 0xff03);
    g_queue_push_tail(&r->sent, g_bytes_new(frame.at, frame.left));
}

static void
on_login(void *owner, const struct ppp_credential *c, int64_t now_us)
{
    struct rig *r = owner;

    (void)now_us;
    r->asked = *c;
    r->asked.password = NULL;
    g_strlcpy(r->password, c->password ? c->password : "", sizeof(r->password));
    r->n_asked++;
}

static void
on_ended(void *owner, int reason, int64_t now_us)
{
    struct rig *r = owner;

    (void)now_us;
    g_assert_cmpint(r->ended, ==, -1);
    r->ended = reason;
}

static void
on_random(void *owner, void *out, size_t n)
{
    struct rig *r = owner;

    memset(out, ++r->random, n);
}

static const struct ppp_link_ops ops = {
    .send = on_send, .login = on_login, .ended = on_ended, .random = on_random};

/* ---- talking ---- */

static void
expect_bytes(struct rig *r, unsigned protocol, const void *bytes, size_t len)
{
    g_autoptr(GBytes) b = g_queue_pop_head(&r->sent);

    g_assert_nonnull(b);
    struct reader in = reader_of(g_bytes_get_data(b, NULL), g_bytes_get_size(b));
    g_assert_cmpuint(reader_u16(&in), ==, 0xff03);
    g_assert_cmphex(reader_u16(&in), ==, protocol);
    g_assert_cmpuint(in.left, ==, len);
    g_assert_true(memcmp(in.at, bytes, len) == 0);
}
#define EXPECT(r, protocol, text) expect_bytes(r, protocol, text, sizeof(text) - 1)

static void
expect_code(struct rig *r, unsigned protocol, unsigned code)
{
    g_autoptr(GBytes) b = g_queue_pop_head(&r->sent);

    g_assert_nonnull(b);
    const uint8_t *at = g_bytes_get_data(b, NULL);
    g_assert_cmphex(wire_get16(at + 2), ==, protocol);
    g_assert_cmpuint(at[4], ==, code);
}

static void
expect_nothing(struct rig *r)
{
    g_assert_null(g_queue_peek_head(&r->sent));
}

static void
say_bytes(struct rig *r, uint16_t protocol, const void *bytes, size_t len)
{
    ppp_link_receive(r->l, protocol, reader_of(bytes, len), 0);
}
#define SAY(r, protocol, text) say_bytes(r, protocol, text, sizeof(text) - 1)

static void
rig_init(struct rig *r, const struct ppp_link_config *config)
{
    *r = (struct rig){.ended = -1};
    g_queue_init(&r->sent);
    r->l = ppp_link_new(config, &ops, r);
    ppp_link_start(r->l, 0);
}

static void
rig_done(struct rig *r)
{
    ppp_link_free(r->l);
    g_queue_clear_full(&r->sent, (GDestroyNotify)(void (*)(void))g_bytes_unref);
}

static const struct ppp_link_config usual = {
    .mru = 1400, .echo_s = 20, .pap = true, .mschapv2 = true};

#define LCP_OURS                                                               \
    "\x01\x01\x00\x13\x01\x04\x05\x78\x03\x05\xc2\x23\x81\x05\x06\x01\x01\x01" \
    "\x01"
#define LCP_OURS_ACK                                                           \
    "\x02\x01\x00\x13\x01\x04\x05\x78\x03\x05\xc2\x23\x81\x05\x06\x01\x01\x01" \
    "\x01"

static void
open_lcp(struct rig *r)
{
    EXPECT(r, PPP_LCP, LCP_OURS);
    SAY(r, PPP_LCP, LCP_OURS_ACK);
    SAY(r, PPP_LCP, "\x01\x07\x00\x0e\x01\x04\x05\x78\x05\x06\x0a\x0b\x0c\x0d");
    EXPECT(r, PPP_LCP, "\x02\x07\x00\x0e\x01\x04\x05\x78\x05\x06\x0a\x0b\x0c\x0d");
}

#define CHALLENGE                                                          \
    "\x10\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02" \
    "polyether"

static void
respond(struct rig *r, uint8_t id, const char *name)
{
    uint8_t bytes[128] = {2, id, 0, 0, 49};
    struct writer w = writer_of(bytes + 54, sizeof(bytes) - 54);

    writer_bytes(&w, name, strlen(name));
    wire_put16(bytes + 2, (uint16_t)(54 + w.len));
    memset(bytes + 5, 0xaa, 16);
    memset(bytes + 29, 0xbb, 24);
    say_bytes(r, PPP_CHAP, bytes, 54 + w.len);
}

static const uint8_t id6[8] = {2, 0xac, 0xde, 0xff, 0xfe, 0, 0, 0x10};
static const struct ppp_link_address address = {
    .ip4 = 0x0a000005, .gateway4 = 0x0a000001, .dns = {0x08080808, 0}};

static void
log_in(struct rig *r)
{
    open_lcp(r);
    EXPECT(r, PPP_CHAP, "\x01\x01\x00\x1e" CHALLENGE);
    respond(r, 1, "HUB\\anna");
    ppp_link_verdict(r->l, PE_OK, "S=0123456789012345678901234567890123456789", id6, 0);
    EXPECT(r, PPP_CHAP, "\x03\x01\x00\x38S=0123456789012345678901234567890123456789 M=Welcome");
    EXPECT(r, PPP_IPV6CP, "\x01\x01\x00\x0e\x01\x0a\x02\xac\xde\xff\xfe\x00\x00\x11");
    expect_nothing(r);
}

/* ---- tests ---- */

static void
test_mschap(void)
{
    struct rig r;
    rig_init(&r, &usual);
    log_in(&r);
    g_assert_cmpuint(r.n_asked, ==, 1);
    g_assert_cmpstr(r.asked.name, ==, "HUB\\anna");
    g_assert_true(r.asked.is_mschapv2);
    g_assert_cmpuint(r.asked.authenticator[15], ==, 2);
    g_assert_cmpuint(r.asked.peer[0], ==, 0xaa);
    g_assert_cmpuint(r.asked.response[23], ==, 0xbb);
    respond(&r, 1, "HUB\\anna"); /* the Success was lost */
    expect_code(&r, PPP_CHAP, 3);
    g_assert_cmpuint(r.n_asked, ==, 1);
    g_assert_cmpuint(ppp_link_mru(r.l), ==, 1400);

    /* IPV6CP */
    SAY(&r, PPP_IPV6CP, "\x01\x01\x00\x0e\x01\x0a\x00\x00\x00\x00\x00\x00\x00\x01");
    EXPECT(&r, PPP_IPV6CP, "\x03\x01\x00\x0e\x01\x0a\x02\xac\xde\xff\xfe\x00\x00\x10");
    SAY(&r, PPP_IPV6CP, "\x01\x02\x00\x0e\x01\x0a\x02\xac\xde\xff\xfe\x00\x00\x10");
    expect_code(&r, PPP_IPV6CP, 2);
    SAY(&r, PPP_IPV6CP, "\x02\x01\x00\x0e\x01\x0a\x02\xac\xde\xff\xfe\x00\x00\x11");
    g_assert_true(ppp_link_is_up6(r.l));
    g_assert_false(ppp_link_is_up4(r.l));

    /* IPCP, asked for before there is an address: answered once there is */
    SAY(&r, PPP_IPCP,
        "\x01\x01\x00\x1c\x03\x06\x00\x00\x00\x00\x81\x06\x00\x00\x00\x00"
        "\x82\x06\x00\x00\x00\x00\x83\x06\x00\x00\x00\x00");
    expect_nothing(&r);
    ppp_link_set_address(r.l, &address, 0);
    EXPECT(&r, PPP_IPCP, "\x01\x01\x00\x0a\x03\x06\x0a\x00\x00\x01");
    EXPECT(&r, PPP_IPCP, "\x04\x01\x00\x10\x82\x06\x00\x00\x00\x00\x83\x06\x00\x00\x00\x00");
    SAY(&r, PPP_IPCP, "\x02\x01\x00\x0a\x03\x06\x0a\x00\x00\x01");
    SAY(&r, PPP_IPCP, "\x01\x02\x00\x10\x03\x06\x00\x00\x00\x00\x81\x06\x00\x00\x00\x00");
    EXPECT(&r, PPP_IPCP, "\x03\x02\x00\x10\x03\x06\x0a\x00\x00\x05\x81\x06\x08\x08\x08\x08");
    SAY(&r, PPP_IPCP, "\x01\x03\x00\x10\x03\x06\x0a\x00\x00\x05\x81\x06\x08\x08\x08\x08");
    expect_code(&r, PPP_IPCP, 2);
    g_assert_true(ppp_link_is_up4(r.l));

    /* The same address again is no news; another one ends it. */
    struct ppp_link_address other = address;
    ppp_link_set_address(r.l, &other, 0);
    expect_nothing(&r);
    other.ip4++;
    ppp_link_set_address(r.l, &other, 0);
    expect_code(&r, PPP_LCP, 5);
    g_assert_false(ppp_link_is_up4(r.l));
    SAY(&r, PPP_LCP, "\x06\x02\x00\x04");
    g_assert_cmpint(r.ended, ==, PE_DISCONNECTED);
    g_assert_cmpint(ppp_link_deadline(r.l), ==, 0);
    rig_done(&r);
}

static void
test_ipcp_missing(void)
{
    struct rig r;
    rig_init(&r, &usual);
    log_in(&r);
    ppp_link_set_address(r.l, &address, 0);
    expect_code(&r, PPP_IPCP, 1);
    SAY(&r, PPP_IPCP, "\x01\x01\x00\x04");
    EXPECT(&r, PPP_IPCP, "\x03\x01\x00\x0a\x03\x06\x0a\x00\x00\x05");
    SAY(&r, PPP_IPCP, "\x01\x02\x00\x0a\x02\x06\x00\x2d\x0f\x00"); /* VJ */
    EXPECT(&r, PPP_IPCP, "\x04\x02\x00\x0a\x02\x06\x00\x2d\x0f\x00");
    rig_done(&r);
}

static void
test_pap(void)
{
    struct rig r;
    rig_init(&r, &usual);
    EXPECT(&r, PPP_LCP, LCP_OURS);
    SAY(&r, PPP_LCP, "\x03\x01\x00\x08\x03\x04\xc0\x23"); /* it wants PAP */
    EXPECT(&r, PPP_LCP, "\x01\x02\x00\x12\x01\x04\x05\x78\x03\x04\xc0\x23\x05\x06\x01\x01\x01\x01");
    SAY(&r, PPP_LCP, "\x02\x02\x00\x12\x01\x04\x05\x78\x03\x04\xc0\x23\x05\x06\x01\x01\x01\x01");
    SAY(&r, PPP_LCP, "\x01\x07\x00\x04");
    expect_code(&r, PPP_LCP, 2);
    expect_nothing(&r);
    g_assert_cmpuint(ppp_link_mru(r.l), ==, 1500);

    respond(&r, 1, "anna"); /* CHAP is not what was agreed */
    g_assert_cmpuint(r.n_asked, ==, 0);
    SAY(&r, PPP_PAP,
        "\x01\x05\x00\x0d\x04"
        "anna\x09"
        "sec"); /* leaves the packet */
    SAY(&r, PPP_PAP,
        "\x01\x05\x00\x0f\x05"
        "ann\0a\x03"
        "sec");
    g_assert_cmpuint(r.n_asked, ==, 0);
    SAY(&r, PPP_PAP,
        "\x01\x05\x00\x0d\x04"
        "anna\x03"
        "sec");
    g_assert_cmpuint(r.n_asked, ==, 1);
    g_assert_cmpstr(r.asked.name, ==, "anna");
    g_assert_cmpstr(r.password, ==, "sec");
    SAY(&r, PPP_PAP,
        "\x01\x05\x00\x0d\x04"
        "anna\x03"
        "sec"); /* patience */
    expect_nothing(&r);
    ppp_link_verdict(r.l, PE_OK, NULL, NULL, 0);
    EXPECT(&r, PPP_PAP, "\x02\x05\x00\x0c\x07Welcome");
    SAY(&r, PPP_PAP,
        "\x01\x05\x00\x0d\x04"
        "anna\x03"
        "sec");
    expect_code(&r, PPP_PAP, 2);
    SAY(&r, PPP_IPV6CP, "\x01\x01\x00\x04"); /* not for this one */
    expect_code(&r, PPP_LCP, PPP_PROTOCOL_REJECT);
    rig_done(&r);
}

static void
test_refused(void)
{
    struct rig r;
    rig_init(&r, &usual);
    open_lcp(&r);
    expect_code(&r, PPP_CHAP, 1);
    respond(&r, 9, "anna"); /* to another challenge */
    g_assert_cmpuint(r.n_asked, ==, 0);
    respond(&r, 1, "anna");
    ppp_link_verdict(r.l, PE_AUTH_FAILED, "", NULL, 0);
    EXPECT(&r, PPP_CHAP,
           "\x04\x01\x00\x44"
           "E=691 R=0 C=02020202020202020202020202020202 V=3 M=Access denied");
    expect_code(&r, PPP_LCP, 5);
    SAY(&r, PPP_LCP, "\x06\x02\x00\x04");
    g_assert_cmpint(r.ended, ==, PE_AUTH_FAILED);
    rig_done(&r);
}

/* MS-CHAPv2's Change-Password, unasked. */
static void
test_change_password(void)
{
    struct ppp_link_config config = usual;
    uint8_t change[586] = {7, 9, 586 >> 8, 586 & 0xff};
    struct rig r;

    config.tries = 2;
    rig_init(&r, &config);
    open_lcp(&r);
    expect_code(&r, PPP_CHAP, 1);
    say_bytes(&r, PPP_CHAP, change, sizeof(change));
    EXPECT(&r, PPP_CHAP,
           "\x04\x09\x00\x44"
           "E=709 R=0 C=02020202020202020202020202020202 V=3 M=Access denied");
    expect_code(&r, PPP_LCP, 5);
    expect_nothing(&r);
    respond(&r, 1, "anna"); /* it has had its say */
    g_assert_cmpuint(r.n_asked, ==, 0);
    SAY(&r, PPP_LCP, "\x06\x02\x00\x04");
    g_assert_cmpint(r.ended, ==, PE_AUTH_NOT_SUPPORTED);
    rig_done(&r);
}

static void
test_second_try(void)
{
    struct ppp_link_config config = usual;
    struct rig r;
    config.tries = 2;
    rig_init(&r, &config);
    open_lcp(&r);
    expect_code(&r, PPP_CHAP, 1);
    respond(&r, 1, "anna");
    ppp_link_verdict(r.l, PE_AUTH_FAILED, "", NULL, 0);
    EXPECT(&r, PPP_CHAP,
           "\x04\x01\x00\x44"
           "E=691 R=1 C=03030303030303030303030303030303 V=3 M=Access denied");
    expect_nothing(&r);
    respond(&r, 2, "anna");
    g_assert_cmpuint(r.n_asked, ==, 2);
    g_assert_cmpuint(r.asked.authenticator[0], ==, 3);
    ppp_link_verdict(r.l, PE_ACCESS_DENIED, "", NULL, 0);
    EXPECT(&r, PPP_CHAP,
           "\x04\x02\x00\x44"
           "E=649 R=0 C=03030303030303030303030303030303 V=3 M=Access denied");
    expect_code(&r, PPP_LCP, 5);
    rig_done(&r);
}

/* EAP, then nothing at all. */
static void
test_auth_refused(void)
{
    struct rig r;
    rig_init(&r, &usual);
    EXPECT(&r, PPP_LCP, LCP_OURS);
    SAY(&r, PPP_LCP, "\x03\x01\x00\x08\x03\x04\xc2\x27");
    expect_code(&r, PPP_LCP, 1);
    SAY(&r, PPP_LCP, "\x03\x02\x00\x09\x03\x05\xc2\x23\x05"); /* CHAP with MD5 */
    expect_code(&r, PPP_LCP, 1);
    SAY(&r, PPP_LCP, "\x03\x03\x00\x08\x03\x04\xc2\x27");
    EXPECT(&r, PPP_LCP, "\x01\x04\x00\x12\x01\x04\x05\x78\x03\x04\xc0\x23\x05\x06\x01\x01\x01\x01");
    SAY(&r, PPP_LCP, "\x04\x04\x00\x08\x03\x04\xc0\x23");
    expect_code(&r, PPP_LCP, 1);
    expect_code(&r, PPP_LCP, 5);
    SAY(&r, PPP_LCP, "\x06\x06\x00\x04");
    g_assert_cmpint(r.ended, ==, PE_AUTH_NOT_SUPPORTED);
    rig_done(&r);
}

static void
test_declined(void)
{
    struct rig r;
    rig_init(&r, &usual);
    EXPECT(&r, PPP_LCP, LCP_OURS);
    /* compression of headers, multilink, callback, that we log in; ACCM is fine */
    SAY(&r, PPP_LCP,
        "\x01\x01\x00\x1a\x02\x06\x00\x00\x00\x00\x07\x02\x08\x02"
        "\x0d\x03\x06\x11\x04\x06\x4e\x03\x05\xc2\x23\x81");
    EXPECT(&r, PPP_LCP,
           "\x04\x01\x00\x14\x07\x02\x08\x02\x0d\x03\x06\x11\x04\x06\x4e\x03\x05"
           "\xc2\x23\x81");
    SAY(&r, PPP_LCP, "\x01\x02\x00\x08\x01\x04\x00\x40"); /* an MRU of 64 */
    EXPECT(&r, PPP_LCP, "\x03\x02\x00\x08\x01\x04\x05\x00");
    SAY(&r, PPP_LCP, "\x01\x03\x00\x0a\x05\x06\x01\x01\x01\x01"); /* our own number */
    expect_code(&r, PPP_LCP, 3);
    SAY(&r, 0x80fd, "\x01\x01\x00\x04"); /* not before LCP is through */
    expect_nothing(&r);
    SAY(&r, PPP_LCP, LCP_OURS_ACK);
    SAY(&r, PPP_LCP, "\x01\x04\x00\x04");
    expect_code(&r, PPP_LCP, 2);
    expect_code(&r, PPP_CHAP, 1);

    SAY(&r, 0x80fd, "\x01\x01\x00\x04"); /* CCP: not before the login */
    SAY(&r, PPP_IPCP, "\x01\x01\x00\x04");
    expect_nothing(&r);
    SAY(&r, PPP_LCP, "\x0c\x01\x00\x12\x00\x00\x00\x00MSRASV5.20"); /* identification */
    expect_nothing(&r);
    SAY(&r, PPP_LCP, "\x09\x05\x00\x0a\x00\x00\x00\x00hi");
    EXPECT(&r, PPP_LCP, "\x0a\x05\x00\x0a\x01\x01\x01\x01hi");
    SAY(&r, PPP_LCP, "\x0b\x05\x00\x08\x00\x00\x00\x00");
    expect_nothing(&r);
    respond(&r, 1, "anna");
    ppp_link_verdict(r.l, PE_OK, "", NULL, 0);
    expect_code(&r, PPP_CHAP, 3);
    SAY(&r, 0x80fd, "\x01\x01\x00\x0a\x12\x06\x01\x00\x00\x40");
    EXPECT(&r, PPP_LCP, "\x08\x01\x00\x10\x80\xfd\x01\x01\x00\x0a\x12\x06\x01\x00\x00\x40");
    rig_done(&r);
}

static void
test_new_beginning(void)
{
    struct rig r;
    rig_init(&r, &usual);
    open_lcp(&r);
    expect_code(&r, PPP_CHAP, 1);
    SAY(&r, PPP_LCP, "\x01\x08\x00\x04"); /* our Ack was lost */
    expect_code(&r, PPP_LCP, 1);
    expect_code(&r, PPP_LCP, 2);
    respond(&r, 1, "anna"); /* not while the line is down */
    g_assert_cmpuint(r.n_asked, ==, 0);
    SAY(&r, PPP_LCP,
        "\x02\x02\x00\x13\x01\x04\x05\x78\x03\x05\xc2\x23\x81\x05\x06\x01\x01\x01"
        "\x01");
    expect_code(&r, PPP_CHAP, 1);
    respond(&r, 2, "anna");
    g_assert_cmpuint(r.n_asked, ==, 1);
    SAY(&r, PPP_LCP, "\x01\x09\x00\x04"); /* who is it now? */
    ppp_link_verdict(r.l, PE_OK, "", id6, 0);
    while (!g_queue_is_empty(&r.sent))
        expect_code(&r, PPP_LCP, ((const uint8_t *)g_bytes_get_data(r.sent.head->data, NULL))[4]);
    ppp_link_tick(r.l, 3 * S);
    ppp_link_tick(r.l, 6 * S);
    g_assert_cmpint(r.ended, ==, PE_DISCONNECTED);
    rig_done(&r);
}

static void
test_silence(void)
{
    struct rig r;
    rig_init(&r, &usual);
    int64_t now_us = 0;
    while (r.ended == -1) { /* nobody there */
        int64_t due_us = ppp_link_deadline(r.l);
        g_assert_cmpint(due_us, >, now_us);
        now_us = due_us;
        ppp_link_tick(r.l, now_us);
    }
    g_assert_cmpint(now_us, ==, 30 * S);
    rig_done(&r);

    rig_init(&r, &usual); /* no answer to the challenge */
    open_lcp(&r);
    now_us = 0;
    while (r.ended == -1) {
        now_us = ppp_link_deadline(r.l);
        ppp_link_tick(r.l, now_us);
    }
    g_assert_cmpint(r.ended, ==, PE_SESSION_TIMEOUT);
    g_assert_cmpint(now_us, ==, 36 * S); /* ten challenges, two goodbyes */
    rig_done(&r);
}

static void
test_echo(void)
{
    struct ppp_link_config config = usual;
    struct rig r;
    int64_t now_us = 0;

    config.mschapv2 = false;
    rig_init(&r, &config);
    expect_code(&r, PPP_LCP, 1);
    SAY(&r, PPP_LCP, "\x02\x01\x00\x12\x01\x04\x05\x78\x03\x04\xc0\x23\x05\x06\x01\x01\x01\x01");
    SAY(&r, PPP_LCP, "\x01\x07\x00\x04");
    expect_code(&r, PPP_LCP, 2);
    SAY(&r, PPP_PAP, "\x01\x05\x00\x06\x00\x00");
    ppp_link_verdict(r.l, PE_OK, NULL, NULL, 0);
    expect_code(&r, PPP_PAP, 2);
    ppp_link_heard(r.l, 10 * S); /* traffic puts it off */
    for (int i = 1; i <= PPP_LINK_ECHOES + 2; i++) {
        uint8_t reply[] = {10, (uint8_t)i, 0, 8, 9, 9, 9, 9};
        now_us = 10 * S + i * 20 * S;
        g_assert_cmpint(ppp_link_deadline(r.l), ==, now_us);
        ppp_link_tick(r.l, now_us);
        expect_code(&r, PPP_LCP, PPP_ECHO_REQUEST);
        ppp_link_receive(r.l, PPP_LCP, reader_of(reply, sizeof(reply)), now_us);
    }
    for (unsigned i = 0; i < PPP_LINK_ECHOES; i++) { /* and now nobody answers */
        now_us += 20 * S;
        ppp_link_tick(r.l, now_us);
        expect_code(&r, PPP_LCP, PPP_ECHO_REQUEST);
    }
    ppp_link_tick(r.l, now_us + 20 * S);
    expect_code(&r, PPP_LCP, PPP_TERMINATE_REQUEST);
    ppp_link_tick(r.l, now_us + 23 * S);
    ppp_link_tick(r.l, now_us + 26 * S);
    g_assert_cmpint(r.ended, ==, PE_SESSION_TIMEOUT);
    rig_done(&r);
}

/* Whether the peer takes leave or negotiates anew makes a difference to who reads the log. */
static void
test_goodbye(void)
{
    struct rig r;

    rig_init(&r, &usual);
    log_in(&r);
    while (!g_queue_is_empty(&r.sent))
        g_bytes_unref(g_queue_pop_head(&r.sent));
    SAY(&r, PPP_LCP, "\x05\x07\x00\x04");
    expect_code(&r, PPP_LCP, PPP_TERMINATE_ACK);
    ppp_link_tick(r.l, 3 * S);
    ppp_link_tick(r.l, 6 * S);
    g_assert_cmpint(r.ended, ==, PE_CANCELLED);
    rig_done(&r);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ppp/link/mschap", test_mschap);
    g_test_add_func("/ppp/link/ipcp-missing", test_ipcp_missing);
    g_test_add_func("/ppp/link/pap", test_pap);
    g_test_add_func("/ppp/link/refused", test_refused);
    g_test_add_func("/ppp/link/change-password", test_change_password);
    g_test_add_func("/ppp/link/second-try", test_second_try);
    g_test_add_func("/ppp/link/auth-refused", test_auth_refused);
    g_test_add_func("/ppp/link/declined", test_declined);
    g_test_add_func("/ppp/link/new-beginning", test_new_beginning);
    g_test_add_func("/ppp/link/silence", test_silence);
    g_test_add_func("/ppp/link/echo", test_echo);
    g_test_add_func("/ppp/link/goodbye", test_goodbye);
    return g_test_run();
}
