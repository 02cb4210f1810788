/* SPDX-License-Identifier: Apache-2.0 */
/* L2TPv3 on carriers, at a real hub: by IP and by UDP, with a control connection and without,
 * cookies and sublayer, several pseudowires, refusals and ends. */

#include "core/net/wire.h"
#include "core/proto/l2tpv3/control.h"
#include "core/proto/l2tpv3/peer.h"
#include "core/proto/l2tpv3/server.h"
#include "tests/unit/etherip/ether_lab.h"

enum { PEER = 0x11223344, FRAME = 100 };

struct fixture {
    struct lab lab;
    struct l2tpv3_server *server;
    uint16_t ns;
    uint32_t connection; /* the server's */
};

static void
set_up(struct fixture *f, gconstpointer data)
{
    (void)data;
    *f = (struct fixture){.ns = 0};
    lab_init(&f->lab);
    struct l2tpv3_server_config config = {.hubs = f->lab.hubs, .auth = f->lab.auth};
    f->server = l2tpv3_server_new(&config);
    f->lab.service = l2tpv3_server_service(f->server);
}

static void
tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    lab_done(&f->lab);
    l2tpv3_server_free(f->server);
}

/* ---- a peer played by hand ---- */

static bool
by_udp(const struct fixture *f)
{
    return f->lab.carrier[0].c.protocol == CARRIER_UDP;
}

/* A message as it comes on the carrier; its length. */
static size_t
finish(struct fixture *f, struct l2tpv3_builder *b, uint8_t *out, bool udp)
{
    struct reader m = l2tpv3_end(b);
    size_t skip = udp ? 0 : 4;

    g_assert_true(reader_ok(&m));
    wire_put16(b->bytes + RELIABLE_AT_NS, f->ns++);
    memset(out, 0, skip);
    memcpy(out + skip, m.at, m.left);
    return skip + m.left;
}

/* All that was sent is acknowledged by it. */
static void
peer_send(struct fixture *f, struct l2tpv3_builder *b)
{
    uint8_t bytes[1100];
    uint16_t nr = 0;

    for (unsigned i = 0; i < f->lab.carrier[0].control->len; i++) {
        size_t len = 0;
        const uint8_t *at = g_bytes_get_data(g_ptr_array_index(f->lab.carrier[0].control, i), &len);
        struct l2tpv3_message m;
        size_t skip = by_udp(f) ? 0 : 4;
        g_assert_true(l2tpv3_parse(reader_of(at + skip, len - skip), &m));
        if (!m.is_ack)
            nr = (uint16_t)(m.ns + 1);
    }
    wire_put16(b->bytes + RELIABLE_AT_NR, nr);
    size_t len = finish(f, b, bytes, by_udp(f));
    lab_payload(&f->lab, 0, bytes, len);
}

/* The last message of the server. */
static struct l2tpv3_message
last(const struct fixture *f)
{
    const GPtrArray *control = f->lab.carrier[0].control;
    struct l2tpv3_message m;
    size_t len = 0;
    size_t skip = by_udp(f) ? 0 : 4;

    g_assert_cmpuint(control->len, >, 0);
    const uint8_t *at = g_bytes_get_data(g_ptr_array_index(control, control->len - 1), &len);
    if (skip > 0)
        g_assert_cmphex(wire_get32(at), ==, 0);
    g_assert_true(l2tpv3_parse(reader_of(at + skip, len - skip), &m));
    return m;
}

static bool
open_connection(struct fixture *f, uint8_t protocol)
{
    struct l2tpv3_builder b;
    uint8_t bytes[1100];

    l2tpv3_begin(&b, 0, L2TPV3_SCCRQ);
    l2tpv3_put(&b, 0, L2TPV3_AVP_HOST_NAME, "branch", 6);
    l2tpv3_put32(&b, L2TPV3_AVP_CONNECTION, 0, PEER);
    f->ns = 0;
    size_t len = finish(f, &b, bytes, protocol == CARRIER_UDP);
    if (!f->lab.carrier[0].on && !lab_open(&f->lab, 0, protocol, bytes, len))
        return false;
    lab_payload(&f->lab, 0, bytes, len);
    struct l2tpv3_message m = last(f);
    g_assert_cmpint(m.type, ==, L2TPV3_SCCRP);
    f->connection = m.assigned_connection;
    l2tpv3_begin(&b, f->connection, L2TPV3_SCCCN);
    peer_send(f, &b);
    return true;
}

static void
say_icrq(struct fixture *f, uint32_t session, size_t cookie, bool sublayer)
{
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct l2tpv3_builder b;

    l2tpv3_begin(&b, f->connection, L2TPV3_ICRQ);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, session);
    l2tpv3_put16(&b, L2TPV3_AVP_PW_TYPE, L2TPV3_PW_ETHERNET);
    if (cookie > 0)
        l2tpv3_put(&b, 0, L2TPV3_AVP_COOKIE, bytes, cookie);
    if (sublayer)
        l2tpv3_put16(&b, L2TPV3_AVP_SUBLAYER, 1);
    peer_send(f, &b);
}

/* What stands before a frame. */
static size_t
make_header(const struct fixture *f, uint8_t *out, uint32_t session, const uint8_t *cookie,
            size_t cookie_len, bool sublayer)
{
    struct writer w = writer_of(out, 64);

    if (by_udp(f))
        writer_u32(&w, 0x00030000);
    writer_u32(&w, session);
    writer_bytes(&w, cookie, cookie_len);
    if (sublayer)
        writer_u32(&w, 0);
    g_assert_true(writer_ok(&w));
    return w.len;
}

/* Frames pass both ways behind these headers. */
static void
check_frames(struct fixture *f, const struct router_static *s)
{
    struct lab *lab = &f->lab;
    uint8_t bytes[1700];
    uint8_t frame[1600];

    g_ptr_array_set_size(lab->got, 0);
    g_ptr_array_set_size(lab->carrier[0].sent, 0);
    size_t n =
        make_header(f, bytes, s->local_session, s->local_cookie, s->local_cookie_len, s->sublayer);
    if (s->sublayer)
        wire_put32(bytes + n - 4, 0x40000009); /* a sequence number: we do not care */
    lab_ethernet(frame, 1514, 0xff, 1);
    memcpy(bytes + n, frame, 1514);
    lab_payload(lab, 0, bytes, n + 1514);
    g_assert_true(lab_is(lab->got, 0, NULL, 0, frame, 1514));

    n = make_header(f, bytes, s->peer_session, s->peer_cookie, s->peer_cookie_len, s->sublayer);
    lab_ethernet(frame, 1518, 0xff, 2);
    wire_put32(frame + 12, 0x81000007);
    lab_say(lab, frame, 1518);
    g_assert_true(lab_is(lab->carrier[0].sent, 0, bytes, n, frame, 1518));
}

static struct router_static
answered(const struct fixture *f, uint32_t session, bool sublayer)
{
    struct l2tpv3_message m = last(f);
    struct router_static s = {
        .local_session = m.local_session, .peer_session = session, .sublayer = sublayer};

    g_assert_cmpint(m.type, ==, L2TPV3_ICRP);
    g_assert_cmpuint(m.remote_session, ==, session);
    s.local_cookie_len = s.peer_cookie_len = m.cookie_len;
    memcpy(s.local_cookie, m.cookie, sizeof(s.local_cookie));
    for (uint8_t i = 0; i < m.cookie_len; i++)
        s.peer_cookie[i] = (uint8_t)(i + 1);
    return s;
}

/* ---- cases ---- */

static void
dynamic(struct fixture *f, uint8_t protocol, size_t cookie, bool sublayer)
{
    struct lab *lab = &f->lab;

    g_assert_true(open_connection(f, protocol));
    say_icrq(f, 77, cookie, sublayer);
    lab_until(lab, lab_sessions(lab) == 1);
    struct router_static s = answered(f, 77, sublayer);
    struct session *session = lab_session(lab);
    g_assert_cmpstr(session->protocol, ==, "L2TPv3");
    g_assert_nonnull(strstr(session->name, "L2TPV3"));
    g_assert_cmpstr(session->client_host, ==, "branch");
    session_unref(session);
    check_frames(f, &s);

    uint8_t bytes[200];
    uint8_t frame[FRAME];
    if (cookie > 0) { /* a wrong one, and one that is cut off */
        lab_ethernet(frame, FRAME, 0xff, 1);
        g_ptr_array_set_size(lab->got, 0);
        size_t n = make_header(f, bytes, s.local_session, s.peer_cookie, cookie, sublayer);
        memcpy(bytes + n, frame, FRAME);
        lab_payload(lab, 0, bytes, n + FRAME);
        g_assert_cmpuint(lab_dropped(lab, DROP_CRYPTO), ==, 1);
        lab_payload(lab, 0, bytes, (by_udp(f) ? 8 : 4) + cookie - 1);
        g_assert_cmpuint(lab_dropped(lab, DROP_SHORT), ==, 1);
        g_assert_cmpuint(lab->got->len, ==, 0);
    }
    struct l2tpv3_builder b;
    l2tpv3_begin(&b, f->connection, L2TPV3_STOPCCN);
    peer_send(f, &b);
    lab_until(lab, lab_sessions(lab) == 0);
    g_assert_true(last(f).is_ack);
    g_assert_false(lab->carrier[0].closed); /* it may come again */
    g_assert_true(open_connection(f, protocol));
}

static void
test_ip(struct fixture *f, gconstpointer data)
{
    (void)data;
    dynamic(f, CARRIER_L2TPV3, 0, false);
}

static void
test_ip_cookie(struct fixture *f, gconstpointer data)
{
    (void)data;
    dynamic(f, CARRIER_L2TPV3, 8, true);
}

static void
test_udp(struct fixture *f, gconstpointer data)
{
    (void)data;
    dynamic(f, CARRIER_UDP, 0, true);
}

static void
test_udp_cookie(struct fixture *f, gconstpointer data)
{
    (void)data;
    dynamic(f, CARRIER_UDP, 4, false);
}

static void
test_static(struct fixture *f, gconstpointer data)
{
    struct router_static s = {.on = true,
                              .local_session = 1001,
                              .peer_session = 2002,
                              .local_cookie = {8, 7, 6, 5},
                              .local_cookie_len = 4,
                              .peer_cookie = {1, 2, 3, 4, 5, 6, 7, 8},
                              .peer_cookie_len = 8,
                              .sublayer = true};
    struct lab *lab = &f->lab;
    uint8_t protocol = (uint8_t)GPOINTER_TO_UINT(data);

    lab->router.session = s;
    g_assert_true(lab_open(lab, 0, protocol, NULL, 0)); /* before anything came */
    lab_until(lab, lab_sessions(lab) == 1);
    check_frames(f, &s);
    g_assert_cmpuint(lab->carrier[0].control->len, ==, 0);
    g_assert_cmpint(lab->service->last_heard_us(lab->carrier[0].on), >, 0);

    lab_hub_online(lab, false);
    lab_until(lab, lab->carrier[0].closed);
    g_assert_true(lab_open(lab, 0, protocol, NULL, 0));
    lab_until(lab, atomic_load(&lab->asked) == 2);
    lab_hub_online(lab, true);
    lab_until(lab, lab_sessions(lab) == 1);
    check_frames(f, &s);
}

/* Two pseudowires of one router and another router, in one batch and out to all. */
static void
test_several(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    uint8_t bytes[200];
    uint8_t frame[FRAME];

    (void)data;
    g_assert_true(open_connection(f, CARRIER_L2TPV3));
    say_icrq(f, 1, 0, false);
    lab_until(lab, lab_sessions(lab) == 1);
    struct router_static one = answered(f, 1, false);
    say_icrq(f, 2, 0, false);
    lab_until(lab, lab_sessions(lab) == 2);
    struct router_static two = answered(f, 2, false);
    g_assert_cmpuint(one.local_session, !=, two.local_session);
    lab_ethernet(frame, FRAME, 0xff, 9);
    lab_say(lab, frame, FRAME);
    GPtrArray *sent = lab->carrier[0].sent;
    g_assert_cmpuint(sent->len, ==, 2);
    size_t n = make_header(f, bytes, 1, NULL, 0, false);
    g_assert_true(lab_is(sent, 0, bytes, n, frame, FRAME) ||
                  lab_is(sent, 1, bytes, n, frame, FRAME));
    n = make_header(f, bytes, 2, NULL, 0, false);
    g_assert_true(lab_is(sent, 0, bytes, n, frame, FRAME) ||
                  lab_is(sent, 1, bytes, n, frame, FRAME));

    lab_ethernet(frame, FRAME, 0xff, 5); /* what one says the other hears */
    n = make_header(f, bytes, one.local_session, NULL, 0, false);
    memcpy(bytes + n, frame, FRAME);
    lab_payload(lab, 0, bytes, n + FRAME);
    g_assert_cmpuint(sent->len, ==, 3);
    n = make_header(f, bytes, 2, NULL, 0, false);
    g_assert_true(lab_is(sent, 2, bytes, n, frame, FRAME));

    struct l2tpv3_builder b;
    l2tpv3_begin(&b, f->connection, L2TPV3_CDN);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, 1);
    l2tpv3_put32(&b, L2TPV3_AVP_REMOTE_SESSION, 0, one.local_session);
    peer_send(f, &b);
    lab_until(lab, lab_sessions(lab) == 1);

    struct session *s = lab_session(lab); /* the administrator ends the last one */
    session_request_stop(s, PE_SESSION_REMOVED);
    session_unref(s);
    lab_until(lab, lab->carrier[0].closed);
    g_assert_cmpint(last(f).type, ==, L2TPV3_STOPCCN);
    g_assert_cmpint(lab->carrier[0].reason, ==, PE_SESSION_REMOVED);
}

/* The hub does not want it: a CDN, no questions for a while, and later it may come. */
static void
test_refused(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    GPtrArray *control = lab->carrier[0].control;

    (void)data;
    lab_hub_online(lab, false);
    g_assert_true(open_connection(f, CARRIER_L2TPV3));
    g_ptr_array_set_size(control, 1);
    say_icrq(f, 1, 0, false);
    lab_until(lab, control->len > 1 && last(f).type == L2TPV3_CDN);
    g_assert_cmpuint(last(f).result, ==, L2TPV3_CDN_ADMINISTRATIVE);
    for (uint32_t i = 2; i < 8; i++) {
        say_icrq(f, i, 0, false);
        g_assert_cmpint(last(f).type, ==, L2TPV3_CDN);
        g_assert_cmpuint(last(f).remote_session, ==, i);
    }
    g_assert_cmpuint(atomic_load(&lab->asked), ==, 1);
    g_assert_false(lab->carrier[0].closed);
    lab_hub_online(lab, true);
    g_usleep(L2TPV3_REFUSED_S * 1000000 + 10000);
    say_icrq(f, 9, 0, false);
    lab_until(lab, lab_sessions(lab) == 1);
    struct router_static s = answered(f, 9, false);
    check_frames(f, &s);
}

static void
test_strangers(struct fixture *f, gconstpointer data)
{
    static const uint8_t v2[] = {0xc8, 0x02, 0, 20, 0, 0};
    static const uint8_t v3[] = {0xc8, 0x03, 0, 20, 0, 0};
    struct lab *lab = &f->lab;
    struct carrier *c = &lab->carrier[0].c;

    (void)data;
    g_assert_false(lab_open(lab, 0, CARRIER_UDP, v2, sizeof(v2)));
    g_assert_false(lab_open(lab, 0, CARRIER_UDP, v3, 1));
    g_assert_false(lab_open(lab, 0, CARRIER_UDP, NULL, 0)); /* perhaps L2TPv2 */
    g_assert_false(lab_open(lab, 0, CARRIER_ETHERIP, v3, sizeof(v3)));
    c->router = NULL;
    g_assert_false(lab_open(lab, 0, CARRIER_L2TPV3, NULL, 0));
    g_assert_false(lab_open(lab, 0, CARRIER_UDP, v3, sizeof(v3)));
    c->router = &lab->router;
    c->proven = false;
    g_assert_false(lab_open(lab, 0, CARRIER_UDP, v3, sizeof(v3)));
    c->proven = true;
    l2tpv3_server_enable(f->server, false);
    g_assert_false(lab_open(lab, 0, CARRIER_UDP, v3, sizeof(v3)));
    l2tpv3_server_enable(f->server, true);
    g_assert_true(lab_open(lab, 0, CARRIER_UDP, v3, sizeof(v3)));
}

/* Noise of all kinds, before and after the connection is there, changes nothing. */
static void
test_noise(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    g_autoptr(GRand) rand = g_rand_new_with_seed(11);
    uint8_t bytes[64];
    uint8_t protocol = (uint8_t)GPOINTER_TO_UINT(data);

    g_assert_true(open_connection(f, protocol));
    say_icrq(f, 77, 4, false);
    lab_until(lab, lab_sessions(lab) == 1);
    struct router_static s = answered(f, 77, false);
    for (unsigned i = 0; i < 3000; i++) {
        size_t len = (size_t)g_rand_int_range(rand, 0, sizeof(bytes));
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)g_rand_int_range(rand, 0, 256);
        if (i % 3 == 0 && len >= 4)
            wire_put32(bytes, protocol == CARRIER_UDP ? 0xc8030000 : 0);
        if (i % 3 == 1 && len >= 8) {
            wire_put32(bytes, protocol == CARRIER_UDP ? 0x00030000 : s.local_session);
            wire_put32(bytes + 4, s.local_session);
        }
        lab_payload(lab, 0, bytes, len);
    }
    g_assert_cmpuint(lab_sessions(lab), ==, 1);
    check_frames(f, &s);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, data, fn) \
    g_test_add("/l2tpv3/" name, struct fixture, GUINT_TO_POINTER(data), set_up, fn, tear_down)
    CASE("ip", 0, test_ip);
    CASE("ip-cookie", 0, test_ip_cookie);
    CASE("udp", 0, test_udp);
    CASE("udp-cookie", 0, test_udp_cookie);
    CASE("static-ip", CARRIER_L2TPV3, test_static);
    CASE("static-udp", CARRIER_UDP, test_static);
    CASE("several", 0, test_several);
    CASE("refused", 0, test_refused);
    CASE("strangers", 0, test_strangers);
    CASE("noise-ip", CARRIER_L2TPV3, test_noise);
    CASE("noise-udp", CARRIER_UDP, test_noise);
    return g_test_run();
}
