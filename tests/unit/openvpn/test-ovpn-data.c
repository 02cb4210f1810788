/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-data.c - packets of the data channel: a known one, every cipher both ways and in every
 * length, forgery of every bit, replay, and the end of a key. */

#include "core/proto/openvpn/data_priv.h"
#include "core/proto/openvpn/siv_priv.h"
#include "tests/unit/openvpn/hex.h"

#include <glib.h>

enum { ROOM = 2048 };

struct ends {
    struct ovpn_data *client, *server;
};

static void
make_block(uint8_t block[OVPN_KEY_BLOCK])
{
    for (unsigned i = 0; i < OVPN_KEY_BLOCK; i++)
        block[i] = (uint8_t)(i * 11 + 5);
}

static struct ends
make_ends(enum ovpn_cipher cipher, const char *digest, bool v2)
{
    uint8_t block[OVPN_KEY_BLOCK];
    struct ovpn_data_config config = {.cipher = cipher,
                                      .digest = digest,
                                      .key_id = 3,
                                      .peer_id = v2 ? 0x0a0b0c : OVPN_PEER_ID_NONE,
                                      .data_v2 = true};
    struct ends e;

    make_block(block);
    e.client = ovpn_data_new(&config, block);
    config.server = true;
    e.server = ovpn_data_new(&config, block);
    g_assert_nonnull(e.client);
    g_assert_nonnull(e.server);
    return e;
}

static void
free_ends(struct ends *e)
{
    ovpn_data_free(e->client);
    ovpn_data_free(e->server);
}

static const struct {
    enum ovpn_cipher cipher;
    const char *digest;
} kinds[] = {
    {OVPN_AES_256_GCM, NULL},     {OVPN_AES_128_GCM, NULL},     {OVPN_CHACHA20_POLY1305, NULL},
    {OVPN_AES_256_CBC, "SHA1"},   {OVPN_AES_192_CBC, "SHA256"}, {OVPN_AES_128_CBC, "SHA512"},
    {OVPN_AES_256_CBC, "SHA512"}, {OVPN_AES_128_CBC, "MD5"},
};

/* ---- known bytes ---- */

static void
test_vector(void)
{
    static const char known[] = "48000005 00000001 8bc348b26528a2204c58feb77afc2a6d "
                                "9f650468a0a473ddabb5bd4275072ec6";
    struct ovpn_data_config config = {.cipher = OVPN_AES_256_GCM, .peer_id = 5, .data_v2 = true};
    uint8_t block[OVPN_KEY_BLOCK] = {0};
    uint8_t bytes[64];
    uint8_t got[16];
    size_t len = 0;

    (void)hex_bytes("f768d5abf7e4ffd6f2c6c6b9d48d8584d05b443d87aa5880ab173fd01a3bc3f8", block, 32);
    (void)hex_bytes("10dddfd8ca6827d3", block + 64, 8);
    struct ovpn_data *client = ovpn_data_new(&config, block);
    config.server = true;
    struct ovpn_data *server = ovpn_data_new(&config, block);
    size_t n = ovpn_data_seal(client, NULL, 0, ovpn_ping_payload, 16, bytes);
    hex_assert(bytes, n, known);
    g_assert_cmpint(ovpn_data_open(server, bytes, n, got, sizeof(got), &len), ==, DROP_NONE);
    g_assert_cmpint(ovpn_special_kind(got, len), ==, OVPN_PING);
    ovpn_data_free(client);
    ovpn_data_free(server);
}

static void
test_heads(void)
{
    uint8_t bytes[1 + OVPN_DATA_OVERHEAD_MAX];

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct ends e = make_ends(kinds[i].cipher, kinds[i].digest, true);
        (void)ovpn_data_seal(e.server, "x", 1, NULL, 0, bytes);
        hex_assert(bytes, 4, "4b 0a0b0c");
        free_ends(&e);
        e = make_ends(kinds[i].cipher, kinds[i].digest, false);
        (void)ovpn_data_seal(e.server, "x", 1, NULL, 0, bytes);
        hex_assert(bytes, 1, "33");
        if (ovpn_cipher_is_aead(kinds[i].cipher))
            hex_assert(bytes + 1, 4, "00000001");
        free_ends(&e);
    }
}

/* ---- there and back ---- */

static void
check_length(struct ovpn_data *from, struct ovpn_data *to, size_t head, size_t body)
{
    uint8_t payload[ROOM];
    uint8_t bytes[ROOM];
    uint8_t got[ROOM + 1];
    size_t len = 12345;

    for (size_t i = 0; i < head + body; i++)
        payload[i] = (uint8_t)(i * 7 + head);
    memset(got, 0xee, sizeof(got));
    size_t n = ovpn_data_seal(from, payload, head, payload + head, body, bytes);
    g_assert_cmpuint(n, ==, ovpn_data_sealed_len(from, head + body));
    g_assert_cmpuint(n, <=, head + body + ovpn_data_overhead(from));
    g_assert_cmpuint(ovpn_data_overhead(from), <=, OVPN_DATA_OVERHEAD_MAX);
    if (head + body > 0)
        g_assert_cmpint(ovpn_data_open(to, bytes, n, got, head + body - 1, &len), ==,
                        DROP_TOO_LONG);
    g_assert_cmpuint(len, ==, 12345);
    g_assert_cmpint(ovpn_data_open(to, bytes, n, got, head + body, &len), ==, DROP_NONE);
    g_assert_cmpmem(got, (int)len, payload, (int)(head + body));
    g_assert_cmphex(got[len], ==, 0xee); /* nothing behind the room */
    g_assert_cmpint(ovpn_data_open(to, bytes, n, got, ROOM, &len), ==, DROP_POLICY);
}

static void
test_lengths(void)
{
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
        struct ends e = make_ends(kinds[i / 2].cipher, kinds[i / 2].digest, i % 2);
        for (size_t n = 0; n < 100; n++) {
            check_length(e.client, e.server, n / 3, n - n / 3);
            check_length(e.server, e.client, 0, n);
            check_length(e.server, e.client, n, 0);
        }
        check_length(e.client, e.server, 54, 1446);
        check_length(e.server, e.client, 54, 1446);
        free_ends(&e);
    }
}

/* ---- what is not genuine ---- */

static void
check_forgery(struct ends *e, bool aead, bool v2)
{
    uint8_t good[256];
    uint8_t bytes[256];
    uint8_t got[256];
    size_t len = 0;
    size_t n = ovpn_data_seal(e->client, "one two three four five", 23, NULL, 0, good);
    size_t covered = aead ? 0 : v2 ? 32 : 8; /* CBC leaves the head open */

    for (size_t cut = 0; cut < n; cut++)
        g_assert_cmpint(ovpn_data_open(e->server, good, cut, got, sizeof(got), &len), !=,
                        DROP_NONE);
    for (size_t bit = covered; bit < 8 * n; bit++) {
        memcpy(bytes, good, n);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum drop why = ovpn_data_open(e->server, bytes, n, got, sizeof(got), &len);
        g_assert_true(why == DROP_MALFORMED || (why == DROP_POLICY && aead) || why == DROP_SHORT);
    }
    /* who sends a packet back to where it came from is not believed */
    g_assert_cmpint(ovpn_data_open(e->client, good, n, got, sizeof(got), &len), ==, DROP_MALFORMED);
    g_assert_cmpint(ovpn_data_open(e->server, good, n, got, sizeof(got), &len), ==, DROP_NONE);
    g_assert_cmpmem(got, (int)len, "one two three four five", 23);
}

static void
test_forgery(void)
{
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
        struct ends e = make_ends(kinds[i / 2].cipher, kinds[i / 2].digest, i % 2);
        check_forgery(&e, ovpn_cipher_is_aead(kinds[i / 2].cipher), i % 2);
        free_ends(&e);
    }
}

static void
test_refused(void)
{
    struct ends e = make_ends(OVPN_AES_256_GCM, NULL, true);
    struct ovpn_data_config config = {.cipher = OVPN_CIPHER_NONE_AGREED};
    static uint8_t bytes[OVPN_PACKET_MAX + 1];
    static uint8_t got[OVPN_PACKET_MAX];
    uint8_t block[OVPN_KEY_BLOCK] = {0};
    size_t len = 0;

    bytes[0] = ovpn_first(OVPN_DATA_V2, 3);
    g_assert_cmpint(ovpn_data_open(e.server, bytes, sizeof(bytes), got, sizeof(got), &len), ==,
                    DROP_TOO_LONG);
    bytes[0] = ovpn_first(OVPN_CONTROL_V1, 3);
    g_assert_cmpint(ovpn_data_open(e.server, bytes, 100, got, sizeof(got), &len), ==,
                    DROP_MALFORMED);
    bytes[0] = ovpn_first(OVPN_DATA_V1, 2); /* another key's */
    g_assert_cmpint(ovpn_data_open(e.server, bytes, 100, got, sizeof(got), &len), ==,
                    DROP_MALFORMED);
    bytes[0] = ovpn_first(OVPN_DATA_V2, 3); /* packet id 0 */
    g_assert_cmpint(ovpn_data_open(e.server, bytes, 100, got, sizeof(got), &len), ==, DROP_POLICY);
    free_ends(&e);
    g_assert_null(ovpn_data_new(&config, block));
    config.cipher = OVPN_AES_256_CBC;
    g_assert_null(ovpn_data_new(&config, block));
    config.digest = "[null-digest]";
    g_assert_null(ovpn_data_new(&config, block));
    config.digest = "SHAKE256";
    g_assert_null(ovpn_data_new(&config, block));
    ovpn_data_free(NULL);
}

/* A packet with this plaintext, padding and all, as somebody with the keys may make it. */
static size_t
make_cbc(const char *plain, uint8_t *out)
{
    uint8_t block[OVPN_KEY_BLOCK];
    uint8_t text[64];
    size_t len = hex_bytes(plain, text, sizeof(text));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t mac_len = 0;
    int n = 0;

    make_block(block);
    out[0] = ovpn_first(OVPN_DATA_V1, 3);
    memset(out + 33, 0x55, 16);
    g_assert_true(EVP_EncryptInit_ex2(ctx, EVP_aes_256_cbc(), block, out + 33, NULL));
    g_assert_true(EVP_CIPHER_CTX_set_padding(ctx, 0));
    g_assert_true(EVP_EncryptUpdate(ctx, out + 49, &n, text, (int)len));
    g_assert_cmpuint((size_t)n, ==, len);
    EVP_CIPHER_CTX_free(ctx);
    EVP_MAC_CTX *mac = ovpn_hmac_new("SHA256", block + 64, 32);
    g_assert_true(EVP_MAC_update(mac, out + 33, 16 + len));
    g_assert_true(EVP_MAC_final(mac, out + 1, &mac_len, 32));
    EVP_MAC_CTX_free(mac);
    return 49 + len;
}

static void
test_padding(void)
{
    static const struct {
        const char *plain;
        enum drop want;
        size_t len;
    } cases[] = {
        {"00000001 0c0c0c0c0c0c0c0c0c0c0c0c", DROP_NONE, 0},
        {"00000002 41424344 0808080808080808", DROP_NONE, 4},
        {"00000003 4142434445464748494a4b 01", DROP_NONE, 11},
        {"00000004 4142434445464748494a4b4c 10101010101010101010101010101010", DROP_NONE, 12},
        {"00000005 4142434445464748494a4b4c 4d4e4f 0d0d0d0d0d0d0d0d0d0d0d0d0d", DROP_NONE, 15},
        {"00000006 4142434445464748494a4b 00", DROP_MALFORMED, 0},
        {"00000007 0d0d0d0d0d0d0d0d0d0d0d 0d", DROP_MALFORMED, 0}, /* into the id */
        {"00000008 101010101010101010101010", DROP_MALFORMED, 0},
        {"00000009 4142434445464748494a4b 11", DROP_MALFORMED, 0},
        {"0000000a 4142434445464748494a4b4c 111111111111111111111111111111 11", DROP_MALFORMED, 0},
        {"0000000b 4142434445464748494a4b4c 414141414141414141414141414141 ff", DROP_MALFORMED, 0},
        {"00000000 4142434445464748494a4b 01", DROP_POLICY, 0},
        {"00000001 4142434445464748494a4b 01", DROP_POLICY, 0},
    };
    struct ends e = make_ends(OVPN_AES_256_CBC, "SHA256", true);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t bytes[128];
        uint8_t got[64];
        size_t len = 0;
        size_t n = make_cbc(cases[i].plain, bytes);
        size_t cap = cases[i].want == DROP_NONE ? cases[i].len : sizeof(got);
        enum drop why = ovpn_data_open(e.server, bytes, n, got, cap, &len);
        g_assert_cmpint(why, ==, cases[i].want);
        g_assert_cmpuint(len, ==, cases[i].len);
        g_assert_cmpmem(got, (int)len, "ABCDEFGHIJKLMNO", (int)len);
    }
    free_ends(&e);
}

static void
test_fresh_ivs(void)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    struct ends e = make_ends(OVPN_AES_128_CBC, "SHA1", true);
    uint8_t bytes[64 + 32];

    for (unsigned i = 0; i < 1000; i++) { /* more than are drawn at once */
        (void)ovpn_data_seal(e.client, "x", 1, NULL, 0, bytes);
        g_assert_true(g_hash_table_add(seen, g_bytes_new(bytes + 4 + 20, 16)));
    }
    free_ends(&e);
}

/* ---- replay ---- */

enum { STORED = 3 * OVPN_REPLAY_WINDOW, EACH = 64 };

struct stored {
    uint8_t bytes[STORED][EACH];
    size_t len[STORED];
};

static enum drop
open_stored(struct ends *e, const struct stored *s, unsigned id)
{
    uint8_t got[EACH];
    size_t len = 0;
    enum drop why = ovpn_data_open(e->server, s->bytes[id - 1], s->len[id - 1], got, EACH, &len);

    if (why == DROP_NONE)
        g_assert_cmpmem(got, (int)len, &id, sizeof(id));
    return why;
}

static struct stored *
store(struct ends *e)
{
    struct stored *s = g_new0(struct stored, 1);

    for (unsigned id = 1; id <= STORED; id++)
        s->len[id - 1] = ovpn_data_seal(e->client, &id, sizeof(id), NULL, 0, s->bytes[id - 1]);
    return s;
}

static void
test_replay(void)
{
    for (unsigned cbc = 0; cbc < 2; cbc++) {
        struct ends e = make_ends(cbc ? OVPN_AES_128_CBC : OVPN_AES_128_GCM, "MD5", true);
        struct stored *s = store(&e);
        const unsigned top = 2 * OVPN_REPLAY_WINDOW + 7;

        g_assert_cmpint(open_stored(&e, s, 3), ==, DROP_NONE);
        g_assert_cmpint(open_stored(&e, s, 1), ==, DROP_NONE);
        g_assert_cmpint(open_stored(&e, s, 1), ==, DROP_POLICY);
        s->bytes[top - 1][s->len[top - 1] - 1] ^= 1; /* forged: does not move the window */
        g_assert_cmpint(open_stored(&e, s, top), ==, DROP_MALFORMED);
        g_assert_cmpint(open_stored(&e, s, 2), ==, DROP_NONE);
        s->bytes[top - 1][s->len[top - 1] - 1] ^= 1;
        g_assert_cmpint(open_stored(&e, s, top), ==, DROP_NONE);
        g_assert_cmpint(open_stored(&e, s, top - OVPN_REPLAY_WINDOW), ==, DROP_POLICY);
        for (unsigned id = top - 1; id > top - OVPN_REPLAY_WINDOW; id--) {
            g_assert_cmpint(open_stored(&e, s, id), ==, DROP_NONE);
            g_assert_cmpint(open_stored(&e, s, id), ==, DROP_POLICY);
        }
        g_free(s);
        free_ends(&e);
    }
}

/* In any order, each packet is taken at most once, and whenever it is in the window. */
static void
test_replay_random(void)
{
    struct ends e = make_ends(OVPN_AES_128_GCM, NULL, true);
    struct stored *s = store(&e);
    g_autofree bool *taken = g_new0(bool, STORED + 1);
    uint32_t random = 99;
    unsigned top = 0;

    for (unsigned i = 0; i < 100000; i++) {
        random = random * 1664525u + 1013904223u;
        unsigned most = 1 + i / 16; /* drifts up, with jumps back over more than the window */
        unsigned id = 1 + (random >> 8) % MIN(most, STORED);
        bool want = !taken[id] && (id > top || top - id < OVPN_REPLAY_WINDOW);
        g_assert_cmpint(open_stored(&e, s, id), ==, want ? DROP_NONE : DROP_POLICY);
        taken[id] |= want;
        top = MAX(top, id);
    }
    g_free(s);
    free_ends(&e);
}

/* ---- the end of a key ---- */

static void
test_end(void)
{
    struct ends e = make_ends(OVPN_AES_128_GCM, NULL, true);
    uint8_t bytes[64];
    uint8_t got[64];
    size_t len = 0;

    g_assert_false(ovpn_data_is_worn(e.client));
    e.client->send_id = OVPN_RENEGOTIATE_AT - 2;
    (void)ovpn_data_seal(e.client, "x", 1, NULL, 0, bytes);
    g_assert_false(ovpn_data_is_worn(e.client));
    size_t n = ovpn_data_seal(e.client, "x", 1, NULL, 0, bytes);
    g_assert_true(ovpn_data_is_worn(e.client));
    g_assert_cmpint(ovpn_data_open(e.server, bytes, n, got, sizeof(got), &len), ==, DROP_NONE);
    g_assert_true(ovpn_data_is_worn(e.server)); /* the other side sees it, too */
    e.client->send_id = 0xff000000u - 1;
    n = ovpn_data_seal(e.client, "x", 1, NULL, 0, bytes);
    hex_assert(bytes + 4, 4, "ff000000");
    g_assert_cmpint(ovpn_data_open(e.server, bytes, n, got, sizeof(got), &len), ==, DROP_NONE);
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpuint(ovpn_data_seal(e.client, "x", 1, NULL, 0, bytes), ==, 0);
    free_ends(&e);
    e = make_ends(OVPN_AES_128_GCM, NULL, true);
    e.client->blocks = UINT64_C(1) << 35;
    g_assert_true(ovpn_data_is_worn(e.client));
    free_ends(&e);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/data/vector", test_vector);
    g_test_add_func("/openvpn/data/heads", test_heads);
    g_test_add_func("/openvpn/data/lengths", test_lengths);
    g_test_add_func("/openvpn/data/forgery", test_forgery);
    g_test_add_func("/openvpn/data/refused", test_refused);
    g_test_add_func("/openvpn/data/padding", test_padding);
    g_test_add_func("/openvpn/data/fresh-ivs", test_fresh_ivs);
    g_test_add_func("/openvpn/data/replay", test_replay);
    g_test_add_func("/openvpn/data/replay-random", test_replay_random);
    g_test_add_func("/openvpn/data/end", test_end);
    return g_test_run();
}
