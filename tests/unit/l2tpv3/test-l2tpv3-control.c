/* SPDX-License-Identifier: Apache-2.0 */
/* L2TPv3's messages and control connection, in simulated time: forms of the peers there are, lossy
 * ways, restarts, silence, and what is malformed. */

#include "core/net/wire.h"
#include "core/proto/l2tpv3/control.h"

#include <glib.h>

#include <string.h>

#define S INT64_C(1000000)

enum { PEER = 0x11223344 };

struct lab {
    struct l2tpv3_control c;
    GPtrArray *sent;
    int64_t now_us;
    unsigned called, hung_up, dead;
    struct l2tpv3_call *last;
    bool accepts;
    uint32_t seed;
    uint16_t ns, nr; /* the peer's */
};

static void
on_send(void *owner, struct reader packet, int64_t now_us)
{
    struct lab *lab = owner;
    struct l2tpv3_message m;

    (void)now_us;
    g_assert_true(l2tpv3_parse(packet, &m));
    g_ptr_array_add(lab->sent, g_bytes_new(packet.at, packet.left));
}

static void
on_called(void *owner, struct l2tpv3_call *call, int64_t now_us)
{
    struct lab *lab = owner;

    lab->called++;
    lab->last = call;
    if (lab->accepts)
        l2tpv3_control_accept(&lab->c, call, now_us);
}

static void
on_hung_up(void *owner, struct l2tpv3_call *call, int64_t now_us)
{
    struct lab *lab = owner;

    (void)call;
    (void)now_us;
    lab->hung_up++;
}

static void
on_dead(void *owner, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    lab->dead++;
}

static void
on_random(void *owner, void *out, size_t len)
{
    struct lab *lab = owner;
    uint8_t *at = out;

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)((lab->seed = lab->seed * 1103515245u + 12345u) >> 16);
}

static const struct l2tpv3_control_ops ops = {.send = on_send,
                                              .called = on_called,
                                              .hung_up = on_hung_up,
                                              .dead = on_dead,
                                              .random = on_random};

static void
set_up(struct lab *lab, gconstpointer data)
{
    (void)data;
    *lab = (struct lab){.now_us = S, .accepts = true};
    lab->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    l2tpv3_control_init(&lab->c, &ops, lab);
}

static void
tear_down(struct lab *lab, gconstpointer data)
{
    (void)data;
    l2tpv3_control_clear(&lab->c);
    g_ptr_array_unref(lab->sent);
}

/* ---- a peer that is played by hand ---- */

static void
peer_begin(struct lab *lab, struct l2tpv3_builder *b, enum l2tpv3_type type)
{
    l2tpv3_begin(b, type == L2TPV3_SCCRQ ? 0 : lab->c.local, type);
}

static void
peer_send(struct lab *lab, struct l2tpv3_builder *b)
{
    struct reader m = l2tpv3_end(b);

    g_assert_true(reader_ok(&m));
    wire_put16(b->bytes + RELIABLE_AT_NS, lab->ns++);
    wire_put16(b->bytes + RELIABLE_AT_NR, lab->nr);
    l2tpv3_control_receive(&lab->c, m, lab->now_us);
}

/* The message that was sent last but `back`, read; its bytes are the list's. */
static struct l2tpv3_message
sent(const struct lab *lab, unsigned back)
{
    struct l2tpv3_message m;
    size_t len = 0;

    g_assert_cmpuint(lab->sent->len, >, back);
    const uint8_t *at =
        g_bytes_get_data(g_ptr_array_index(lab->sent, lab->sent->len - 1 - back), &len);
    g_assert_true(l2tpv3_parse(reader_of(at, len), &m));
    return m;
}

static bool
has_avp(const struct lab *lab, uint16_t vendor, uint16_t avp)
{
    size_t len = 0;
    const uint8_t *at = g_bytes_get_data(g_ptr_array_index(lab->sent, lab->sent->len - 1), &len);

    for (size_t i = L2TPV3_HEADER; i + 6 <= len; i += wire_get16(at + i) & 0x3ff)
        if (wire_get16(at + i + 2) == vendor && wire_get16(at + i + 4) == avp)
            return true;
    return false;
}

static void
put_text(struct l2tpv3_builder *b, enum l2tpv3_avp avp, const char *text)
{
    l2tpv3_put(b, 0, (uint16_t)avp, text, strlen(text));
}

static void
say_sccrq(struct lab *lab, uint32_t id, const char *vendor)
{
    static const uint8_t types[] = {0, 5, 0, 4};
    struct l2tpv3_builder b;

    lab->ns = lab->nr = 0;
    peer_begin(lab, &b, L2TPV3_SCCRQ);
    put_text(&b, L2TPV3_AVP_HOST_NAME, "branch\n1");
    put_text(&b, L2TPV3_AVP_VENDOR_NAME, vendor);
    l2tpv3_put32(&b, L2TPV3_AVP_ROUTER_ID, 0, 0x0a000001);
    l2tpv3_put32(&b, L2TPV3_AVP_CONNECTION, 0, id);
    l2tpv3_put(&b, 0, L2TPV3_AVP_PW_CAPABILITIES, types, sizeof(types));
    l2tpv3_put(&b, 0, 59, types, 4);   /* a message digest: we have no secret */
    l2tpv3_put(&b, 0, 4711, types, 4); /* not known, and mandatory */
    peer_send(lab, &b);
}

static void
say(struct lab *lab, enum l2tpv3_type type)
{
    struct l2tpv3_builder b;

    peer_begin(lab, &b, type);
    peer_send(lab, &b);
}

static void
open_connection(struct lab *lab)
{
    say_sccrq(lab, PEER, "Somebody");
    lab->nr = 1;
    say(lab, L2TPV3_SCCCN);
    g_assert_cmpint(lab->c.state, ==, L2TPV3_OPEN);
}

static void
say_icrq(struct lab *lab, uint32_t session, int pw_type, size_t cookie)
{
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct l2tpv3_builder b;

    peer_begin(lab, &b, L2TPV3_ICRQ);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, session);
    l2tpv3_put32(&b, L2TPV3_AVP_REMOTE_SESSION, 0, 0);
    if (pw_type >= 0)
        l2tpv3_put16(&b, L2TPV3_AVP_PW_TYPE, (uint16_t)pw_type);
    put_text(&b, L2TPV3_AVP_REMOTE_END, "100");
    if (cookie > 0)
        l2tpv3_put(&b, 0, L2TPV3_AVP_COOKIE, bytes, cookie);
    if (cookie == 8)
        l2tpv3_put16(&b, L2TPV3_AVP_SUBLAYER, 1);
    l2tpv3_put16(&b, L2TPV3_AVP_CIRCUIT_STATUS, 3);
    peer_send(lab, &b);
}

/* What the peer has seen so far is acknowledged. */
static void
say_ack(struct lab *lab, enum l2tpv3_type type)
{
    struct l2tpv3_builder b;

    lab->nr = lab->c.channel.high_ns;
    peer_begin(lab, &b, type);
    peer_send(lab, &b);
    lab->ns--; /* takes no number */
}

/* ---- cases ---- */

static void
test_standard(struct lab *lab, gconstpointer data)
{
    (void)data;
    say_sccrq(lab, PEER, "Somebody");
    struct l2tpv3_message m = sent(lab, 0);
    g_assert_cmpint(m.type, ==, L2TPV3_SCCRP);
    g_assert_cmphex(m.connection, ==, PEER);
    g_assert_cmphex(m.assigned_connection, ==, lab->c.local);
    g_assert_cmpuint(m.nr, ==, 1);
    g_assert_cmpuint(m.window, ==, RELIABLE_WINDOW);
    g_assert_false(m.cisco);
    g_assert_true(has_avp(lab, 0, L2TPV3_AVP_ROUTER_ID));
    g_assert_true(has_avp(lab, 0, L2TPV3_AVP_PW_CAPABILITIES));
    g_assert_cmpstr(lab->c.host_name, ==, "branch?1");
    lab->nr = 1;
    say(lab, L2TPV3_SCCCN);
    say_icrq(lab, 77, L2TPV3_PW_ETHERNET, 0);
    m = sent(lab, 0);
    g_assert_cmpint(m.type, ==, L2TPV3_ICRP);
    g_assert_cmpuint(m.remote_session, ==, 77);
    g_assert_cmpuint(m.local_session, ==, lab->last->session.local_session);
    g_assert_cmpuint(m.circuit_status, ==, 3);
    g_assert_cmpuint(m.cookie_len, ==, 0);
    g_assert_cmpuint(m.sublayer, ==, 0);
    g_assert_cmpstr(lab->last->remote_end, ==, "100");

    struct l2tpv3_builder b;
    peer_begin(lab, &b, L2TPV3_ICCN);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, 77);
    l2tpv3_put32(&b, L2TPV3_AVP_REMOTE_SESSION, 0, lab->last->session.local_session);
    peer_send(lab, &b);
    g_assert_cmpint(lab->last->state, ==, L2TPV3_CALL_OPEN);
    say_ack(lab, L2TPV3_ACK);
    say(lab, L2TPV3_SLI);

    peer_begin(lab, &b, L2TPV3_CDN);
    l2tpv3_put16(&b, L2TPV3_AVP_RESULT, 1);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, 77);
    l2tpv3_put32(&b, L2TPV3_AVP_REMOTE_SESSION, 0, lab->last->session.local_session);
    peer_send(lab, &b);
    g_assert_cmpuint(lab->hung_up, ==, 1);
    g_assert_cmpuint(l2tpv3_control_n_calls(&lab->c), ==, 0);

    say_icrq(lab, 78, L2TPV3_PW_VLAN, 0);
    say_ack(lab, L2TPV3_ZLB);
    say(lab, L2TPV3_STOPCCN);
    g_assert_cmpuint(lab->hung_up, ==, 2);
    m = sent(lab, 0); /* at once */
    g_assert_true(m.is_ack);
    g_assert_cmpuint(m.nr, ==, lab->ns);
    lab->ns--;
    g_ptr_array_set_size(lab->sent, 0);
    say(lab, L2TPV3_STOPCCN); /* ours was lost */
    g_assert_true(sent(lab, 0).is_ack);
    say_sccrq(lab, PEER, "Somebody"); /* comes again */
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_SCCRP);
}

static void
test_cookies(struct lab *lab, gconstpointer data)
{
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    (void)data;
    open_connection(lab);
    say_icrq(lab, 5, L2TPV3_PW_ETHERNET, 4);
    const struct router_static *s = &lab->last->session;
    g_assert_cmpmem(s->peer_cookie, s->peer_cookie_len, bytes, 4);
    struct l2tpv3_message m = sent(lab, 0);
    g_assert_cmpmem(m.cookie, m.cookie_len, s->local_cookie, 4);
    g_assert_false(s->sublayer);
    say_ack(lab, L2TPV3_ZLB);
    say_icrq(lab, 6, L2TPV3_PW_ETHERNET, 8);
    s = &lab->last->session;
    g_assert_cmpmem(s->peer_cookie, s->peer_cookie_len, bytes, 8);
    m = sent(lab, 0);
    g_assert_cmpmem(m.cookie, m.cookie_len, s->local_cookie, 8);
    g_assert_cmpuint(m.sublayer, ==, 1);
    g_assert_true(s->sublayer);
    say_ack(lab, L2TPV3_ZLB);
    say_icrq(lab, 7, L2TPV3_PW_ETHERNET, 5); /* there is no such length */
    g_assert_cmpuint(lab->last->session.peer_cookie_len, ==, 0);
}

/* IOS of before the RFC: vendor 9 beside the standard's, and alone. */
static void
test_cisco(struct lab *lab, gconstpointer data)
{
    static const uint8_t types[] = {0, 5};
    static const uint8_t id[] = {0x11, 0x22, 0x33, 0x44};
    static const uint8_t session[] = {0, 0, 0, 9};
    static const uint8_t end[] = {0, 0, 0, 100};
    struct l2tpv3_builder b;

    (void)data;
    peer_begin(lab, &b, L2TPV3_SCCRQ);
    put_text(&b, L2TPV3_AVP_HOST_NAME, "ios");
    put_text(&b, L2TPV3_AVP_VENDOR_NAME, "Cisco Systems, Inc.");
    l2tpv3_put(&b, 9, L2TPV3_CISCO_CONNECTION, id, 4);
    l2tpv3_put(&b, 9, L2TPV3_CISCO_PW_CAPABILITIES, types, 2);
    l2tpv3_put(&b, 9, L2TPV3_CISCO_DRAFT_VERSION, types, 2);
    l2tpv3_put16(&b, L2TPV3_AVP_WINDOW, 8);
    peer_send(lab, &b);
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_SCCRP);
    g_assert_true(has_avp(lab, 0, L2TPV3_AVP_CONNECTION));
    g_assert_true(has_avp(lab, 9, L2TPV3_CISCO_CONNECTION));
    g_assert_true(has_avp(lab, 9, L2TPV3_CISCO_PW_CAPABILITIES));
    g_assert_true(has_avp(lab, 9, L2TPV3_CISCO_DRAFT_VERSION));
    lab->nr = 1;
    say(lab, L2TPV3_SCCCN);
    peer_begin(lab, &b, L2TPV3_ICRQ);
    l2tpv3_put(&b, 9, L2TPV3_CISCO_LOCAL_SESSION, session, 4);
    l2tpv3_put(&b, 9, L2TPV3_CISCO_PW_TYPE, types, 2);
    l2tpv3_put(&b, 9, L2TPV3_CISCO_REMOTE_END, end, 4);
    l2tpv3_put(&b, 9, L2TPV3_CISCO_COOKIE, id, 4);
    peer_send(lab, &b);
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_ICRP);
    g_assert_true(has_avp(lab, 9, L2TPV3_CISCO_LOCAL_SESSION));
    g_assert_true(has_avp(lab, 9, L2TPV3_CISCO_REMOTE_SESSION));
    g_assert_true(has_avp(lab, 9, L2TPV3_CISCO_COOKIE));
    g_assert_true(has_avp(lab, 0, L2TPV3_AVP_COOKIE));
    g_assert_cmpuint(sent(lab, 0).remote_session, ==, 9);
    g_assert_cmpstr(lab->last->remote_end, ==, "100");
}

static void
test_yamaha(struct lab *lab, gconstpointer data)
{
    (void)data;
    say_sccrq(lab, PEER, "YAMAHA Corporation");
    struct l2tpv3_message m = sent(lab, 0);
    g_assert_cmpuint(m.vendor_name.left, ==, 18);
    g_assert_cmpint(memcmp(m.vendor_name.at, "YAMAHA Corporation", 18), ==, 0);
    g_assert_false(has_avp(lab, 0, L2TPV3_AVP_WINDOW));
    lab->nr = 1;
    say(lab, L2TPV3_SCCCN);
    say_icrq(lab, 3, -1, 0);
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_ICRP);
    g_assert_false(has_avp(lab, 0, L2TPV3_AVP_PW_TYPE));
    g_assert_cmpuint(sent(lab, 0).circuit_status, ==, 3);
}

static void
test_refusals(struct lab *lab, gconstpointer data)
{
    struct l2tpv3_builder b;

    (void)data;
    open_connection(lab);
    say_icrq(lab, 5, 7 /* PPP */, 0);
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_CDN);
    g_assert_cmpuint(sent(lab, 0).result, ==, L2TPV3_CDN_PW_TYPE);
    g_assert_cmpuint(sent(lab, 0).remote_session, ==, 5);
    say_icrq(lab, 0, L2TPV3_PW_ETHERNET, 0); /* no id to answer to */
    g_assert_cmpuint(lab->called, ==, 0);
    for (uint32_t i = 1; i <= L2TPV3_CALLS; i++) {
        say_ack(lab, L2TPV3_ZLB);
        say_icrq(lab, i, L2TPV3_PW_ETHERNET, 0);
    }
    say_ack(lab, L2TPV3_ZLB);
    g_assert_cmpuint(l2tpv3_control_n_calls(&lab->c), ==, L2TPV3_CALLS);
    say_icrq(lab, 99, L2TPV3_PW_ETHERNET, 0);
    g_assert_cmpuint(sent(lab, 0).result, ==, L2TPV3_CDN_NO_FACILITIES);
    say_ack(lab, L2TPV3_ZLB);
    say_icrq(lab, 3, L2TPV3_PW_ETHERNET, 0); /* once more: the former one is over */
    g_assert_cmpuint(lab->hung_up, ==, 1);
    say_ack(lab, L2TPV3_ZLB);
    peer_begin(lab, &b, L2TPV3_OCRQ);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, 200);
    peer_send(lab, &b);
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_CDN);
    say_ack(lab, L2TPV3_ZLB);
    l2tpv3_control_hang_up(&lab->c, lab->last, L2TPV3_CDN_ADMINISTRATIVE, lab->now_us);
    g_assert_cmpuint(sent(lab, 0).result, ==, L2TPV3_CDN_ADMINISTRATIVE);
    l2tpv3_control_stop(&lab->c, L2TPV3_STOP_CLEAR, lab->now_us);
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_STOPCCN);
    g_assert_cmpuint(l2tpv3_control_n_calls(&lab->c), ==, 0);
}

static void
run_to(struct lab *lab, int64_t until_us)
{
    for (;;) {
        int64_t at_us = l2tpv3_control_deadline(&lab->c);
        if (at_us == 0 || at_us > until_us)
            break;
        lab->now_us = MAX(lab->now_us + 1, at_us);
        l2tpv3_control_turn(&lab->c, lab->now_us);
    }
    lab->now_us = until_us;
}

static void
test_silence(struct lab *lab, gconstpointer data)
{
    (void)data;
    open_connection(lab);
    say_icrq(lab, 5, L2TPV3_PW_ETHERNET, 0);
    say_ack(lab, L2TPV3_ZLB);
    int64_t begin_us = lab->now_us;
    lab->c.heard_us = begin_us + 30 * S; /* data came */
    run_to(lab, begin_us + 80 * S);
    g_assert_cmpint(sent(lab, 0).type, !=, L2TPV3_HELLO);
    run_to(lab, begin_us + 91 * S);
    g_assert_cmpint(sent(lab, 0).type, ==, L2TPV3_HELLO);
    say_ack(lab, L2TPV3_ZLB);
    run_to(lab, begin_us + 140 * S);
    g_assert_cmpuint(lab->dead, ==, 0);
    run_to(lab, begin_us + 300 * S); /* no answer any more */
    g_assert_cmpuint(lab->dead, ==, 1);
    g_assert_cmpuint(lab->hung_up, ==, 1);
    g_assert_cmpint(l2tpv3_control_deadline(&lab->c), ==, 0);
    say_sccrq(lab, PEER, "Somebody");
    g_assert_cmpint(lab->c.state, ==, L2TPV3_OPENING);
    run_to(lab, lab->now_us + 60 * S);
    g_assert_cmpuint(lab->dead, ==, 2);
}

static void
test_restart(struct lab *lab, gconstpointer data)
{
    (void)data;
    say_sccrq(lab, PEER, "Somebody");
    uint32_t first = lab->c.local;
    say_sccrq(lab, PEER, "Somebody"); /* a repetition */
    g_assert_cmpuint(lab->c.local, ==, first);
    lab->ns = lab->nr = 1;
    say(lab, L2TPV3_SCCCN);
    say_icrq(lab, 5, L2TPV3_PW_ETHERNET, 0);
    say_sccrq(lab, PEER, "Somebody"); /* a late one */
    g_assert_cmpuint(lab->c.local, ==, first);
    g_assert_cmpuint(lab->hung_up, ==, 0);
    say_sccrq(lab, PEER + 1, "Somebody");
    g_assert_cmpuint(lab->hung_up, ==, 1);
    g_assert_cmpuint(lab->c.local, !=, first);
    lab->nr = 1;
    say(lab, L2TPV3_SCCCN);
    lab->now_us += 11 * S;
    first = lab->c.local;
    say_sccrq(lab, PEER + 1, "Somebody"); /* it always takes the same id */
    g_assert_cmpuint(lab->c.local, !=, first);
}

/* A third of all packets is lost, both ways: the call comes about. */
static void
test_lossy(struct lab *lab, gconstpointer data)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    struct reliable peer;
    struct reader in;
    unsigned seen = 0;

    (void)data;
    reliable_init(&peer);
    struct l2tpv3_builder b;
    l2tpv3_begin(&b, 0, L2TPV3_SCCRQ);
    l2tpv3_put32(&b, L2TPV3_AVP_CONNECTION, 0, PEER);
    struct reader m = l2tpv3_end(&b);
    g_assert_true(reliable_send(&peer, m.at, m.left));
    for (unsigned i = 0; i < 100000 && (lab->called == 0 || !reliable_is_quiet(&peer)); i++) {
        uint16_t ns = 0;
        uint16_t nr = 0;
        lab->now_us += 50000;
        enum reliable_pull what;
        while ((what = reliable_pull(&peer, lab->now_us, &in, &ns, &nr)) != RELIABLE_NOTHING) {
            if (what == RELIABLE_ACK) {
                l2tpv3_begin(&b, lab->c.local, L2TPV3_ZLB);
                in = l2tpv3_end(&b);
                wire_put16(b.bytes + RELIABLE_AT_NS, ns);
                wire_put16(b.bytes + RELIABLE_AT_NR, nr);
            }
            if (g_rand_int_range(rand, 0, 3) > 0)
                l2tpv3_control_receive(&lab->c, in, lab->now_us);
        }
        l2tpv3_control_turn(&lab->c, lab->now_us);
        for (; seen < lab->sent->len; seen++) {
            struct l2tpv3_message got;
            size_t len = 0;
            const uint8_t *at = g_bytes_get_data(g_ptr_array_index(lab->sent, seen), &len);
            g_assert_true(l2tpv3_parse(reader_of(at, len), &got));
            if (g_rand_int_range(rand, 0, 3) > 0)
                (void)reliable_received(&peer, reader_of(at, len), got.is_ack, lab->now_us);
        }
        while (reliable_next(&peer, &in)) {
            struct l2tpv3_message got;
            g_assert_true(l2tpv3_parse(in, &got));
            if (got.type != L2TPV3_SCCRP)
                continue;
            l2tpv3_begin(&b, got.assigned_connection, L2TPV3_SCCCN);
            m = l2tpv3_end(&b);
            g_assert_true(reliable_send(&peer, m.at, m.left));
            l2tpv3_begin(&b, got.assigned_connection, L2TPV3_ICRQ);
            l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, 5);
            m = l2tpv3_end(&b);
            g_assert_true(reliable_send(&peer, m.at, m.left));
        }
    }
    g_assert_cmpuint(lab->called, ==, 1);
    g_assert_cmpuint(lab->dead, ==, 0);
    reliable_clear(&peer);
}

static void
test_malformed(struct lab *lab, gconstpointer data)
{
    struct l2tpv3_message m = {.ns = 99};
    struct l2tpv3_builder b;
    static const uint8_t id[4] = {1, 2, 3, 4};

    (void)data;
    l2tpv3_begin(&b, 7, L2TPV3_ICRQ);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, 5);
    struct reader whole = l2tpv3_end(&b);
    g_assert_true(l2tpv3_parse(whole, &m));
    for (size_t cut = 0; cut < whole.left; cut++) { /* every length but the right one */
        g_autofree uint8_t *exact = g_memdup2(whole.at, MAX(cut, 1));
        m.ns = 99;
        g_assert_false(l2tpv3_parse(reader_of(exact, cut), &m));
        g_assert_cmpuint(m.ns, ==, 99);
        if (cut < L2TPV3_HEADER)
            continue;
        wire_put16(exact + 2, (uint16_t)cut);
        bool between = cut == L2TPV3_HEADER || cut == L2TPV3_HEADER + 8;
        g_assert_true(l2tpv3_parse(reader_of(exact, cut), &m) == between);
    }
    b.bytes[1] = 0x02; /* the other version */
    g_assert_false(l2tpv3_parse(whole, &m));
    b.bytes[1] = 0x03;
    b.bytes[0] = 0x48; /* no control message */
    g_assert_false(l2tpv3_parse(whole, &m));
    b.bytes[0] = 0xc8;
    b.bytes[L2TPV3_HEADER + 5] = 1; /* the type is not the first */
    g_assert_false(l2tpv3_parse(whole, &m));
    b.bytes[L2TPV3_HEADER + 5] = 0;
    b.bytes[L2TPV3_HEADER + 1] = 5; /* shorter than its header */
    g_assert_false(l2tpv3_parse(whole, &m));

    l2tpv3_begin(&b, 7, L2TPV3_ICRQ);
    l2tpv3_put(&b, 0, L2TPV3_AVP_LOCAL_SESSION, id, 3); /* too short a value */
    g_assert_false(l2tpv3_parse(l2tpv3_end(&b), &m));
    l2tpv3_begin(&b, 7, L2TPV3_ICRQ);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, 0, 5);
    b.bytes[L2TPV3_HEADER + 8] |= 0x40; /* hidden */
    g_assert_true(l2tpv3_parse(l2tpv3_end(&b), &m));
    g_assert_cmpuint(m.local_session, ==, 0);

    say_sccrq(lab, 0, "Somebody"); /* no id */
    g_assert_cmpint(lab->c.state, ==, L2TPV3_IDLE);
    say(lab, L2TPV3_SCCCN); /* of no connection */
    g_assert_cmpuint(lab->sent->len, ==, 0);
    open_connection(lab);
    l2tpv3_begin(&b, lab->c.local + 1, L2TPV3_STOPCCN); /* another's */
    peer_send(lab, &b);
    lab->ns--;
    g_assert_cmpint(lab->c.state, ==, L2TPV3_OPEN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, fn) g_test_add("/l2tpv3-control/" name, struct lab, NULL, set_up, fn, tear_down)
    CASE("standard", test_standard);
    CASE("cookies", test_cookies);
    CASE("cisco", test_cisco);
    CASE("yamaha", test_yamaha);
    CASE("refusals", test_refusals);
    CASE("silence", test_silence);
    CASE("restart", test_restart);
    CASE("lossy", test_lossy);
    CASE("malformed", test_malformed);
    return g_test_run();
}
