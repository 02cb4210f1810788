/* SPDX-License-Identifier: Apache-2.0 */
/* test-sealed.c - opens with the right key and context alone; the key file. */

#include "core/base/error.h"
#include "core/crypto/sealed.h"

#include <glib.h>
#include <glib/gstdio.h>

#include <string.h>

static const uint8_t key_bytes[SEALED_KEY] = "0123456789abcdef0123456789abcde";

static void
test_round_trip(void)
{
    struct sealed_key *k = sealed_key_new(key_bytes);
    static const char text[] = "a hash of twenty byte";
    for (size_t len = 0; len < sizeof(text); len++) {
        g_autoptr(GBytes) sealed = sealed_seal(k, "users/1/nt_hash/anna", text, len);
        size_t n;
        const void *at = g_bytes_get_data(sealed, &n);
        g_assert_cmpuint(n, ==, len + SEALED_NONCE + SEALED_TAG);
        struct secret *open = sealed_open(k, "users/1/nt_hash/anna", at, n);
        g_assert_nonnull(open);
        g_assert_cmpmem(open->bytes, (int)open->len, text, (int)len);
        secret_free(open);
    }
    sealed_key_free(k);
}

static void
test_refuses(void)
{
    struct sealed_key *k = sealed_key_new(key_bytes);
    g_autoptr(GBytes) sealed = sealed_seal(k, "users/1/nt_hash/anna", "secret", 6);
    g_autoptr(GBytes) again = sealed_seal(k, "users/1/nt_hash/anna", "secret", 6);
    g_assert_false(g_bytes_equal(sealed, again)); /* a fresh nonce each time */

    size_t n;
    const uint8_t *at = g_bytes_get_data(sealed, &n);
    g_assert_null(sealed_open(k, "users/1/nt_hash/bert", at, n)); /* moved to another row */
    g_assert_null(sealed_open(k, "users/1/sevpn_hash/anna", at, n));
    g_assert_null(sealed_open(k, "", at, n));
    for (size_t len = 0; len < n; len++) {
        g_autofree void *exact = g_memdup2(at, len);
        g_assert_null(sealed_open(k, "users/1/nt_hash/anna", exact, len));
    }
    g_autofree uint8_t *bad = g_memdup2(at, n);
    for (size_t i = 0; i < n; i++) {
        bad[i] ^= 0x10;
        g_assert_null(sealed_open(k, "users/1/nt_hash/anna", bad, n));
        bad[i] ^= 0x10;
    }
    uint8_t other_bytes[SEALED_KEY] = {1};
    struct sealed_key *other = sealed_key_new(other_bytes);
    g_assert_null(sealed_open(other, "users/1/nt_hash/anna", at, n));
    sealed_key_free(other);
    sealed_key_free(k);
    sealed_key_free(NULL);
}

static void
test_key_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("test-sealed-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "key", NULL);

    g_assert_null(sealed_key_load(path, false, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_clear_error(&error);

    struct sealed_key *k = sealed_key_load(path, true, &error);
    g_assert_no_error(error);
    GStatBuf st;
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0600);
    g_assert_cmpint(st.st_size, ==, SEALED_KEY);
    g_autoptr(GBytes) sealed = sealed_seal(k, "c", "x", 1);
    sealed_key_free(k);

    g_assert_cmpint(g_chmod(path, 0644), ==, 0);
    k = sealed_key_load(path, true, &error); /* the same key again, and its mode put right */
    g_assert_no_error(error);
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0600);
    struct secret *open =
        sealed_open(k, "c", g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    g_assert_nonnull(open);
    secret_free(open);
    sealed_key_free(k);

    g_assert_true(g_file_set_contents(path, "short", 5, NULL));
    g_assert_null(sealed_key_load(path, true, &error)); /* never replaced by a new one */
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sealed/round-trip", test_round_trip);
    g_test_add_func("/sealed/refuses", test_refuses);
    g_test_add_func("/sealed/key-file", test_key_file);
    return g_test_run();
}
