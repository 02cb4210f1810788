/* SPDX-License-Identifier: Apache-2.0 */
/* ESP, sealed and opened: all suites, all lengths, tampering, replays, the last sequence number,
 * phones that truncate. Vectors of the RFCs are in test-esp-vectors.c. */

#include "core/proto/esp/esp_priv.h"
#include "tests/unit/esp/suites.h"

#include <glib.h>

enum { ROOM = 2048, SPI = 0x12345678, NEXT = 17 };

struct pair {
    struct esp_out *out;
    struct esp_in *in;
};

static struct pair
pair_new(const struct esp_suite *s)
{
    uint8_t keymat[ESP_KEYMAT_MAX];

    for (unsigned i = 0; i < sizeof(keymat); i++)
        keymat[i] = (uint8_t)(11 * i + 3);
    struct pair p = {esp_out_new(s, SPI, keymat), esp_in_new(s, SPI, keymat)};
    g_assert_nonnull(p.out);
    g_assert_nonnull(p.in);
    return p;
}

static void
pair_free(struct pair *p)
{
    esp_out_free(p->out);
    esp_in_free(p->in);
}

static void
fill(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(7 * i + len);
}

static size_t
seal(struct esp_out *o, const uint8_t *payload, size_t len, uint8_t *packet)
{
    struct pf_slice in = {(void *)(uintptr_t)payload, len};

    return esp_out_seal(o, &in, 1, NEXT, packet);
}

static void
round_trip(struct pair *p, size_t len)
{
    uint8_t payload[ROOM];
    uint8_t packet[ROOM + ESP_OVERHEAD_MAX + 1];
    struct esp_opened opened = {0};
    struct pf_slice in[] = {
        {payload, len / 5}, {payload + len / 5, 0}, {payload + len / 5, len - len / 5}};

    fill(payload, len);
    packet[esp_out_size(p->out, len)] = 0xee;
    size_t n = esp_out_seal(p->out, in, G_N_ELEMENTS(in), NEXT, packet);
    g_assert_cmpuint(n, ==, esp_out_size(p->out, len));
    g_assert_true(packet[n] == 0xee); /* nothing behind it was touched */
    g_assert_cmpuint(n, <=, len + ESP_OVERHEAD_MAX);
    g_assert_cmpuint(n % 4, ==, 0);
    g_assert_cmpuint(esp_out_fits(p->out, n), >=, len);
    g_assert_cmpint(esp_in_open(p->in, packet, n, &opened), ==, DROP_NONE);
    g_assert_cmpuint(opened.len, ==, len);
    g_assert_true(memcmp(opened.data, payload, len) == 0);
    g_assert_cmpint(opened.next_header, ==, NEXT);
    g_assert_true(opened.data >= packet && opened.data + opened.len <= packet + n);
}

static void
test_round_trips(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        struct pair p = pair_new(&all_suites[i]);
        for (size_t len = 0; len <= 200; len++)
            round_trip(&p, len);
        for (size_t len = 1300; len <= 1500; len++)
            round_trip(&p, len);
        g_assert_cmpuint(esp_out_packets(p.out), ==, 402);
        g_assert_cmpuint(esp_in_packets(p.in), ==, 402);
        g_assert_false(esp_in_is_short(p.in));
        pair_free(&p);
    }
}

static void
test_fits(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        struct pair p = pair_new(&all_suites[i]);
        for (size_t len = 0; len < 1600; len++) {
            size_t fits = esp_out_fits(p.out, len);
            g_assert_true(fits == 0 || esp_out_size(p.out, fits) <= len);
            g_assert_cmpuint(esp_out_size(p.out, fits + 1), >, len);
        }
        pair_free(&p);
    }
}

/* Each bit of a packet, all suites. */
static void
test_tampering(void)
{
    uint8_t payload[37];
    uint8_t packet[ROOM];
    uint8_t copy[ROOM];
    struct esp_opened opened;

    fill(payload, sizeof(payload));
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        struct pair p = pair_new(&all_suites[i]);
        p.out->seq = 2; /* no bit of the next one makes 0 of it */
        size_t n = seal(p.out, payload, sizeof(payload), packet);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            memcpy(copy, packet, n);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            enum drop why = esp_in_open(p.in, copy, n, &opened);
            g_assert_cmpint(why, ==, bit < 32 ? DROP_MALFORMED : DROP_CRYPTO);
        }
        g_assert_cmpuint(esp_in_packets(p.in), ==, 0);
        for (size_t len = 0; len < n; len++) {
            if (all_suites[i].integrity == ESP_SHA256_128 && len == n - 4)
                continue; /* see test_short_icv() */
            memcpy(copy, packet, len);
            g_assert_cmpint(esp_in_open(p.in, copy, len, &opened), !=, DROP_NONE);
        }
        g_assert_cmpint(esp_in_open(p.in, packet, n, &opened), ==, DROP_NONE);
        pair_free(&p);
    }
}

static void
test_replay(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        struct pair p = pair_new(&all_suites[i]);
        uint8_t packets[4][128];
        uint8_t copy[128];
        size_t n = 0;
        struct esp_opened opened;

        for (unsigned k = 0; k < 4; k++)
            n = seal(p.out, (const uint8_t *)"abc", 3, packets[k]);
        static const struct {
            unsigned packet;
            enum drop want;
            bool newest;
        } order[] = {
            {1, DROP_NONE, true},    {1, DROP_REPLAY, false}, {0, DROP_NONE, false},
            {3, DROP_NONE, true},    {0, DROP_REPLAY, false}, {2, DROP_NONE, false},
            {3, DROP_REPLAY, false}, {2, DROP_REPLAY, false},
        };
        for (unsigned k = 0; k < G_N_ELEMENTS(order); k++) {
            memcpy(copy, packets[order[k].packet], n);
            g_assert_cmpint(esp_in_open(p.in, copy, n, &opened), ==, order[k].want);
            if (order[k].want == DROP_NONE)
                g_assert_true(opened.newest == order[k].newest);
        }
        pair_free(&p);
    }
}

/* A number that comes again would end AES-GCM: the last one is the last. */
static void
test_last_number(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        struct pair p = pair_new(&all_suites[i]);
        uint64_t last = all_suites[i].esn ? UINT64_MAX : UINT32_MAX;
        uint8_t packet[128];
        struct esp_opened opened;

        p.out->seq = last - 1;
        p.in->window.top = last - 1;
        size_t n = seal(p.out, (const uint8_t *)"abc", 3, packet);
        g_assert_cmpuint(n, >, 0);
        g_assert_cmpint(esp_in_open(p.in, packet, n, &opened), ==, DROP_NONE);
        for (unsigned k = 0; k < 3; k++)
            g_assert_cmpuint(seal(p.out, (const uint8_t *)"abc", 3, packet), ==, 0);
        g_assert_cmphex(esp_out_packets(p.out), ==, last);
        pair_free(&p);
    }
}

static void
test_esn_turn(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        if (!all_suites[i].esn)
            continue;
        struct pair p = pair_new(&all_suites[i]);
        uint8_t packets[64][128];
        size_t n = 0;
        struct esp_opened opened;

        p.out->seq = UINT32_MAX - 32;
        p.in->window.top = UINT32_MAX - 32;
        for (unsigned k = 0; k < 64; k++)
            n = seal(p.out, (const uint8_t *)"abc", 3, packets[k]);
        for (unsigned k = 0; k < 64; k++)
            g_assert_cmpint(esp_in_open(p.in, packets[k ^ 63], n, &opened), ==, DROP_NONE);
        pair_free(&p);
    }
}

static void
test_dummy(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        struct pair p = pair_new(&all_suites[i]);
        uint8_t packet[128];
        struct esp_opened opened;

        size_t n = esp_out_seal(p.out, NULL, 0, ESP_DUMMY, packet);
        g_assert_cmpint(esp_in_open(p.in, packet, n, &opened), ==, DROP_NONE);
        g_assert_cmpint(opened.next_header, ==, ESP_DUMMY);
        g_assert_cmpuint(opened.len, ==, 0);
        pair_free(&p);
    }
}

/* ---- what a peer with the key may still get wrong ---- */

static enum drop
open_text(const struct esp_suite *s, const uint8_t *text, size_t len)
{
    struct pair p = pair_new(s);
    uint8_t packet[ROOM];
    struct esp_opened opened;

    size_t n = esp_seal_text(p.out, text, len, packet);
    g_assert_cmpuint(n, >, 0);
    enum drop why = esp_in_open(p.in, packet, n, &opened);
    pair_free(&p);
    return why;
}

static void
test_padding(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all_suites); i++) {
        uint8_t text[16] = {0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7, NEXT};

        g_assert_cmpint(open_text(&all_suites[i], text, 16), ==, DROP_NONE);
        text[9] = 0;
        g_assert_cmpint(open_text(&all_suites[i], text, 16), ==, DROP_MALFORMED);
        text[9] = 3;
        text[14] = 8;
        g_assert_cmpint(open_text(&all_suites[i], text, 16), ==, DROP_MALFORMED);
        for (unsigned k = 0; k < 14; k++)
            text[k] = (uint8_t)(k + 1);
        text[14] = 14; /* nothing but padding */
        g_assert_cmpint(open_text(&all_suites[i], text, 16), ==, DROP_NONE);
        text[14] = 15; /* more than there is */
        g_assert_cmpint(open_text(&all_suites[i], text, 16), ==, DROP_MALFORMED);
        text[14] = 255;
        g_assert_cmpint(open_text(&all_suites[i], text, 16), ==, DROP_MALFORMED);
        g_assert_cmpint(open_text(&all_suites[i], (const uint8_t[16]){0}, 16), ==, DROP_NONE);
    }
    uint8_t longer[256]; /* RFC 4303, 2.4 allows up to 255 bytes */
    for (unsigned k = 0; k < 254; k++)
        longer[k] = (uint8_t)(k + 1);
    longer[254] = 254;
    longer[255] = NEXT;
    g_assert_cmpint(open_text(&all_suites[0], longer, 256), ==, DROP_NONE);
}

static void
test_short_icv(void)
{
    static const struct esp_suite suites[] = {
        {ESP_AES_CBC, ESP_SHA256_128, 256, false},
        {ESP_3DES_CBC, ESP_SHA256_128, 192, false},
        {ESP_AES_CBC, ESP_SHA256_128, 128, true},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(suites); i++) {
        struct pair p = pair_new(&suites[i]);
        struct pair other = pair_new(&suites[i]);
        uint8_t packet[128];
        struct esp_opened opened;

        /* A forged short one decides nothing. */
        size_t n = seal(p.out, (const uint8_t *)"abc", 3, packet) - 4;
        packet[n - 1] ^= 1;
        g_assert_cmpint(esp_in_open(p.in, packet, n, &opened), ==, DROP_CRYPTO);
        g_assert_false(esp_in_is_short(p.in));

        esp_out_set_short(p.out);
        for (size_t len = 0; len <= 64; len++)
            round_trip(&p, len);
        g_assert_true(esp_in_is_short(p.in));
        /* Somebody on the way had cut them: the first whole one decides for good. */
        esp_out_set_full(p.out);
        round_trip(&p, 5);
        g_assert_false(esp_in_is_short(p.in));
        n = seal(p.out, (const uint8_t *)"abc", 3, packet);
        g_assert_cmpint(esp_in_open(p.in, packet, n - 4, &opened), !=, DROP_NONE);

        round_trip(&other, 5);
        g_assert_false(esp_in_is_short(other.in));
        n = seal(other.out, (const uint8_t *)"abc", 3, packet);
        g_assert_cmpint(esp_in_open(other.in, packet, n - 4, &opened), !=, DROP_NONE);
        pair_free(&p);
        pair_free(&other);
    }
    /* Another MAC has no short form. */
    struct pair p = pair_new(&(struct esp_suite){ESP_AES_CBC, ESP_SHA512_256, 256, false});
    size_t was = esp_out_size(p.out, 5);
    esp_out_set_short(p.out);
    g_assert_cmpuint(esp_out_size(p.out, 5), ==, was);
    pair_free(&p);
}

/* We answer in kind, and no longer once a whole one has come. */
static void
test_follow(void)
{
    static const struct esp_suite suite = {ESP_AES_CBC, ESP_SHA256_128, 128, false};
    struct pair theirs = pair_new(&suite);
    struct pair ours = pair_new(&suite);

    esp_out_follow(ours.out, theirs.in); /* nothing came yet */
    g_assert_cmpuint(esp_out_size(ours.out, 0), ==, 8 + 16 + 16 + 16);
    esp_out_set_short(theirs.out);
    round_trip(&theirs, 5);
    esp_out_follow(ours.out, theirs.in);
    g_assert_cmpuint(esp_out_size(ours.out, 0), ==, 8 + 16 + 16 + 12);
    esp_out_set_full(theirs.out);
    round_trip(&theirs, 5);
    esp_out_follow(ours.out, theirs.in);
    g_assert_cmpuint(esp_out_size(ours.out, 0), ==, 8 + 16 + 16 + 16);
    pair_free(&theirs);
    pair_free(&ours);
}

/* IVs of CBC repeat neither within a draw nor over its end. */
static void
test_ivs(void)
{
    struct pair p = pair_new(&(struct esp_suite){ESP_AES_CBC, ESP_SHA1_96, 128, false});
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    uint8_t packet[64];

    for (unsigned k = 0; k < 1000; k++) {
        (void)seal(p.out, (const uint8_t *)"abc", 3, packet);
        g_assert_true(g_hash_table_add(
            seen, g_compute_checksum_for_data(G_CHECKSUM_MD5, packet + ESP_HEADER, 16)));
    }
    pair_free(&p);
}

static void
test_suites(void)
{
    static const struct esp_suite none[] = {
        {ESP_AES_GCM_16, ESP_SHA1_96, 256, false},
        {ESP_AES_CBC, ESP_AEAD, 256, false},
        {ESP_AES_CBC, ESP_SHA1_96, 64, false},
        {ESP_3DES_CBC, ESP_SHA1_96, 128, false},
        {(enum esp_cipher)9, ESP_AEAD, 128, false},
        {ESP_AES_CBC, (enum esp_integrity)17, 128, false},
    };
    static const uint8_t keymat[ESP_KEYMAT_MAX] = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        g_assert_cmpuint(esp_keymat_size(&none[i]), ==, 0);
        g_assert_cmpstr(esp_suite_name(&none[i]), ==, "unknown");
        g_assert_null(esp_out_new(&none[i], SPI, keymat));
        g_assert_null(esp_in_new(&none[i], SPI, keymat));
    }
    static const struct {
        struct esp_suite suite;
        const char *name;
        size_t keymat;
    } some[] = {
        {{ESP_AES_GCM_16, ESP_AEAD, 256, false}, "AES-256-GCM", 36},
        {{ESP_AES_CBC, ESP_SHA1_96, 128, false}, "AES-128-CBC-SHA1", 36},
        {{ESP_AES_CBC, ESP_SHA512_256, 256, true}, "AES-256-CBC-SHA512", 96},
        {{ESP_3DES_CBC, ESP_MD5_96, 192, false}, "3DES-CBC-MD5", 40},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
        g_assert_cmpuint(esp_keymat_size(&some[i].suite), ==, some[i].keymat);
        g_assert_cmpstr(esp_suite_name(&some[i].suite), ==, some[i].name);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/esp/round-trips", test_round_trips);
    g_test_add_func("/esp/fits", test_fits);
    g_test_add_func("/esp/tampering", test_tampering);
    g_test_add_func("/esp/replay", test_replay);
    g_test_add_func("/esp/last-number", test_last_number);
    g_test_add_func("/esp/esn-turn", test_esn_turn);
    g_test_add_func("/esp/dummy", test_dummy);
    g_test_add_func("/esp/padding", test_padding);
    g_test_add_func("/esp/short-icv", test_short_icv);
    g_test_add_func("/esp/follow", test_follow);
    g_test_add_func("/esp/ivs", test_ivs);
    g_test_add_func("/esp/suites", test_suites);
    return g_test_run();
}
