/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-wire.c - first bytes, control packets, key method 2. */

#include "core/proto/openvpn/wire.h"
#include "tests/unit/openvpn/hex.h"

static void
test_recognise(void)
{
    static const struct {
        const char *bytes;
        int want;
    } cases[] = {
        {"", -1},           {"00", -1},    {"000e", -1},  {"000e38", 1},
        {"000e38 0102", 1}, {"00d638", 1}, {"00ff38", 1}, {"010038", 0},
        {"000d38", 0},      {"000e39", 0}, /* a first key has number 0 */
        {"000e40", 0},      {"000e50", 0}, {"014f50", 0}, {"015050", 1},
        {"04fe50", 1},      {"04ff50", 0}, {"16", 0}, /* a ClientHello */
        {"160301", 0},      {"474554", 0},            /* GET */
        {"05", 0},          {"0000", 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t bytes[16];
        size_t n = hex_bytes(cases[i].bytes, bytes, sizeof(bytes));
        g_assert_cmpint(ovpn_recognise_stream(reader_of(bytes, n)), ==, cases[i].want);
    }
}

static struct ovpn_control
sample(enum ovpn_op op, unsigned n_acks)
{
    struct ovpn_control c = {.op = op,
                             .key_id = 1,
                             .n_acks = (uint8_t)n_acks,
                             .peer_sid = {9, 8, 7, 6, 5, 4, 3, 2},
                             .has_id = op != OVPN_ACK_V1,
                             .id = op == OVPN_ACK_V1 ? 0 : 77,
                             .payload = reader_of("hello", op == OVPN_ACK_V1 ? 0 : 5)};

    for (unsigned i = 0; i < n_acks; i++)
        c.ack[i] = 100 + i;
    return c;
}

/* Also cut at each length, where nothing may be taken. */
static void
check_round(const struct ovpn_control *c)
{
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof(bytes));

    ovpn_control_write(&w, c);
    g_assert_true(writer_ok(&w));
    for (size_t n = 0; n <= w.len; n++) {
        struct ovpn_control got = {.op = c->op, .key_id = c->key_id};
        enum drop why = ovpn_control_parse(reader_of(bytes, n), &got);
        if (n + c->payload.left < w.len) {
            g_assert_cmpint(why, ==, DROP_SHORT);
            g_assert_cmpuint(got.n_acks, ==, 0);
            continue;
        }
        g_assert_cmpint(why, ==, DROP_NONE);
        g_assert_cmpuint(got.n_acks, ==, c->n_acks);
        g_assert_cmpmem(got.ack, c->n_acks * sizeof(uint32_t), c->ack,
                        c->n_acks * sizeof(uint32_t));
        g_assert_true(got.has_id == c->has_id);
        g_assert_cmpuint(got.id, ==, c->id);
        g_assert_cmpmem(got.peer_sid, OVPN_SID, c->n_acks > 0 ? c->peer_sid : (uint8_t[8]){0},
                        OVPN_SID);
        g_assert_cmpuint(got.payload.left, ==, n - (w.len - c->payload.left));
    }
}

static void
test_control(void)
{
    static const enum ovpn_op ops[] = {
        OVPN_SOFT_RESET_V1,        OVPN_CONTROL_V1,           OVPN_ACK_V1,
        OVPN_HARD_RESET_CLIENT_V2, OVPN_HARD_RESET_SERVER_V2, OVPN_HARD_RESET_CLIENT_V3,
        OVPN_CONTROL_WKC_V1,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ops); i++) {
        for (unsigned acks = 0; acks <= OVPN_ACKS_MAX; acks++) {
            struct ovpn_control c = sample(ops[i], acks);
            check_round(&c);
        }
    }
}

static void
test_control_refused(void)
{
    uint8_t bytes[64] = {9}; /* acks */
    struct ovpn_control c = {.op = OVPN_CONTROL_V1, .id = 5};

    g_assert_cmpint(ovpn_control_parse(reader_of(bytes, sizeof(bytes)), &c), ==, DROP_MALFORMED);
    bytes[0] = 255;
    g_assert_cmpint(ovpn_control_parse(reader_of(bytes, sizeof(bytes)), &c), ==, DROP_MALFORMED);
    g_assert_cmpuint(c.id, ==, 5);
    bytes[0] = 0;
    for (unsigned op = 0; op < 32; op++) {
        bool control = op == 3 || op == 4 || op == 5 || op == 7 || op == 8 || op == 10 || op == 11;
        struct ovpn_control o = {.op = (enum ovpn_op)op};
        enum drop why = ovpn_control_parse(reader_of(bytes, sizeof(bytes)), &o);
        g_assert_cmpint(why, ==, control ? DROP_NONE : DROP_MALFORMED);
    }
}

static void
fill_km2(struct ovpn_km2 *m, bool from_client)
{
    *m = (struct ovpn_km2){.from_client = from_client};
    for (unsigned i = 0; i < sizeof(m->pre_master) && from_client; i++)
        m->pre_master[i] = (uint8_t)i;
    memset(m->random1, 0x11, sizeof(m->random1));
    memset(m->random2, 0x33, sizeof(m->random2));
    (void)g_strlcpy(m->options, "V4,dev-type tun", sizeof(m->options));
    if (!from_client)
        return;
    (void)g_strlcpy(m->user, "anna@OFFICE", sizeof(m->user));
    (void)g_strlcpy(m->password, "secret", sizeof(m->password));
    (void)g_strlcpy(m->peer_info, "IV_VER=2.6.14\nIV_PROTO=990\n", sizeof(m->peer_info));
}

static void
assert_km2_equal(const struct ovpn_km2 *a, const struct ovpn_km2 *b)
{
    g_assert_true(a->from_client == b->from_client);
    g_assert_cmpmem(a->pre_master, 48, b->pre_master, 48);
    g_assert_cmpmem(a->random1, 32, b->random1, 32);
    g_assert_cmpmem(a->random2, 32, b->random2, 32);
    g_assert_cmpstr(a->options, ==, b->options);
    g_assert_cmpstr(a->user, ==, b->user);
    g_assert_cmpstr(a->password, ==, b->password);
    g_assert_cmpstr(a->peer_info, ==, b->peer_info);
}

static void
test_km2(void)
{
    for (int from_client = 0; from_client <= 1; from_client++) {
        struct ovpn_km2 m;
        struct ovpn_km2 got;
        uint8_t bytes[4096];
        struct writer w = writer_of(bytes, sizeof(bytes));
        size_t used = 0;

        fill_km2(&m, from_client);
        ovpn_km2_write(&w, &m);
        g_assert_true(writer_ok(&w));
        g_assert_cmpint(ovpn_km2_parse(reader_of(bytes, w.len), from_client, &got, &used), ==,
                        DROP_NONE);
        g_assert_cmpuint(used, ==, w.len);
        assert_km2_equal(&m, &got);
        /* what comes after it is somebody else's */
        memset(bytes + w.len, 'x', 10);
        g_assert_cmpint(ovpn_km2_parse(reader_of(bytes, w.len + 10), from_client, &got, &used), ==,
                        DROP_NONE);
        g_assert_cmpuint(used, ==, w.len);
    }
}

static void
test_km2_cut(void)
{
    struct ovpn_km2 m;
    struct ovpn_km2 got;
    uint8_t bytes[4096];
    struct writer w = writer_of(bytes, sizeof(bytes));
    size_t used = 0;

    fill_km2(&m, true);
    ovpn_km2_write(&w, &m);
    size_t after_options = 5 + 48 + 64 + 2 + strlen(m.options) + 1;
    size_t after_user = after_options + 2 + strlen(m.user) + 1;
    size_t after_password = after_user + 2 + strlen(m.password) + 1;
    for (size_t n = 0; n < w.len; n++) {
        bool end = n == after_options || n == after_user || n == after_password;
        enum drop why = ovpn_km2_parse(reader_of(bytes, n), true, &got, &used);
        g_assert_cmpint(why, ==, end ? DROP_NONE : DROP_SHORT);
    }
    g_assert_cmpint(ovpn_km2_parse(reader_of(bytes, after_options), true, &got, &used), ==,
                    DROP_NONE);
    g_assert_cmpstr(got.user, ==, "");
    g_assert_cmpstr(got.peer_info, ==, "");
}

/* Sets the options of an otherwise good message. */
static enum drop
parse_with_options(uint16_t len, const void *text, size_t there)
{
    struct ovpn_km2 got;
    uint8_t bytes[8192] = {[4] = 2};
    struct writer w = writer_of(bytes, sizeof(bytes));
    size_t used = 0;

    (void)writer_room(&w, 5 + 48 + 64);
    writer_u16(&w, len);
    writer_bytes(&w, text, there);
    return ovpn_km2_parse(reader_of(bytes, w.len), true, &got, &used);
}

static void
test_km2_refused(void)
{
    char text[2048];
    uint8_t bytes[200] = {[4] = 1};
    struct ovpn_km2 got;
    size_t used = 0;

    g_assert_cmpint(ovpn_km2_parse(reader_of(bytes, sizeof(bytes)), true, &got, &used), ==,
                    DROP_MALFORMED); /* key method 1 */
    bytes[4] = 2;
    bytes[3] = 1;
    g_assert_cmpint(ovpn_km2_parse(reader_of(bytes, sizeof(bytes)), true, &got, &used), ==,
                    DROP_MALFORMED);
    memset(text, 'a', sizeof(text));
    g_assert_cmpint(parse_with_options(4, "V4,", 4), ==, DROP_NONE);
    g_assert_cmpint(parse_with_options(0, "", 0), ==, DROP_NONE);
    g_assert_cmpint(parse_with_options(4, "V4,,", 4), ==, DROP_MALFORMED); /* no NUL */
    g_assert_cmpint(parse_with_options(4, "V\0,", 4), ==, DROP_MALFORMED); /* one inside */
    g_assert_cmpint(parse_with_options(5, "V4,", 4), ==, DROP_SHORT);
    g_assert_cmpint(parse_with_options(OVPN_OPTIONS_MAX + 1, text, OVPN_OPTIONS_MAX + 1), ==,
                    DROP_TOO_LONG);
    text[OVPN_OPTIONS_MAX - 1] = '\0';
    g_assert_cmpint(parse_with_options(OVPN_OPTIONS_MAX, text, OVPN_OPTIONS_MAX), ==, DROP_NONE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/wire/recognise", test_recognise);
    g_test_add_func("/openvpn/wire/control", test_control);
    g_test_add_func("/openvpn/wire/control-refused", test_control_refused);
    g_test_add_func("/openvpn/wire/km2", test_km2);
    g_test_add_func("/openvpn/wire/km2-cut", test_km2_cut);
    g_test_add_func("/openvpn/wire/km2-refused", test_km2_refused);
    return g_test_run();
}
