/* SPDX-License-Identifier: Apache-2.0 */
/* EtherIP, and with it what is common to routers' Ethernet: both quirks of the header, who is
 * refused, long frames and tagged ones, floods, super-frames, MSS, the hub's comings and goings. */

#include "core/net/checksum.h"
#include "core/net/mss.h"
#include "core/net/wire.h"
#include "core/proto/etherip/server.h"
#include "tests/unit/etherip/ether_lab.h"

static const uint8_t header[2] = {0x30, 0x00};

struct fixture {
    struct lab lab;
    struct etherip_server *server;
};

static void
set_up(struct fixture *f, gconstpointer data)
{
    (void)data;
    lab_init(&f->lab);
    struct etherip_server_config config = {.hubs = f->lab.hubs, .auth = f->lab.auth};
    f->server = etherip_server_new(&config);
    f->lab.service = etherip_server_service(f->server);
}

static void
tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    lab_done(&f->lab);
    etherip_server_free(f->server);
}

static void
come(struct lab *lab, unsigned i)
{
    unsigned before = lab_sessions(lab);

    g_assert_true(lab_open(lab, i, CARRIER_ETHERIP, NULL, 0));
    lab_until(lab, lab_sessions(lab) == before + 1);
}

/* A frame of the peer, behind these two bytes. */
static void
peer_says(struct lab *lab, unsigned i, uint8_t a, uint8_t b, const uint8_t *frame, size_t len)
{
    uint8_t bytes[10000] = {a, b};

    memcpy(bytes + 2, frame, len);
    lab_payload(lab, i, bytes, 2 + len);
}

static void
test_frames(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    uint8_t frame[9100];

    (void)data;
    come(lab, 0);
    struct session *s = lab_session(lab);
    g_assert_cmpstr(s->protocol, ==, "EtherIP");
    g_assert_nonnull(strstr(s->name, "ETHERIP"));
    g_assert_cmpstr(s->user, ==, "router");
    g_assert_true(s->bridge_mode);
    session_unref(s);

    lab_ethernet(frame, 60, 0xff, 1);
    peer_says(lab, 0, 0x30, 0x00, frame, 60);
    peer_says(lab, 0, 0x3f, 0xff, frame, 60); /* reserved bits */
    peer_says(lab, 0, 0x03, 0x00, frame, 60); /* nibbles the wrong way round */
    g_assert_cmpuint(lab->got->len, ==, 3);
    g_assert_true(lab_is(lab->got, 0, NULL, 0, frame, 60));
    g_assert_true(lab_is(lab->got, 2, NULL, 0, frame, 60));
    g_assert_cmpint(lab->service->last_heard_us(lab->carrier[0].on), >, 0);

    peer_says(lab, 0, 0x20, 0x00, frame, 60);
    peer_says(lab, 0, 0x03, 0x01, frame, 60);
    peer_says(lab, 0, 0x40, 0x00, frame, 60);
    g_assert_cmpuint(lab_dropped(lab, DROP_VERSION), ==, 3);
    lab_payload(lab, 0, header, 0);
    lab_payload(lab, 0, header, 1);
    lab_payload(lab, 0, header, 2);
    peer_says(lab, 0, 0x30, 0x00, frame, 13);
    g_assert_cmpuint(lab_dropped(lab, DROP_SHORT), ==, 4);
    lab_ethernet(frame, sizeof(frame), 0xff, 1);
    peer_says(lab, 0, 0x30, 0x00, frame, ETHER_LINK_FRAME_MAX + 1);
    g_assert_cmpuint(lab_dropped(lab, DROP_TOO_LONG), ==, 1);
    g_assert_cmpuint(lab->got->len, ==, 3);
}

/* 1500 bytes of IP, tagged and not, both ways. */
static void
test_long(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    struct lab_carrier *lc = &lab->carrier[0];
    uint8_t frame[1600];

    (void)data;
    come(lab, 0);
    lab_ethernet(frame, 1514, 0xff, 1);
    peer_says(lab, 0, 0x30, 0, frame, 1514);
    g_assert_true(lab_is(lab->got, 0, NULL, 0, frame, 1514));
    lab_ethernet(frame, 1514, 1, 2);
    lab_say(lab, frame, 1514);
    g_assert_true(lab_is(lc->sent, 0, header, 2, frame, 1514));

    lab_ethernet(frame, 1518, 0xff, 1);
    wire_put32(frame + 12, 0x81000007);
    peer_says(lab, 0, 0x30, 0, frame, 1518);
    g_assert_true(lab_is(lab->got, 1, NULL, 0, frame, 1518));
    frame[5] = 9;
    frame[11] = 2;
    lab_say(lab, frame, 1518);
    g_assert_true(lab_is(lc->sent, 1, header, 2, frame, 1518));

    lab_ethernet(frame, 1515, 1, 2); /* more than fits there */
    lab_say(lab, frame, 1515);
    g_assert_cmpuint(lc->sent->len, ==, 2);
    g_assert_cmpuint(lab_dropped(lab, DROP_MTU), ==, 1);
}

/* One frame for several routers: nobody writes into the others'. */
static void
test_flood(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    uint8_t frame[200];

    (void)data;
    for (unsigned i = 0; i < 4; i++)
        come(lab, i);
    lab_ethernet(frame, sizeof(frame), 0xff, 9);
    for (unsigned n = 0; n < 3; n++)
        lab_say(lab, frame, sizeof(frame));
    for (unsigned i = 0; i < 4; i++)
        for (unsigned n = 0; n < 3; n++)
            g_assert_true(lab_is(lab->carrier[i].sent, n, header, 2, frame, sizeof(frame)));
    lab_ethernet(frame, sizeof(frame), 0xff, 1);
    peer_says(lab, 0, 0x30, 0, frame, sizeof(frame));
    g_assert_cmpuint(lab->carrier[0].sent->len, ==, 3);
    for (unsigned i = 1; i < 4; i++)
        g_assert_true(lab_is(lab->carrier[i].sent, 3, header, 2, frame, sizeof(frame)));
    g_assert_true(lab_is(lab->got, 0, NULL, 0, frame, sizeof(frame)));
}

/* ---- TCP ---- */

enum { TCP_HEADERS = 54 };

/* IPv4 and TCP with so much payload, or with SYN and an MSS of 1460; right checksums. */
static size_t
make_tcp(uint8_t *at, size_t payload, bool syn)
{
    size_t l4 = syn ? 24 : 20;
    size_t len = 34 + l4 + payload;
    uint8_t *ip = at + 14;
    uint8_t *tcp = at + 34;

    lab_ethernet(at, 14, 1, 2);
    wire_put16(at + 12, 0x0800);
    memset(ip, 0, 20 + l4);
    ip[0] = 0x45;
    wire_put16(ip + 2, (uint16_t)(len - 14));
    wire_put16(ip + 6, 0x4000);
    ip[8] = 64;
    ip[9] = 6;
    wire_put32(ip + 12, 0x0a000001);
    wire_put32(ip + 16, 0x0a000002);
    wire_put16(ip + 10, csum_finish(csum_add(0, ip, 20)));
    tcp[12] = (uint8_t)(l4 << 2);
    tcp[13] = syn ? 2 : 0x10;
    if (syn)
        wire_put32(tcp + 20, 0x02040000 | 1460);
    for (size_t i = 0; i < payload; i++)
        tcp[20 + i] = (uint8_t)i;
    uint64_t sum = csum_pseudo4(ip + 12, ip + 16, 6, (uint16_t)(l4 + payload));
    wire_put16(tcp + 16, csum_finish(csum_add(sum, tcp, l4 + payload)));
    return len;
}

static bool
tcp_is_right(const uint8_t *at, size_t len)
{
    uint64_t sum = csum_pseudo4(at + 26, at + 30, 6, (uint16_t)(len - 34));

    return csum_is_good(csum_add(0, at + 14, 20)) && csum_is_good(csum_add(sum, at + 34, len - 34));
}

static void
say_super(void *data)
{
    struct lab_job *j = data;
    struct frame *f = lab_frame(j->lab, j->bytes, j->len);
    struct batch b = {.n = 0};

    f->gso_type = FRAME_GSO_TCP4;
    f->gso_size = 1000;
    f->flags = FRAME_NEEDS_CSUM;
    f->csum_start = 34;
    f->csum_offset = 16;
    uint64_t sum = csum_pseudo4(f->data + 26, f->data + 30, 6, (uint16_t)(f->len - 34));
    wire_put16(f->data + 50, csum_fold(sum));
    batch_add(&b, f);
    hub_port_receive(j->lab->port, &b, worker_now_us(j->lab->w));
}

static void
test_super(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    g_autofree uint8_t *frame = g_malloc(65536);
    struct lab_job j = {.lab = lab, .bytes = frame};
    unsigned sum = 0;

    (void)data;
    come(lab, 0);
    come(lab, 1); /* both get it: it is shared */
    j.len = make_tcp(frame, 64500, false);
    worker_call_sync(lab->w, say_super, &j);
    for (unsigned c = 0; c < 2; c++) {
        GPtrArray *sent = lab->carrier[c].sent;
        g_assert_cmpuint(sent->len, ==, 65);
        for (unsigned i = 0; i < sent->len; i++) {
            size_t len = 0;
            const uint8_t *at = g_bytes_get_data(g_ptr_array_index(sent, i), &len);
            g_assert_cmpmem(at, 2, header, 2);
            g_assert_cmpuint(len, ==, 2 + TCP_HEADERS + (i < 64 ? 1000 : 500));
            g_assert_true(tcp_is_right(at + 2, len - 2));
            sum += (unsigned)len - 2 - TCP_HEADERS;
        }
    }
    g_assert_cmpuint(sum, ==, 2 * 64500);
}

static unsigned
mss_of(GPtrArray *list, unsigned i, size_t head)
{
    size_t len = 0;
    const uint8_t *at = g_bytes_get_data(g_ptr_array_index(list, i), &len);

    g_assert_true(tcp_is_right(at + head, len - head));
    return wire_get16(at + head + 56);
}

static void
test_mss(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    uint8_t frame[100];
    unsigned want = 1420 - 2 - 14 - 40 - ETHER_LINK_PATH_SPARE;

    (void)data;
    come(lab, 0);
    size_t len = make_tcp(frame, 0, true);
    lab_say(lab, frame, len);
    g_assert_cmpuint(mss_of(lab->carrier[0].sent, 0, 2), ==, want);
    frame[5] = 7;
    frame[11] = 8;
    peer_says(lab, 0, 0x30, 0, frame, len);
    g_assert_cmpuint(mss_of(lab->got, 0, 0), ==, want);

    memmove(frame + 18, frame + 14, len - 14); /* with a tag it is found, too */
    memmove(frame + 16, frame + 12, 2);
    wire_put32(frame + 12, 0x81000005);
    wire_put16(frame + 16, 0x0800);
    peer_says(lab, 0, 0x30, 0, frame, len + 4);
    g_assert_cmpuint(mss_of(lab->got, 1, 4), ==, want);
}

/* ---- who may come ---- */

static void
test_strangers(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    struct carrier *c = &lab->carrier[0].c;

    (void)data;
    c->router = NULL; /* no entry */
    g_assert_false(lab_open(lab, 0, CARRIER_ETHERIP, NULL, 0));
    g_assert_false(lab_open(lab, 0, CARRIER_ETHERIP, NULL, 0));
    c->router = &lab->router;
    c->proven = false; /* no IPsec */
    g_assert_false(lab_open(lab, 0, CARRIER_ETHERIP, NULL, 0));
    c->proven = true;
    g_assert_false(lab_open(lab, 0, CARRIER_UDP, NULL, 0));
    etherip_server_enable(f->server, false);
    g_assert_false(lab_open(lab, 0, CARRIER_ETHERIP, NULL, 0));
    etherip_server_enable(f->server, true);
    come(lab, 0);
}

/* A user that is missing is asked for again, seldom, and let in when he is there. */
static void
test_no_user(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    uint8_t frame[60];

    (void)data;
    lab->no_user = true;
    g_assert_true(lab_open(lab, 0, CARRIER_ETHERIP, NULL, 0));
    lab_until(lab, atomic_load(&lab->asked) == 1);
    for (unsigned i = 0; i < 50; i++) {
        lab_breathe(lab);
        g_usleep(10000);
    }
    g_assert_cmpuint(atomic_load(&lab->asked), ==, 1);
    g_assert_cmpuint(lab_sessions(lab), ==, 0);
    lab_ethernet(frame, sizeof(frame), 0xff, 1);
    peer_says(lab, 0, 0x30, 0, frame, sizeof(frame));
    g_assert_cmpuint(lab->got->len, ==, 0);
    lab->no_user = false;
    lab_until(lab, lab_sessions(lab) == 1);
    g_assert_false(lab->carrier[0].closed);
}

static void
test_offline(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;

    (void)data;
    come(lab, 0);
    lab_hub_online(lab, false); /* the router hears of it by its carrier's end */
    lab_until(lab, lab->carrier[0].closed);
    g_assert_cmpint(lab->carrier[0].reason, ==, PE_HUB_STOPPING);
    g_assert_cmpuint(lab_sessions(lab), ==, 0);
    g_assert_true(lab_open(lab, 0, CARRIER_ETHERIP, NULL, 0)); /* and comes again */
    lab_until(lab, atomic_load(&lab->asked) == 2);
    g_assert_cmpuint(lab_sessions(lab), ==, 0);
    lab_hub_online(lab, true);
    lab_until(lab, lab_sessions(lab) == 1);
}

static void
test_stop(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;

    (void)data;
    come(lab, 0);
    struct session *s = lab_session(lab);
    session_request_stop(s, PE_SESSION_REMOVED);
    session_request_stop(s, PE_SESSION_REMOVED);
    session_unref(s);
    lab_until(lab, lab->carrier[0].closed);
    g_assert_cmpint(lab->carrier[0].reason, ==, PE_SESSION_REMOVED);
    g_assert_cmpuint(lab_sessions(lab), ==, 0);

    g_assert_true(lab_open(lab, 0, CARRIER_ETHERIP, NULL, 0)); /* goes before the verdict */
    lab_close(lab, 0);
    lab_breathe(lab);
    g_assert_cmpuint(lab_sessions(lab), ==, 0);
}

/* The policy's limits for who is no bridge. */
static void
test_policy(struct fixture *f, gconstpointer data)
{
    struct lab *lab = &f->lab;
    uint8_t frame[60];

    (void)data;
    lab->policy.MaxMac = 3;
    lab->policy.NoBridge = lab->policy.NoRouting = 1;
    come(lab, 0);
    struct session *s = lab_session(lab);
    g_assert_false(s->bridge_mode);
    session_unref(s);
    for (uint8_t i = 1; i <= 10; i++) {
        lab_ethernet(frame, sizeof(frame), 0xff, i);
        peer_says(lab, 0, 0x30, 0, frame, sizeof(frame));
    }
    g_assert_cmpuint(lab_dropped(lab, DROP_FDB_FULL), >=, 7);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, fn) g_test_add("/etherip/" name, struct fixture, NULL, set_up, fn, tear_down)
    CASE("frames", test_frames);
    CASE("long", test_long);
    CASE("flood", test_flood);
    CASE("super", test_super);
    CASE("mss", test_mss);
    CASE("strangers", test_strangers);
    CASE("no-user", test_no_user);
    CASE("offline", test_offline);
    CASE("stop", test_stop);
    CASE("policy", test_policy);
    return g_test_run();
}
