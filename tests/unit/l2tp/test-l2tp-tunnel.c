/* SPDX-License-Identifier: Apache-2.0 */
/* test-l2tp-tunnel.c - the sequences of RFC 2661 by a peer that is a script, and a whole client
 * over a link that loses, repeats and reorders. */

#include "core/base/error.h"
#include "core/net/wire.h"
#include "core/proto/l2tp/tunnel.h"

#include <glib.h>

#define S  INT64_C(1000000)
#define MS INT64_C(1000)

enum { OURS = 0x1234, THEIRS = 0x4321 };

struct rig {
    struct l2tp_tunnel *t;
    struct secret *secret;
    int64_t now_us;
    GQueue sent; /* of GBytes */
    uint16_t ns, nr;
    unsigned n_up, n_down, random;
    int reason;
    bool refuse;
    struct l2tp_call *last;
    uint8_t bytes[L2TP_MESSAGE_MAX]; /* what was expected last */
};

static void
on_send(void *owner, struct reader packet, int64_t now_us)
{
    struct rig *r = owner;

    g_assert_cmpint(now_us, ==, r->now_us);
    g_queue_push_tail(&r->sent, g_bytes_new(packet.at, packet.left));
}

static void *
on_call_up(void *owner, struct l2tp_call *call, int64_t now_us)
{
    struct rig *r = owner;

    (void)now_us;
    r->n_up++;
    r->last = call;
    return r->refuse ? NULL : r;
}

static void
on_call_down(void *owner, struct l2tp_call *call, int reason, int64_t now_us)
{
    struct rig *r = owner;

    (void)now_us;
    g_assert_true(call->user == r);
    r->n_down++;
    r->reason = reason;
}

static void
on_random(void *owner, void *out, size_t n)
{
    struct rig *r = owner;

    memset(out, (int)++r->random, n);
}

static const struct l2tp_tunnel_ops ops = {
    .send = on_send, .call_up = on_call_up, .call_down = on_call_down, .random = on_random};

static void
rig_init(struct rig *r, bool proven, const char *secret)
{
    struct l2tp_tunnel_config config = {.id = OURS, .proven = proven};

    *r = (struct rig){.now_us = S};
    if (secret)
        config.secret = r->secret = secret_text(secret);
    g_queue_init(&r->sent);
    r->t = l2tp_tunnel_new(&config, &ops, r, r->now_us);
}

static void
rig_done(struct rig *r)
{
    l2tp_tunnel_free(r->t);
    secret_free(r->secret);
    g_queue_clear_full(&r->sent, (GDestroyNotify)g_bytes_unref);
}

/* ---- the peer's messages ---- */

static void
receive(struct rig *r, const uint8_t *bytes, size_t len)
{
    struct reader packet = reader_of(bytes, len);
    struct l2tp_header h;

    g_assert_true(l2tp_header_parse(packet, &h));
    l2tp_tunnel_receive(r->t, &h, packet, r->now_us);
}

#define MESSAGE(w)                          \
    uint8_t bytes_of_##w[L2TP_MESSAGE_MAX]; \
    struct writer w = writer_of(bytes_of_##w, sizeof(bytes_of_##w))

static void
say(struct rig *r, struct writer *w)
{
    g_assert_true(l2tp_end(w));
    wire_put16(w->start + 8, r->ns++);
    wire_put16(w->start + 10, r->nr);
    receive(r, w->start, w->len);
}

static void
say_simple(struct rig *r, enum l2tp_message_type type, uint16_t session)
{
    MESSAGE(w);

    l2tp_begin(&w, type, OURS, session);
    say(r, &w);
}

static void
say_ack(struct rig *r)
{
    uint8_t ack[L2TP_CONTROL_HEADER];

    l2tp_write_ack(ack, OURS, r->ns, r->nr);
    receive(r, ack, sizeof(ack));
}

/* The shortest that is right: 61 bytes with this name. */
static void
write_sccrq(struct writer *w, const char *name)
{
    l2tp_begin(w, L2TP_SCCRQ, 0, 0);
    l2tp_put_u16(w, L2TP_AVP_PROTOCOL_VERSION, 0x0100);
    l2tp_put_u32(w, L2TP_AVP_FRAMING_CAPABILITIES, 3);
    l2tp_put(w, L2TP_AVP_HOST_NAME, name, strlen(name));
    l2tp_put_u16(w, L2TP_AVP_TUNNEL_ID, THEIRS);
}

static void
say_sccrq(struct rig *r)
{
    MESSAGE(w);

    write_sccrq(&w, "anonymous");
    say(r, &w);
}

static void
say_icrq(struct rig *r, uint16_t peer_id)
{
    MESSAGE(w);

    l2tp_begin(&w, L2TP_ICRQ, OURS, 0);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, peer_id);
    say(r, &w);
}

static void
say_stop(struct rig *r)
{
    MESSAGE(w);

    l2tp_begin(&w, L2TP_STOPCCN, OURS, 0);
    l2tp_put_result(&w, L2TP_STOP_CLEAR, 0, NULL);
    l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, THEIRS);
    say(r, &w);
}

/* ---- ours ---- */

/* The next packet, a message of this type. */
static void
expect(struct rig *r, enum l2tp_message_type type, struct l2tp_message *m, uint16_t *session)
{
    g_autoptr(GBytes) b = g_queue_pop_head(&r->sent);
    struct l2tp_header h;

    g_assert_nonnull(b);
    memcpy(r->bytes, g_bytes_get_data(b, NULL), g_bytes_get_size(b));
    g_assert_true(l2tp_header_parse(reader_of(r->bytes, g_bytes_get_size(b)), &h));
    g_assert_true(h.is_control);
    g_assert_cmphex(h.tunnel, ==, THEIRS);
    g_assert_cmpuint(h.ns, ==, r->nr);
    r->nr++;
    g_assert_true(l2tp_message_parse(h.payload, r->secret, m));
    g_assert_cmpuint(m->type, ==, type);
    if (session)
        *session = h.session;
}

static void
expect_result(struct rig *r, enum l2tp_message_type type, uint16_t result)
{
    struct l2tp_message m;
    uint16_t value = 0;

    expect(r, type, &m, NULL);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_RESULT, &value));
    g_assert_cmpuint(value, ==, result);
    g_assert_true(
        l2tp_message_u16(&m, type == L2TP_CDN ? L2TP_AVP_SESSION_ID : L2TP_AVP_TUNNEL_ID, &value));
}

static void
expect_ack(struct rig *r)
{
    g_autoptr(GBytes) b = g_queue_pop_head(&r->sent);

    g_assert_nonnull(b);
    g_assert_cmpuint(g_bytes_get_size(b), ==, L2TP_CONTROL_HEADER);
    const uint8_t *at = g_bytes_get_data(b, NULL);
    g_assert_cmphex(wire_get16(at + 4), ==, THEIRS);
    g_assert_cmpuint(wire_get16(at + 8), ==, r->nr);
    g_assert_cmpuint(wire_get16(at + 10), ==, r->ns);
}

static void
expect_nothing(struct rig *r)
{
    g_assert_null(g_queue_peek_head(&r->sent));
}

/* Time passes, with each deadline on the way. */
static void
pass(struct rig *r, int64_t us)
{
    int64_t end_us = r->now_us + us;

    for (;;) {
        int64_t due_us = l2tp_tunnel_deadline(r->t);
        if (due_us == 0 || due_us > end_us)
            break;
        r->now_us = MAX(r->now_us, due_us);
        l2tp_tunnel_tick(r->t, r->now_us);
        due_us = l2tp_tunnel_deadline(r->t);
        g_assert_true(due_us == 0 || due_us > r->now_us);
    }
    r->now_us = end_us;
}

static void
get_open(struct rig *r)
{
    struct l2tp_message m;

    say_sccrq(r);
    expect(r, L2TP_SCCRP, &m, NULL);
    say_simple(r, L2TP_SCCCN, 0);
    g_assert_cmpint(r->t->state, ==, L2TP_OPEN);
    pass(r, S / 5);
    expect_ack(r);
}

/* Our id of it. */
static uint16_t
get_call(struct rig *r, uint16_t peer_id)
{
    struct l2tp_message m;
    uint16_t session = 0;
    uint16_t id = 0;
    unsigned n = r->n_up;

    say_icrq(r, peer_id);
    expect(r, L2TP_ICRP, &m, &session);
    g_assert_cmpuint(session, ==, peer_id);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_SESSION_ID, &id));
    g_assert_cmpuint(id, !=, 0);
    say_simple(r, L2TP_ICCN, id);
    g_assert_cmpuint(r->n_up, ==, n + 1);
    g_assert_cmpuint(r->last->id, ==, id);
    g_assert_true(l2tp_tunnel_call(r->t, id) == r->last);
    pass(r, S / 5);
    expect_ack(r);
    return id;
}

/* ---- sequences ---- */

static void
test_life(void)
{
    struct rig r;
    struct l2tp_message m;
    uint16_t value = 0;

    rig_init(&r, true, NULL);
    say_sccrq(&r);
    expect(&r, L2TP_SCCRP, &m, NULL);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &value));
    g_assert_cmphex(value, ==, OURS);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_PROTOCOL_VERSION, &value));
    g_assert_cmphex(value, ==, 0x0100);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_WINDOW, &value));
    g_assert_cmpuint(value, >=, 4);
    g_assert_cmpuint(m.value[L2TP_AVP_FRAMING_CAPABILITIES].at[3], ==, 3);
    g_assert_cmpuint(m.value[L2TP_AVP_HOST_NAME].left, >, 0);
    g_assert_false(l2tp_message_has(&m, L2TP_AVP_CHALLENGE));
    g_assert_cmpstr(r.t->peer_name, ==, "anonymous");
    say_simple(&r, L2TP_SCCCN, 0);
    pass(&r, S / 5);
    expect_ack(&r);

    uint16_t one = get_call(&r, 100);
    uint16_t two = get_call(&r, 200);
    g_assert_cmpuint(one, !=, two);
    g_assert_false(r.last->sequenced);
    say_simple(&r, L2TP_HELLO, 0);
    say_simple(&r, L2TP_SLI, one);
    say_simple(&r, L2TP_WEN, one);
    say_simple(&r, 77, 0);
    pass(&r, S / 5);
    expect_ack(&r);

    MESSAGE(w); /* theirs */
    l2tp_begin(&w, L2TP_CDN, OURS, one);
    l2tp_put_result(&w, L2TP_CALL_ADMINISTRATIVE, 0, NULL);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, 100);
    say(&r, &w);
    g_assert_cmpuint(r.n_down, ==, 1);
    g_assert_cmpint(r.reason, ==, PE_CANCELLED);
    g_assert_null(l2tp_tunnel_call(r.t, one));
    l2tp_tunnel_hang_up(r.t, l2tp_tunnel_call(r.t, two), L2TP_CALL_CARRIER, r.now_us); /* ours */
    expect_result(&r, L2TP_CDN, L2TP_CALL_CARRIER);
    g_assert_cmpuint(r.n_down, ==, 1);
    say_stop(&r);
    expect_ack(&r);
    g_assert_cmpint(r.t->state, ==, L2TP_LINGERING);
    r.ns--;
    say_stop(&r); /* once more */
    expect_ack(&r);
    pass(&r, (L2TP_LINGER_S - 1) * S);
    g_assert_cmpint(r.t->state, ==, L2TP_LINGERING);
    pass(&r, S);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    expect_nothing(&r);
    rig_done(&r);
}

static void
test_calls(void)
{
    struct rig r;
    struct l2tp_message m;
    uint16_t session = 0;
    uint16_t id = 0;

    rig_init(&r, true, NULL);
    get_open(&r);
    MESSAGE(w);
    l2tp_begin(&w, L2TP_OCRQ, OURS, 0); /* we call nobody */
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, 9);
    say(&r, &w);
    expect(&r, L2TP_CDN, &m, &session);
    g_assert_cmpuint(session, ==, 9);

    (void)get_call(&r, 100);
    say_icrq(&r, 100); /* it has forgotten that one */
    g_assert_cmpuint(r.n_down, ==, 1);
    expect(&r, L2TP_ICRP, &m, NULL);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_SESSION_ID, &id));
    w = writer_of(bytes_of_w, sizeof(bytes_of_w));
    l2tp_begin(&w, L2TP_ICCN, OURS, id);
    l2tp_put(&w, L2TP_AVP_SEQUENCING_REQUIRED, NULL, 0);
    say(&r, &w);
    g_assert_true(r.last->up && r.last->sequenced);
    w = writer_of(bytes_of_w, sizeof(bytes_of_w));
    l2tp_begin(&w, L2TP_CDN, OURS, 0); /* which one stands in the AVP alone */
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, 100);
    say(&r, &w);
    g_assert_cmpuint(r.n_down, ==, 2);
    pass(&r, S / 5);
    expect_ack(&r);

    say_icrq(&r, 300); /* refused by the owner */
    expect(&r, L2TP_ICRP, &m, NULL);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_SESSION_ID, &id));
    r.refuse = true;
    say_simple(&r, L2TP_ICCN, id);
    expect_result(&r, L2TP_CDN, L2TP_CALL_NO_FACILITIES);
    say_ack(&r);
    say_simple(&r, L2TP_ICCN, id); /* there is none any more */
    expect_result(&r, L2TP_CDN, L2TP_CALL_ERROR);
    say_icrq(&r, 0);
    expect_result(&r, L2TP_CDN, L2TP_CALL_ERROR);
    g_assert_cmpuint(r.t->n_calls, ==, 0);

    say_icrq(&r, 400); /* never connected */
    expect(&r, L2TP_ICRP, &m, NULL);
    say_ack(&r);
    pass(&r, L2TP_SETUP_S * S);
    expect_result(&r, L2TP_CDN, 10);
    rig_done(&r);
}

static void
test_authentication(void)
{
    static const char challenge[] = "their challenge";
    struct rig r;
    struct l2tp_message m;
    uint8_t digest[L2TP_DIGEST];
    const struct reader theirs = reader_of(challenge, sizeof(challenge));

    for (unsigned wrong = 0; wrong < 3; wrong++) {
        rig_init(&r, true, "s3cret");
        MESSAGE(w);
        write_sccrq(&w, "cisco");
        l2tp_put(&w, L2TP_AVP_CHALLENGE, challenge, sizeof(challenge));
        say(&r, &w);
        expect(&r, L2TP_SCCRP, &m, NULL);
        g_assert_true(l2tp_challenge_response(L2TP_SCCRP, r.secret, theirs, digest));
        g_assert_cmpuint(m.value[L2TP_AVP_CHALLENGE_RESPONSE].left, ==, sizeof(digest));
        g_assert_true(memcmp(m.value[L2TP_AVP_CHALLENGE_RESPONSE].at, digest, sizeof(digest)) == 0);
        g_assert_true(
            l2tp_challenge_response(L2TP_SCCCN, r.secret, m.value[L2TP_AVP_CHALLENGE], digest));
        w = writer_of(bytes_of_w, sizeof(bytes_of_w));
        l2tp_begin(&w, L2TP_SCCCN, OURS, 0);
        digest[15] ^= wrong == 1;
        if (wrong < 2)
            l2tp_put(&w, L2TP_AVP_CHALLENGE_RESPONSE, digest, sizeof(digest));
        say(&r, &w);
        g_assert_cmpint(r.t->state, ==, wrong ? L2TP_CLOSING : L2TP_OPEN);
        if (wrong) {
            expect_result(&r, L2TP_STOPCCN, L2TP_STOP_NOT_AUTHORIZED);
            say_ack(&r);
            g_assert_cmpint(r.t->state, ==, L2TP_OVER);
        }
        rig_done(&r);
    }

    rig_init(&r, true, NULL); /* we have no secret: their challenge stays without an answer */
    MESSAGE(w);
    write_sccrq(&w, "x");
    l2tp_put(&w, L2TP_AVP_CHALLENGE, challenge, sizeof(challenge));
    say(&r, &w);
    expect(&r, L2TP_SCCRP, &m, NULL);
    g_assert_false(l2tp_message_has(&m, L2TP_AVP_CHALLENGE_RESPONSE));
    rig_done(&r);
}

static void
test_hidden_id(void)
{
    struct rig r;
    struct l2tp_message m;
    const struct reader rv = reader_of("random", 6);
    const struct reader id = reader_of("\x43\x21", 2);

    rig_init(&r, true, "s3cret");
    MESSAGE(w);
    l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
    l2tp_put(&w, L2TP_AVP_RANDOM_VECTOR, rv.at, rv.left);
    l2tp_put_hidden(&w, L2TP_AVP_TUNNEL_ID, id, 9, r.secret, rv);
    say(&r, &w);
    expect(&r, L2TP_SCCRP, &m, NULL);
    rig_done(&r);

    rig_init(&r, true, NULL); /* nobody can tell where to answer to */
    receive(&r, w.start, w.len);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    expect_nothing(&r);
    rig_done(&r);
}

static void
test_version(void)
{
    for (unsigned proven = 0; proven < 2; proven++) {
        struct rig r;
        MESSAGE(w);

        rig_init(&r, proven != 0, NULL);
        l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
        l2tp_put_u16(&w, L2TP_AVP_PROTOCOL_VERSION, 0x0200);
        l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, THEIRS);
        say(&r, &w);
        expect_result(&r, L2TP_STOPCCN, L2TP_STOP_VERSION);
        g_assert_cmpint(r.t->state, ==, proven ? L2TP_CLOSING : L2TP_OVER);
        rig_done(&r);
    }
}

/* ---- strangers ---- */

static size_t
answer_to(struct rig *r, const char *name, size_t *asked)
{
    MESSAGE(w);

    write_sccrq(&w, name);
    *asked = w.len;
    say(r, &w);
    const GBytes *b = g_queue_peek_head(&r->sent);
    return b ? g_bytes_get_size((GBytes *)b) : 0;
}

static void
test_stranger(void)
{
    struct rig r;
    struct l2tp_message m;
    size_t asked = 0;

    for (unsigned n = 0; n < 60; n++) { /* never more than was asked with */
        char name[64] = "";
        memset(name, 'x', n);
        rig_init(&r, false, NULL);
        size_t answered = answer_to(&r, name, &asked);
        g_assert_cmpuint(answered, >, 0);
        g_assert_cmpuint(answered, <=, asked);
        expect(&r, L2TP_SCCRP, &m, NULL);
        rig_done(&r);
    }
    rig_init(&r, false, "s3cret"); /* our challenge has no room */
    g_assert_cmpuint(answer_to(&r, "x", &asked), ==, 0);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    rig_done(&r);

    rig_init(&r, false, NULL);
    say_sccrq(&r);
    g_autoptr(GBytes) first = g_bytes_ref(g_queue_peek_head(&r.sent));
    expect(&r, L2TP_SCCRP, &m, NULL);
    pass(&r, 5 * S);
    expect_nothing(&r); /* nothing by itself */
    r.ns = r.nr = 0;
    say_sccrq(&r);
    g_assert_true(g_bytes_equal(first, g_queue_peek_head(&r.sent))); /* the same */
    expect(&r, L2TP_SCCRP, &m, NULL);
    MESSAGE(w);
    write_sccrq(&w, "");
    r.ns = 0;
    say(&r, &w); /* shorter than the answer */
    expect_nothing(&r);
    pass(&r, 5 * S);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    expect_nothing(&r);
    rig_done(&r);

    rig_init(&r, false, NULL);
    get_open(&r); /* it has shown that it gets our packets */
    say_icrq(&r, 100);
    expect(&r, L2TP_ICRP, &m, NULL);
    pass(&r, S);
    r.nr--;
    expect(&r, L2TP_ICRP, &m, NULL); /* once more */
    rig_done(&r);
}

/* ---- time ---- */

static void
test_resend(void)
{
    static const unsigned after_s[] = {0, 1, 3, 7, 15, 23};
    struct rig r;
    struct l2tp_message m;

    rig_init(&r, true, NULL);
    get_open(&r);
    say_ack(&r);
    pass(&r, (L2TP_NO_CALL_S - 1) * S);
    expect_nothing(&r);
    r.now_us = l2tp_tunnel_deadline(r.t);
    l2tp_tunnel_tick(r.t, r.now_us);
    int64_t begin_us = r.now_us;
    for (unsigned i = 0; i < G_N_ELEMENTS(after_s); i++) {
        int64_t at_us = begin_us + after_s[i] * S;
        if (at_us > r.now_us) {
            pass(&r, at_us - r.now_us - 1);
            expect_nothing(&r);
            pass(&r, 1);
        }
        expect(&r, L2TP_STOPCCN, &m, NULL);
        r.nr--;
    }
    g_assert_cmpint(r.t->state, ==, L2TP_CLOSING);
    pass(&r, 9 * S);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    rig_done(&r);
}

static void
test_last_call(void)
{
    struct rig r;

    rig_init(&r, true, NULL);
    get_open(&r);
    (void)get_call(&r, 100);
    pass(&r, (L2TP_HELLO_S - 1) * S);
    expect_nothing(&r); /* as long as there is one */
    l2tp_tunnel_hang_up(r.t, r.last, L2TP_CALL_ADMINISTRATIVE, r.now_us);
    expect_result(&r, L2TP_CDN, L2TP_CALL_ADMINISTRATIVE);
    say_ack(&r);
    pass(&r, L2TP_LAST_CALL_S * S);
    expect_result(&r, L2TP_STOPCCN, L2TP_STOP_CLEAR);
    say_ack(&r);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    rig_done(&r);
}

static void
drain(struct rig *r)
{
    g_queue_clear_full(&r->sent, (GDestroyNotify)g_bytes_unref);
}

static void
test_hello(void)
{
    struct rig r;
    struct l2tp_message m;

    rig_init(&r, true, NULL);
    get_open(&r);
    uint16_t id = get_call(&r, 100);
    pass(&r, L2TP_HELLO_S * S);
    expect(&r, L2TP_HELLO, &m, NULL);
    say_ack(&r);
    pass(&r, (L2TP_HELLO_S - 1) * S);
    expect_nothing(&r);
    pass(&r, S);
    expect(&r, L2TP_HELLO, &m, NULL);
    for (unsigned i = 0; i < 60; i++) { /* never acknowledged, but data comes */
        r.t->heard_us = r.now_us;
        pass(&r, 10 * S);
    }
    g_assert_cmpint(r.t->state, ==, L2TP_OPEN);
    drain(&r);
    r.nr--; /* the HELLO that was never seen */
    MESSAGE(w);
    l2tp_begin(&w, L2TP_CDN, OURS, id);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, 100);
    say(&r, &w); /* is heard all the same */
    g_assert_cmpuint(r.n_down, ==, 1);
    g_assert_cmpint(r.reason, ==, PE_CANCELLED);
    rig_done(&r);

    rig_init(&r, true, NULL);
    get_open(&r);
    (void)get_call(&r, 100);
    pass(&r, L2TP_HELLO_S * S + 40 * S); /* all is silent */
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    g_assert_cmpuint(r.n_down, ==, 1);
    g_assert_cmpint(r.reason, ==, PE_SESSION_TIMEOUT);
    g_assert_cmpint(l2tp_tunnel_deadline(r.t), ==, 0);
    rig_done(&r);
}

/* ---- what is wrong ---- */

static void
test_wrong(void)
{
    struct rig r;
    struct l2tp_message m;

    rig_init(&r, true, NULL); /* no opening */
    MESSAGE(w);
    l2tp_begin(&w, L2TP_SCCCN, 0, 0);
    say(&r, &w);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    rig_done(&r);

    rig_init(&r, true, NULL); /* not the first one */
    r.ns = 1;
    say_sccrq(&r);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    expect_nothing(&r);
    rig_done(&r);

    rig_init(&r, true, NULL); /* without an id to answer to */
    w = writer_of(bytes_of_w, sizeof(bytes_of_w));
    l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
    say(&r, &w);
    g_assert_cmpint(r.t->state, ==, L2TP_OVER);
    expect_nothing(&r);
    rig_done(&r);

    rig_init(&r, true, NULL); /* a call before the tunnel is open */
    say_sccrq(&r);
    expect(&r, L2TP_SCCRP, &m, NULL);
    say_icrq(&r, 100);
    g_assert_cmpuint(r.t->n_calls, ==, 0);
    w = writer_of(bytes_of_w, sizeof(bytes_of_w));
    l2tp_begin(&w, L2TP_SCCCN, OURS, 0);
    writer_bytes(&w, "\x80\x05\0\0\0\0", 6); /* cannot be read: passed over */
    say(&r, &w);
    g_assert_cmpint(r.t->state, ==, L2TP_OPENING);
    say_simple(&r, L2TP_SCCCN, 0);
    say_simple(&r, L2TP_SCCCN, 0);
    g_assert_cmpint(r.t->state, ==, L2TP_OPEN);
    (void)m;
    rig_done(&r);
}

/* ---- a link that loses ---- */

enum { LINK_MS = 10, LINK_MAX = 512, LINK_LOSS = 20, LINK_CALLS = 12 };

struct flying {
    GBytes *packet;
    int64_t at_us;
};

/* A whole client: the same channel on its side. */
struct lossy {
    struct rig r;
    GRand *rand;
    struct reliable lac;
    struct flying up[LINK_MAX], down[LINK_MAX];
    uint16_t peer_id;
    bool open, stopped;
    uint16_t id[LINK_CALLS]; /* the server's */
    unsigned n_icrp, n_cdn;
};

static void
fly(struct lossy *l, struct flying *link, const void *bytes, size_t len)
{
    unsigned copies = g_rand_int_range(l->rand, 0, 10) == 0 ? 2 : 1;

    for (; copies > 0; copies--) {
        if (g_rand_int_range(l->rand, 0, 100) < LINK_LOSS)
            continue;
        for (unsigned i = 0; i < LINK_MAX; i++) {
            if (link[i].packet)
                continue;
            link[i].packet = g_bytes_new(bytes, len);
            link[i].at_us = l->r.now_us + g_rand_int_range(l->rand, 1, 400) * MS;
            break;
        }
    }
}

static void
lac_send(struct lossy *l, struct writer *w)
{
    g_assert_true(l2tp_end(w));
    g_assert_true(reliable_send(&l->lac, w->start, w->len));
}

static void
lac_hears(struct lossy *l, struct reader packet)
{
    struct l2tp_header h;
    struct l2tp_message m;
    MESSAGE(w);

    g_assert_true(l2tp_header_parse(packet, &h));
    g_assert_true(l2tp_message_parse(h.payload, NULL, &m));
    if (m.type == L2TP_SCCRP) {
        g_assert_false(l->open);
        l->open = true;
        g_assert_true(l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &l->peer_id));
        l2tp_begin(&w, L2TP_SCCCN, l->peer_id, 0);
        lac_send(l, &w);
        for (unsigned i = 0; i < LINK_CALLS; i++) {
            w = writer_of(bytes_of_w, sizeof(bytes_of_w));
            l2tp_begin(&w, L2TP_ICRQ, l->peer_id, 0);
            l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, (uint16_t)(i + 1));
            lac_send(l, &w);
        }
    } else if (m.type == L2TP_ICRP) {
        g_assert_cmpuint(l->id[h.session - 1], ==, 0);
        g_assert_true(l2tp_message_u16(&m, L2TP_AVP_SESSION_ID, &l->id[h.session - 1]));
        l->n_icrp++;
        l2tp_begin(&w, L2TP_ICCN, l->peer_id, l->id[h.session - 1]);
        lac_send(l, &w);
    } else if (m.type == L2TP_CDN) {
        l->n_cdn++;
    } else if (m.type != L2TP_HELLO) { /* which comes when acknowledgements were lost for long */
        g_assert_cmpuint(m.type, ==, L2TP_STOPCCN);
        l->stopped = true;
    }
}

static void
lac_receive(struct lossy *l, const uint8_t *bytes, size_t len)
{
    struct reader message;

    (void)reliable_received(&l->lac, reader_of(bytes, len), len == L2TP_CONTROL_HEADER,
                            l->r.now_us);
    while (reliable_next(&l->lac, &message))
        lac_hears(l, message);
}

static void
land(struct lossy *l, struct flying *link, bool up)
{
    for (unsigned i = 0; i < LINK_MAX; i++) {
        if (!link[i].packet || link[i].at_us > l->r.now_us)
            continue;
        g_autoptr(GBytes) b = g_steal_pointer(&link[i].packet);
        if (up)
            receive(&l->r, g_bytes_get_data(b, NULL), g_bytes_get_size(b));
        else
            lac_receive(l, g_bytes_get_data(b, NULL), g_bytes_get_size(b));
    }
}

static void
lossy_turn(struct lossy *l)
{
    struct reader packet;
    uint8_t ack[L2TP_CONTROL_HEADER];
    uint16_t ns = 0;
    uint16_t nr = 0;
    enum reliable_pull what = RELIABLE_NOTHING;
    GBytes *b = NULL;

    l->r.now_us += LINK_MS * MS;
    land(l, l->up, true);
    land(l, l->down, false);
    if (l2tp_tunnel_deadline(l->r.t) > 0 && l2tp_tunnel_deadline(l->r.t) <= l->r.now_us)
        l2tp_tunnel_tick(l->r.t, l->r.now_us);
    while ((what = reliable_pull(&l->lac, l->r.now_us, &packet, &ns, &nr)) != RELIABLE_NOTHING) {
        if (what == RELIABLE_ACK) {
            l2tp_write_ack(ack, l->peer_id, ns, nr);
            packet = reader_of(ack, sizeof(ack));
        }
        fly(l, l->up, packet.at, packet.left);
    }
    while ((b = g_queue_pop_head(&l->r.sent)) != NULL) {
        fly(l, l->down, g_bytes_get_data(b, NULL), g_bytes_get_size(b));
        g_bytes_unref(b);
    }
}

#define lossy_until(l, condition)                         \
    do {                                                  \
        for (unsigned i = 0; !(condition); i++) {         \
            g_assert_cmpuint(i, <, 600 * 1000 / LINK_MS); \
            lossy_turn(l);                                \
        }                                                 \
    } while (0)

static void
one_lossy_run(unsigned seed)
{
    struct lossy *l = g_new0(struct lossy, 1);
    MESSAGE(w);

    rig_init(&l->r, true, NULL);
    l->rand = g_rand_new_with_seed(seed);
    reliable_init(&l->lac);
    write_sccrq(&w, "lossy");
    lac_send(l, &w);
    lossy_until(l, l->r.n_up == LINK_CALLS);
    g_assert_cmpuint(l->n_icrp, ==, LINK_CALLS);
    for (unsigned i = 0; i < LINK_CALLS / 2; i++)
        l2tp_tunnel_hang_up(l->r.t, l2tp_tunnel_call(l->r.t, l->id[i]), L2TP_CALL_ADMINISTRATIVE,
                            l->r.now_us);
    lossy_until(l, l->n_cdn == LINK_CALLS / 2);
    l2tp_tunnel_close(l->r.t, L2TP_STOP_SHUTDOWN, PE_DISCONNECTED, l->r.now_us);
    lossy_until(l, l->stopped && l->r.t->state == L2TP_OVER);
    g_assert_cmpuint(l->r.n_up, ==, LINK_CALLS);
    g_assert_cmpuint(l->r.n_down, ==, LINK_CALLS / 2);
    for (unsigned i = 0; i < LINK_MAX; i++) {
        g_clear_pointer(&l->up[i].packet, g_bytes_unref);
        g_clear_pointer(&l->down[i].packet, g_bytes_unref);
    }
    reliable_clear(&l->lac);
    g_rand_free(l->rand);
    rig_done(&l->r);
    g_free(l);
}

static void
test_lossy(void)
{
    for (unsigned seed = 1; seed <= 20; seed++)
        one_lossy_run(seed);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l2tp/tunnel/life", test_life);
    g_test_add_func("/l2tp/tunnel/calls", test_calls);
    g_test_add_func("/l2tp/tunnel/authentication", test_authentication);
    g_test_add_func("/l2tp/tunnel/hidden-id", test_hidden_id);
    g_test_add_func("/l2tp/tunnel/version", test_version);
    g_test_add_func("/l2tp/tunnel/stranger", test_stranger);
    g_test_add_func("/l2tp/tunnel/resend", test_resend);
    g_test_add_func("/l2tp/tunnel/last-call", test_last_call);
    g_test_add_func("/l2tp/tunnel/hello", test_hello);
    g_test_add_func("/l2tp/tunnel/wrong", test_wrong);
    g_test_add_func("/l2tp/tunnel/lossy", test_lossy);
    return g_test_run();
}
