/* SPDX-License-Identifier: Apache-2.0 */
/* test-sstp-call.c - records, the crypto binding by known answers, and calls that are scripts. */

#include "core/base/error.h"
#include "core/net/wire.h"
#include "core/proto/sstp/call.h"

#include <glib.h>

#include <string.h>

#define S  INT64_C(1000000)
#define MS INT64_C(1000)

static size_t
unhex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;

    for (const char *p = text; *p; p += 2) {
        while (*p == ' ')
            p++;
        g_assert_cmpuint(n, <, cap);
        out[n++] = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
    }
    return n;
}

/* ---- known answers: the login of RFC 2759, 9.2; a nonce of 0 to 31 ---- */

#define NONCE     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define CERT256   "4588dd05f6f42e4476fa9c46fd15aebeccc1f44bac363bbbfdb7d28fb9dee33d"
#define CERT1     "65b1546bd433e7b8a08d4a1cc21253b8ba75a55b000000000000000000000000"
#define CONNECTED "1001007000040001000300680000000"

static const struct mschap_keys *
the_keys(void)
{
    static struct mschap_keys keys;

    (void)unhex("8B7CDC149B993A1BA118CB153F56DCCB", keys.send, sizeof(keys.send));
    (void)unhex("D5F0E9521E3EA9589645E86051C82226", keys.receive, sizeof(keys.receive));
    return &keys;
}

static struct sstp_binding
the_binding(void)
{
    struct sstp_binding b = {.hashes = SSTP_SHA1 | SSTP_SHA256};

    (void)unhex(NONCE, b.nonce, sizeof(b.nonce));
    (void)unhex(CERT1, b.sha1, sizeof(b.sha1));
    (void)unhex(CERT256, b.sha256, sizeof(b.sha256));
    return b;
}

static enum sstp_binding_fault
fault_of(const struct sstp_binding *b, const char *text)
{
    uint8_t bytes[SSTP_CONNECTED_SIZE + 8];

    return sstp_binding_check(b, reader_of(bytes, unhex(text, bytes, sizeof(bytes))));
}

static bool
check(const struct sstp_binding *b, const char *text)
{
    return fault_of(b, text) == SSTP_BOUND;
}

#define GOOD256 \
    CONNECTED "2" NONCE CERT256 "635a0fe5f7cf29b4177f6f66e9bbaca025113907601822cb9815de303c80bca6"
#define ZERO256 \
    CONNECTED "2" NONCE CERT256 "4349e1a11f9de452de8d0603b1c357ceb31e22312666bd05b6e1bea59c3826c9"
#define GOOD1 \
    CONNECTED "1" NONCE CERT1 "6a477a8b153c1d557646579d1a393fa5f08f7ee4000000000000000000000000"
#define ZERO1 \
    CONNECTED "1" NONCE CERT1 "00c14ce4340b9c8b242c697c20659e551a601f81000000000000000000000000"

static void
test_binding(void)
{
    struct sstp_binding b = the_binding();

    g_assert_true(check(&b, ZERO256));
    g_assert_true(check(&b, ZERO1));
    g_assert_false(check(&b, GOOD256));
    sstp_binding_set_keys(&b, the_keys());
    g_assert_true(check(&b, GOOD256));
    g_assert_true(check(&b, GOOD1));
    g_assert_cmpint(fault_of(&b, ZERO256), ==, SSTP_BINDING_MAC); /* of another login */
    g_assert_cmpint(fault_of(&b, GOOD256 "00"), ==, SSTP_BINDING_MALFORMED);

    uint8_t bytes[SSTP_CONNECTED_SIZE];
    (void)unhex(GOOD256, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) { /* no byte of it is free */
        bytes[i] ^= 1;
        g_assert_cmpint(sstp_binding_check(&b, reader_of(bytes, sizeof(bytes))), !=, SSTP_BOUND);
        bytes[i] ^= 1;
    }
    b.sha256[0] ^= 1; /* another certificate */
    g_assert_cmpint(fault_of(&b, GOOD256), ==, SSTP_BINDING_CERT);
    b = the_binding();
    sstp_binding_set_keys(&b, the_keys());
    b.nonce[31] ^= 1; /* another call */
    g_assert_cmpint(fault_of(&b, GOOD256), ==, SSTP_BINDING_NONCE);
    b = the_binding();
    sstp_binding_set_keys(&b, the_keys());
    b.hashes = SSTP_SHA256; /* SHA-1 was not offered */
    g_assert_cmpint(fault_of(&b, GOOD1), ==, SSTP_BINDING_HASH);
    g_assert_true(check(&b, GOOD256));
}

/* ---- records ---- */

static int
length_of(const char *text)
{
    uint8_t bytes[64];

    return sstp_record_length(reader_of(bytes, unhex(text, bytes, sizeof(bytes))));
}

static void
test_records(void)
{
    struct sstp_control m;
    uint8_t bytes[64];

    g_assert_cmpint(length_of(""), ==, 0);
    g_assert_cmpint(length_of("10"), ==, 0);
    g_assert_cmpint(length_of("1001 00"), ==, 0);
    g_assert_cmpint(length_of("11"), ==, -1);
    g_assert_cmpint(length_of("4745"), ==, -1);
    g_assert_cmpint(length_of("1000 0004"), ==, 4);
    g_assert_cmpint(length_of("1000 0003"), ==, -1);
    g_assert_cmpint(length_of("1001 0007"), ==, -1);
    g_assert_cmpint(length_of("1000 ffff"), ==, 4095); /* upper bits are reserved */

    size_t n = unhex("1001000e 00010001 000100060001", bytes, sizeof(bytes));
    g_assert_true(sstp_control_parse(reader_of(bytes, n), &m));
    g_assert_cmpuint(m.type, ==, SSTP_CALL_CONNECT_REQUEST);
    g_assert_cmpuint(m.attributes.left, ==, 6);
    n = unhex("1001000e 00010002 000100060001", bytes, sizeof(bytes)); /* says two */
    g_assert_false(sstp_control_parse(reader_of(bytes, n), &m));
    n = unhex("1001000e 00010001 000100070001", bytes, sizeof(bytes)); /* leaves it */
    g_assert_false(sstp_control_parse(reader_of(bytes, n), &m));
    n = unhex("1001000e 00010001 000100030001", bytes, sizeof(bytes)); /* shorter than itself */
    g_assert_false(sstp_control_parse(reader_of(bytes, n), &m));
}

/* ---- calls ---- */

struct rig {
    struct sstp_call c;
    GQueue sent; /* of GBytes */
    bool accepted, connected;
    const char *refused;
    int ended; /* -1: not yet */
};

static void
on_send(void *owner, struct reader record, int64_t now_us)
{
    struct rig *r = owner;
    (void)now_us;
    g_assert_cmpint(r->ended, ==, -1);
    g_assert_cmpint(sstp_record_length(record), ==, (int)record.left);
    g_queue_push_tail(&r->sent, g_bytes_new(record.at, record.left));
}

static void
on_accepted(void *owner, int64_t now_us)
{
    struct rig *r = owner;
    (void)now_us;
    g_assert_false(r->accepted);
    r->accepted = true;
}

static void
on_connected(void *owner, int64_t now_us)
{
    struct rig *r = owner;
    (void)now_us;
    g_assert_false(r->connected);
    r->connected = true;
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
on_refused(void *owner, const char *why)
{
    struct rig *r = owner;
    g_assert_null(r->refused);
    r->refused = why;
}

static const struct sstp_call_ops ops = {.send = on_send,
                                         .accepted = on_accepted,
                                         .connected = on_connected,
                                         .refused = on_refused,
                                         .ended = on_ended};

static void
rig_init(struct rig *r)
{
    struct sstp_binding b = the_binding();

    *r = (struct rig){.ended = -1};
    g_queue_init(&r->sent);
    sstp_call_init(&r->c, &b, &ops, r, 0);
}

static void
rig_done(struct rig *r)
{
    g_assert_null(g_queue_peek_head(&r->sent)); /* nothing unexpected */
}

static void
say(struct rig *r, const char *text)
{
    uint8_t bytes[256];

    sstp_call_receive(&r->c, reader_of(bytes, unhex(text, bytes, sizeof(bytes))), 0);
}

static void
expect(struct rig *r, const char *text)
{
    g_autoptr(GBytes) b = g_queue_pop_head(&r->sent);
    uint8_t bytes[256];
    size_t n = unhex(text, bytes, sizeof(bytes));

    g_assert_nonnull(b);
    g_assert_cmpuint(g_bytes_get_size(b), ==, n);
    g_assert_true(memcmp(g_bytes_get_data(b, NULL), bytes, n) == 0);
}

#define REQUEST    "1001000e 00010001 000100060001"
#define ACK        "10010030 00020001 00040028 00000003" NONCE
#define DISCONNECT "10010008 00060000"
#define DISC_ACK   "10010008 00070000"
#define ECHO       "10010008 00080000"
#define ECHOED     "10010008 00090000"

static void
get_connected(struct rig *r)
{
    say(r, REQUEST);
    expect(r, ACK);
    g_assert_true(r->accepted && sstp_call_carries(&r->c));
    sstp_call_known(&r->c, the_keys(), 0);
    g_assert_false(r->connected);
    say(r, GOOD256);
    g_assert_true(r->connected);
}

static void
test_call(void)
{
    struct rig r;

    rig_init(&r);
    get_connected(&r);
    say(&r, ECHO);
    expect(&r, ECHOED);
    say(&r, ECHOED);
    say(&r, DISCONNECT);
    expect(&r, DISC_ACK);
    g_assert_false(sstp_call_carries(&r.c));
    sstp_call_tick(&r.c, SSTP_LINGER_MS * MS);
    g_assert_cmpint(r.ended, ==, PE_CANCELLED);
    rig_done(&r);

    rig_init(&r); /* ours */
    get_connected(&r);
    sstp_call_disconnect(&r.c, PE_SESSION_REMOVED, 0);
    expect(&r, "10010014 00060001 0002000c 00000000 00000000");
    say(&r, ECHO); /* nothing else counts now */
    g_assert_cmpint(r.ended, ==, -1);
    say(&r, DISC_ACK);
    g_assert_cmpint(r.ended, ==, PE_SESSION_REMOVED);
    say(&r, REQUEST);
    rig_done(&r);
}

static void
test_early_binding(void)
{
    struct rig r;

    rig_init(&r);
    say(&r, REQUEST);
    expect(&r, ACK);
    say(&r, GOOD1);
    g_assert_false(r.connected);
    sstp_call_known(&r.c, the_keys(), 0);
    g_assert_true(r.connected);
    rig_done(&r);

    rig_init(&r); /* by PAP */
    say(&r, REQUEST);
    expect(&r, ACK);
    sstp_call_known(&r.c, NULL, 0);
    say(&r, ZERO256);
    g_assert_true(r.connected);
    rig_done(&r);
}

static void
test_wrong_binding(void)
{
    struct rig r;

    rig_init(&r);
    say(&r, REQUEST);
    expect(&r, ACK);
    say(&r, ZERO256); /* early, and for a login without keys */
    sstp_call_known(&r.c, the_keys(), 0);
    expect(&r, "10010014 00050001 0002000c 00000003 00000007");
    g_assert_cmpstr(r.refused, ==, sstp_binding_text(SSTP_BINDING_MAC));
    g_assert_false(r.connected);
    say(&r, GOOD256);
    g_assert_false(r.connected);
    say(&r, "10010008 00050000");
    g_assert_cmpint(r.ended, ==, PE_PROTOCOL);
    rig_done(&r);
}

static void
test_bad_requests(void)
{
    struct rig r;

    rig_init(&r);
    say(&r, "1001000e 00010001 000100060002"); /* another protocol than PPP */
    expect(&r, "10010014 00030001 0002000c 00000001 00000004");
    say(&r, "10010008 00010000"); /* none */
    expect(&r, "10010014 00030001 0002000c 00000001 0000000a");
    say(&r, "1001000e 00010001 000900060001");
    expect(&r, "10010014 00050001 0002000c 00000009 00000006"); /* enough */
    sstp_call_tick(&r.c, SSTP_ABORT_MS * MS);
    g_assert_cmpint(r.ended, ==, PE_PROTOCOL);
    rig_done(&r);

    rig_init(&r); /* out of order */
    say(&r, GOOD256);
    expect(&r, "10010014 00050001 0002000c 00000000 00000005");
    rig_done(&r);

    rig_init(&r); /* unknown message */
    say(&r, REQUEST);
    expect(&r, ACK);
    say(&r, "10010008 00770000");
    expect(&r, "10010014 00050001 0002000c 00000000 00000007");
    rig_done(&r);
}

static void
test_time(void)
{
    struct rig r;

    rig_init(&r);
    g_assert_cmpint(r.c.deadline_us, ==, SSTP_NEGOTIATION_S * S);
    sstp_call_tick(&r.c, 60 * S);
    expect(&r, "10010014 00050001 0002000c 00000000 00000008");
    g_assert_cmpstr(r.refused, ==, "no request of it within 60 s");
    sstp_call_tick(&r.c, 63 * S);
    g_assert_cmpint(r.ended, ==, PE_SESSION_TIMEOUT);
    rig_done(&r);

    rig_init(&r); /* logs in, and never binds */
    say(&r, REQUEST);
    expect(&r, ACK);
    sstp_call_known(&r.c, the_keys(), 1 * S);
    sstp_call_heard(&r.c, 59 * S);
    sstp_call_tick(&r.c, 61 * S - 1);
    g_assert_null(r.refused);
    sstp_call_tick(&r.c, 61 * S);
    expect(&r, "10010014 00050001 0002000c 00000000 00000008");
    g_assert_cmpstr(r.refused, ==, "no crypto binding of it within 60 s");
    g_assert_false(r.connected || sstp_call_carries(&r.c));
    say(&r, GOOD256); /* too late */
    g_assert_false(r.connected);
    sstp_call_tick(&r.c, 64 * S);
    g_assert_cmpint(r.ended, ==, PE_SESSION_TIMEOUT);
    rig_done(&r);

    rig_init(&r);
    get_connected(&r);
    sstp_call_heard(&r.c, 15 * S);
    sstp_call_tick(&r.c, 20 * S);
    g_assert_cmpint(r.c.deadline_us, ==, 35 * S);
    for (unsigned i = 0; i < 3; i++) {
        sstp_call_tick(&r.c, r.c.deadline_us);
        expect(&r, ECHO);
    }
    g_assert_cmpint(r.c.deadline_us, ==, 95 * S);
    sstp_call_tick(&r.c, 95 * S);
    g_assert_cmpint(r.ended, ==, PE_SESSION_TIMEOUT);
    g_assert_cmpint(r.c.deadline_us, ==, 0);
    rig_done(&r);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sstp/binding", test_binding);
    g_test_add_func("/sstp/records", test_records);
    g_test_add_func("/sstp/call", test_call);
    g_test_add_func("/sstp/early-binding", test_early_binding);
    g_test_add_func("/sstp/wrong-binding", test_wrong_binding);
    g_test_add_func("/sstp/bad-requests", test_bad_requests);
    g_test_add_func("/sstp/time", test_time);
    return g_test_run();
}
