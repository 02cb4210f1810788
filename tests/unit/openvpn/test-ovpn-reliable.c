/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-reliable.c - each rule of the layer by itself, and then two layers that talk over a
 * link that loses, doubles and delays: everything arrives, once, in order. */

#include "core/proto/openvpn/reliable.h"

#include <glib.h>

#define MS INT64_C(1000)

static struct ovpn_control
packet(uint32_t id, const char *payload)
{
    return (struct ovpn_control){.op = OVPN_CONTROL_V1,
                                 .has_id = true,
                                 .id = id,
                                 .payload = reader_of(payload, strlen(payload))};
}

static struct ovpn_control
acks(const uint32_t *id, unsigned n)
{
    struct ovpn_control c = {.op = OVPN_ACK_V1, .n_acks = (uint8_t)n};

    memcpy(c.ack, id, n * sizeof(id[0]));
    return c;
}

static void
receive(struct ovpn_reliable *r, uint32_t id, const char *payload)
{
    struct ovpn_control c = packet(id, payload);

    g_assert_true(ovpn_reliable_received(r, &c, 0));
}

static void
receive_ack(struct ovpn_reliable *r, uint32_t id, int64_t now_us)
{
    struct ovpn_control c = acks(&id, 1);

    g_assert_true(ovpn_reliable_received(r, &c, now_us));
}

static void
assert_next(struct ovpn_reliable *r, const char *want)
{
    enum ovpn_op op = 0;
    struct reader payload;

    g_assert_true(ovpn_reliable_next(r, &op, &payload) == (want != NULL));
    if (!want)
        return;
    g_assert_cmpint(op, ==, OVPN_CONTROL_V1);
    g_assert_cmpmem(payload.at, (int)payload.left, want, (int)strlen(want));
}

/* Pulls one packet: its id, or -1 for an ACK_V1, or -2 for nothing. */
static int
pull(struct ovpn_reliable *r, int64_t now_us, struct ovpn_control *c)
{
    *c = (struct ovpn_control){0};
    if (!ovpn_reliable_pull(r, now_us, c))
        return -2;
    g_assert_true(c->has_id == (c->op != OVPN_ACK_V1));
    return c->has_id ? (int)c->id : -1;
}

/* ---- receiving ---- */

static void
test_order(void)
{
    struct ovpn_reliable r;
    struct ovpn_control c;

    ovpn_reliable_init(&r);
    assert_next(&r, NULL);
    receive(&r, 1, "b");
    assert_next(&r, NULL);
    receive(&r, 0, "a");
    receive(&r, 2, "");
    receive(&r, 1, "never");
    assert_next(&r, "a");
    assert_next(&r, "b");
    assert_next(&r, "");
    assert_next(&r, NULL);
    receive(&r, 1, "never"); /* delivered long ago: acknowledged again */
    assert_next(&r, NULL);
    g_assert_cmpint(pull(&r, 0, &c), ==, -1);
    g_assert_cmpuint(c.n_acks, ==, 3);
    g_assert_cmpuint(c.ack[0], ==, 1);
    g_assert_cmpuint(c.ack[1], ==, 0);
    g_assert_cmpuint(c.ack[2], ==, 2);
    g_assert_cmpint(pull(&r, 0, &c), ==, -2);
    receive(&r, 2, "never");
    g_assert_cmpint(pull(&r, 0, &c), ==, -1);
    ovpn_reliable_clear(&r);
}

static void
test_window(void)
{
    struct ovpn_reliable r;
    struct ovpn_control last = packet(OVPN_RECEIVE_WINDOW - 1, "last");
    struct ovpn_control beyond = packet(OVPN_RECEIVE_WINDOW, "beyond");
    struct ovpn_control far = packet(UINT32_MAX, "far");
    struct ovpn_control c;

    ovpn_reliable_init(&r);
    g_assert_true(ovpn_reliable_received(&r, &last, 0));
    g_assert_false(ovpn_reliable_received(&r, &beyond, 0));
    g_assert_false(ovpn_reliable_received(&r, &far, 0));
    g_assert_cmpint(pull(&r, 0, &c), ==, -1);
    g_assert_cmpuint(c.n_acks, ==, 1); /* what was not taken is not acknowledged */
    receive(&r, 0, "first");
    assert_next(&r, "first");
    g_assert_true(ovpn_reliable_received(&r, &beyond, 0));
    ovpn_reliable_clear(&r);
}

static void
test_payload_stays(void)
{
    struct ovpn_reliable r;
    enum ovpn_op op = 0;
    struct reader payload;

    ovpn_reliable_init(&r);
    receive(&r, 0, "one");
    receive(&r, 1, "two");
    g_assert_true(ovpn_reliable_next(&r, &op, &payload));
    receive(&r, OVPN_RECEIVE_WINDOW, "the same slot");
    g_assert_cmpmem(payload.at, (int)payload.left, "one", 3);
    ovpn_reliable_clear(&r);
    ovpn_reliable_clear(&r);
}

/* ---- acknowledging ---- */

static void
test_recent(void)
{
    struct ovpn_reliable r;
    struct ovpn_control c;

    ovpn_reliable_init(&r);
    for (uint32_t id = 0; id < 10; id++) {
        receive(&r, id, "x");
        assert_next(&r, "x");
    }
    g_assert_cmpint(pull(&r, 0, &c), ==, -1); /* eight, then the rest and what there is room for */
    g_assert_cmpuint(c.n_acks, ==, OVPN_ACKS_MAX);
    g_assert_cmpint(pull(&r, 0, &c), ==, -1);
    g_assert_cmpuint(c.n_acks, ==, OVPN_ACKS_MAX);
    g_assert_cmpuint(c.ack[0], ==, 8);
    g_assert_cmpuint(c.ack[1], ==, 9);
    for (unsigned i = 2; i < c.n_acks; i++)
        g_assert_cmpuint(c.ack[i], <, 8);
    ovpn_reliable_send(&r, OVPN_CONTROL_V1, "y", 1, 0);
    g_assert_cmpint(pull(&r, 0, &c), ==, 0); /* old ones once more, the newest of them */
    g_assert_cmpuint(c.n_acks, ==, OVPN_PIGGYBACK_ACKS);
    g_assert_cmpuint(c.ack[0], ==, 8);
    g_assert_cmpuint(c.ack[1], ==, 9);
    g_assert_cmpint(pull(&r, 0, &c), ==, -2);
    ovpn_reliable_clear(&r);
}

static void
test_piggyback(void)
{
    struct ovpn_reliable r;
    struct ovpn_control c;

    ovpn_reliable_init(&r);
    ovpn_reliable_send(&r, OVPN_HARD_RESET_SERVER_V2, NULL, 0, 0);
    for (uint32_t id = 0; id < 6; id++)
        receive(&r, id, "x");
    g_assert_cmpint(pull(&r, 0, &c), ==, 0);
    g_assert_cmpint(c.op, ==, OVPN_HARD_RESET_SERVER_V2);
    g_assert_cmpuint(c.n_acks, ==, OVPN_PIGGYBACK_ACKS);
    g_assert_cmpint(pull(&r, 0, &c), ==, -1);
    g_assert_cmpuint(c.ack[0], ==, 4);
    g_assert_cmpuint(c.ack[1], ==, 5);
    g_assert_cmpint(pull(&r, 0, &c), ==, -2);
    ovpn_reliable_clear(&r);
}

/* ---- sending ---- */

static void
test_resend(void)
{
    struct ovpn_reliable r;
    struct ovpn_control c;
    int64_t now = 5000 * MS;
    int64_t wait = OVPN_RESEND_US;

    ovpn_reliable_init(&r);
    g_assert_cmpint(ovpn_reliable_deadline(&r), ==, 0);
    g_assert_true(ovpn_reliable_is_quiet(&r));
    ovpn_reliable_send(&r, OVPN_CONTROL_V1, "hello", 5, now);
    g_assert_cmpint(ovpn_reliable_deadline(&r), <=, now);
    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmpint(pull(&r, now, &c), ==, 0);
        g_assert_cmpmem(c.payload.at, (int)c.payload.left, "hello", 5);
        g_assert_cmpint(pull(&r, now, &c), ==, -2);
        g_assert_cmpint(ovpn_reliable_deadline(&r), ==, now + wait);
        g_assert_cmpint(pull(&r, now + wait - 1, &c), ==, -2);
        now += wait;
        wait = MIN(2 * wait, OVPN_RESEND_MAX_US);
    }
    g_assert_false(ovpn_reliable_is_quiet(&r));
    receive_ack(&r, 0, now);
    receive_ack(&r, 0, now); /* forgotten already: normal */
    receive_ack(&r, 700, now);
    g_assert_true(ovpn_reliable_is_quiet(&r));
    g_assert_cmpint(ovpn_reliable_deadline(&r), ==, 0);
    ovpn_reliable_clear(&r);
}

static void
test_send_window(void)
{
    struct ovpn_reliable r;
    struct ovpn_control c;

    ovpn_reliable_init(&r);
    for (int id = 0; id < OVPN_SEND_WINDOW; id++) {
        g_assert_true(ovpn_reliable_has_room(&r));
        ovpn_reliable_send(&r, OVPN_CONTROL_V1, "x", 1, 0);
        g_assert_cmpint(pull(&r, 0, &c), ==, id);
    }
    g_assert_false(ovpn_reliable_has_room(&r));
    receive_ack(&r, 1, 0); /* the oldest one still holds the window */
    g_assert_false(ovpn_reliable_has_room(&r));
    receive_ack(&r, 0, 0);
    g_assert_true(ovpn_reliable_has_room(&r));
    ovpn_reliable_send(&r, OVPN_CONTROL_V1, "x", 1, 0);
    g_assert_true(ovpn_reliable_has_room(&r));
    ovpn_reliable_send(&r, OVPN_CONTROL_V1, "x", 1, 0);
    g_assert_false(ovpn_reliable_has_room(&r));
    ovpn_reliable_clear(&r);
}

static void
test_early(void)
{
    struct ovpn_reliable r;
    struct ovpn_control c;

    ovpn_reliable_init(&r);
    for (int id = 0; id < OVPN_SEND_WINDOW; id++) {
        ovpn_reliable_send(&r, OVPN_CONTROL_V1, "x", 1, 0);
        g_assert_cmpint(pull(&r, 0, &c), ==, id);
    }
    receive_ack(&r, 1, 10);
    receive_ack(&r, 2, 10);
    receive_ack(&r, 2, 10); /* told twice counts once */
    g_assert_cmpint(pull(&r, 10, &c), ==, -2);
    receive_ack(&r, 3, 10);
    g_assert_cmpint(ovpn_reliable_deadline(&r), ==, 10);
    g_assert_cmpint(pull(&r, 10, &c), ==, 0);
    g_assert_cmpint(pull(&r, 10, &c), ==, -2);
    ovpn_reliable_clear(&r);
}

static void
test_skip(void)
{
    struct ovpn_reliable r;
    struct ovpn_control c;

    ovpn_reliable_init(&r);
    ovpn_reliable_skip_resets(&r);
    receive(&r, 0, ""); /* the client's reset once more */
    assert_next(&r, NULL);
    receive(&r, 1, "hello");
    assert_next(&r, "hello");
    ovpn_reliable_send(&r, OVPN_CONTROL_V1, "x", 1, 0);
    g_assert_cmpint(pull(&r, 0, &c), ==, 1);
    g_assert_cmpuint(c.n_acks, ==, 2);
    ovpn_reliable_clear(&r);
}

/* ---- two of them ---- */

enum { FLYING_MAX = 256, MESSAGES = 60 };

struct flying {
    int64_t at_us; /* 0: free */
    unsigned to;
    uint16_t len;
    uint8_t bytes[OVPN_CONTROL_MAX + 64];
};

struct link {
    uint32_t random;
    unsigned loss, twice; /* in a hundred */
    int64_t now_us;
    struct ovpn_reliable end[2];
    unsigned sent[2], received[2];
    struct flying flying[FLYING_MAX];
};

static uint32_t
roll(struct link *l, uint32_t n)
{
    l->random = l->random * 1664525u + 1013904223u;
    return (l->random >> 8) % n;
}

static void
launch(struct link *l, unsigned to, const struct ovpn_control *c)
{
    for (unsigned i = 0; i < FLYING_MAX; i++) {
        struct flying *f = &l->flying[i];
        if (f->at_us != 0)
            continue;
        struct writer w = writer_of(f->bytes, sizeof(f->bytes));
        writer_u8(&w, (uint8_t)c->op);
        ovpn_control_write(&w, c);
        g_assert_true(writer_ok(&w));
        f->len = (uint16_t)w.len;
        f->to = to;
        f->at_us = l->now_us + 1 + roll(l, 200) * MS;
        return;
    }
}

/* Message n of a side: its number and length follow from n. */
static size_t
message(unsigned side, unsigned n, uint8_t out[OVPN_PAYLOAD_MAX])
{
    size_t len = 4 + (n * 131 + side * 17) % (OVPN_PAYLOAD_MAX - 3);

    memset(out, (int)(n + side), len);
    out[0] = (uint8_t)side;
    out[1] = (uint8_t)n;
    return len;
}

static void
take(struct link *l, struct flying *f)
{
    struct reader in = reader_of(f->bytes, f->len);
    struct ovpn_control c = {0};
    enum ovpn_op op = 0;
    struct reader payload;
    uint8_t want[OVPN_PAYLOAD_MAX];

    c.op = (enum ovpn_op)reader_u8(&in);
    g_assert_cmpint(ovpn_control_parse(in, &c), ==, DROP_NONE);
    (void)ovpn_reliable_received(&l->end[f->to], &c, l->now_us);
    while (ovpn_reliable_next(&l->end[f->to], &op, &payload)) {
        size_t len = message(1 - f->to, l->received[f->to]++, want);
        g_assert_cmpmem(payload.at, (int)payload.left, want, (int)len);
    }
    f->at_us = 0;
}

static void
talk(struct link *l, unsigned side)
{
    struct ovpn_control c = {0};
    uint8_t bytes[OVPN_PAYLOAD_MAX];

    while (l->sent[side] < MESSAGES && ovpn_reliable_has_room(&l->end[side])) {
        size_t len = message(side, l->sent[side]++, bytes);
        ovpn_reliable_send(&l->end[side], OVPN_CONTROL_V1, bytes, len, l->now_us);
    }
    while (ovpn_reliable_pull(&l->end[side], l->now_us, &c)) {
        for (unsigned copies = roll(l, 100) < l->twice ? 2 : 1; copies > 0; copies--) {
            if (roll(l, 100) >= l->loss)
                launch(l, 1 - side, &c);
        }
    }
}

/* The next thing that happens: something arrives, or a side's deadline. */
static void
step(struct link *l)
{
    int64_t next = INT64_MAX;

    for (unsigned side = 0; side < 2; side++) {
        int64_t d = ovpn_reliable_deadline(&l->end[side]);
        if (d != 0)
            next = MIN(next, d);
    }
    for (unsigned i = 0; i < FLYING_MAX; i++) {
        if (l->flying[i].at_us != 0)
            next = MIN(next, l->flying[i].at_us);
    }
    g_assert_cmpint(next, !=, INT64_MAX); /* nobody waits for nothing */
    l->now_us = MAX(l->now_us, next);
    for (unsigned i = 0; i < FLYING_MAX; i++) {
        if (l->flying[i].at_us != 0 && l->flying[i].at_us <= l->now_us)
            take(l, &l->flying[i]);
    }
}

static void
run(uint32_t seed, unsigned loss, unsigned twice)
{
    struct link *l = g_new0(struct link, 1);

    l->random = seed;
    l->loss = loss;
    l->twice = twice;
    l->now_us = 1;
    for (unsigned side = 0; side < 2; side++)
        ovpn_reliable_init(&l->end[side]);
    while (l->received[0] < MESSAGES || l->received[1] < MESSAGES ||
           !ovpn_reliable_is_quiet(&l->end[0]) || !ovpn_reliable_is_quiet(&l->end[1])) {
        talk(l, 0);
        talk(l, 1);
        if (!ovpn_reliable_is_quiet(&l->end[0]) || !ovpn_reliable_is_quiet(&l->end[1]))
            step(l);
        g_assert_cmpint(l->now_us, <, 3600 * 1000 * MS);
    }
    g_assert_cmpuint(l->received[0], ==, MESSAGES);
    g_assert_cmpuint(l->received[1], ==, MESSAGES);
    for (unsigned side = 0; side < 2; side++)
        ovpn_reliable_clear(&l->end[side]);
    g_free(l);
}

static void
test_link(void)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        run(seed, 0, 0);
        run(seed, 10, 10);
        run(seed, 40, 30);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/reliable/order", test_order);
    g_test_add_func("/openvpn/reliable/window", test_window);
    g_test_add_func("/openvpn/reliable/payload-stays", test_payload_stays);
    g_test_add_func("/openvpn/reliable/recent", test_recent);
    g_test_add_func("/openvpn/reliable/piggyback", test_piggyback);
    g_test_add_func("/openvpn/reliable/resend", test_resend);
    g_test_add_func("/openvpn/reliable/send-window", test_send_window);
    g_test_add_func("/openvpn/reliable/early", test_early);
    g_test_add_func("/openvpn/reliable/skip", test_skip);
    g_test_add_func("/openvpn/reliable/link", test_link);
    return g_test_run();
}
