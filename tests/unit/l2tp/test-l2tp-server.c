/* SPDX-License-Identifier: Apache-2.0 */
/* test-l2tp-server.c - the whole service, by a client that is a script: logins, data through a hub,
 * and every way to end. */

#include "core/auth/auth.h"
#include "core/auth/password.h"
#include "core/net/wire.h"
#include "core/proto/l2tp/server.h"
#include "core/proto/l2tp/server_priv.h"
#include "core/proto/reliable.h"
#include "tests/unit/l2tp/lac.h"

struct rig {
    struct lab lab;
    struct auth *auth;
    struct l2tp_server *server;
    struct lac lac;
    bool stopped;
};

/* ---- users: alice gets a lease, bob has an address of his own ---- */

static bool
find_user(void *store, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    (void)store;
    bool is_bob = g_ascii_strcasecmp(user, "bob") == 0;
    *found = is_bob || g_ascii_strcasecmp(user, "alice") == 0;
    if (*found) {
        *out = (struct auth_user){.auth_type = 1, .policy = policy_default(), .has_nt_hash = true};
        out->policy.MultiLogins = 0;
        g_strlcpy(out->name, is_bob ? "bob" : "alice", sizeof(out->name));
        nt_hash("secret", out->nt_hash);
        out->verifier = password_make_verifier("secret");
        if (is_bob)
            g_assert_null(fixed_address_parse("10.9.0.5/24,gateway=10.9.0.1", &out->address));
    }
    return g_ascii_strcasecmp(hub, "LAB") == 0;
}

static GPtrArray *
trusted_cas(void *store, const char *hub)
{
    (void)store;
    (void)hub;
    return NULL;
}

static void
logged_in(void *store, const char *hub, const char *user, bool ok)
{
    (void)store;
    (void)hub;
    (void)user;
    (void)ok;
}

static const struct auth_store_ops users = {
    .find_user = find_user, .trusted_cas = trusted_cas, .logged_in = logged_in};

/* ---- rig ---- */

static void
set_up(struct rig *r, const void *data)
{
    static const struct l2tp_settings settings = {.ipsec = true};

    (void)data;
    lab_set_up(&r->lab, NULL);
    r->auth = auth_new(&users, NULL);
    struct l2tp_server_config config = {
        .workers = r->lab.set, .hubs = r->lab.hubs, .auth = r->auth};
    r->server = l2tp_server_new(&config);
    l2tp_server_set(r->server, &settings);
    r->stopped = false;
    lac_init(&r->lac, &r->lab, l2tp_server_service(r->server));
}

static void
tear_down(struct rig *r, const void *data)
{
    lac_done(&r->lac);
    if (!r->stopped)
        l2tp_server_stop(r->server);
    l2tp_server_free(r->server);
    auth_free(r->auth);
    lab_tear_down(&r->lab, data);
}

static unsigned
sessions(struct rig *r)
{
    g_autoptr(GPtrArray) all = hub_session_list(r->lab.hub);

    return all->len;
}

static void
echo_from_lan(struct rig *r, const struct lac_call *c, struct reader ip)
{
    const struct got *up = lan_last(&r->lab, ETH_TYPE_IP4);
    g_autofree uint8_t *bytes = g_malloc(14 + ip.left);
    struct writer w = writer_of(bytes, 14 + ip.left);
    struct mac from = lan_mac(LAN(50));
    struct mac to;

    (void)c;
    memcpy(to.b, up->bytes + 6, 6);
    eth_write(&w, &to, &from, ETH_TYPE_IP4);
    writer_bytes(&w, ip.at, ip.left);
    lan_inject(&r->lab, bytes, w.len);
}

/* Packets go to a host of the segment, and its answer comes back. */
static void
talk(struct rig *r, struct lac_call *c)
{
    static const char payload[] = "hello, segment";
    uint8_t ip[100];
    size_t len = lab_udp(ip, c->address, LAN(50), 5000, 6000, reader_of(payload, sizeof(payload)));

    lan_forget(&r->lab);
    lac_ip(c, ip, len, 3);
    lac_until(&r->lac, lan_count(&r->lab, ETH_TYPE_IP4) == 3);
    const struct got *up = lan_last(&r->lab, ETH_TYPE_IP4);
    g_assert_cmpuint(up->len, >=, 14 + len);
    g_assert_true(memcmp(up->bytes + 14 + 20, ip + 20, len - 20) == 0);

    len = lab_udp(ip, LAN(50), c->address, 6000, 5000, reader_of(payload, sizeof(payload)));
    heap_clear(&c->got);
    echo_from_lan(r, c, reader_of(ip, len));
    lac_until(&r->lac, heap_n(&c->got) == 1);
    g_assert_cmpuint(heap_at(&c->got, 0)->len, ==, len);
    g_assert_true(memcmp(heap_at(&c->got, 0)->bytes + 20, ip + 20, len - 20) == 0);
}

/* ---- logins ---- */

static void
test_mschap(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    struct lac_call *c = lac_login(&r->lac, 0, LAC_MSCHAP);
    g_autoptr(GPtrArray) all = hub_session_list(r->lab.hub);

    g_assert_cmpuint(all->len, ==, 1);
    const struct session *s = g_ptr_array_index(all, 0);
    g_assert_cmpstr(s->name, ==, "SID-ALICE-[L2TP]-1");
    g_assert_cmpstr(s->protocol, ==, "L2TP/IPsec");
    g_assert_cmpstr(s->cipher, ==, "AES-256-GCM");
    g_assert_cmpuint(s->peer.port, ==, 4500);
    g_assert_cmpuint(c->address & 0xffffff00, ==, LAN(0));
    talk(r, c);
    LAC_PPP(c, PPP_LCP, PPP_ECHO_REQUEST, 9, "\0\0\0\0");
    lac_until(&r->lac, c->echoed);
}

static void
test_pap(struct rig *r, const void *data)
{
    (void)data;
    r->lac.shows_length = true;
    r->lac.call[0].bare = true;
    r->lac.call[0].user = "LAB\\bob";
    lac_open(&r->lac);
    struct lac_call *c = lac_login(&r->lac, 0, LAC_PAP);
    g_assert_cmpuint(c->address, ==, LAN(5));
    talk(r, c);
}

static void
test_sequenced(struct rig *r, const void *data)
{
    (void)data;
    r->lac.call[0].sequenced = true;
    r->lac.shows_length = true;
    lac_open(&r->lac);
    talk(r, lac_login(&r->lac, 0, LAC_MSCHAP));
}

static void
test_wrong_password(struct rig *r, const void *data)
{
    (void)data;
    struct lac_call *c = &r->lac.call[0];

    c->password = "wrong";
    lac_open(&r->lac);
    lac_icrq(c);
    lac_until(&r->lac, c->hung_up);
    g_assert_true(c->refused && c->terminated && !c->in);
    g_assert_cmpuint(c->result, ==, L2TP_CALL_ADMINISTRATIVE);
    g_assert_cmpuint(sessions(r), ==, 0);
    /* The tunnel goes on for a while. */
    talk(r, lac_login(&r->lac, 1, LAC_MSCHAP));
}

/* ---- ends ---- */

static void
test_cdn(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    struct lac_call *c = lac_login(&r->lac, 0, LAC_MSCHAP);
    lac_cdn(c);
    lac_until(&r->lac, sessions(r) == 0 && r->lab.lan.releases == 1);
    g_assert_false(c->hung_up);
    talk(r, lac_login(&r->lac, 1, LAC_MSCHAP));
}

static void
test_stopccn(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    lac_login(&r->lac, 0, LAC_MSCHAP);
    lac_login(&r->lac, 1, LAC_PAP);
    unsigned acks = r->lac.n_acks;
    lac_stop(&r->lac);
    lac_until(&r->lac, sessions(r) == 0 && r->lac.n_acks > acks);
    r->lac.ns--;
    lac_stop(&r->lac); /* once more: ours was lost */
    acks = r->lac.n_acks;
    lac_until(&r->lac, r->lac.n_acks > acks);
    g_assert_false(r->lac.stopped);
    g_assert_false(r->lac.closed); /* it lingers */
}

static void
test_terminate(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    struct lac_call *c = lac_login(&r->lac, 0, LAC_MSCHAP);
    LAC_PPP(c, PPP_LCP, PPP_TERMINATE_REQUEST, 7, "bye");
    lac_until(&r->lac, c->terminated);
    lac_until(&r->lac, c->hung_up);
    g_assert_cmpuint(c->result, ==, L2TP_CALL_CARRIER);
    g_assert_cmpuint(sessions(r), ==, 0);
}

static void
test_asked_to_stop(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    struct lac_call *c = lac_login(&r->lac, 0, LAC_MSCHAP);
    g_autoptr(GPtrArray) all = hub_session_list(r->lab.hub);
    session_request_stop(g_ptr_array_index(all, 0), PE_SESSION_REMOVED);
    lac_until(&r->lac, c->hung_up);
    g_assert_true(c->terminated);
    g_assert_cmpuint(c->result, ==, L2TP_CALL_ADMINISTRATIVE);
}

static void
test_sudden_death(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    lac_login(&r->lac, 0, LAC_MSCHAP);
    g_assert_cmpint(r->lac.service->last_heard_us(r->lac.carrier.link), >, 0);
    worker_call_sync(r->lac.w, lac_close_there, &r->lac);
    lab_settle(&r->lab);
    g_assert_cmpuint(sessions(r), ==, 0);
}

static void
test_server_stops(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    struct lac_call *c = lac_login(&r->lac, 0, LAC_MSCHAP);
    l2tp_server_stop(r->server);
    r->stopped = true;
    lac_until(&r->lac, r->lac.stopped);
    g_assert_true(c->terminated);
    g_assert_cmpuint(r->lac.stop_result, ==, L2TP_STOP_SHUTDOWN);
    g_assert_cmpuint(sessions(r), ==, 0);
    lac_until(&r->lac, r->lac.closed); /* since it was acknowledged */
}

static void
test_door_is_shut(struct rig *r, const void *data)
{
    static const struct l2tp_settings none = {.ipsec = false};

    (void)data;
    lac_open(&r->lac);
    lac_login(&r->lac, 0, LAC_MSCHAP);
    l2tp_server_set(r->server, &none);
    lac_until(&r->lac, r->lac.closed);
    g_assert_cmpuint(sessions(r), ==, 0);
    lac_done(&r->lac);
    lac_init(&r->lac, &r->lab, l2tp_server_service(r->server));
    lac_sccrq(&r->lac);
    g_assert_false(r->lac.opened);
}

/* ---- tunnels of an earlier life ---- */

/* What is answered to a message that opens nothing. */
static const char *
stray(struct rig *r, const void *bytes, size_t len, struct writer *answer)
{
    const struct carrier_service *s = r->lac.service;
    struct reader payload = reader_of(bytes, len);

    answer->len = 0;
    g_assert_false(s->recognises(s->state, &r->lac.carrier, payload));
    return s->stray(s->state, &r->lac.carrier, payload, answer);
}

/* Of a tunnel 4711 whose peer waits for our message 3, its own of number 9. */
static void
write_old(struct writer *w, enum l2tp_message_type type)
{
    l2tp_begin(w, type, 4711, type == L2TP_CDN ? 5 : 0);
    if (type == L2TP_STOPCCN)
        l2tp_put_u16(w, L2TP_AVP_TUNNEL_ID, 1234);
    g_assert_true(l2tp_end(w));
    wire_put16(w->start + RELIABLE_AT_NS, 9);
    wire_put16(w->start + RELIABLE_AT_NR, 3);
}

static void
assert_numbers(const struct l2tp_header *h, uint16_t tunnel)
{
    g_assert_true(h->is_control);
    g_assert_cmpuint(h->tunnel, ==, tunnel);
    g_assert_cmpuint(h->session, ==, 0);
    g_assert_cmpuint(h->ns, ==, 3);
    g_assert_cmpuint(h->nr, ==, 10);
}

static void
assert_stop(struct reader packet, uint16_t tunnel, struct l2tp_header *h)
{
    struct l2tp_message m;
    uint16_t id = 0;

    g_assert_true(l2tp_header_parse(packet, h));
    g_assert_true(l2tp_message_parse(h->payload, NULL, &m));
    g_assert_cmpuint(m.type, ==, L2TP_STOPCCN);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &id));
    g_assert_cmpuint(id, ==, tunnel);
    struct reader result = m.value[L2TP_AVP_RESULT];
    g_assert_cmpuint(reader_u16(&result), ==, L2TP_STOP_ERROR);
    g_assert_cmpuint(reader_u16(&result), ==, L2TP_ERROR_NO_CONNECTION);
}

static void
test_stray(struct rig *r, const void *data)
{
    static const enum l2tp_message_type types[] = {L2TP_HELLO, L2TP_CDN, L2TP_ICRQ, L2TP_SCCCN};
    static const struct l2tp_settings none = {.ipsec = false};
    static const uint8_t frame[] = {0, 2, 0x12, 0x67, 0, 1, 0xff, 3, 0xc0, 0x21};
    uint8_t bytes[CARRIER_ANSWER];
    uint8_t ack[L2TP_CONTROL_HEADER];
    struct writer answer = writer_of(bytes, sizeof(bytes));
    struct l2tp_header h;

    (void)data;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        LAC_MESSAGE(w);
        write_old(&w, types[i]);
        g_assert_nonnull(stray(r, w.start, w.len, &answer));
        assert_stop(reader_of(answer.start, answer.len), 4711, &h);
        assert_numbers(&h, 4711);
        r->lac.carrier.proven = false;
        g_assert_null(stray(r, w.start, w.len, &answer));
        r->lac.carrier.proven = true;
    }
    /* The answer to StopCCN is no StopCCN, and that to an acknowledgement is nothing. */
    LAC_MESSAGE(stop);
    write_old(&stop, L2TP_STOPCCN);
    g_assert_nonnull(stray(r, stop.start, stop.len, &answer));
    g_assert_true(l2tp_header_parse(reader_of(answer.start, answer.len), &h));
    assert_numbers(&h, 1234);
    g_assert_cmpuint(h.payload.left, ==, 0);
    l2tp_write_ack(ack, 4711, 9, 3);
    g_assert_nonnull(stray(r, ack, sizeof(ack), &answer));
    g_assert_cmpuint(answer.len, ==, 0);
    g_assert_nonnull(stray(r, frame, sizeof(frame), &answer));
    g_assert_cmpuint(answer.len, ==, 0);
    l2tp_server_set(r->server, &none);
    g_assert_null(stray(r, stop.start, stop.len, &answer));
}

/* The same beside a tunnel that is there; once a second. */
static void
test_stray_beside(struct rig *r, const void *data)
{
    struct l2tp_header h;

    (void)data;
    lac_open(&r->lac);
    g_assert_cmpuint(r->lac.peer_id, ==, LAC_TUNNEL); /* our number is the peer's */
    struct lac_call *c = lac_login(&r->lac, 0, LAC_MSCHAP);
    LAC_MESSAGE(w);
    write_old(&w, L2TP_HELLO);
    r->lac.silent = true;
    while (g_async_queue_length(r->lac.sent) > 0)
        g_bytes_unref(g_async_queue_pop(r->lac.sent));
    for (unsigned i = 0; i < 20; i++)
        lac_say(&r->lac, w.start, w.len);
    unsigned stops = 0;
    while (g_async_queue_length(r->lac.sent) > 0) {
        g_autoptr(GBytes) b = g_async_queue_pop(r->lac.sent);
        struct reader packet = reader_of(g_bytes_get_data(b, NULL), g_bytes_get_size(b));
        if (!l2tp_header_parse(packet, &h) || h.tunnel != 4711)
            continue;
        assert_stop(packet, 4711, &h);
        stops++;
    }
    g_assert_cmpuint(stops, >=, 1);
    g_assert_cmpuint(stops, <=, 3);
    r->lac.silent = false;
    talk(r, c);
}

/* ---- limits, and what is wrong ---- */

static void
test_many(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    for (unsigned i = 0; i < L2TP_SESSIONS_TUNNEL; i++) {
        lac_icrq(&r->lac.call[i]);
        lac_turn(&r->lac);
    }
    for (unsigned i = 0; i < L2TP_SESSIONS_TUNNEL; i++)
        lac_until(&r->lac, r->lac.call[i].ipcp_up);
    g_assert_cmpuint(sessions(r), ==, L2TP_SESSIONS_TUNNEL);
    lac_icrq(&r->lac.call[L2TP_SESSIONS_TUNNEL]);
    lac_until(&r->lac, r->lac.call[L2TP_SESSIONS_TUNNEL].hung_up);
    g_assert_cmpuint(r->lac.call[L2TP_SESSIONS_TUNNEL].result, ==, L2TP_CALL_NO_FACILITIES);
    talk(r, &r->lac.call[63]);
    lac_cdn(&r->lac.call[10]);
    lac_until(&r->lac, sessions(r) == L2TP_SESSIONS_TUNNEL - 1);
}

static void
test_repeated(struct rig *r, const void *data)
{
    (void)data;
    r->lac.silent = true;
    lac_sccrq(&r->lac);
    r->lac.ns = 0;
    lac_sccrq(&r->lac);
    g_assert_cmpint(g_async_queue_length(r->lac.sent), ==, 2); /* the same, both times */
    g_autoptr(GBytes) one = g_async_queue_pop(r->lac.sent);
    g_autoptr(GBytes) two = g_async_queue_pop(r->lac.sent);
    g_assert_true(g_bytes_equal(one, two));
    r->lac.silent = false;
    lac_take(&r->lac, two);
    talk(r, lac_login(&r->lac, 0, LAC_MSCHAP));
}

/* Every length of every message that a client sends, and each byte of them wrong. */
static void
test_malformed(struct rig *r, const void *data)
{
    (void)data;
    lac_open(&r->lac);
    struct lac_call *c = lac_login(&r->lac, 0, LAC_MSCHAP);
    LAC_MESSAGE(w);
    l2tp_begin(&w, L2TP_ICRQ, r->lac.peer_id, 0);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, 164);
    l2tp_put(&w, L2TP_AVP_CALLING_NUMBER, "12345", 5);
    g_assert_true(l2tp_end(&w));
    wire_put16(w.start + 8, 0xfff0); /* long ago */
    for (size_t n = 0; n <= w.len; n++)
        lac_say(&r->lac, w.start, n);
    for (size_t i = 0; i < w.len; i++) {
        if (i == 8 || i == 9) /* or it would be a message that waits for earlier ones */
            continue;
        w.start[i] ^= 0xff;
        lac_say(&r->lac, w.start, w.len);
        w.start[i] ^= 0xff;
    }
    static const uint8_t data_cut[] = {0x40, 2, 0, 7, 0, 0, 0, 0};
    lac_say(&r->lac, data_cut, sizeof(data_cut));
    lac_data(c, "", 0, 1);
    lac_data(c, "\xff", 1, 1);
    lac_data(c, "\xff\x03\xc0", 3, 1);
    /* Whole messages without what they need. */
    lac_simple(&r->lac, L2TP_ICRQ, 0);
    lac_simple(&r->lac, L2TP_ICCN, 0);
    lac_simple(&r->lac, L2TP_CDN, 0x1234);
    lac_simple(&r->lac, L2TP_OCRQ, 0);
    lac_simple(&r->lac, L2TP_HELLO, 0);
    lac_simple(&r->lac, 99, 0);
    unsigned acks = r->lac.n_acks;
    r->lac.silent = true; /* CDN for sessions that it does not know */
    lac_pause(&r->lac, 300);
    r->lac.silent = false;
    (void)acks;
    g_assert_cmpuint(sessions(r), ==, 1);
    g_assert_false(r->lac.stopped);
    talk(r, c);
}

static void
test_not_ours(struct rig *r, const void *data)
{
    (void)data;
    static const uint8_t v3[] = {0xc8, 3, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 8, 0, 0, 0, 0, 0, 1};
    static const uint8_t frame[] = {0, 2, 0, 1, 0, 1, 0xff, 3, 0xc0, 0x21};
    const struct carrier_service *s = r->lac.service;

    g_assert_false(s->recognises(s->state, &r->lac.carrier, reader_of(v3, sizeof(v3))));
    g_assert_false(s->recognises(s->state, &r->lac.carrier, reader_of(frame, sizeof(frame))));
    g_assert_false(s->recognises(s->state, &r->lac.carrier, reader_of(NULL, 0)));
    r->lac.carrier.proven = false;
    lac_sccrq(&r->lac);
    g_assert_false(r->lac.opened);
    r->lac.carrier.proven = true;
    r->lac.carrier.protocol = CARRIER_L2TPV3;
    lac_sccrq(&r->lac);
    g_assert_false(r->lac.opened);
}

#define ADD(name, function) \
    g_test_add("/l2tp/server/" name, struct rig, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("mschap", test_mschap);
    ADD("pap", test_pap);
    ADD("sequenced", test_sequenced);
    ADD("wrong-password", test_wrong_password);
    ADD("cdn", test_cdn);
    ADD("stopccn", test_stopccn);
    ADD("terminate", test_terminate);
    ADD("asked-to-stop", test_asked_to_stop);
    ADD("sudden-death", test_sudden_death);
    ADD("server-stops", test_server_stops);
    ADD("door-is-shut", test_door_is_shut);
    ADD("stray", test_stray);
    ADD("stray-beside", test_stray_beside);
    ADD("many", test_many);
    ADD("repeated", test_repeated);
    ADD("malformed", test_malformed);
    ADD("not-ours", test_not_ours);
    return g_test_run();
}
