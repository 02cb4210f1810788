/* SPDX-License-Identifier: Apache-2.0 */
/* test-sevpn-wire.c - messages before the data: those of real programs, our own, and broken ones.
 */

#include "core/base/error.h"
#include "core/crypto/sha0.h"
#include "core/proto/sevpn/message.h"
#include "core/proto/sevpn/wire.h"
#include "tests/support/vectors.h"

#include <string.h>

static struct pack *
parse_vector(const char *name)
{
    g_autoptr(GByteArray) bytes = vector_read(name);
    struct pack *p = pack_parse(reader_of(bytes->data, bytes->len), &pack_limits_login);

    g_assert_nonnull(p);
    return p;
}

static void
test_signature(void)
{
    g_autofree uint8_t *zeroes = g_malloc0(SEVPN_SIGNATURE_MAX + 1);

    g_assert_true(sevpn_signature_ok(reader_of("VPNCONNECT", 10)));
    g_assert_false(sevpn_signature_ok(reader_of("vpnconnect", 10)));
    g_assert_false(sevpn_signature_ok(reader_of("VPNCONNECT1", 11)));
    g_assert_false(sevpn_signature_ok(reader_of("", 0)));
    for (size_t n = SEVPN_WATERMARK - 1; n <= SEVPN_SIGNATURE_MAX + 1; n += 500)
        g_assert_false(sevpn_signature_ok(reader_of(zeroes, n))); /* right size, wrong picture */
}

static void
test_real_hello(void)
{
    struct pack *p = parse_vector("hello-server");
    struct sevpn_hello h;

    g_assert_true(sevpn_hello_parse(p, &h));
    g_assert_cmpuint(h.version, ==, 501);
    g_assert_cmpuint(h.build, ==, 9674);
    g_assert_true(g_str_has_prefix(h.product, "SoftEther VPN Server"));
    pack_free(p);
}

/* The genuine login was made with this challenge, user and password. */
static void
test_real_login(void)
{
    static const uint8_t challenge[20] = {0x2a, 0x5a, 0xf6, 0x54, 0xb3, 0xd5, 0x16,
                                          0xcf, 0x66, 0x82, 0x82, 0x1c, 0x70, 0x6a,
                                          0x57, 0x0e, 0xe0, 0x6f, 0xd9, 0xc4};
    struct pack *p = parse_vector("login-password-client");
    uint8_t hash[20];
    uint8_t want[20];
    struct sevpn_login l;

    g_assert_true(sevpn_login_parse(p, &l));
    g_assert_cmpstr(l.hub, ==, "SPEC");
    g_assert_cmpstr(l.user, ==, "alice");
    g_assert_cmpuint(l.auth, ==, SEVPN_AUTH_HASH);
    g_assert_true(l.encrypt);
    g_assert_false(l.super_frames);
    g_assert_cmpuint(l.client_ver, ==, 501);
    sevpn_user_hash("alice", "microsoft", hash);
    sevpn_secure_password(hash, challenge, want);
    g_assert_cmpmem(want, 20, l.secure_password, 20);
    pack_free(p);
}

static void
test_real_welcome(void)
{
    struct pack *p = parse_vector("welcome-server");
    struct sevpn_welcome w;

    g_assert_true(sevpn_welcome_parse(p, &w));
    g_assert_true(g_str_has_prefix(w.session_name, "SID-"));
    g_assert_cmpuint(w.timeout_ms, ==, 20000);
    g_assert_true(w.encrypt);
    g_assert_cmpuint(w.policy.Access, ==, 1);
    g_assert_false(w.super_frames);
    g_free((char *)(uintptr_t)w.message);
    pack_free(p);
}

/* What we build, we understand; through HTTP and its padding. */
static void
test_login_round_trip(void)
{
    struct sevpn_login l = {.hub = "OFFICE",
                            .user = "anna",
                            .auth = SEVPN_AUTH_PLAIN,
                            .plain_password = "secret",
                            .client_name = "x Client",
                            .host_name = "h",
                            .os_name = "o",
                            .os_ver = "v",
                            .max_connections = 8,
                            .half_duplex = true,
                            .super_frames = true};
    struct sevpn_login got;
    struct pack *built = sevpn_login_build(&l);
    g_autoptr(GByteArray) bytes = sevpn_finish(built);
    struct pack *p = pack_parse(reader_of(bytes->data, bytes->len), &pack_limits_login);

    g_assert_true(sevpn_login_parse(p, &got));
    g_assert_cmpstr(got.hub, ==, "OFFICE");
    g_assert_cmpstr(got.plain_password, ==, "secret");
    g_assert_cmpuint(got.max_connections, ==, 8);
    g_assert_true(got.half_duplex);
    g_assert_true(got.encrypt);
    g_assert_true(got.super_frames);
    g_assert_false(got.compress);
    pack_free(p);
}

static void
test_login_sizes(void)
{
    uint8_t bytes[21] = {0};
    struct sevpn_login l = {.auth = 77};

    for (size_t n = 0; n <= 21; n++) {
        struct pack *p = pack_new();
        pack_add_int(p, "authtype", SEVPN_AUTH_HASH);
        pack_add_data(p, "secure_password", bytes, n);
        g_assert_cmpint(sevpn_login_parse(p, &l), ==, n == 20);
        pack_free(p);
        if (n < 20)
            g_assert_cmpuint(l.auth, ==, 77); /* a failed parse writes nothing */
    }
    struct pack *p = pack_new();
    pack_add_int(p, "max_connection", 100);
    g_assert_true(sevpn_login_parse(p, &l));
    g_assert_cmpuint(l.max_connections, ==, 32);
    pack_free(p);
    p = pack_new();
    g_assert_true(sevpn_login_parse(p, &l));
    g_assert_cmpuint(l.max_connections, ==, 1);
    pack_free(p);
}

static struct pack *
make_welcome(unsigned timeout_ms, bool half, unsigned connections)
{
    struct sevpn_welcome w = {.session_name = "SID-A-1",
                              .connection_name = "CID-1",
                              .max_connections = connections,
                              .timeout_ms = timeout_ms,
                              .encrypt = true,
                              .half_duplex = half,
                              .message = "hello"};
    return sevpn_welcome_build(&w);
}

static void
test_welcome_limits(void)
{
    static const struct {
        unsigned timeout_ms, connections;
        bool half, ok;
    } cases[] = {{20000, 1, false, true}, {4999, 1, false, false}, {60001, 1, false, false},
                 {0, 1, false, false},    {5000, 1, false, true},  {60000, 32, false, true},
                 {20000, 1, true, false}, {20000, 2, true, true}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct pack *p = make_welcome(cases[i].timeout_ms, cases[i].half, cases[i].connections);
        struct sevpn_welcome w;
        bool ok = sevpn_welcome_parse(p, &w);
        g_assert_cmpint(ok, ==, cases[i].ok);
        if (ok) {
            g_assert_cmpstr(w.message, ==, "hello");
            g_free((char *)(uintptr_t)w.message);
        }
        pack_free(p);
    }
}

static void
test_connections(void)
{
    g_assert_cmpuint(sevpn_connections_for(1, false, false), ==, 1);
    g_assert_cmpuint(sevpn_connections_for(1, false, true), ==, 2);
    g_assert_cmpuint(sevpn_connections_for(1, true, false), ==, 2);
    g_assert_cmpuint(sevpn_connections_for(1, true, true), ==, 4);
    g_assert_cmpuint(sevpn_connections_for(100, false, false), ==, 32);
}

static void
test_response(void)
{
    g_autoptr(GByteArray) all = sevpn_response_pack(sevpn_error_build(PE_AUTH_FAILED));
    struct pack *p = NULL;

    for (guint n = 0; n < all->len; n++) {
        g_autoptr(GByteArray) part = g_byte_array_new();
        g_byte_array_append(part, all->data, n);
        g_assert_cmpint(sevpn_response_take(part, &p), ==, HTTP_MORE);
        g_assert_cmpuint(part->len, ==, n);
    }
    g_byte_array_append(all, (const guint8 *)"rest", 4);
    g_assert_cmpint(sevpn_response_take(all, &p), ==, HTTP_OK);
    g_assert_cmpuint(sevpn_error_of(p), ==, PE_AUTH_FAILED);
    g_assert_cmpmem(all->data, all->len, "rest", 4); /* what follows belongs to the channel */
    pack_free(p);

    static const char *const bad[] = {
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhtml",
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 99999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\n\1\1\1\1",
        "SSH-2.0-OpenSSH_9.2\r\n"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GByteArray) in = g_byte_array_new();
        g_byte_array_append(in, (const guint8 *)bad[i], (guint)strlen(bad[i]));
        g_assert_cmpint(sevpn_response_take(in, &p), ==, HTTP_BAD);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sevpn/wire/signature", test_signature);
    g_test_add_func("/sevpn/wire/real-hello", test_real_hello);
    g_test_add_func("/sevpn/wire/real-login", test_real_login);
    g_test_add_func("/sevpn/wire/real-welcome", test_real_welcome);
    g_test_add_func("/sevpn/wire/login-round-trip", test_login_round_trip);
    g_test_add_func("/sevpn/wire/login-sizes", test_login_sizes);
    g_test_add_func("/sevpn/wire/welcome-limits", test_welcome_limits);
    g_test_add_func("/sevpn/wire/connections", test_connections);
    g_test_add_func("/sevpn/wire/response", test_response);
    return g_test_run();
}
