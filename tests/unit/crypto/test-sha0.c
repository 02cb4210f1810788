/* SPDX-License-Identifier: Apache-2.0 */
/* test-sha0.c - known answers; the padding around a block's end; the hashes of SE-VPN. */

#include "core/crypto/sha0.h"

#include <glib.h>

#include <string.h>

static char *
hex(const uint8_t hash[SHA0_SIZE])
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < SHA0_SIZE; i++)
        g_string_append_printf(s, "%02x", hash[i]);
    return g_string_free(s, FALSE);
}

static void
assert_hash(const uint8_t hash[SHA0_SIZE], const char *want)
{
    g_autofree char *got = hex(hash);
    g_assert_cmpstr(got, ==, want);
}

static const struct {
    const char *text, *want;
} known[] = {
    {"", "f96cea198ad1dd5617ac084a3d92c6107708c0ef"},
    {"abc", "0164b8a914cd2a5e74c4f7ff082c4d97f1edf880"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "d2516ee1acfa5baf33dfc1c471e438449ef134c8"},
    {"topsecret", "72b1e923d1dcd6708371cdf926ac4aaf4e7d3b3f"},
};

static void
test_known(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        uint8_t h[SHA0_SIZE];
        sha0(known[i].text, strlen(known[i].text), h);
        assert_hash(h, known[i].want);
    }
}

/* One chained hash over the messages of 0 to 200 bytes, so that every way to pad is in it. The
 * value was computed by a second, independent implementation. */
static void
test_every_length(void)
{
    uint8_t message[200 + SHA0_SIZE] = {0}, chain[SHA0_SIZE] = {0};
    for (size_t len = 0; len <= 200; len++) {
        for (size_t i = 0; i < len; i++)
            message[i] = (uint8_t)(len + i);
        memcpy(message + len, chain, sizeof(chain));
        sha0(message, len + sizeof(chain), chain);
    }
    assert_hash(chain, "f056de8b5cb94303406ebff130588ac295e401a8");
}

static void
test_user_hash(void)
{
    uint8_t h[SHA0_SIZE], upper[SHA0_SIZE];
    sevpn_user_hash("alice", "microsoft", h);
    assert_hash(h, "fca3d54fcb9db1bded482bbd019048acfe3143c0");
    sevpn_user_hash("ALICE", "microsoft", upper);
    g_assert_cmpmem(h, sizeof(h), upper, sizeof(upper));
    sevpn_user_hash("Bob.Smith", "Passw0rd!", h);
    assert_hash(h, "344a88e7c2594fc6818cd39e921365a781478c41");
    sevpn_user_hash("alice", "", h);
    assert_hash(h, "6a18e99e88f473726bc3b5e1e9d6836529c49a80");
    sevpn_user_hash("Administrator", "hubpw", h);
    assert_hash(h, "05132281fae39f4963c89edddb7c01436a726b3f");

    /* Only ASCII is made upper case: "ä" stays as it is. */
    uint8_t joined[SHA0_SIZE];
    sevpn_user_hash("\xc3\xa4z", "p", h);
    sha0("p\xc3\xa4Z", 4, joined);
    g_assert_cmpmem(h, sizeof(h), joined, sizeof(joined));
}

static void
test_secure_password(void)
{
    uint8_t challenge[20], h[SHA0_SIZE], out[SHA0_SIZE];
    for (unsigned i = 0; i < sizeof(challenge); i++)
        challenge[i] = (uint8_t)i;
    sevpn_user_hash("alice", "microsoft", h);
    sevpn_secure_password(h, challenge, out);
    assert_hash(out, "8425f027b23dde0d90cbb01eb471655840dbde63");
    sha0("topsecret", 9, h);
    sevpn_secure_password(h, challenge, out);
    assert_hash(out, "51744e7eeab7430dc644d86c623a96dba6140fea");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sha0/known", test_known);
    g_test_add_func("/sha0/every-length", test_every_length);
    g_test_add_func("/sha0/user-hash", test_user_hash);
    g_test_add_func("/sha0/secure-password", test_secure_password);
    return g_test_run();
}
