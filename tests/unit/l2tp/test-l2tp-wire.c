/* SPDX-License-Identifier: Apache-2.0 */
/* test-l2tp-wire.c - headers, messages and hidden AVPs; known answers were computed by hashlib. */

#include "core/proto/l2tp/wire.h"
#include "tests/unit/l2tp/vectors.h"

#include <glib.h>

#define BYTES(text) reader_of(text, sizeof(text) - 1)

/* ---- headers ---- */

static void
test_data_headers(void)
{
    struct l2tp_header h;

    g_assert_true(l2tp_header_parse(BYTES("\0\2\1\2\3\4\xff\3"), &h));
    g_assert_false(h.is_control || h.has_sequence);
    g_assert_cmphex(h.tunnel, ==, 0x0102);
    g_assert_cmphex(h.session, ==, 0x0304);
    g_assert_cmpuint(h.payload.left, ==, 2);
    g_assert_cmphex(h.payload.at[0], ==, 0xff);

    /* Length, with something behind it. */
    g_assert_true(l2tp_header_parse(BYTES("\x40\2\0\x9\1\2\3\4\xaa\xbb\xcc"), &h));
    g_assert_cmpuint(h.payload.left, ==, 1);
    g_assert_cmphex(h.payload.at[0], ==, 0xaa);
    /* Sequence numbers; priority, and bits that are reserved, do not count. */
    g_assert_true(l2tp_header_parse(BYTES("\x09\x72\1\2\3\4\0\5\0\6\xaa"), &h));
    g_assert_true(h.has_sequence);
    g_assert_cmpuint(h.ns, ==, 5);
    g_assert_cmpuint(h.nr, ==, 6);
    g_assert_cmpuint(h.payload.left, ==, 1);
    /* Offset. */
    g_assert_true(l2tp_header_parse(BYTES("\x02\2\1\2\3\4\0\3xyz\xaa"), &h));
    g_assert_cmpuint(h.payload.left, ==, 1);
    g_assert_cmphex(h.payload.at[0], ==, 0xaa);
    /* All of it. */
    g_assert_true(l2tp_header_parse(BYTES("\x4a\2\0\x10\1\2\3\4\0\5\0\6\0\1x\xaa"), &h));
    g_assert_cmpuint(h.payload.left, ==, 1);
    g_assert_cmphex(h.payload.at[0], ==, 0xaa);
}

static void
test_wrong_headers(void)
{
    struct l2tp_header h = {.tunnel = 9};

    g_assert_false(l2tp_header_parse(BYTES(""), &h));
    g_assert_false(l2tp_header_parse(BYTES("\0\2\1\2\3"), &h));
    g_assert_false(l2tp_header_parse(BYTES("\0\1\1\2\3\4"), &h)); /* L2F */
    g_assert_false(l2tp_header_parse(BYTES("\0\3\1\2\3\4"), &h));
    g_assert_false(l2tp_header_parse(BYTES("\x40\2\0\x9\1\2\3\4"), &h)); /* longer than it is */
    g_assert_false(l2tp_header_parse(BYTES("\x40\2\0\3\1\2\3\4"), &h));  /* shorter than it says */
    g_assert_false(l2tp_header_parse(BYTES("\x40\2\0\7\1\2\3\4"), &h));
    g_assert_false(l2tp_header_parse(BYTES("\x02\2\1\2\3\4\0\1"), &h));
    g_assert_false(l2tp_header_parse(BYTES("\x88\2\1\2\3\4\0\0\0\0"), &h)); /* no length */
    g_assert_false(l2tp_header_parse(BYTES("\xc0\2\0\x8\1\2\3\4"), &h));    /* no numbers */
    g_assert_false(l2tp_header_parse(BYTES("\xca\2\0\xe\1\2\0\0\0\0\0\0\0\0"), &h)); /* offset */
    g_assert_cmpuint(h.tunnel, ==, 9);                                               /* untouched */
    g_assert_true(l2tp_header_parse(BYTES("\xc8\2\0\xc\1\2\0\0\0\0\0\0"), &h));
    g_assert_cmpuint(h.payload.left, ==, 0);
}

/* ---- messages ---- */

#define TYPE_SCCRQ "\x80\x08\0\0\0\0\0\1"

static void
test_messages(void)
{
    struct l2tp_message m;
    uint16_t value = 7;

    g_assert_true(l2tp_message_parse(BYTES(TYPE_SCCRQ "\x80\x08\0\0\0\x9\x12\x34"
                                                      "\x80\x06\0\0\0\7"
                                                      "\0\x07\0\x9\0\1x"
                                                      "\x80\x07\0\x9\0\1y"
                                                      "\0\x08\0\0\xff\xff\0\0"
                                                      "\x80\x08\0\0\0\x9\0\1"
                                                      "\x80\x06\0\0\0\x27"),
                                     NULL, &m));
    g_assert_cmpuint(m.type, ==, L2TP_SCCRQ);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &value));
    g_assert_cmphex(value, ==, 0x1234); /* the first counts */
    g_assert_true(l2tp_message_has(&m, L2TP_AVP_HOST_NAME));
    g_assert_cmpuint(m.value[L2TP_AVP_HOST_NAME].left, ==, 0);
    g_assert_true(l2tp_message_has(&m, L2TP_AVP_SEQUENCING_REQUIRED));
    g_assert_false(l2tp_message_u16(&m, L2TP_AVP_HOST_NAME, &value)); /* too short */
    g_assert_false(l2tp_message_u16(&m, L2TP_AVP_SESSION_ID, &value));

    g_assert_false(l2tp_message_parse(BYTES(""), NULL, &m));
    g_assert_false(l2tp_message_parse(BYTES("\x80\x08\0\0\0\x9\0\1" TYPE_SCCRQ), NULL, &m));
    g_assert_false(l2tp_message_parse(BYTES("\x80\x08\0\x9\0\0\0\1"), NULL, &m)); /* a vendor's */
    g_assert_false(l2tp_message_parse(BYTES("\xc0\x08\0\0\0\0\0\1"), NULL, &m));
    g_assert_false(l2tp_message_parse(BYTES("\x80\x07\0\0\0\0\0"), NULL, &m));
    g_assert_false(l2tp_message_parse(BYTES(TYPE_SCCRQ "\x80\x05\0\0\0\7"), NULL, &m));
    g_assert_false(l2tp_message_parse(BYTES(TYPE_SCCRQ "\x80\x07\0\0\0\7"), NULL, &m));
    g_assert_false(l2tp_message_parse(BYTES(TYPE_SCCRQ "\x80"), NULL, &m));
}

static void
test_many_avps(void)
{
    uint8_t bytes[L2TP_MESSAGE_MAX + 1];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct l2tp_message m;

    writer_bytes(&w, TYPE_SCCRQ, 8);
    for (unsigned i = 1; i < L2TP_AVPS_MAX; i++)
        writer_bytes(&w, "\0\6\0\0\0\x63", 6);
    size_t enough = w.len;
    l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, 5);
    g_assert_true(l2tp_message_parse(reader_of(bytes, enough), NULL, &m));
    g_assert_true(l2tp_message_parse(reader_of(bytes, w.len), NULL, &m));
    g_assert_false(l2tp_message_has(&m, L2TP_AVP_TUNNEL_ID)); /* not looked at */
    g_assert_false(l2tp_message_parse(reader_of(bytes, sizeof(bytes)), NULL, &m));
}

/* ---- writing ---- */

static void
test_writing(void)
{
    static const uint8_t zeroes[L2TP_MESSAGE_MAX];
    uint8_t bytes[L2TP_MESSAGE_MAX + 100];
    struct writer w = writer_of(bytes, sizeof(bytes));
    static const char right[] = "\xc8\2\0\x2c\0\7\0\x9\0\0\0\0"
                                "\x80\x08\0\0\0\0\0\xe"
                                "\x80\x10\0\0\0\1\0\2\0\4what?!"
                                "\x80\x08\0\0\0\xe\0\x63";

    l2tp_begin(&w, L2TP_CDN, 7, 9);
    l2tp_put_result(&w, L2TP_CALL_ERROR, L2TP_ERROR_RESOURCES, "what?!");
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, 0x63);
    g_assert_true(l2tp_end(&w));
    g_assert_cmpuint(w.len, ==, sizeof(right) - 1);
    g_assert_true(memcmp(bytes, right, w.len) == 0);
    l2tp_put(&w, L2TP_AVP_VENDOR_NAME, "v", 1);
    g_assert_cmphex(w.start[w.len - 7], ==, 0); /* for information only */

    w = writer_of(bytes, sizeof(bytes));
    l2tp_begin(&w, L2TP_CDN, 7, 9);
    l2tp_put(&w, L2TP_AVP_HOST_NAME, zeroes, 1018); /* more than a length can say */
    g_assert_false(l2tp_end(&w));
    w = writer_of(bytes, sizeof(bytes));
    l2tp_begin(&w, L2TP_CDN, 7, 9);
    l2tp_put(&w, L2TP_AVP_HOST_NAME, zeroes, 1010); /* more than a message may have */
    g_assert_false(l2tp_end(&w));

    l2tp_write_ack(bytes, 0x102, 3, 4);
    g_assert_true(memcmp(bytes, "\xc8\2\0\xc\1\2\0\0\0\3\0\4", 12) == 0);
}

static void
test_first(void)
{
    uint8_t bytes[200];
    struct writer w = writer_of(bytes, sizeof(bytes));

    l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
    g_assert_true(l2tp_end(&w));
    g_assert_true(l2tp_is_first(reader_of(bytes, w.len)));
    g_assert_false(l2tp_is_first(reader_of(bytes, w.len - 1)));
    bytes[5] = 1; /* to a tunnel */
    g_assert_false(l2tp_is_first(reader_of(bytes, w.len)));
    bytes[5] = 0;
    bytes[w.len - 1] = L2TP_SCCRP;
    g_assert_false(l2tp_is_first(reader_of(bytes, w.len)));
}

/* ---- secrets ---- */

static struct secret *
the_secret(void)
{
    return secret_text("s3cret");
}

static void
test_hidden(void)
{
    struct secret *secret = the_secret();
    struct l2tp_message m;
    uint16_t value = 0;

    g_assert_true(
        l2tp_message_parse(reader_of(hidden_message, sizeof(hidden_message)), secret, &m));
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &value));
    g_assert_cmphex(value, ==, 0xbeef);
    struct reader name = m.value[L2TP_AVP_HOST_NAME];
    g_assert_cmpuint(name.left, ==, strlen(HIDDEN_NAME));
    g_assert_true(memcmp(name.at, HIDDEN_NAME, name.left) == 0);

    /* Without the secret they are not there; with another one they do not become it. */
    g_assert_true(l2tp_message_parse(reader_of(hidden_message, sizeof(hidden_message)), NULL, &m));
    g_assert_false(l2tp_message_has(&m, L2TP_AVP_TUNNEL_ID));
    struct secret *wrong = secret_text("S3cret");
    g_assert_true(l2tp_message_parse(reader_of(hidden_message, sizeof(hidden_message)), wrong, &m));
    g_assert_true(!l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &value) || value != 0xbeef);
    secret_free(wrong);
    secret_free(secret);
}

static void
test_hide(void)
{
    struct secret *secret = the_secret();
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    const struct reader rv = BYTES(HIDDEN_VECTOR);

    l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
    l2tp_put(&w, L2TP_AVP_RANDOM_VECTOR, rv.at, rv.left);
    l2tp_put_hidden(&w, L2TP_AVP_TUNNEL_ID, BYTES("\xbe\xef"), 0, secret, rv);
    l2tp_put_hidden(&w, L2TP_AVP_HOST_NAME, BYTES(HIDDEN_NAME), 5, secret, rv);
    g_assert_true(l2tp_end(&w));
    g_assert_cmpuint(w.len - L2TP_CONTROL_HEADER, ==, sizeof(hidden_message));
    g_assert_true(memcmp(bytes + L2TP_CONTROL_HEADER, hidden_message, sizeof(hidden_message)) == 0);
    secret_free(secret);
}

static void
test_hidden_without_vector(void)
{
    struct secret *secret = the_secret();
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct l2tp_message m;

    l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
    l2tp_put_hidden(&w, L2TP_AVP_TUNNEL_ID, BYTES("\xbe\xef"), 0, secret, BYTES("r"));
    l2tp_put(&w, L2TP_AVP_RANDOM_VECTOR, "r", 1);
    writer_bytes(&w, "\xc0\x06\0\0\0\x7", 6); /* hidden, and without its length */
    g_assert_true(l2tp_end(&w));
    struct reader avps = reader_of(bytes + L2TP_CONTROL_HEADER, w.len - L2TP_CONTROL_HEADER);
    g_assert_true(l2tp_message_parse(avps, secret, &m));
    g_assert_false(l2tp_message_has(&m, L2TP_AVP_TUNNEL_ID));
    g_assert_false(l2tp_message_has(&m, L2TP_AVP_HOST_NAME));
    secret_free(secret);
}

static void
test_challenge(void)
{
    struct secret *secret = the_secret();
    uint8_t out[L2TP_DIGEST];

    g_assert_true(l2tp_challenge_response(L2TP_SCCRP, secret, BYTES(CHALLENGE), out));
    g_assert_true(memcmp(out, response_sccrp, sizeof(out)) == 0);
    g_assert_true(l2tp_challenge_response(L2TP_SCCCN, secret, BYTES(CHALLENGE), out));
    g_assert_true(memcmp(out, response_scccn, sizeof(out)) == 0);
    secret_free(secret);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l2tp/wire/data-headers", test_data_headers);
    g_test_add_func("/l2tp/wire/wrong-headers", test_wrong_headers);
    g_test_add_func("/l2tp/wire/messages", test_messages);
    g_test_add_func("/l2tp/wire/many-avps", test_many_avps);
    g_test_add_func("/l2tp/wire/writing", test_writing);
    g_test_add_func("/l2tp/wire/first", test_first);
    g_test_add_func("/l2tp/wire/hidden", test_hidden);
    g_test_add_func("/l2tp/wire/hide", test_hide);
    g_test_add_func("/l2tp/wire/hidden-without-vector", test_hidden_without_vector);
    g_test_add_func("/l2tp/wire/challenge", test_challenge);
    return g_test_run();
}
