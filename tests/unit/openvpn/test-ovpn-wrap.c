/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-wrap.c - packets as other programs make them, both directions, forgery, replay, and key
 * files. */

#include "core/proto/openvpn/siv_priv.h"
#include "core/proto/openvpn/wrap.h"
#include "tests/unit/openvpn/genuine.h"
#include "tests/unit/openvpn/hex.h"

enum { NOW = 0x66000000 };
static const uint8_t sid[OVPN_SID] = {1, 2, 3, 4, 5, 6, 7, 8};

/* ---- helpers ---- */

static void
count_key(uint8_t key[OVPN_STATIC_KEY])
{
    for (unsigned i = 0; i < OVPN_STATIC_KEY; i++)
        key[i] = (uint8_t)(7 * i + 3);
}

/* The client's side of tls-crypt: it sends with the half that the server receives with. */
static struct ovpn_wrap_key *
crypt_key(const uint8_t key[OVPN_STATIC_KEY], bool server)
{
    uint8_t swapped[OVPN_STATIC_KEY];

    memcpy(swapped, key + 128, 128);
    memcpy(swapped + 128, key, 128);
    return ovpn_wrap_key_new(OVPN_WRAP_CRYPT, server ? key : swapped, OVPN_STATIC_KEY, NULL, 0);
}

struct pair {
    struct ovpn_wrap client, server;
};

static void
begin(struct pair *p, struct ovpn_wrap_key *client, struct ovpn_wrap_key *server)
{
    ovpn_wrap_begin(&p->client, client);
    ovpn_wrap_begin(&p->server, server);
    ovpn_wrap_key_unref(client);
    ovpn_wrap_key_unref(server);
}

static void
begin_auth(struct pair *p, const char *digest, int client, int server)
{
    uint8_t key[OVPN_STATIC_KEY];

    count_key(key);
    begin(p, ovpn_wrap_key_new(OVPN_WRAP_AUTH, key, sizeof(key), digest, client),
          ovpn_wrap_key_new(OVPN_WRAP_AUTH, key, sizeof(key), digest, server));
}

static void
begin_crypt(struct pair *p)
{
    uint8_t key[OVPN_STATIC_KEY];

    count_key(key);
    begin(p, crypt_key(key, false), crypt_key(key, true));
}

static void
end(struct pair *p)
{
    ovpn_wrap_end(&p->client);
    ovpn_wrap_end(&p->server);
}

static struct ovpn_control
control(const char *payload)
{
    struct ovpn_control c = {.op = OVPN_CONTROL_V1,
                             .key_id = 2,
                             .n_acks = 2,
                             .ack = {4, 5},
                             .has_id = true,
                             .id = 6,
                             .payload = reader_of(payload, strlen(payload))};

    memcpy(c.sid, sid, OVPN_SID);
    memset(c.peer_sid, 0x77, OVPN_SID);
    return c;
}

static size_t
seal(struct ovpn_wrap *w, const char *payload, uint32_t now_s, uint8_t out[256])
{
    struct ovpn_control c = control(payload);
    struct writer writer = writer_of(out, 256);

    g_assert_true(ovpn_wrap_seal(w, &c, now_s, &writer));
    return writer.len;
}

/* ---- what others make ---- */

static void
check_vector(enum ovpn_wrap_kind kind, const uint8_t *key, const char *hex)
{
    struct ovpn_wrap_key *k = ovpn_wrap_key_new(kind, key, OVPN_STATIC_KEY, "SHA1", -1);
    struct ovpn_control c = {.op = OVPN_HARD_RESET_CLIENT_V2, .has_id = true};
    struct ovpn_control got;
    struct ovpn_wrap w;
    uint8_t bytes[128];
    struct writer out = writer_of(bytes, sizeof(bytes));

    memcpy(c.sid, sid, OVPN_SID);
    ovpn_wrap_begin(&w, k);
    g_assert_true(ovpn_wrap_seal(&w, &c, NOW, &out));
    hex_assert(bytes, out.len, hex);
    g_assert_cmpuint(out.len, ==, 14 + ovpn_wrap_overhead(&w));
    g_assert_cmpuint(ovpn_wrap_packet_id(&w, bytes, out.len), ==, 1);
    g_assert_cmpint(ovpn_wrap_open(&w, bytes, out.len, true, &got), ==, DROP_NONE);
    g_assert_cmpint(got.op, ==, OVPN_HARD_RESET_CLIENT_V2);
    g_assert_cmpmem(got.sid, OVPN_SID, sid, OVPN_SID);
    g_assert_cmpuint(got.id, ==, 0);
    ovpn_wrap_end(&w);
    ovpn_wrap_key_unref(k);
}

static void
test_vectors(void)
{
    uint8_t key[OVPN_STATIC_KEY];

    memset(key, 0xcc, sizeof(key));
    check_vector(OVPN_WRAP_AUTH, key,
                 "38 0102030405060708 df0cebb9716b6136565ead23220693db76a83fa2 00000001 66000000 "
                 "00 00000000");
    for (unsigned half = 0; half < 2; half++) {
        memset(key + 128 * half, 0xaa, 64);
        memset(key + 128 * half + 64, 0xbb, 64);
    }
    check_vector(OVPN_WRAP_CRYPT, key,
                 "38 0102030405060708 00000001 66000000 "
                 "16a2bf28633d37ea65bcf585485cd61259e34135a3c86950e4c3d55afa325d92 bfad74d4b8");
}

static void
check_genuine(enum ovpn_wrap_kind kind, const char *digest, int direction, const char *hex)
{
    uint8_t key[OVPN_STATIC_KEY];
    uint8_t bytes[512];
    size_t len = hex_bytes(hex, bytes, sizeof(bytes));
    struct ovpn_control got;
    struct ovpn_wrap w;

    g_assert_true(ovpn_static_key_parse(genuine_static, key));
    struct ovpn_wrap_key *k = ovpn_wrap_key_new(kind, key, sizeof(key), digest, direction);
    ovpn_wrap_begin(&w, k);
    g_assert_cmpint(ovpn_wrap_open(&w, bytes, len, true, &got), ==, DROP_NONE);
    g_assert_cmpint(got.op, ==, OVPN_HARD_RESET_CLIENT_V2);
    g_assert_cmpuint(got.id, ==, 0);
    g_assert_cmpuint(got.payload.left, ==, 0);
    ovpn_wrap_end(&w);
    ovpn_wrap_key_unref(k);
}

static void
test_genuine(void)
{
    check_genuine(OVPN_WRAP_AUTH, "SHA1", 0, genuine_auth_sha1);
    check_genuine(OVPN_WRAP_AUTH, NULL, 0, genuine_auth_sha1);
    check_genuine(OVPN_WRAP_AUTH, "SHA256", -1, genuine_auth_sha256);
    check_genuine(OVPN_WRAP_AUTH, "SHA512", 0, genuine_auth_sha512);
    check_genuine(OVPN_WRAP_CRYPT, NULL, 0, genuine_crypt);
}

static void
check_genuine_v2(const char *hex)
{
    uint8_t server[OVPN_V2_SERVER_KEY];
    uint8_t bytes[512];
    size_t len = hex_bytes(hex, bytes, sizeof(bytes));
    struct ovpn_control got;
    struct ovpn_wrap w;

    g_assert_true(ovpn_v2_server_key_parse(genuine_v2_server, server));
    struct ovpn_wrap_key *k =
        ovpn_wrap_key_new(OVPN_WRAP_CRYPT_V2, server, sizeof(server), NULL, 0);
    struct ovpn_wrap_key *client = ovpn_wrap_open_wkc(k, bytes, &len);
    g_assert_nonnull(client);
    g_assert_cmpint(ovpn_wrap_key_kind(client), ==, OVPN_WRAP_CRYPT);
    g_assert_cmpuint(len, ==, 54);
    ovpn_wrap_begin(&w, client);
    g_assert_cmphex(ovpn_wrap_packet_id(&w, bytes, len), ==, 0x0f000001);
    g_assert_cmpint(ovpn_wrap_open(&w, bytes, len, false, &got), ==, DROP_NONE);
    g_assert_cmpint(got.op, ==, OVPN_HARD_RESET_CLIENT_V3);
    ovpn_wrap_end(&w);
    ovpn_wrap_key_unref(client);
    ovpn_wrap_key_unref(k);
}

static void
test_genuine_v2(void)
{
    check_genuine_v2(genuine_v2);
    check_genuine_v2(genuine_v2_user);
}

/* ---- both directions, and forgery ---- */

static void
check_content(const struct ovpn_control *got, const char *payload)
{
    g_assert_cmpint(got->op, ==, OVPN_CONTROL_V1);
    g_assert_cmpuint(got->key_id, ==, 2);
    g_assert_cmpuint(got->id, ==, 6);
    g_assert_cmpuint(got->n_acks, ==, 2);
    g_assert_cmpuint(got->ack[1], ==, 5);
    g_assert_cmpmem(got->payload.at, (int)got->payload.left, payload, (int)strlen(payload));
}

static void
check_way(struct ovpn_wrap *from, struct ovpn_wrap *to)
{
    uint8_t good[256];
    uint8_t bytes[256];
    size_t len = seal(from, "hello", NOW, good);
    struct ovpn_control got;
    bool safe = ovpn_wrap_overhead(to) > 0;

    for (size_t n = 0; n < len; n++) { /* cut */
        memcpy(bytes, good, sizeof(bytes));
        enum drop why = ovpn_wrap_open(to, bytes, n, true, &got);
        g_assert_true(why == DROP_SHORT || why == DROP_MALFORMED || !safe);
    }
    for (size_t bit = 0; safe && bit < 8 * len; bit++) {
        memcpy(bytes, good, sizeof(bytes));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        g_assert_cmpint(ovpn_wrap_open(to, bytes, len, true, &got), ==, DROP_MALFORMED);
    }
    memcpy(bytes, good, sizeof(bytes)); /* what was forged has not moved the window */
    g_assert_cmpint(ovpn_wrap_open(to, bytes, len, true, &got), ==, DROP_NONE);
    check_content(&got, "hello");
    memcpy(bytes, good, sizeof(bytes));
    g_assert_cmpint(ovpn_wrap_open(to, bytes, len, true, &got), ==, safe ? DROP_POLICY : DROP_NONE);
    memcpy(bytes, good, sizeof(bytes));
    g_assert_cmpint(ovpn_wrap_open(to, bytes, len, false, &got), ==, DROP_NONE);
}

static void
check_pair(struct pair *p)
{
    check_way(&p->client, &p->server);
    check_way(&p->server, &p->client);
    end(p);
}

static void
test_both_ways(void)
{
    static const char *const digests[] = {"SHA1", "SHA256", "SHA512", NULL};
    struct pair p;

    for (unsigned i = 0; i < G_N_ELEMENTS(digests); i++) {
        begin_auth(&p, digests[i], 1, 0);
        check_pair(&p);
        begin_auth(&p, digests[i], 0, 1);
        check_pair(&p);
        begin_auth(&p, digests[i], -1, -1);
        check_pair(&p);
    }
    begin_crypt(&p);
    check_pair(&p);
    p = (struct pair){0};
    check_pair(&p);
}

/* With directions, nobody takes back what he sent himself. */
static void
test_reflection(void)
{
    struct pair p;
    struct ovpn_control got;
    uint8_t bytes[256];

    begin_auth(&p, "SHA256", 1, 0);
    size_t len = seal(&p.server, "x", NOW, bytes);
    g_assert_cmpint(ovpn_wrap_open(&p.server, bytes, len, true, &got), ==, DROP_MALFORMED);
    end(&p);
    begin_crypt(&p);
    len = seal(&p.server, "x", NOW, bytes);
    g_assert_cmpint(ovpn_wrap_open(&p.server, bytes, len, true, &got), ==, DROP_MALFORMED);
    end(&p);
}

static void
test_no_room(void)
{
    struct pair p;
    struct ovpn_control c = control("hello");
    uint8_t bytes[256];

    begin_crypt(&p);
    size_t len = seal(&p.client, "hello", NOW, bytes);
    uint32_t id = p.client.send_id;
    for (size_t cap = 0; cap < len; cap++) {
        struct writer w = writer_of(bytes, cap);
        g_assert_false(ovpn_wrap_seal(&p.client, &c, NOW, &w));
    }
    g_assert_cmpuint(p.client.send_id, ==, id); /* no number was spent */
    p.client.send_id = UINT32_MAX;
    struct writer w = writer_of(bytes, sizeof(bytes));
    g_assert_false(ovpn_wrap_seal(&p.client, &c, NOW, &w));
    end(&p);
}

static void
test_digest(void)
{
    uint8_t key[OVPN_STATIC_KEY] = {0};

    g_assert_null(ovpn_wrap_key_new(OVPN_WRAP_AUTH, key, sizeof(key), "SHA3000", 0));
    ovpn_wrap_key_unref(NULL);
}

/* ---- many threads, one key ---- */

enum { THREADS = 4, ROUNDS = 2000 };

static void *
talk(void *data)
{
    struct ovpn_wrap_key **key = data;
    struct ovpn_control got;
    uint8_t bytes[256];
    struct pair p;
    unsigned good = 0;

    begin(&p, ovpn_wrap_key_ref(key[0]), ovpn_wrap_key_ref(key[1]));
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t len = seal(&p.client, "hello", NOW, bytes);
        good += ovpn_wrap_open(&p.server, bytes, len, true, &got) == DROP_NONE;
    }
    end(&p);
    return GUINT_TO_POINTER(good);
}

static void
test_threads(void)
{
    uint8_t bytes[OVPN_STATIC_KEY];
    GThread *thread[THREADS];

    count_key(bytes);
    for (unsigned crypt = 0; crypt < 2; crypt++) {
        struct ovpn_wrap_key *key[2];
        for (int i = 0; i < 2; i++)
            key[i] = crypt ? crypt_key(bytes, i == 1)
                           : ovpn_wrap_key_new(OVPN_WRAP_AUTH, bytes, sizeof(bytes), "SHA1", 1 - i);
        for (unsigned i = 0; i < THREADS; i++)
            thread[i] = g_thread_new("talk", talk, key);
        for (unsigned i = 0; i < THREADS; i++)
            g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(thread[i])), ==, ROUNDS);
        ovpn_wrap_key_unref(key[0]);
        ovpn_wrap_key_unref(key[1]);
    }
}

/* ---- replay ---- */

static enum drop
send_numbered(struct pair *p, uint32_t id, uint32_t at)
{
    struct ovpn_control got;
    uint8_t bytes[256];

    p->client.send_id = id - 1;
    p->client.send_time = at;
    size_t len = seal(&p->client, "x", NOW, bytes);
    return ovpn_wrap_open(&p->server, bytes, len, true, &got);
}

static void
test_replay(void)
{
    struct pair p;

    begin_auth(&p, "SHA256", 1, 0);
    g_assert_cmpint(send_numbered(&p, 5, NOW), ==, DROP_NONE);
    g_assert_cmpint(send_numbered(&p, 3, NOW), ==, DROP_NONE); /* was overtaken */
    g_assert_cmpint(send_numbered(&p, 3, NOW), ==, DROP_POLICY);
    g_assert_cmpint(send_numbered(&p, 5, NOW), ==, DROP_POLICY);
    g_assert_cmpint(send_numbered(&p, 100, NOW), ==, DROP_NONE);
    g_assert_cmpint(send_numbered(&p, 100 - OVPN_REPLAY_CONTROL, NOW), ==, DROP_POLICY);
    g_assert_cmpint(send_numbered(&p, 101 - OVPN_REPLAY_CONTROL, NOW), ==, DROP_NONE);
    g_assert_cmpint(send_numbered(&p, 0x0f000001, NOW), ==, DROP_NONE);
    g_assert_cmpint(send_numbered(&p, 1, NOW + 1), ==, DROP_NONE); /* begins again, later */
    g_assert_cmpint(send_numbered(&p, 0x0f000002, NOW), ==, DROP_POLICY);
    g_assert_cmpint(send_numbered(&p, 2, NOW + 1), ==, DROP_NONE);
    end(&p);
}

/* Genuine, but nobody counts from 0. */
static void
test_id_zero(void)
{
    uint8_t key[OVPN_STATIC_KEY];
    uint8_t bytes[54] = {ovpn_first(OVPN_HARD_RESET_CLIENT_V2, 0), [13] = 0x66};
    struct ovpn_control got;
    struct siv siv;
    struct pair p;

    count_key(key);
    begin_crypt(&p);
    siv_init(&siv, key + 128, key + 128 + 64);
    siv_seal(&siv, bytes, 17, bytes + 49, 5, bytes + 17);
    siv_done(&siv);
    g_assert_cmpint(ovpn_wrap_open(&p.server, bytes, sizeof(bytes), true, &got), ==, DROP_POLICY);
    end(&p);
}

static void
test_time_stays(void)
{
    struct pair p;
    uint8_t bytes[256];

    begin_crypt(&p);
    for (uint32_t i = 0; i < 3; i++)
        (void)seal(&p.client, "x", NOW + i, bytes);
    hex_assert(bytes + 9, 8, "00000003 66000000");
    end(&p);
}

/* ---- key files ---- */

static void
test_static_file(void)
{
    uint8_t key[OVPN_STATIC_KEY];
    uint8_t again[OVPN_STATIC_KEY];

    g_assert_true(ovpn_static_key_parse(genuine_static, key));
    hex_assert(key, 16, "cd3530abd0c34a2ed43cf1bcc334a03a");
    hex_assert(key + 240, 16, "2c5e2c74d6a0309c8b0c300df7fcdad5");
    char *text = ovpn_static_key_print(key);
    g_assert_cmpstr(text, ==, genuine_static); /* as openvpn writes it */
    g_assert_true(ovpn_static_key_parse(text, again));
    g_assert_cmpmem(key, sizeof(key), again, sizeof(again));
    for (size_t n = 0; n + 2 < strlen(genuine_static); n++) {
        g_autofree char *cut = g_strndup(genuine_static, n);
        g_assert_false(ovpn_static_key_parse(cut, again));
    }
    g_assert_false(ovpn_static_key_parse(genuine_v2_server, again));
    char *digit = strstr(text, "cd3530");
    *digit = 'x';
    g_assert_false(ovpn_static_key_parse(text, again));
    *digit = '\n'; /* one digit too few */
    g_assert_false(ovpn_static_key_parse(text, again));
    secret_free_str(text);
}

static void
test_server_file(void)
{
    uint8_t key[OVPN_V2_SERVER_KEY];

    g_assert_true(ovpn_v2_server_key_parse(genuine_v2_server, key));
    hex_assert(key, 4, "a661151f");
    hex_assert(key + 124, 4, "369cf258");
    char *text = ovpn_v2_server_key_print(key);
    g_assert_cmpstr(text, ==, genuine_v2_server);
    char *letter = strstr(text, "pmEV");
    *letter = '*';
    g_assert_false(ovpn_v2_server_key_parse(text, key));
    *letter = '\n';
    g_assert_false(ovpn_v2_server_key_parse(text, key));
    g_assert_false(ovpn_v2_server_key_parse("-----BEGIN OpenVPN tls-crypt-v2 server key-----\n"
                                            "-----END OpenVPN tls-crypt-v2 server key-----\n",
                                            key));
    secret_free_str(text);
}

/* The bytes of a client's key file. */
static size_t
client_bytes(const char *pem, uint8_t *out, size_t cap)
{
    g_auto(GStrv) lines = g_strsplit(pem, "\n", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    gsize n = 0;

    g_assert_cmpstr(lines[0], ==, "-----BEGIN OpenVPN tls-crypt-v2 client key-----");
    for (unsigned i = 1; lines[i] && lines[i][0] != '-'; i++) {
        g_assert_cmpuint(strlen(lines[i]), <=, 64);
        g_string_append(text, lines[i]);
    }
    g_autofree guchar *bytes = g_base64_decode(text->str, &n);
    g_assert_cmpuint(n, <=, cap);
    memcpy(out, bytes, n);
    return n;
}

/* A packet with a wrapped key at its end, as a client sends it. */
static struct ovpn_wrap_key *
open_behind(struct ovpn_wrap_key *server, const uint8_t *wkc, size_t wkc_len, size_t *len)
{
    uint8_t packet[1400] = {ovpn_first(OVPN_HARD_RESET_CLIENT_V3, 0)};

    memcpy(packet + 54, wkc, wkc_len);
    *len = 54 + wkc_len;
    return ovpn_wrap_open_wkc(server, packet, len);
}

/* With this metadata after the key, as the file's maker might have put it. */
static struct ovpn_wrap_key *
open_made(struct ovpn_wrap_key *server, const uint8_t *server_key, const char *metadata)
{
    uint8_t wkc[OVPN_WKC_MAX + 64] = {0};
    uint8_t *text = wkc + SIV_TAG;
    size_t text_len = OVPN_STATIC_KEY;
    size_t len = 0;
    struct siv siv;

    count_key(text);
    text_len += hex_bytes(metadata, text + text_len, sizeof(wkc) - SIV_TAG - text_len - 2);
    size_t whole = SIV_TAG + text_len + 2;
    text[text_len] = (uint8_t)(whole >> 8);
    text[text_len + 1] = (uint8_t)whole;
    siv_init(&siv, server_key, server_key + 64);
    siv_seal(&siv, text + text_len, 2, text, text_len, wkc);
    siv_done(&siv);
    struct ovpn_wrap_key *k = open_behind(server, wkc, whole, &len);
    g_assert_cmpuint(len, ==, k ? 54 : 54 + whole);
    return k;
}

static struct ovpn_wrap_key *
v2_server(uint8_t key[OVPN_V2_SERVER_KEY])
{
    g_assert_true(ovpn_v2_server_key_parse(genuine_v2_server, key));
    return ovpn_wrap_key_new(OVPN_WRAP_CRYPT_V2, key, OVPN_V2_SERVER_KEY, NULL, 0);
}

static void
test_metadata(void)
{
    static const struct {
        const char *bytes;
        bool good;
    } cases[] = {
        {"", true},
        {"00", true},
        {"00 68656c6c6f", true},
        {"01 0000000066000000", true},
        {"01 000066", false},
        {"01", false},
        {"02", false},
        {"01 000000006600000000", false},
    };
    uint8_t key[OVPN_V2_SERVER_KEY];
    struct ovpn_wrap_key *server = v2_server(key);
    g_autofree char *most = g_strnfill(2 * (OVPN_WKC_MAX - SIV_TAG - OVPN_STATIC_KEY - 2), '0');
    g_autofree char *more = g_strconcat(most, "00", NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ovpn_wrap_key *k = open_made(server, key, cases[i].bytes);
        g_assert_true((k != NULL) == cases[i].good);
        ovpn_wrap_key_unref(k);
    }
    struct ovpn_wrap_key *k = open_made(server, key, most);
    g_assert_nonnull(k);
    ovpn_wrap_key_unref(k);
    g_assert_null(open_made(server, key, more));
    ovpn_wrap_key_unref(server);
}

static void
test_client_file(void)
{
    uint8_t key[OVPN_V2_SERVER_KEY];
    uint8_t random[OVPN_STATIC_KEY];
    uint8_t file[1024];
    uint8_t theirs[1024];
    struct ovpn_wrap_key *server = v2_server(key);
    size_t len = 0;
    struct pair p;

    count_key(random);
    char *pem = ovpn_v2_client_key_make(key, random, NOW);
    size_t n = client_bytes(pem, file, sizeof(file));
    secret_free_str(pem);
    g_assert_cmpuint(n, ==, client_bytes(genuine_v2_client, theirs, sizeof(theirs)));
    g_assert_cmpmem(file, sizeof(random), random, sizeof(random));

    const uint8_t *wkc = file + OVPN_STATIC_KEY;
    size_t wkc_len = n - OVPN_STATIC_KEY;
    struct ovpn_wrap_key *opened = open_behind(server, wkc, wkc_len, &len);
    g_assert_nonnull(opened);
    g_assert_cmpuint(len, ==, 54);
    begin(&p, crypt_key(random, false), opened);
    check_pair(&p);

    for (size_t bit = 0; bit < 8 * wkc_len; bit++) {
        file[OVPN_STATIC_KEY + bit / 8] ^= (uint8_t)(1 << bit % 8);
        g_assert_null(open_behind(server, wkc, wkc_len, &len));
        g_assert_cmpuint(len, ==, 54 + wkc_len);
        file[OVPN_STATIC_KEY + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < wkc_len; cut++)
        g_assert_null(open_behind(server, wkc, cut, &len));
    ovpn_wrap_key_unref(server);
}

/* The server's v2 key itself wraps nothing. */
static void
test_v2_is_no_session(void)
{
    uint8_t key[OVPN_V2_SERVER_KEY];
    struct ovpn_wrap_key *server = v2_server(key);
    struct ovpn_control c = control("x");
    struct ovpn_control got;
    uint8_t bytes[256] = {0};
    size_t len = sizeof(bytes);
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct pair p;

    g_assert_cmpint(ovpn_wrap_key_kind(server), ==, OVPN_WRAP_CRYPT_V2);
    begin(&p, server, ovpn_wrap_key_ref(server));
    g_assert_false(ovpn_wrap_seal(&p.server, &c, NOW, &w));
    g_assert_cmpint(ovpn_wrap_open(&p.server, bytes, len, true, &got), ==, DROP_MALFORMED);
    end(&p);
    begin_crypt(&p);
    g_assert_null(ovpn_wrap_open_wkc(p.server.key, bytes, &len));
    end(&p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/wrap/vectors", test_vectors);
    g_test_add_func("/openvpn/wrap/genuine", test_genuine);
    g_test_add_func("/openvpn/wrap/genuine-v2", test_genuine_v2);
    g_test_add_func("/openvpn/wrap/both-ways", test_both_ways);
    g_test_add_func("/openvpn/wrap/reflection", test_reflection);
    g_test_add_func("/openvpn/wrap/no-room", test_no_room);
    g_test_add_func("/openvpn/wrap/digest", test_digest);
    g_test_add_func("/openvpn/wrap/threads", test_threads);
    g_test_add_func("/openvpn/wrap/replay", test_replay);
    g_test_add_func("/openvpn/wrap/id-zero", test_id_zero);
    g_test_add_func("/openvpn/wrap/time-stays", test_time_stays);
    g_test_add_func("/openvpn/wrap/static-file", test_static_file);
    g_test_add_func("/openvpn/wrap/server-file", test_server_file);
    g_test_add_func("/openvpn/wrap/metadata", test_metadata);
    g_test_add_func("/openvpn/wrap/client-file", test_client_file);
    g_test_add_func("/openvpn/wrap/v2-is-no-session", test_v2_is_no_session);
    return g_test_run();
}
